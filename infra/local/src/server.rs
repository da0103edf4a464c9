//! One listener: bounded connections, bounded requests, and a clean end.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration,
};

use bytes::Bytes;
use delivery::problem::Problem;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::limits;

/// Connections served at once; the next ones wait in the system's queue. A process may have 1,024 files open by default.
const MAX_CONNECTIONS: usize = 512;
/// Requests answered at once; the next ones wait, and give up after [`QUEUE_FOR`].
const MAX_REQUESTS: usize = 128;
/// How long a request waits for its turn before it gets a 503.
const QUEUE_FOR: Duration = Duration::from_secs(5);
/// How long a sender may take for its head, and an idle connection may idle.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long a sender may take for its body.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// More headers than any sender has; the bytes are limited besides.
const MAX_HEADER_COUNT: usize = 1024;
/// Most of a refused body that is read, so that its sender gets to see the answer.
const DRAIN_AT_MOST: usize = 16 * 1024 * 1024;
/// How long answers that are on their way may take when the server ends.
const END_WITHIN: Duration = Duration::from_secs(3);

/// The response to one whole request.
pub type Responding = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;
/// What answers whole requests.
pub type Handler = Arc<dyn Fn(Request<Bytes>, SocketAddr) -> Responding + Send + Sync>;

/// A listener that is being served.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves a listener until [`stop`](Self::stop).
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(listener: TcpListener, handler: Handler) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, handler, stopped));
        Ok(Server { addr, stop, task })
    }

    /// Takes no more connections, lets answers on their way go out, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn serve(listener: TcpListener, handler: Handler, mut stopped: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let stopping = async { stopped.wait_for(|stop| *stop).await.map(drop) };
        let accepted = tokio::select! {
            _ = stopping => break,
            accepted = accepted => accepted,
        };
        let (Ok(permit), Ok((stream, peer))) = accepted else {
            // Out of files, most likely: connections will end and give some back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (handler, requests) = (Arc::clone(&handler), Arc::clone(&requests));
        let service = service_fn(move |request| {
            let (handler, requests) = (Arc::clone(&handler), Arc::clone(&requests));
            async move {
                Ok::<_, Infallible>(whole(request, peer, handler, requests).await.map(Full::new))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_headers(MAX_HEADER_COUNT)
            // The largest head that can still be answered with a reason; hyper closes on a larger one.
            .max_buf_size(2 * (limits::MAX_URL + limits::MAX_HEADERS))
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that broke is its sender's to know; a request that was not whole was never taken.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let _ = timeout(END_WITHIN, graceful.shutdown()).await;
}

async fn whole(
    request: Request<Incoming>,
    peer: SocketAddr,
    handler: Handler,
    requests: Arc<Semaphore>,
) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    if let Some(problem) = limits::refusal(&parts) {
        drain(body).await;
        return problem.into_response().map(Bytes::from);
    }
    let collected = timeout(BODY_WITHIN, read(body)).await;
    let body = match collected {
        Ok(Ok(body)) => body,
        Ok(Err(problem)) => return problem.into_response().map(Bytes::from),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", BODY_WITHIN.as_secs());
            return Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
                .into_response()
                .map(Bytes::from);
        }
    };
    if let Some(problem) = limits::body_refusal(&parts.method, body.len()) {
        return problem.into_response().map(Bytes::from);
    }
    let Ok(Ok(_turn)) = timeout(QUEUE_FOR, requests.acquire()).await else {
        return busy();
    };
    handler(Request::from_parts(parts, body), peer).await
}

/// The whole body, or why not.
async fn read(body: Incoming) -> Result<Bytes, Problem> {
    let mut limited = Limited::new(body, limits::MAX_BODY + DRAIN_AT_MOST);
    let mut bytes = Vec::new();
    while let Some(frame) = limited.frame().await {
        let Ok(frame) = frame else {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the body broke off"));
        };
        if let Ok(data) = frame.into_data()
            && bytes.len() <= limits::MAX_BODY
        {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.into())
}

async fn drain(body: Incoming) {
    let mut limited = Limited::new(body, DRAIN_AT_MOST);
    let all = async { while let Some(Ok(_)) = limited.frame().await {} };
    let _ = timeout(BODY_WITHIN, all).await;
}

fn busy() -> Response<Bytes> {
    let mut response = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many requests at once; try again",
    )
    .into_response()
    .map(Bytes::from);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    response
}
