//! One listener: bounded connections, bounded requests, and a clean end.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration,
};

use bytes::Bytes;
use delivery::problem::Problem;
use door::Incoming;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::service::service_fn;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::{limits, turns::Turns};

/// How much of a listener strangers may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections and heads.
    pub door: door::Bounds,
    /// How long a sender may take for its body.
    pub body_within: Duration,
    /// Requests answered at once; the next ones wait for `queue_for`, the newest in front. The engine writes one at a time,
    /// and its callers' patience is short: of 200 at the same moment on a busy machine, 128 at once failed them all, 16 at
    /// once none.
    pub requests: usize,
    /// How long one of them counts. An answer that is held back for its owner does no work.
    pub turn_for: Duration,
    /// Requests with a body above [`SMALL_BODY`] at once, from the first byte above it on; the next ones wait as well. A body
    /// is in memory several times over while a function reads it.
    pub large_bodies: usize,
    /// How long a request waits for its turn before it gets a 503: long enough for a classroom's burst, and short enough that a
    /// sender that waits for at most 20 s, as Particle does, gets to see it. A large body may wait as long before, and a stuck
    /// engine is given up within 9 s after.
    pub queue_for: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            door: door::Bounds {
                // The largest head that can still be answered with a reason; a larger one ends the connection.
                head_bytes: 2 * (limits::MAX_URL + limits::MAX_HEADERS),
                // After a rush most of those who wait have hung up, and there is no other sign of it.
                half_close: false,
                ..door::Bounds::default()
            },
            body_within: Duration::from_secs(30),
            requests: 16,
            turn_for: Duration::from_secs(3),
            large_bodies: 8,
            queue_for: Duration::from_secs(9),
        }
    }
}

/// Bodies up to this many bytes wait for no turn to be read: the largest that is kept whole.
pub const SMALL_BODY: usize = 256 * 1024;
/// Most of a refused body that is read, so that its sender gets to see the answer.
const DRAIN_AT_MOST: usize = 16 * 1024 * 1024;

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
    pub fn start(listener: TcpListener, bounds: Bounds, handler: Handler) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let work = Arc::new(Work {
            bounds,
            requests: Turns::new(bounds.requests),
            large_bodies: Arc::new(Semaphore::new(bounds.large_bodies)),
        });
        let service = move |peer| {
            let (handler, work) = (Arc::clone(&handler), Arc::clone(&work));
            service_fn(move |request| {
                let (handler, work) = (Arc::clone(&handler), Arc::clone(&work));
                // Where such a request ends, something before us may see otherwise; so nothing after it is believed.
                let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
                async move {
                    let mut answer = work.answer(request, peer, handler).await;
                    if is_last {
                        let close = http::HeaderValue::from_static("close");
                        answer.headers_mut().insert(header::CONNECTION, close);
                    }
                    Ok::<_, Infallible>(answer.map(Full::new))
                }
            })
        };
        let task = tokio::spawn(door::serve(listener, bounds.door, service, stopped));
        Ok(Server { addr, stop, task })
    }

    /// Takes no more connections, lets answers on their way go out, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Who may have the machine's time and memory now.
struct Work {
    bounds: Bounds,
    requests: Arc<Turns>,
    large_bodies: Arc<Semaphore>,
}

impl Work {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        handler: Handler,
    ) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        if let Some(problem) = limits::refusal(&parts) {
            // Who asks first will not send what is refused.
            if !parts.headers.contains_key(header::EXPECT) {
                let _ = timeout(
                    self.bounds.body_within,
                    drain(Limited::new(body, DRAIN_AT_MOST)),
                )
                .await;
            }
            return refused(problem);
        }
        let (body, _large) = match timeout(self.bounds.body_within, self.read(body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(refusal)) => return refusal,
            Err(_) => {
                let seconds = self.bounds.body_within.as_secs();
                let detail = format!("the body did not arrive within {seconds} s");
                return refused(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
            }
        };
        if let Some(problem) = limits::body_refusal(&parts.method, body.len()) {
            return refused(problem);
        }
        let Ok(turn) = timeout(self.bounds.queue_for, self.requests.next()).await else {
            return busy();
        };
        // Who hangs up while it waits for its turn is forgotten. From here on it is done to the end, whoever waits for it.
        let answering = handler(Request::from_parts(parts, body), peer);
        let turn_for = self.bounds.turn_for;
        let answering = tokio::spawn(async move {
            let mut answering = answering;
            if let Ok(answer) = timeout(turn_for, &mut answering).await {
                return answer;
            }
            // It waits because its owner said so, or for an engine that is stuck: others need not.
            drop(turn);
            answering.await
        });
        answering.await.unwrap_or_else(|_| {
            let detail = "the server gave up on this request";
            refused(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail))
        })
    }

    /// The whole body, with the turn that a large one needs.
    async fn read(
        &self,
        body: Incoming,
    ) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Response<Bytes>> {
        let mut limited = Limited::new(body, limits::MAX_BODY + DRAIN_AT_MOST);
        let mut bytes = Vec::new();
        let mut turn = None;
        while let Some(frame) = limited.frame().await {
            let data = match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => data,
                Ok(Err(_trailers)) => continue,
                Err(error) if error.is::<LengthLimitError>() => {
                    return Err(refused(limits::too_large_a_body()));
                }
                Err(_) => {
                    let detail = "the body broke off";
                    return Err(refused(Problem::new(StatusCode::BAD_REQUEST, detail)));
                }
            };
            if turn.is_none() && bytes.len() + data.len() > SMALL_BODY {
                let next = Arc::clone(&self.large_bodies).acquire_owned();
                let Ok(Ok(large)) = timeout(self.bounds.queue_for, next).await else {
                    drop(bytes);
                    drain(limited).await;
                    return Err(busy());
                };
                turn = Some(large);
            }
            if bytes.len() <= limits::MAX_BODY {
                bytes.extend_from_slice(&data);
            }
        }
        Ok((bytes.into(), turn))
    }
}

/// Reads what is not wanted.
async fn drain(mut body: Limited<Incoming>) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn refused(problem: Problem) -> Response<Bytes> {
    problem.into_response().map(Bytes::from)
}

fn busy() -> Response<Bytes> {
    let detail = "too many requests at once; try again";
    let mut response = refused(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    response
}
