//! Function 1: answer a webhook, record the request with its answer, and only then send it.
//!
//! The response is built before it is recorded, so that what is stored is what is sent; and it is sent after it was
//! recorded, so that what was acknowledged is in the log. If it can't be recorded the sender gets a 503 and no more.
//!
//! [`response`] is pure. Next: `functions/store/src/lib.rs`, where a number is given and a delivery is put under it.

pub mod response;

use std::{sync::Arc, time::Duration};

use delivery::{Delivery, key::Endpoint, limits::Limits, problem::Problem};
use function_url::{Clock, Inbound, response::HandlerResponse, service::Handler};
use http::{HeaderValue, StatusCode, header};
use store::Store;

/// What answers webhooks.
pub struct Receiver {
    /// Where deliveries go.
    pub store: Store,
    /// What is kept and allowed here.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
}

impl Receiver {
    /// This receiver as a handler of its function URL.
    pub fn into_handler(self) -> Handler {
        let receiver = Arc::new(self);
        Arc::new(move |inbound| {
            let receiver = Arc::clone(&receiver);
            Box::pin(async move { receiver.receive(inbound).await })
        })
    }

    /// Answers one webhook: number it, build the answer, record both, wait if that was asked for, send.
    pub async fn receive(&self, inbound: Inbound) -> HandlerResponse {
        let received_at = (self.clock)();
        let (endpoint, path) = match response::target(&inbound.path) {
            Some(target) => target,
            None => return refuse(StatusCode::NOT_FOUND, response::NO_ENDPOINT),
        };
        if !response::METHODS
            .iter()
            .any(|one| one == inbound.method.as_str())
        {
            return Problem::method_not_allowed(&response::METHODS)
                .into_response()
                .into();
        }
        let numbered = match self
            .store
            .number(&endpoint, received_at, &self.limits)
            .await
        {
            Ok(numbered) => numbered,
            Err(error) => return failed(endpoint, None, &error),
        };
        let seq = numbered.seq;
        let set = match self.store.reply_for(&endpoint, &numbered).await {
            Ok(set) => set,
            Err(error) => return failed(endpoint, Some(seq), &error),
        };

        let response = response::answer(&inbound, set.as_ref(), &self.limits);
        let delivery = Delivery {
            seq,
            received_at,
            took_ms: (self.clock)().since(received_at),
            request: response::recorded(inbound, path, &self.limits),
            response,
        };
        let recorded = self
            .store
            .record(
                &endpoint,
                &numbered,
                &delivery,
                function_url::random(),
                &self.limits,
            )
            .await;
        if let Err(error) = recorded {
            return failed(endpoint, Some(seq), &error);
        }

        if delivery.response.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delivery.response.delay_ms.into())).await;
        }
        HandlerResponse {
            endpoint: Some(endpoint),
            seq: Some(seq),
            ..response::to_http(delivery.response).into()
        }
    }
}

fn refuse(status: StatusCode, detail: &str) -> HandlerResponse {
    Problem::new(status, detail).into_response().into()
}

/// The one place where the store's errors become answers.
fn failed(endpoint: Endpoint, seq: Option<u64>, error: &store::Error) -> HandlerResponse {
    if matches!(error, store::Error::NotFound) {
        return HandlerResponse {
            endpoint: Some(endpoint),
            ..refuse(StatusCode::NOT_FOUND, response::NO_ENDPOINT)
        };
    }
    let mut answer = refuse(StatusCode::SERVICE_UNAVAILABLE, response::NOT_RECORDED);
    let headers = answer.response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    HandlerResponse {
        endpoint: Some(endpoint),
        seq,
        error: Some(error.to_string()),
        ..answer
    }
}
