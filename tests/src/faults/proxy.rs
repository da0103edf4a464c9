//! A proxy before the engine that understands just enough of the SDK's requests to fail as networks and databases do.
//!
//! A request is one call (its name is in `x-amz-target`) and its answer one body, so a fault is about a whole call: it
//! never arrives, arrives late, arrives twice; its answer is lost; it is refused before or after it was carried out, also
//! because a token bucket of write units is empty; a read that may be stale is.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::client::Client;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It arrives a little later.
    Delayed,
    /// It arrives when its sender has given it up and tried again.
    Late,
    /// It never arrives, and nobody says so.
    Dropped,
    /// It never arrives, and the connection breaks.
    Reset,
    /// It is carried out, and the connection breaks.
    AnswerLost,
    /// It is carried out, and no answer comes.
    AnswerDropped,
    /// It arrives twice at the same time; either answer is passed on.
    Twice,
    /// It is carried out and answered, and a copy of it arrives later.
    TwiceLater,
    /// Carried out and answered, and carried out again when [`FaultProxy::release_held`] says. For tests, and not drawn.
    TwiceOnRelease,
    /// 500, and it was not carried out.
    Failed,
    /// 500, though it was carried out.
    FailedAfter,
    /// The table has no capacity left for it.
    Throttled,
    /// A read that need not be consistent gives what was true before, or leaves something out.
    Stale,
}

/// Every fault and how often it is drawn, in parts of [`DRAWN_OF`].
const FAULTS: [(Fault, u32); 12] = [
    (Fault::Delayed, 60),
    (Fault::Late, 12),
    (Fault::Dropped, 6),
    (Fault::Reset, 25),
    (Fault::AnswerLost, 30),
    (Fault::AnswerDropped, 6),
    (Fault::Twice, 30),
    (Fault::TwiceLater, 30),
    (Fault::Failed, 25),
    (Fault::FailedAfter, 25),
    (Fault::Throttled, 25),
    (Fault::Stale, 200),
];
/// A call that draws none of [`FAULTS`] passes.
const DRAWN_OF: u32 = 1000;
/// Calls that are spared: a stack makes its table before anybody depends on it.
const EXEMPT: [&str; 2] = ["CreateTable", "DescribeTable"];
/// Longer than the SDK waits for one attempt.
const LONGER_THAN_AN_ATTEMPT: Duration = Duration::from_millis(1500);

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    /// Where it listens, for the SDK.
    pub url: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    engine: watch::Receiver<Option<String>>,
    client: Client,
    calm: AtomicBool,
    rng: Mutex<fastrand::Rng>,
    counts: Mutex<BTreeMap<Fault, u64>>,
    always: Mutex<Option<Fault>>,
    /// Faults that are due, by the call that they are for.
    due: Mutex<Vec<(&'static str, Fault)>>,
    /// What reads that may be stale were answered before, by their request.
    earlier: Mutex<HashMap<Bytes, Vec<Bytes>>>,
    in_flight: AtomicUsize,
    held: Notify,
    bucket: Mutex<Bucket>,
}

/// Write units of the table, refilled all the time up to those of one second.
#[derive(Debug)]
struct Bucket {
    per_s: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A write passes while any unit is left.
    fn take(&mut self, units: f64) -> bool {
        let now = Instant::now();
        let refilled = self.left + (now - self.at).as_secs_f64() * self.per_s;
        (self.left, self.at) = (refilled.min(self.per_s), now);
        let passes = self.left > 0.0;
        self.left -= if passes { units } else { 0.0 };
        passes
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultProxy {
    /// A proxy before the engine whose address `engine` says, if it is there at all; `seed` decides what fails.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn before(
        engine: watch::Receiver<Option<String>>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut rng = fastrand::Rng::with_seed(seed);
        // From a table that refuses most of what the writers send, to one that refuses hardly any.
        let per_s = f64::from(rng.u32(15..150));
        let inner = Arc::new(Inner {
            engine,
            client: Client::default(),
            calm: AtomicBool::new(false),
            rng: Mutex::new(rng),
            counts: Mutex::default(),
            always: Mutex::default(),
            due: Mutex::default(),
            earlier: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            held: Notify::new(),
            bucket: Mutex::new(Bucket { per_s, left: per_s, at: Instant::now() }),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&inner)));
        Ok(FaultProxy { url, inner, task })
    }

