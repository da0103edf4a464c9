//! The routes of the local home: the page, the two functions, and who may call them.
//!
//! A web site that is open in the same browser can send requests to this machine. So every route checks `Host`, which such a
//! site can't forge without DNS tricks that change it. Every route but `/hook/`, which any sender may call, checks `Origin`,
//! which browsers send with whatever could change state, and `Sec-Fetch-Site`, which they send for pictures, scripts and the
//! like.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, State},
    middleware::{Next, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get},
};
use bytes::Bytes;
use function_url::{
    Clock,
    problem::Problem,
    response::HandlerResponse,
    service::{Handler, Service},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, uri::PathAndQuery,
};
use site::SiteFile;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

use crate::{
    config::ServerLimits,
    engine::Fault,
    gateway::{self, Arrived},
    limits,
};

/// Everything that the page's listener serves.
pub(crate) struct Home {
    /// The port of the page's listener.
    pub(crate) page_port: u16,
    /// The port of the hook listener; that of the page if there is none.
    pub(crate) hook_port: u16,
    pub(crate) receiver: Service,
    pub(crate) api: Service,
    /// By path, with a slash at the beginning.
    pub(crate) files: HashMap<String, SiteFile>,
    /// The text of `/config.json`.
    pub(crate) config: String,
    /// The headers of the page and of every file beside it.
    pub(crate) page_headers: HeaderMap,
    /// For the time of arrival.
    pub(crate) clock: Clock,
    pub(crate) limits: ServerLimits,
    /// Permits for bodies above [`Home::small_body`].
    pub(crate) large_bodies: Arc<Semaphore>,
    /// Bodies up to this many bytes need no permit: the largest that is kept whole.
    pub(crate) small_body: u64,
}

/// The routes of the page's listener.
pub(crate) fn page_routes(home: &Arc<Home>) -> Router {
    let api = function(home, &home.api, home.page_port);
    let hook = function(home, &home.receiver, home.page_port);
    let router = Router::new()
        .fallback(page_file)
        .layer(compression())
        .route("/config.json", get(config_json).fallback(page_file))
        .route("/api/", api.clone())
        .route("/api/{*call}", api)
        .route("/hook/", hook.clone())
        .route("/hook/{*below}", hook)
        .layer(from_fn_with_state(Arc::clone(home), check_origin))
        .with_state(Arc::clone(home));
    guarded(home, router)
}

/// The routes of the listener that a tunnel points at: webhooks and nothing else, under any host.
pub(crate) fn hook_routes(home: &Arc<Home>) -> Router {
    let not_found = async || problem(StatusCode::NOT_FOUND, "only /hook/ is served here");
    let hook = function(home, &home.receiver, home.hook_port);
    let router = Router::new()
        .route("/hook/", hook.clone())
        .route("/hook/{*below}", hook)
        .fallback(not_found)
        .with_state(Arc::clone(home));
    guarded(home, router)
}

/// Refuses what the CDN would refuse, and adds the headers that every response has.
fn guarded(home: &Arc<Home>, router: Router) -> Router {
    router
        .layer(from_fn_with_state(home.limits.body_timeout, check_head))
        .layer(map_response(add_headers))
}

/// Compresses what CloudFront compresses
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html>), so that measurements of
/// one home apply to the other. It does not document its level of Brotli; 5 is common for responses compressed on the fly.
fn compression() -> CompressionLayer<impl Predicate> {
    let binary = NotForContentType::new("font/").and(NotForContentType::IMAGES);
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(5))
        .compress_when(SizeAbove::new(1000).and(binary))
}

/// Runs at most as many requests at once as there are permits. One that is not handled in time gets a 503.
pub(crate) fn limited(handler: Handler, permits: Arc<Semaphore>, time: Duration) -> Handler {
    Arc::new(move |request| {
        let (handler, permits) = (Arc::clone(&handler), Arc::clone(&permits));
        Box::pin(async move {
            let handled = timeout(time, async move {
                let permit = permits.acquire_owned().await;
                // In a task, so that a request that was begun is finished when its sender hangs up, as on Lambda.
                let handled = tokio::spawn(async move {
                    let response = handler(request).await;
                    drop(permit);
                    response
                });
                handled.await.ok()
            });
            match handled.await {
                Ok(Some(response)) => explained(response),
                Ok(None) => {
                    let detail = "the server failed to handle this request";
                    let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail);
                    HandlerResponse::from(problem.into_response())
                }
                Err(_) => HandlerResponse::from(overloaded().into_response()),
            }
        })
    })
}

