//! One listener: bounded connections, bounded requests, and a clean end.

use std::{
    convert::Infallible, error::Error, future::Future, net::SocketAddr, pin::Pin, sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use delivery::problem::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Body, service::service_fn};
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use crate::{limits, turns::Turns};

/// How much of a listener strangers may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections and heads.
    pub door: door::Bounds,
    /// How long a sender may take for its body.
    pub body_within: Duration,
    /// Requests answered at once; the next ones wait for `queue_for`. The engine writes one at a time, and its callers'
    /// patience is short: of 200 at the same moment on a busy machine, 128 at once failed them all, 16 at once none.
    pub requests: usize,
    /// How long one of them counts. An answer that is held back for its owner does no work.
    pub turn_for: Duration,
    /// Requests with a body above [`SMALL_BODY`] at once, from the first byte above it on; the next ones wait as well. A body
    /// is in memory several times over while a function reads it.
    pub large_bodies: usize,
    /// How long a request waits for its turns before it gets a 503, that of a large body and its own together: long enough
    /// for a classroom's burst, and short enough that there is time left to answer in.
    pub queue_for: Duration,
    /// How long a request waits for us altogether, be it for a turn or for the table, before it gets a 503. What its sender
    /// takes for a body does not count, nor what an owner holds an answer back for. The contract says 10 s.
    pub answer_within: Duration,
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
            queue_for: Duration::from_secs(6),
            answer_within: Duration::from_secs(9),
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
pub type Handler = Arc<dyn Fn(Request<Bytes>, Caller) -> Responding + Send + Sync>;

