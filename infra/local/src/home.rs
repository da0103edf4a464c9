//! The routes of the local home: the page, the two functions, and who may ask for them.
//!
//! A web site that is open in the same browser can send requests to this machine. So every route looks at `Host`, which
//! such a site can't forge without DNS tricks that change it, and at `Origin`, which browsers put on whatever could do harm.
//! On the rest, such as pictures and scripts, they put `Sec-Fetch-Site`: what a page of another site takes in from here it gets
//! only where any sender may send.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use delivery::problem::Problem;
use function_url::{Clock, service::Service};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, uri::PathAndQuery,
};

use crate::{
    gateway::{self, Arrived},
    packed::Packed,
    server::Caller,
};

/// Everything that the page's listener answers with.
pub(crate) struct Home {
    /// The port it listens on.
    pub(crate) port: u16,
    /// Function 1.
    pub(crate) receiver: Service,
    /// Function 2.
    pub(crate) api: Service,
    /// The site's files, by path with a slash in front.
    pub(crate) files: HashMap<String, Packed>,
    /// What `/config.json` says.
    pub(crate) config: String,
    /// What the page and every file beside it are served with.
    pub(crate) page_headers: HeaderMap,
    /// For the time of arrival.
    pub(crate) clock: Clock,
}

impl Home {
    /// The page's origin.
    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers a request to the page's listener.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Bytes>,
        caller: Caller,
    ) -> Response<Bytes> {
        let host = host(&request);
        let is_own = |name: &str| host.as_deref() == Some(&format!("{name}:{}", self.port));
        let path = request.uri().path().to_owned();
        let is_call = path.starts_with("/hook/") || path.starts_with("/api/");
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_own("localhost") && !is_call && is_read {
            // One origin for keys and storage, whatever the person typed.
            let asked = request.uri().path_and_query();
            let asked = asked.map_or(path.as_str(), PathAndQuery::as_str);
            return redirect(format!("{}{asked}", self.origin()));
        }
        if !["127.0.0.1", "localhost", "[::1]"].into_iter().any(is_own) {
            let detail = format!("this server answers under {} only", self.origin());
            return problem(StatusCode::MISDIRECTED_REQUEST, &detail);
        }
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        if origins.any(|origin| origin.as_bytes() != self.origin().as_bytes()) {
            return problem(
                StatusCode::FORBIDDEN,
                "pages of other sites may not call this server",
            );
        }
        if !path.starts_with("/hook/") && is_cross_site_subresource(request.headers()) {
            let detail = "pages of other sites may lead here and take nothing from here";
            return problem(StatusCode::FORBIDDEN, detail);
        }
        match path.as_str() {
            _ if path.starts_with("/hook/") => self.invoke(&self.receiver, request, caller).await,
            _ if path.starts_with("/api/") => self.invoke(&self.api, request, caller).await,
            _ if !is_read => Problem::method_not_allowed(&[Method::GET, Method::HEAD])
                .into_response()
                .map(Bytes::from),
            "/config.json" => file("application/json", "no-store", self.config.clone().into()),
            _ => self.page(&path, request.headers()),
        }
    }

    /// Answers a request to the listener that a tunnel points at: webhooks and nothing else, under any host.
    pub(crate) async fn answer_hook(
        self: Arc<Self>,
        request: Request<Bytes>,
        caller: Caller,
    ) -> Response<Bytes> {
        if request.uri().path().starts_with("/hook/") {
            return self.invoke(&self.receiver, request, caller).await;
        }
        problem(StatusCode::NOT_FOUND, "only /hook/ is served here")
    }

    async fn invoke(
        &self,
        service: &Service,
        request: Request<Bytes>,
        caller: Caller,
    ) -> Response<Bytes> {
        let arrived = Arrived {
            from: caller.addr.ip(),
            port: caller.port,
            at: (self.clock)(),
        };
        let answering = gateway::invoke(service, request, arrived);
        store::connection::with_deadline(caller.answer_by, answering)
            .await
            .unwrap_or_else(|_| {
                problem(
                    StatusCode::BAD_GATEWAY,
                    "the function gave no usable answer",
                )
            })
    }

    fn page(&self, path: &str, asked: &HeaderMap) -> Response<Bytes> {
        let path = if path == "/" { "/index.html" } else { path };
        let found = self.files.get(path);
        let Some(served) = found.or_else(|| self.files.get("/404.html")) else {
            return problem(StatusCode::NOT_FOUND, "no such page");
        };
        let (bytes, encoding) = served.for_client(asked);
        let mut response = file(served.content_type, served.cache_control, bytes);
        if found.is_none() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        let headers = response.headers_mut();
        if served.can_be_packed() {
            let depends = HeaderValue::from_static("accept-encoding");
            headers.insert(header::VARY, depends);
        }
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, encoding);
        }
        headers.extend(self.page_headers.clone());
        response
    }
}

/// The host that a request names. One that names two, be it in its line and its headers, names none.
fn host(request: &Request<Bytes>) -> Option<String> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (headers.next(), headers.next()) else {
        return None;
    };
    let host = host.to_str().ok()?.to_ascii_lowercase();
    let line = request.uri().authority();
    line.is_none_or(|named| named.as_str().eq_ignore_ascii_case(&host))
        .then_some(host)
}

/// Whether a browser says that it is for a page of another site, and not because somebody goes there.
/// <https://www.w3.org/TR/fetch-metadata/>
fn is_cross_site_subresource(headers: &HeaderMap) -> bool {
    let is = |name, value: &str| headers.get(name).is_some_and(|said| said == value);
    let is_elsewhere = ["cross-site", "same-site"]
        .into_iter()
        .any(|site| is("sec-fetch-site", site));
    let is_visit = is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    is_elsewhere && !is_visit
}

fn file(content_type: &'static str, cache_control: &'static str, bytes: Bytes) -> Response<Bytes> {
    let mut response = Response::new(bytes);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(cache_control),
    );
    response
}

fn redirect(to: String) -> Response<Bytes> {
    let Ok(to) = HeaderValue::try_from(to) else {
        return problem(StatusCode::BAD_REQUEST, "no address has such characters");
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, to);
    response
}

fn problem(status: StatusCode, detail: &str) -> Response<Bytes> {
    Problem::new(status, detail)
        .into_response()
        .map(Bytes::from)
}
