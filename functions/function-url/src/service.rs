//! From event to answer.

use std::{future::Future, pin::Pin, sync::Arc};

use delivery::Request;
use http::StatusCode;
use lambda_http::{
    Error, LambdaEvent, aws_lambda_events::apigw::ApiGatewayV2httpResponse, lambda_runtime,
};

use crate::{
    Clock,
    config::Config,
    event::{Event, EventError},
    log::{self, Line, Log},
    problem::Problem,
    response::{self, HandlerResponse},
};

/// The response under way.
pub type HandlerFuture = Pin<Box<dyn Future<Output = HandlerResponse> + Send>>;

/// Handles the requests of one function.
pub type Handler = Arc<dyn Fn(Request) -> HandlerFuture + Send + Sync>;

/// A function behind its function URL. Both homes call it with an event.
#[derive(Clone)]
pub struct Service {
    /// Its name in the log.
    pub name: &'static str,
    /// The secret that the CDN adds to each request, or two, see [`Config`]; `None` without a CDN.
    pub origin_secret: Option<Arc<str>>,
    /// Makes the response.
    pub handler: Handler,
    /// Measures how long a response took.
    pub clock: Clock,
    /// Receives the line about each response.
    pub log: Log,
}

impl Service {
    /// A deployed function, which logs to its standard output.
    pub fn deployed(name: &'static str, config: Config, handler: Handler) -> Self {
        Service {
            name,
            origin_secret: config.origin_secret.map(Into::into),
            handler,
            clock: crate::system_clock(),
            log: log::to_stdout(config.level),
        }
    }

    /// Responds to one event, after the delay that the owner asked for.
    pub async fn call(&self, event: LambdaEvent<Event>) -> ApiGatewayV2httpResponse {
        let began = (self.clock)();
        let answer = match event.payload.into_request(self.origin_secret.as_deref()) {
            Ok(request) => (self.handler)(request).await,
            Err(EventError::NotFromCdn) => HandlerResponse {
                // Either somebody has found this address, or the CDN sends another secret and everybody is refused.
                error: Some("the origin secret is missing or wrong".to_owned()),
                ..Problem::new(
                    StatusCode::FORBIDDEN,
                    "direct requests to this address are refused; send to the hook URL that the page shows",
                )
                .into_response()
                .into()
            },
            Err(EventError::NotBase64) => Problem::new(
                StatusCode::BAD_REQUEST,
                "the event's body is not the base64 that it claims to be",
            )
            .into_response()
            .into(),
        };
        if !answer.delay.is_zero() {
            tokio::time::sleep(answer.delay).await;
        }
        (self.log)(&Line {
            function: self.name,
            request_id: &event.context.request_id,
            endpoint: answer.endpoint.as_ref(),
            seq: answer.seq,
            status: answer.response.status().as_u16(),
            took_ms: (self.clock)().since(began),
            error: answer.error.as_deref(),
            quiet: answer.quiet,
        });
        response::to_lambda(answer.response)
    }

    /// Answers Lambda's events until the environment ends.
    ///
    /// # Errors
    /// If the Runtime API is not there.
    pub async fn run(self) -> Result<(), Error> {
        let service = Arc::new(self);
        lambda_runtime::run(lambda_runtime::service_fn(move |event| {
            let service = Arc::clone(&service);
            async move { Ok::<_, Error>(service.call(event).await) }
        }))
        .await
    }
}
