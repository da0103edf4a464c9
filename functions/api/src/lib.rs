//! Function 2: read the log back, and what else an endpoint's owner may do.
//!
//! A key says which endpoint a call is about and what it may do; both are decided before the table is read. [`call`] is
//! that part, pure. Next: `functions/store/src/lib.rs`.
#![allow(
    missing_docs,
    reason = "the crates of this product are its only users; names that say everything need no sentence"
)]

pub mod call;
pub mod config;

use std::sync::Arc;

use delivery::{
    Request,
    endpoint_info::{EndpointInfo, SetReply},
    key::Endpoint,
    limits::Limits,
    millis::Millis,
    redact,
    reply::{Refusal, Reply},
    settings::Change,
};
use function_url::{Clock, problem::Problem, response::HandlerResponse, service::Handler};
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use store::{
    Store,
    connection::{ANSWERED_WITHIN, with_timeout},
};

use crate::{
    call::{Call, Power},
    config::Config,
};

/// The header in which a caller presents the creation code, where one is set.
pub const CREATION_CODE_HEADER: &str = "x-creation-code";

/// The API's description, which a test compares with the types.
const OPENAPI: &str = include_str!("openapi.json");

/// Function 2.
pub struct Api {
    /// The table.
    pub store: Store,
    /// Limits of the deployment.
    pub limits: Limits,
    /// Configuration of the API alone.
    pub config: Config,
    pub clock: Clock,
}

impl Api {
    /// This API as a handler of its function URL.
    pub fn into_handler(self) -> Handler {
        let api = Arc::new(self);
        Arc::new(move |request| {
            let api = Arc::clone(&api);
            Box::pin(async move { api.call(request).await })
        })
    }

    /// Answers one call.
    pub async fn call(&self, request: Request) -> HandlerResponse {
        let (call, power, endpoint) = match call::parse(&request) {
            Ok(call::Parsed::Health) => {
                let version = env!("CARGO_PKG_VERSION");
                let health = Health { ok: true, version, commit: option_env!("SOURCE_COMMIT") };
                return HandlerResponse { quiet: true, ..json(StatusCode::OK, &health).into() };
            }
            Ok(call::Parsed::Description) => {
                let description = with_json(OPENAPI.to_owned());
                return HandlerResponse { quiet: true, ..description.into() };
            }
            Ok(call::Parsed::Call(call, power, endpoint)) => (call, power, endpoint),
            Err(problem) => return refused(problem).into(),
        };
        let done = self.dispatch(call, power, &endpoint, &request);
        let result = with_timeout(ANSWERED_WITHIN, done).await;
        let (response, quiet, error) = match result {
            Ok((response, quiet)) => (response, quiet, None),
            Err(Failure::Problem(problem)) => (problem.into_response(), false, None),
            Err(Failure::Store(error)) => (failed(&error), false, error_text(&error)),
        };
        HandlerResponse { endpoint: Some(endpoint), error, quiet, ..response.into() }
    }

    async fn dispatch(
        &self,
        call: Call,
        power: Power,
        endpoint: &Endpoint,
        request: &Request,
    ) -> Result<(Response<String>, bool), Failure> {
        let host = request.headers.get("host").unwrap_or_default();
        let now = (self.clock)();
        let limits = &self.limits;
        let done = match call {
            Call::Create => {
                self.check_creation_code(endpoint, request, now).await?;
                self.store.create(endpoint, now, function_url::random(), limits).await?;
                json(StatusCode::OK, &self.info(endpoint, power, host).await?)
            }
            Call::Show => json(StatusCode::OK, &self.info(endpoint, power, host).await?),
            Call::Forget => {
                self.store.forget(endpoint, now).await?;
                no_content()
            }
            Call::Clear => {
                self.store.clear(endpoint).await?;
                no_content()
            }
            Call::Read(read, limit) => {
                let mut page = self.store.read(endpoint, read, limit, now, limits).await?;
                if power == Power::Share {
                    page.deliveries =
                        page.deliveries.into_iter().map(redact::for_share_key).collect();
                }
                let quiet = page.deliveries.is_empty();
                return Ok((json(StatusCode::OK, &page), quiet));
            }
            Call::SetReply => {
                let reply = Reply::parse(&request.body.kept, limits)?;
                self.store.set_reply(endpoint, &reply, new_key(), now, limits).await?;
                let times_left = reply.times;
                json(StatusCode::OK, &SetReply::new(reply, times_left))
            }
            Call::RestoreReply => {
                self.store.clear_reply(endpoint, now).await?;
                no_content()
            }
            Call::ChangeSettings => {
                let change = Change::parse(&request.body.kept, endpoint)?;
                let settings = self.store.change_settings(endpoint, &change, new_key()).await?;
                json(StatusCode::OK, &settings)
            }
        };
        Ok((done, false))
    }

