//! HTTP: requests of this program, and the calls of a home's API.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use delivery::{endpoint_info::EndpointInfo, key::Key, log_page::LogPage};
use function_url::service::Service;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use local::{
    engine::Engine,
    gateway::{self, Arrived},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// The home on this computer.
pub(crate) const HOME: &str = "http://127.0.0.1:8787";
/// A page of the log is about 1 MiB, and larger only if one delivery is.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// The API answers within 10 s.
const API_TIMEOUT: Duration = Duration::from_secs(15);

/// The value of a flag for a URL: without a query, and without a slash at its end.
pub(crate) fn web_url(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    match uri.query() {
        None if is_web => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("use http://host:port or https://host, without a query".to_owned()),
    }
}

/// A client that keeps its connections. It knows the certificate authorities of this system if its URL needs them.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    plain: Client<HttpConnector, Full<Bytes>>,
    tls: Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
}

impl Http {
    /// A client for this URL and those below it.
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let tls = match url.starts_with("https:") {
            false => None,
            true => {
                let builder = HttpsConnectorBuilder::new().with_native_roots().context(
                    "this system has no certificate authorities; install them (on Debian: apt install ca-certificates)",
                )?;
                let connector = builder.https_only().enable_http1().build();
                Some(Client::builder(TokioExecutor::new()).build(connector))
            }
        };
        Ok(Http { plain: Client::builder(TokioExecutor::new()).build_http(), tls })
    }

    /// Sends a request and reads at most `max` bytes of the response.
    pub(crate) async fn send(
        &self,
        request: Request<Bytes>,
        time: Duration,
        max: usize,
    ) -> anyhow::Result<Response<Bytes>> {
        let request = request.map(Full::new);
        let answered = async {
            let response = match (&self.tls, request.uri().scheme_str()) {
                (Some(tls), Some("https")) => tls.request(request).await?,
                _ => self.plain.request(request).await?,
            };
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, max).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("the response's body: {error}"))?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        match timeout(time, answered).await {
            Ok(answered) => answered,
            Err(_) => bail!("no response within {} s", time.as_secs_f32()),
        }
    }
}

/// What answers the calls of the API.
pub(crate) enum Via {
    /// A home.
    Http(Box<Http>),
    /// This process, which keeps the engine of a data folder.
    Data { api: Service, _engine: Option<Engine> },
}

/// The log of an endpoint, through the API of its home.
pub(crate) struct Log {
    pub(crate) via: Via,
    /// The URL of the home, or the name of the data folder.
    pub(crate) home: String,
    pub(crate) key: Key,
}

/// Why a call was not answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may be answered when it is made again.
    Passing(anyhow::Error),
    /// It will not.
    Lasting(anyhow::Error),
}

impl From<Failure> for anyhow::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(error) | Failure::Lasting(error) => error,
        }
    }
}

impl Log {
    /// Creates the endpoint if it does not exist. Only an owner may, and on some homes only with a code.
    pub(crate) async fn create(&self, code: Option<&str>) -> Result<EndpointInfo, Failure> {
        self.call(Method::PUT, "/api/endpoint", code).await
    }

    /// The endpoint.
    pub(crate) async fn show(&self) -> Result<EndpointInfo, Failure> {
        self.call(Method::GET, "/api/endpoint", None).await
    }

    /// A page of the log, by a query such as `last=1`.
    pub(crate) async fn page(&self, query: &str) -> Result<LogPage, Failure> {
        self.call(Method::GET, &format!("/api/log?{query}"), None).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        code: Option<&str>,
    ) -> Result<T, Failure> {
        let key = match &self.key {
            Key::Owner(key) => key.reveal(),
            Key::Share(key) => key.reveal(),
        };
        let is_home = matches!(self.via, Via::Http(_));
        let base = if is_home { &self.home } else { "" };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{base}{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"));
        if let Some(code) = code {
            request = request.header(api::CREATION_CODE_HEADER, code);
        }
        let request = request
            .body(Bytes::new())
            .map_err(|_| Failure::Lasting(anyhow::anyhow!("{} can't be called", self.home)))?;
        let answered = match &self.via {
            Via::Http(http) => http.send(request, API_TIMEOUT, MAX_ANSWER).await,
            Via::Data { api, .. } => {
                let (from, at) = (Ipv4Addr::LOCALHOST.into(), function_url::system_clock()());
                gateway::invoke(api, request, Arrived { from, port: 0, at }).await
            }
        };
        let response = answered.map_err(|error| {
            Failure::Passing(error.context(format!("{} does not answer", self.home)))
        })?;
        let status = response.status();
        if status == StatusCode::OK {
            let read = serde_json::from_slice(response.body());
            return read.map_err(|error| {
                let home = &self.home;
                let error = anyhow::Error::new(error);
                Failure::Lasting(error.context(format!(
                    "{home} is no webhook-tutorial: its answer to {path} has another form"
                )))
            });
        }
        let problem = serde_json::from_slice::<serde_json::Value>(response.body()).ok();
        let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
        let error =
            anyhow::anyhow!("{}: {status} ({})", self.home, detail.unwrap_or("no reason given"));
        let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        Err(if may_pass && is_home { Failure::Passing(error) } else { Failure::Lasting(error) })
    }
}