    /// A proxy before an engine that stays where it is, and by which everything passes but what
    /// [`fail_next`](Self::fail_next) says.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn passive(engine_url: &str) -> anyhow::Result<Self> {
        let engine = watch::Sender::new(Some(engine_url.to_owned()));
        let proxy = FaultProxy::before(engine.subscribe(), 0).await?;
        proxy.stop_failing();
        Ok(proxy)
    }

    /// The next `times` calls of this name fail like this.
    pub fn fail_next(&self, call: &'static str, fault: Fault, times: usize) {
        locked(&self.inner.due).extend(std::iter::repeat_n((call, fault), times));
    }

    /// From here on every call fails like this.
    pub fn fail_all(&self, fault: Fault) {
        *locked(&self.inner.always) = Some(fault);
    }

    /// From here on everything passes.
    pub fn stop_failing(&self) {
        *locked(&self.inner.always) = None;
        locked(&self.inner.due).clear();
        self.inner.calm.store(true, Ordering::SeqCst);
    }

    /// Carries out what was held.
    pub fn release_held(&self) {
        self.inner.held.notify_one();
    }

    /// Whether some call may still arrive at the engine.
    pub fn is_idle(&self) -> bool {
        self.in_flight() == 0
    }

    /// Calls on their way to the engine.
    pub fn in_flight(&self) -> usize {
        self.inner.in_flight.load(Ordering::SeqCst)
    }

    /// How often each fault happened.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        locked(&self.inner.counts).clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    while let Ok((stream, _)) = listener.accept().await {
        let inner = Arc::clone(&inner);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&inner), request));
            // An error here is a connection that breaks, which is what was wanted.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// One answer, or the end of the connection.
async fn answer(
    inner: Arc<Inner>,
    request: Request<Incoming>,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let target = parts.headers.get("x-amz-target");
    let call = target
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit('.').next())
        .unwrap_or_default()
        .to_owned();
    let may_be_stale = matches!(call.as_str(), "GetItem" | "Query") && !is_consistent(&body);
    let is_exempt = inner.calm.load(Ordering::SeqCst) || EXEMPT.contains(&call.as_str());
    let fault = match inner.due(&call) {
        Some(fault) => Some(fault),
        None if is_exempt => None,
        None if inner.is_over_capacity(&call, body.len()) => Some(Fault::Throttled),
        None => inner.draw(may_be_stale),
    };
    if let Some(fault) = fault {
        *locked(&inner.counts).entry(fault).or_default() += 1;
    }
    let request = Request::from_parts(parts, body);
    let soon = inner.millis(1..150);
    let pass = |after: Duration| Arc::clone(&inner).pass(request.clone(), sleep(after));
    match fault {
        None => pass(Duration::ZERO).await?,
        Some(Fault::Delayed) => pass(soon).await?,
        Some(Fault::Late) => {
            drop(pass(LONGER_THAN_AN_ATTEMPT + soon * 4));
            silence().await
        }
        Some(Fault::Dropped) => silence().await,
        Some(Fault::Reset) => anyhow::bail!("reset"),
        Some(Fault::AnswerLost) => {
            let _ = pass(Duration::ZERO).await;
            anyhow::bail!("its answer is lost")
        }
        Some(Fault::AnswerDropped) => {
            let _ = pass(Duration::ZERO).await;
            silence().await
        }
        Some(Fault::Twice) => {
            let (one, other) = (pass(Duration::ZERO), pass(Duration::ZERO));
            let (one, other) = (one.await?, other.await?);
            if inner.draws(50) { one } else { other }
        }
        Some(Fault::TwiceLater) => {
            let answer = pass(Duration::ZERO).await?;
            drop(pass(soon * 8));
            answer
        }
        Some(Fault::TwiceOnRelease) => {
            let answer = pass(Duration::ZERO).await?;
            let told = Arc::clone(&inner);
            drop(inner.pass(request, async move { told.held.notified().await }));
            answer
        }
        Some(Fault::Failed) => Ok(failed()),
        Some(Fault::FailedAfter) => {
            let _ = pass(Duration::ZERO).await;
            Ok(failed())
        }
        Some(Fault::Throttled) => Ok(refused(
            StatusCode::BAD_REQUEST,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        )),
        Some(Fault::Stale) => {
            let answer = pass(Duration::ZERO).await??;
            Ok(inner.stale(&call, request.body(), answer).await)
        }
    }
}

