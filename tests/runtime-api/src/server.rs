//! The four calls of the Runtime API.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, oneshot, watch},
    task::JoinSet,
};

use crate::Answer;

const PREFIX: &str = "/2018-06-01/runtime/";

/// Where events wait for the function, and the answer for whoever sent one.
#[derive(Debug)]
pub(crate) struct Desk {
    events: mpsc::UnboundedSender<Event>,
    waiting: Mutex<mpsc::UnboundedReceiver<Event>>,
    /// The event that was handed out and is not answered yet.
    open: Mutex<Option<Open>>,
    start: watch::Sender<Start>,
}

/// How far the function has come with starting.
#[derive(Clone, Debug, Default)]
enum Start {
    #[default]
    Starting,
    Asked(Instant),
    Failed(String),
}

#[derive(Debug)]
struct Event {
    json: String,
    deadline: Duration,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
struct Open {
    id: String,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Default for Desk {
    fn default() -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        Desk {
            events,
            waiting: Mutex::new(waiting),
            open: Mutex::default(),
            start: watch::Sender::default(),
        }
    }
}

impl Desk {
    /// When the function first asked for an event; an error if it said that it can't start.
    pub(crate) async fn first_asked(&self) -> anyhow::Result<Instant> {
        let mut start = self.start.subscribe();
        let start = start
            .wait_for(|start| !matches!(start, Start::Starting))
            .await;
        match &*start.context("the function's desk is closed")? {
            Start::Asked(at) => Ok(*at),
            Start::Failed(error) => Err(anyhow!("the function said that it can't start: {error}")),
            Start::Starting => unreachable!("waited for what follows"),
        }
    }

    /// The function's answer to an event.
    pub(crate) async fn invoke(&self, json: String, deadline: Duration) -> anyhow::Result<Answer> {
        let (answer, answered) = oneshot::channel();
        self.events.send(Event {
            json,
            deadline,
            answer,
        })?;
        answered.await.context("the event was dropped unanswered")
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the function is told a deadline by the system's clock, and how long it took is measured"
    )]
    async fn answer(&self, request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
        let path = request.uri().path().to_owned();
        let call: Vec<&str> = path
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .split('/')
            .collect();
        match (request.method(), call.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => {
                self.start.send_if_modified(|start| {
                    let first = matches!(start, Start::Starting);
                    if first {
                        *start = Start::Asked(Instant::now());
                    }
                    first
                });
                let Some(event) = self.waiting.lock().await.recv().await else {
                    return Ok(status(StatusCode::GONE));
                };
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
                let id = format!(
                    "00000000-0000-4000-8000-{:012x}",
                    now.as_micros() & 0xffff_ffff_ffff
                );
                *self.open.lock().await = Some(Open {
                    id: id.clone(),
                    since: Instant::now(),
                    answer: event.answer,
                });
                Ok(Response::builder()
                    .header("content-type", "application/json")
                    .header("lambda-runtime-aws-request-id", &id)
                    .header(
                        "lambda-runtime-deadline-ms",
                        (now + event.deadline).as_millis().to_string(),
                    )
                    .header(
                        "lambda-runtime-invoked-function-arn",
                        "arn:aws:lambda:us-east-1:000000000000:function:local",
                    )
                    .header(
                        "lambda-runtime-trace-id",
                        "Root=1-00000000-000000000000000000000000;Sampled=0",
                    )
                    .body(event.json.into())?)
            }
            (&Method::POST, ["invocation", id, how @ ("response" | "error")]) => {
                let (id, ok) = ((*id).to_owned(), *how == "response");
                let body = request.into_body().collect().await?.to_bytes();
                let Some(open) = self.open.lock().await.take_if(|open| open.id == id) else {
                    return Ok(status(StatusCode::BAD_REQUEST));
                };
                let answer = Answer {
                    took: open.since.elapsed(),
                    json: String::from_utf8(body.into())
                        .context("the function's answer is not UTF-8")?,
                    ok,
                };
                // Whoever asked may have given up; the function need not know.
                let _ = open.answer.send(answer);
                Ok(status(StatusCode::ACCEPTED))
            }
            (&Method::POST, ["init", "error"]) => {
                let body = request.into_body().collect().await?.to_bytes();
                self.start
                    .send_replace(Start::Failed(String::from_utf8_lossy(&body).into_owned()));
                Ok(status(StatusCode::ACCEPTED))
            }
            _ => Ok(status(StatusCode::NOT_FOUND)),
        }
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("{}"));
    *response.status_mut() = status;
    response
}

/// Serves the API until it is aborted.
pub(crate) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let desk = Arc::clone(&desk);
        let service = service_fn(move |request| {
            let desk = Arc::clone(&desk);
            async move {
                let answer = desk.answer(request).await;
                Ok::<_, Infallible>(
                    answer.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR)),
                )
            }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
