//! Publishing by REST, and event streams.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State as Shared,
    response::{IntoResponse, Response},
};
use futures_util::stream::{StreamExt, iter, once, unfold};
use http::header;
use hyper::body::Bytes;
use tokio::sync::mpsc;

use crate::{
    app_state::AppState,
    call::{Call, valid_token},
    event::{FROM_API, MAX_NAME_BYTES, RESERVED_NAME, is_reserved},
    guesses::{KEEP_ALIVE, OVER_LIMIT_STATUS, REST_EVENT_DATA_BYTES},
    response::{ApiError, ApiResult, api_error, bad_request, ok},
    streams::Filter,
};

/// A client that adds its listener after the response's head would lose an event in the same packet.
const HEAD_START: Duration = Duration::from_millis(10);

/// `POST /v1/devices/events` and `POST /v1/products/:product/events`
pub(crate) async fn publish(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let product = call.product(&app)?;
    let name = call.field("name").ok_or_else(|| bad_request("name is required"))?;
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(bad_request(
            "name must have 1 to 64 characters, none of them a control character",
        ));
    }
    if is_reserved(&name) {
        return Err(bad_request(RESERVED_NAME));
    }
    let data = event_data(&call)?;
    app.publish(app.event(&name, data, FROM_API, product));
    ok()
}

/// What a call publishes.
pub(crate) fn event_data(call: &Call) -> Result<Option<String>, ApiError> {
    let data = call.text_field("data")?;
    if data.as_deref().is_some_and(|data| data.len() > REST_EVENT_DATA_BYTES) {
        return Err(api_error(413, "too_large", "data is larger than 16 KiB"));
    }
    Ok(data)
}

/// `GET /v1/devices/events[/:prefix]` and the product form: all events of the account or the product
pub(crate) async fn all(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    stream(app, &call, None)
}

/// `GET /v1/devices/:device/events[/:prefix]` and the product form: the events of one device
pub(crate) async fn of_device(Shared(app): Shared<Arc<AppState>>, call: Call) -> ApiResult {
    call.signed_in(&app)?;
    let device = call.device(&app)?;
    stream(app, &call, Some(device))
}

fn stream(app: Arc<AppState>, call: &Call, device: Option<String>) -> ApiResult {
    let filter =
        Filter { product: call.product(&app)?, prefix: call.path("prefix").to_owned(), device };
    let token = call.signed_in(&app)?;
    let frames = app.streams.listen(filter, app.now());
    let first = vec![Bytes::from_static(b":ok\n\n")];
    Ok(sse(app, token.hash, first, frames.ok_or_else(too_many)?))
}

pub(crate) fn too_many() -> ApiError {
    api_error(
        OVER_LIMIT_STATUS,
        "too_many_streams",
        "more than 100 streams at once, or opened within 5 minutes",
    )
}

/// A response that lasts until the client leaves, falls behind, or its token ends.
pub(crate) fn sse(
    app: Arc<AppState>,
    token: String,
    first: Vec<Bytes>,
    frames: mpsc::Receiver<Bytes>,
) -> Response {
    let mut stopping = app.stopping.subscribe();
    let stopped = async move { drop(stopping.wait_for(|stop| *stop).await) };
    let rest = unfold((app, token, frames), |(app, token, mut frames)| async {
        let frame = tokio::select! {
            frame = frames.recv() => frame?,
            () = app.config.clock.sleep(KEEP_ALIVE) => Bytes::from_static(b"\n"),
        };
        valid_token(&app, &token)?;
        Some((frame, (app, token, frames)))
    });
    let pause = once(tokio::time::sleep(HEAD_START)).filter_map(async |()| None);
    let body = iter(first).chain(pause).chain(rest).take_until(stopped);
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    let body = body.map(Ok::<_, std::convert::Infallible>);
    (headers, Body::from_stream(body)).into_response()
}