/// Names the fault of the embedded engine where the function knows only that its table failed.
fn explained(handled: HandlerResponse) -> HandlerResponse {
    let Some(fault) = handled.error.as_deref().and_then(Fault::of_error) else {
        return handled;
    };
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault.explanation());
    HandlerResponse {
        response: problem.retry_after(60).into_response(),
        error: Some(fault.explanation().to_owned()),
        ..handled
    }
}

fn overloaded() -> Problem {
    let detail = "the server has too many requests; send this one again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
}

async fn check_head(
    State(body_timeout): State<Duration>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some(problem) = limits::head_problem(&parts) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    // A sender that asks first will not send what is refused.
    if !parts.headers.contains_key(header::EXPECT) {
        limits::discard_body(body, body_timeout).await;
    }
    respond(problem)
}

async fn check_origin(
    State(home): State<Arc<Home>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let host = host(&request);
    let is_own = |name: &str| host.as_deref() == Some(&format!("{name}:{}", home.page_port));
    let path = request.uri().path();
    let is_call = path.starts_with("/hook/") || path.starts_with("/api/");
    if is_own("localhost") && !is_call && is_read(request.method()) {
        // One origin for keys and storage, whatever the person typed.
        let asked = request.uri().path_and_query();
        let asked = asked.map_or(path, PathAndQuery::as_str);
        return redirect(format!("{}{asked}", home.origin()));
    }
    if !["127.0.0.1", "localhost", "[::1]"].into_iter().any(is_own) {
        let detail = format!("this server answers to {} only", home.origin());
        return problem(StatusCode::MISDIRECTED_REQUEST, &detail);
    }
    // Any page may send a webhook, as any program may; the browser lets it read no response.
    if path.starts_with("/hook/") {
        return next.run(request).await;
    }
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    if origins.any(|origin| origin.as_bytes() != home.origin().as_bytes()) {
        let detail = "pages of other sites may not call this server";
        return problem(StatusCode::FORBIDDEN, detail);
    }
    if is_cross_site_subresource(request.headers()) {
        let detail = "pages of other sites may link to this server but not embed anything from it";
        return problem(StatusCode::FORBIDDEN, detail);
    }
    next.run(request).await
}

/// Adds what keeps pages of other origins from reading or misinterpreting a response, and forbids caching where nothing
/// else is said.
async fn add_headers(mut response: Response) -> Response {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn page_file(State(home): State<Arc<Home>>, request: Request<Body>) -> Response {
    if !is_read(request.method()) {
        return respond(Problem::method_not_allowed(&[Method::GET, Method::HEAD]));
    }
    let path = match request.uri().path() {
        "/" => "/index.html",
        path => path,
    };
    let found = home.files.get(path);
    let Some(file) = found.or_else(|| home.files.get("/404.html")) else {
        return problem(StatusCode::NOT_FOUND, "no such page");
    };
    let headers = [
        (header::CONTENT_TYPE, file.content_type()),
        (header::CACHE_CONTROL, file.cache_control()),
    ];
    let status = match found {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    let page_headers = home.page_headers.clone();
    (status, page_headers, headers, file.bytes.clone()).into_response()
}

async fn config_json(State(home): State<Arc<Home>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, home.config.clone()).into_response()
}

/// A function of the home, for requests that come to `port`.
fn function(home: &Arc<Home>, service: &Service, port: u16) -> MethodRouter<Arc<Home>> {
    let (home, service) = (Arc::clone(home), service.clone());
    any(async move |peer: Peer, request: Request<Body>| {
        home.invoke(&service, peer, port, request).await
    })
}

type Peer = ConnectInfo<SocketAddr>;

impl Home {
    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.page_port)
    }

    /// Calls a function with a request that came to `port`.
    async fn invoke(
        &self,
        service: &Service,
        ConnectInfo(peer): Peer,
        port: u16,
        request: Request<Body>,
    ) -> Response {
        let (request, _permit) = match self.read(request).await {
            Ok(read) => read,
            Err(problem) => return respond(problem),
        };
        let arrived = Arrived { from: peer.ip(), port, at: (self.clock)() };
        match gateway::invoke(service, request, arrived).await {
            Ok(response) => response.map(Body::from),
            Err(_) => problem(StatusCode::BAD_GATEWAY, "the function returned an invalid response"),
        }
    }

    /// Reads a request's body. A large one gets a permit, which is held until the response is made.
    async fn read(
        &self,
        request: Request<Body>,
    ) -> Result<(Request<Bytes>, Option<OwnedSemaphorePermit>), Problem> {
        let (parts, body) = request.into_parts();
        let length = body.size_hint().upper();
        let is_small = length.is_some_and(|length| length <= self.small_body);
        let time = self.limits.body_timeout;
        let permit = match is_small {
            true => None,
            false => {
                let permit = Arc::clone(&self.large_bodies).acquire_owned();
                let Ok(Ok(permit)) = timeout(self.limits.answer_timeout, permit).await else {
                    limits::discard_body(body, time).await;
                    return Err(overloaded());
                };
                Some(permit)
            }
        };
        let body = limits::read_body(&parts.method, body, time).await?;
        Ok((Request::from_parts(parts, body), permit))
    }
}