    /// Extending an existing endpoint takes no code: its owner had it when creating the endpoint.
    async fn check_creation_code(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        now: Millis,
    ) -> Result<(), Failure> {
        let presented = request.headers.get(CREATION_CODE_HEADER);
        let right = |code: &str| function_url::same_secret(code, presented.unwrap_or_default());
        if self.config.creation_code.as_deref().is_none_or(right) {
            return Ok(());
        }
        match self.store.state(endpoint, now, &self.limits).await {
            Ok(_) => Ok(()),
            Err(store::Error::NotFound) => {
                let detail = match presented {
                    None => {
                        "this server requires a code to create an endpoint; ask the person who runs it"
                    }
                    Some(_) => "the creation code is wrong; ask the person who runs this server",
                };
                Err(Problem::new(StatusCode::FORBIDDEN, detail).about("creation_code").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn info(
        &self,
        endpoint: &Endpoint,
        power: Power,
        host: &str,
    ) -> Result<EndpointInfo, Failure> {
        let state = self.store.state(endpoint, (self.clock)(), &self.limits).await?;
        Ok(EndpointInfo {
            endpoint: endpoint.clone(),
            hook_url: self
                .config
                .hook_url
                .replace("{host}", host)
                .replace("{endpoint}", endpoint.as_str()),
            created_at: state.created_at,
            expires_at: state.expires_at,
            first_seq: state.first_seq,
            last_seq: state.last_seq,
            refused: state.refused,
            limits: self.limits,
            reply: state.reply.filter(|_| power == Power::Owner),
            settings: (power == Power::Owner).then_some(state.settings),
        })
    }
}

#[derive(Serialize)]
struct Health {
    ok: bool,
    version: &'static str,
    /// Of the source, where the build was told it, as by `infra/aws/deploy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
}

enum Failure {
    Problem(Problem),
    Store(store::Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::Problem(problem)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, refusal.detail).about(refusal.field).into()
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Failure::Store(error)
    }
}

/// A change's key. 63 bits, because a reply lies at the negative of its key; 0 means none.
fn new_key() -> u64 {
    (function_url::random() >> 1).max(1)
}

fn refused(problem: Problem) -> Response<String> {
    let mut response = problem.into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The one place where the store's errors become responses.
fn failed(error: &store::Error) -> Response<String> {
    if matches!(error, store::Error::NotFound) {
        let detail = "no such endpoint: it was never created, has expired or was forgotten; PUT /api/endpoint creates it";
        return Problem::new(StatusCode::NOT_FOUND, detail).into_response();
    }
    let detail = "the log can't be read or changed at the moment; try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(5).into_response()
}

fn error_text(error: &store::Error) -> Option<String> {
    (!matches!(error, store::Error::NotFound)).then(|| error.to_string())
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<String> {
    let body = serde_json::to_string(value).expect("our answers are structs with text keys");
    let mut response = with_json(body);
    *response.status_mut() = status;
    response
}

fn with_json(body: String) -> Response<String> {
    let mut response = with_common_headers(body);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn no_content() -> Response<String> {
    let mut response = with_common_headers(String::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn with_common_headers(body: String) -> Response<String> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