/// Who asks, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The other end of the connection.
    pub addr: SocketAddr,
    /// The port of ours that it came to.
    pub port: u16,
    /// When the table must have answered, or the caller is told that it did not.
    pub answer_by: Instant,
}

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
        let work = Arc::new(Work::new(bounds, addr.port()));
        let service = move |peer| {
            let (handler, work) = (Arc::clone(&handler), Arc::clone(&work));
            service_fn(move |request| {
                let (handler, work) = (Arc::clone(&handler), Arc::clone(&work));
                // Where such a request ends, something before us may see otherwise; so nothing after it is believed.
                let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
                async move {
                    let mut answer = work.answer(request, peer, handler).await;
                    if is_last {
                        let close = HeaderValue::from_static("close");
                        answer.headers_mut().insert(header::CONNECTION, close);
                    }
                    guard(answer.headers_mut());
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
    port: u16,
    requests: Arc<Turns>,
    large_bodies: Arc<Semaphore>,
}

/// A whole body, and what it cost to have it.
struct Whole {
    bytes: Bytes,
    /// The turn that a large one needs, for as long as anything is made of it.
    large: Option<OwnedSemaphorePermit>,
    /// How long it waited for that.
    waited: Duration,
}

impl Work {
    fn new(bounds: Bounds, port: u16) -> Self {
        Work {
            bounds,
            port,
            requests: Turns::new(bounds.requests, bounds.queue_for),
            large_bodies: Arc::new(Semaphore::new(bounds.large_bodies)),
        }
    }

    async fn answer<B>(
        &self,
        request: Request<B>,
        addr: SocketAddr,
        handler: Handler,
    ) -> Response<Bytes>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
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
        let whole = match timeout(self.bounds.body_within, self.read(body)).await {
            Ok(Ok(whole)) => whole,
            Ok(Err(refusal)) => return refusal,
            Err(_) => {
                let seconds = self.bounds.body_within.as_secs();
                let detail = format!("the body did not arrive within {seconds} s");
                return refused(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
            }
        };
        if let Some(problem) = limits::body_refusal(&parts.method, whole.bytes.len()) {
            return refused(problem);
        }
        let now = Instant::now();
        let queue_until = now + self.bounds.queue_for.saturating_sub(whole.waited);
        let answer_by = now + self.bounds.answer_within.saturating_sub(whole.waited);
        let Ok(turn) = timeout_at(queue_until, self.requests.next()).await else {
            return busy();
        };
        // Who hangs up while it waits for its turn is forgotten. From here on it is done to the end, whoever waits for it.
        let large = whole.large;
        let request = Request::from_parts(parts, whole.bytes);
        let caller = Caller {
            addr,
            port: self.port,
            answer_by,
        };
        let mut answering = handler(request, caller);
        let turn_for = self.bounds.turn_for;
        let answering = tokio::spawn(async move {
            let _large = large;
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

    async fn read<B>(&self, body: B) -> Result<Whole, Response<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut limited = Limited::new(body, limits::MAX_BODY + DRAIN_AT_MOST);
        let mut bytes = Vec::new();
        let (mut large, mut waited) = (None, Duration::ZERO);
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
            if large.is_none() && bytes.len() + data.len() > SMALL_BODY {
                let since = Instant::now();
                let next = Arc::clone(&self.large_bodies).acquire_owned();
                let Ok(Ok(turn)) = timeout(self.bounds.queue_for, next).await else {
                    drop(bytes);
                    drain(limited).await;
                    return Err(busy());
                };
                (large, waited) = (Some(turn), since.elapsed());
            }
            if bytes.len() <= limits::MAX_BODY {
                bytes.extend_from_slice(&data);
            }
        }
        Ok(Whole {
            bytes: bytes.into(),
            large,
            waited,
        })
    }
}

/// Reads what is not wanted.
async fn drain<B>(mut body: Limited<B>)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    while let Some(Ok(_)) = body.frame().await {}
}

/// What no answer goes without, whoever made it: a page of another origin can't take it in, nor is it taken for anything else
/// than it says it is, and what may be kept says so itself.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

fn refused(problem: Problem) -> Response<Bytes> {
    problem.into_response().map(Bytes::from)
}

fn busy() -> Response<Bytes> {
    let detail = "too many requests at once; try again";
    let mut response = refused(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Poll};

    use tokio::sync::{Notify, mpsc};

    use super::*;

    /// Longer than a machine that is busy takes for the next step.
    const A_WHILE: Duration = Duration::from_secs(1);

    fn work(queue_for: Duration) -> Work {
        let bounds = Bounds {
            requests: 1,
            large_bodies: 1,
            turn_for: Duration::from_secs(60),
            queue_for,
            ..Bounds::default()
        };
        Work::new(bounds, 0)
    }

    fn large() -> Request<Full<Bytes>> {
        let body = Bytes::from(vec![b'x'; 2 * SMALL_BODY]);
        Request::post("/")
            .body(Full::new(body))
            .expect("a request of ours is one")
    }

    const ADDR: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

    /// What tells who asks, and answers when it is told to.
    fn handler() -> (Handler, mpsc::UnboundedReceiver<Caller>, Arc<Notify>) {
        let (tell, told) = mpsc::unbounded_channel();
        let go_on = Arc::new(Notify::new());
        let going_on = Arc::clone(&go_on);
        let handler: Handler = Arc::new(move |_, caller| {
            tell.send(caller).expect("the test listens");
            let going_on = Arc::clone(&going_on);
            Box::pin(async move {
                going_on.notified().await;
                Response::new(Bytes::new())
            })
        });
        (handler, told, go_on)
    }

    /// Goes as far with it as it goes by itself.
    async fn begin(asking: &mut Pin<&mut impl Future<Output = Response<Bytes>>>) {
        std::future::poll_fn(|cx| {
            assert!(asking.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn what_a_request_has_waited_for_its_turn_is_not_there_to_answer_in() {
        let work = work(Duration::from_secs(60));
        let (handler, mut told, go_on) = handler();
        let mut first = pin!(work.answer(large(), ADDR, Arc::clone(&handler)));
        begin(&mut first).await;
        assert!(told.recv().await.is_some());
        let mut waits_to_be_read = pin!(work.answer(large(), ADDR, Arc::clone(&handler)));
        begin(&mut waits_to_be_read).await;
        let small = large().map(|_| Full::from("small"));
        let mut waits_for_its_turn = pin!(work.answer(small, ADDR, handler));
        begin(&mut waits_for_its_turn).await;
        let answer_by = Instant::now() + work.bounds.answer_within;
        tokio::time::sleep(A_WHILE).await;
        let three = async { tokio::join!(first, waits_for_its_turn, waits_to_be_read) };
        let callers = async {
            for _ in 0..2 {
                go_on.notify_one();
                let caller = told.recv().await.expect("the next one");
                assert!(caller.answer_by < answer_by + A_WHILE, "{caller:?}");
            }
            go_on.notify_one();
        };
        let ((first, second, third), ()) = tokio::join!(three, callers);
        for answer in [first, second, third] {
            assert_eq!(answer.status(), StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn who_hangs_up_makes_no_room_for_another_large_body_while_its_own_is_worked_on() {
        let work = work(Duration::from_millis(50));
        let (handler, mut told, go_on) = handler();
        {
            let mut abandoned = pin!(work.answer(large(), ADDR, Arc::clone(&handler)));
            begin(&mut abandoned).await;
            assert!(told.recv().await.is_some());
        }
        let refused = work.answer(large(), ADDR, Arc::clone(&handler)).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(work.large_bodies.available_permits(), 0);
        go_on.notify_one();
        let _given_back = work.large_bodies.acquire().await;
    }
}
