//! Entry points for fuzzing: what parses input of clients, as plain functions.

use std::sync::Arc;

use axum::extract::FromRequest;
use hyper::body::Bytes;

use crate::{
    call::{Call, Upload},
    render::{Budget, render},
};

/// Fills a template from an event in JSON. `None` if the event is not JSON.
pub fn template(template: &str, event: &str) -> Option<Result<String, String>> {
    let event = serde_json::from_str(event).ok()?;
    Some(render(template, &[&event], &mut Budget::default()))
}

/// The files of a call's body, by name and size.
///
/// # Errors
/// The status with which the call is refused.
pub async fn files(content_type: &str, body: Vec<u8>) -> Result<Vec<(String, usize)>, u16> {
    let request = http::Request::post("/")
        .header("content-type", content_type)
        .body(axum::body::Body::from(Bytes::from(body)))
        .map_err(|_| 400_u16)?;
    let call = Call::from_request(request, &Arc::new(())).await;
    let call = call.map_err(|refusal| refusal.status.as_u16())?;
    let named = |upload: Upload| (upload.name, upload.bytes.len());
    Ok(call.files.into_iter().map(named).collect())
}
