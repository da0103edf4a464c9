//! The four calls of the Runtime API.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, anyhow};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use crate::Invocation;

/// The events that wait for the function, and the one that it is working on.
#[derive(Debug)]
pub(crate) struct Queue {
    events: mpsc::UnboundedSender<Event>,
    waiting: Mutex<mpsc::UnboundedReceiver<Event>>,
    open: Mutex<Option<Open>>,
    init: watch::Sender<Init>,
}

#[derive(Clone, Debug, Default)]
enum Init {
    #[default]
    Running,
    Done(Instant),
    Failed(String),
}

#[derive(Debug)]
struct Event {
    json: String,
    deadline: Duration,
    result: oneshot::Sender<Invocation>,
}

#[derive(Debug)]
struct Open {
    id: String,
    since: Instant,
    result: oneshot::Sender<Invocation>,
}

impl Default for Queue {
    fn default() -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        Queue {
            events,
            waiting: Mutex::new(waiting),
            open: Mutex::default(),
            init: watch::Sender::default(),
        }
    }
}

impl Queue {
    /// When the function first asked for an event; an error if it reported that it can't start.
    pub(crate) async fn initialised(&self) -> anyhow::Result<Instant> {
        let mut init = self.init.subscribe();
        let init = init.wait_for(|init| !matches!(init, Init::Running)).await;
        match &*init.context("the Runtime API is gone")? {
            Init::Done(at) => Ok(*at),
            Init::Failed(error) => {
                Err(anyhow!("the function reported that it can't start: {error}"))
            }
            Init::Running => unreachable!("waited for the end of it"),
        }
    }

    /// The function's result for an event.
    pub(crate) async fn invoke(
        &self,
        json: String,
        deadline: Duration,
    ) -> anyhow::Result<Invocation> {
        let (result, received) = oneshot::channel();
        self.events.send(Event { json, deadline, result })?;
        received.await.context("the function dropped the event")
    }

    async fn finish(&self, id: &str, json: String, ok: bool) -> StatusCode {
        let Some(open) = self.open.lock().await.take_if(|open| open.id == id) else {
            return StatusCode::BAD_REQUEST;
        };
        let took = open.since.elapsed();
        // Nobody receives it if the caller has given up.
        let _ = open.result.send(Invocation { json, ok, took });
        StatusCode::ACCEPTED
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the function is told a deadline by the system's clock, and how long it took is measured"
)]
async fn next(State(queue): State<Arc<Queue>>) -> impl IntoResponse {
    queue.init.send_if_modified(|init| {
        let is_first = matches!(init, Init::Running);
        if is_first {
            *init = Init::Done(Instant::now());
        }
        is_first
    });
    let event = queue.waiting.lock().await.recv().await;
    let event = event.ok_or(StatusCode::GONE)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let id = format!("00000000-0000-4000-8000-{:012x}", now.as_micros() & 0xffff_ffff_ffff);
    *queue.open.lock().await =
        Some(Open { id: id.clone(), since: Instant::now(), result: event.result });
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", (now + event.deadline).as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:local".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned(),
        ),
    ];
    Ok::<_, StatusCode>((headers, event.json))
}

async fn finish(
    State(queue): State<Arc<Queue>>,
    Path((id, how)): Path<(String, String)>,
    json: String,
) -> StatusCode {
    match how.as_str() {
        "response" => queue.finish(&id, json, true).await,
        "error" => queue.finish(&id, json, false).await,
        _ => StatusCode::NOT_FOUND,
    }
}

async fn init_error(State(queue): State<Arc<Queue>>, error: String) -> StatusCode {
    queue.init.send_replace(Init::Failed(error));
    StatusCode::ACCEPTED
}

pub(crate) fn router(queue: Arc<Queue>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{how}", post(finish))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(queue)
}