impl Inner {
    fn due(&self, call: &str) -> Option<Fault> {
        if let Some(fault) = *locked(&self.always) {
            return Some(fault);
        }
        let mut due = locked(&self.due);
        let at = due.iter().position(|(name, _)| *name == call)?;
        Some(due.remove(at).1)
    }

    fn is_over_capacity(&self, call: &str, bytes: usize) -> bool {
        let units = 1 + u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        matches!(call, "PutItem" | "UpdateItem") && !locked(&self.bucket).take(units.into())
    }

    fn draw(&self, may_be_stale: bool) -> Option<Fault> {
        let mut drawn = locked(&self.rng).u32(0..DRAWN_OF);
        for (fault, weight) in FAULTS {
            if drawn < weight {
                return (fault != Fault::Stale || may_be_stale).then_some(fault);
            }
            drawn -= weight;
        }
        None
    }

    fn draws(&self, percent: u32) -> bool {
        locked(&self.rng).u32(0..100) < percent
    }

    fn millis(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(locked(&self.rng).u64(range))
    }

    /// Passes a call on, whatever becomes of its sender meanwhile.
    fn pass(
        self: Arc<Self>,
        request: Request<Bytes>,
        after: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<anyhow::Result<Response<Full<Bytes>>>> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            after.await;
            let answer = self.forward(request).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }

    async fn forward(&self, mut request: Request<Bytes>) -> anyhow::Result<Response<Full<Bytes>>> {
        let engine = self.engine.borrow().clone().context("the engine is gone")?;
        let path = request.uri().path().to_owned();
        *request.uri_mut() = format!("{engine}{path}").parse()?;
        let key = request.body().clone();
        let answer = self.client.send(request).await?;
        let mut earlier = locked(&self.earlier);
        let known = earlier.entry(key).or_default();
        if known.last() != Some(answer.body()) && answer.status().is_success() {
            known.push(answer.body().clone());
        }
        drop(earlier);
        Ok(answer.map(Full::new))
    }

    /// What an eventually consistent read may say instead: anything that was true, and any items left out.
    async fn stale(
        &self,
        call: &str,
        request: &Bytes,
        answer: Response<Full<Bytes>>,
    ) -> Response<Full<Bytes>> {
        let (mut parts, body) = answer.into_parts();
        let mut body =
            body.collect().await.unwrap_or_else(|never: Infallible| match never {}).to_bytes();
        let known = locked(&self.earlier).get(request).cloned().unwrap_or_default();
        let which = locked(&self.rng).usize(0..known.len().max(1));
        if let Some(before) = known.get(which) {
            body = before.clone();
        }
        if call == "Query"
            && let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(&body)
            && let Some(items) = json["Items"].as_array_mut()
        {
            items.retain(|_| !self.draws(20));
            json["Count"] = items.len().into();
            body = json.to_string().into();
        }
        // Both are of the answer that it was.
        parts.headers.remove("content-length");
        parts.headers.remove("x-amz-crc32");
        Response::from_parts(parts, Full::new(body))
    }
}

fn is_consistent(body: &Bytes) -> bool {
    serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|json| json["ConsistentRead"] == true)
}

/// Nothing, for longer than anybody waits.
async fn silence<T>() -> anyhow::Result<T> {
    sleep(LONGER_THAN_AN_ATTEMPT * 4).await;
    anyhow::bail!("no answer")
}

fn failed() -> Response<Full<Bytes>> {
    refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        "com.amazonaws.dynamodb.v20120810#InternalServerError",
    )
}

fn refused(status: StatusCode, kind: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "__type": kind, "message": "planted" }).to_string();
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert("content-type", kind);
    response
}
