//! From event to answer.

use std::{future::Future, pin::Pin, sync::Arc};

use delivery::problem::Problem;
use http::StatusCode;
use lambda_http::{
    Error, LambdaEvent, aws_lambda_events::apigw::ApiGatewayV2httpResponse, lambda_runtime,
};

use crate::{
    Clock, Inbound,
    config::Config,
    event::{Event, EventError},
    log::{self, Line, Log},
    response::{self, HandlerResponse},
};

/// The answer that is on its way.
pub type HandlerFuture = Pin<Box<dyn Future<Output = HandlerResponse> + Send>>;

/// What answers the requests of one function.
pub type Handler = Arc<dyn Fn(Inbound) -> HandlerFuture + Send + Sync>;

/// A function behind its function URL: what both homes call with an event.
#[derive(Clone)]
pub struct Service {
    /// Its name in the log.
    pub name: &'static str,
    /// What the CDN must present; `None` where there is no CDN.
    pub origin_secret: Option<Arc<str>>,
    /// What answers.
    pub handler: Handler,
    /// For the time an answer took.
    pub clock: Clock,
    /// Where the line about each answer goes.
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

    /// The answer to one event.
    pub async fn call(&self, event: LambdaEvent<Event>) -> ApiGatewayV2httpResponse {
        let began = (self.clock)();
        let answer = match event.payload.into_inbound(self.origin_secret.as_deref()) {
            Ok(inbound) => (self.handler)(inbound).await,
            Err(EventError::NotFromCdn) => Problem::new(
                StatusCode::FORBIDDEN,
                "this address is not for direct use; send to the hook URL that the page shows",
            )
            .into_response()
            .into(),
            Err(EventError::NotBase64) => Problem::new(
                StatusCode::BAD_REQUEST,
                "the gateway said that this body is base64, and it is not",
            )
            .into_response()
            .into(),
        };
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