/// The host that a request names. One that names two, in several headers or in its URL and a header, names none.
fn host(request: &Request<Body>) -> Option<String> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (headers.next(), headers.next()) else {
        return None;
    };
    let host = host.to_str().ok()?.to_ascii_lowercase();
    let in_url = request.uri().authority();
    in_url.is_none_or(|named| named.as_str().eq_ignore_ascii_case(&host)).then_some(host)
}

/// Whether the browser says that a page of another site embeds the response, rather than a person following a link to it.
/// <https://www.w3.org/TR/fetch-metadata/>
fn is_cross_site_subresource(headers: &HeaderMap) -> bool {
    let is = |name, value: &str| headers.get(name).is_some_and(|said| said == value);
    let is_cross_site =
        ["cross-site", "same-site"].into_iter().any(|site| is("sec-fetch-site", site));
    let is_navigation = is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    is_cross_site && !is_navigation
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn redirect(to: String) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Err(_) => problem(StatusCode::BAD_REQUEST, "the URL has invalid characters"),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    respond(Problem::new(status, detail))
}

fn respond(problem: Problem) -> Response {
    problem.into_response().map(Body::from)
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::Mutex, task::Poll};

    use tokio::sync::Notify;

    use super::*;

    fn request(path: &str) -> delivery::Request {
        delivery::Request {
            method: "POST".into(),
            path: path.into(),
            ..delivery::Request::default()
        }
    }

    /// Polls a request once.
    async fn begin(handling: std::pin::Pin<&mut (impl Future + ?Sized)>) {
        let mut handling = handling;
        std::future::poll_fn(|cx| {
            assert!(handling.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_request_is_dropped_in_the_queue_and_finished_once_begun() {
        let finished = Arc::new(Mutex::new(Vec::new()));
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let inner: Handler = {
            let (finished, begun, go_on) = (finished.clone(), begun.clone(), go_on.clone());
            Arc::new(move |request: delivery::Request| {
                let (finished, begun, go_on) = (finished.clone(), begun.clone(), go_on.clone());
                Box::pin(async move {
                    begun.notify_one();
                    go_on.notified().await;
                    finished.lock().unwrap().push(request.path);
                    HandlerResponse::from(http::Response::new(String::new()))
                })
            })
        };
        let permits = Arc::new(Semaphore::new(1));
        let handler = limited(inner, Arc::clone(&permits), Duration::from_secs(60));
        {
            let mut first = pin!(handler(request("begun")));
            begin(first.as_mut()).await;
            begun.notified().await;
            let mut second = pin!(handler(request("queued")));
            begin(second.as_mut()).await;
        }
        // Both senders have hung up.
        go_on.notify_one();
        let third = tokio::spawn(handler(request("next")));
        begun.notified().await;
        go_on.notify_one();
        assert_eq!(third.await.unwrap().response.status(), StatusCode::OK);
        assert_eq!(*finished.lock().unwrap(), ["begun", "next"]);
    }
}
