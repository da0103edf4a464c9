//! Function 1: answer a webhook, record the request with its answer, and only then send it.
//!
//! The response is built before it is recorded, so that what is stored is what is sent; and it is sent after it was
//! recorded, so that what was acknowledged is in the log. If it can't be recorded the sender gets a 503 and no more.
//!
//! [`response`] is pure. Next: `functions/store/src/lib.rs`, where a number is given and a delivery is put under it.
#![allow(
    missing_docs,
    reason = "the crates of this product are its only users; names that say everything need no sentence"
)]

pub mod response;

use std::{sync::Arc, time::Duration};

use delivery::{Delivery, Request, Response, key::Endpoint, limits::Limits};
use function_url::{Clock, problem::Problem, response::HandlerResponse, service::Handler};
use http::StatusCode;
use store::Store;

use crate::response::Answer;

/// Function 1.
pub struct Receiver {
    /// The table.
    pub store: Store,
    /// Limits of the deployment.
    pub limits: Limits,
    pub clock: Clock,
}

impl Receiver {
    /// This receiver as a handler of its function URL.
    pub fn into_handler(self) -> Handler {
        let receiver = Arc::new(self);
        Arc::new(move |request| {
            let receiver = Arc::clone(&receiver);
            Box::pin(async move { receiver.receive(request, None).await })
        })
    }

    /// What a program of the owner's is asked about a request, before [`receive`](Self::receive): the request as it will be
    /// recorded, or none if its answer could not be recorded or sent.
    pub async fn question(&self, request: &Request) -> Option<Request> {
        let (endpoint, raw_path) = response::target(&request.path)?;
        let is_method = response::METHODS.iter().any(|one| one == request.method.as_str());
        if !is_method || request.body.kept.len() > self.limits.max_body_bytes {
            return None;
        }
        self.store.state(&endpoint, (self.clock)(), &self.limits).await.ok()?;
        Some(response::recorded(request.clone(), raw_path, &self.limits))
    }

    /// Answers one webhook: number it, build the response, record both. The caller waits for the delay, then sends it.
    /// `answer` is that of the owner's program; it takes the place of the reply.
    pub async fn receive(&self, request: Request, answer: Option<Response>) -> HandlerResponse {
        let received_at = (self.clock)();
        let (endpoint, raw_path) = match response::target(&request.path) {
            Some(target) => target,
            None => return refuse(StatusCode::NOT_FOUND, response::NO_ENDPOINT),
        };
        if !response::METHODS.iter().any(|one| one == request.method.as_str()) {
            return Problem::method_not_allowed(&response::METHODS).into_response().into();
        }
        let is_preflight = response::is_preflight(&request);
        let units = match request.body.kept.len() <= self.limits.max_body_bytes {
            // A preflight may take one more, see `return_uses`.
            true => store::item::webhook_units(&request) + u64::from(is_preflight),
            false => response::CUT_UNITS,
        };
        let numbered = match self.store.number(&endpoint, units, received_at, &self.limits).await {
            Ok(numbered) => numbered,
            Err(store::Error::UsedUp(refusal)) => {
                let wait_s = refusal.until.since(received_at).div_ceil(1000);
                let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, response::TOO_MANY);
                return HandlerResponse {
                    endpoint: Some(endpoint),
                    ..problem
                        .retry_after(u32::try_from(wait_s).unwrap_or(u32::MAX).max(1))
                        .into_response()
                        .into()
                };
            }
            Err(error) => return failed(endpoint, None, &error),
        };
        let seq = numbered.seq;
        let access = &numbered.access;
        let is_answered_preflight = access.cors && is_preflight;
        let verified = match access.expect {
            // A browser sends no credential before it is told that it may.
            Some(expected) if !is_answered_preflight => Some(expected.verify(&request, &endpoint)),
            _ => None,
        };
        let answer = if is_answered_preflight {
            // The reply is for the webhook that comes next.
            self.store.return_uses(&endpoint, &numbered).await;
            Answer::Preflight
        } else if let Some(expected) = access.expect
            && access.refuses(seq, verified)
        {
            Answer::Unauthorized(expected.scheme)
        } else if let Some(answer) = answer {
            Answer::Program(answer)
        } else {
            match self.store.reply_for(&endpoint, &numbered).await {
                Ok(set) => Answer::Reply(set),
                Err(error) => return failed(endpoint, Some(seq), &error),
            }
        };

        let response = response::respond(&request, &answer, access.cors, &self.limits);
        let delivery = Delivery {
            seq,
            received_at,
            took_ms: (self.clock)().since(received_at),
            verified,
            request: response::recorded(request, raw_path, &self.limits),
            response,
        };
        let recorded = self
            .store
            .record(&endpoint, &numbered, &delivery, function_url::random(), &self.limits)
            .await;
        if let Err(error) = recorded {
            return failed(endpoint, Some(seq), &error);
        }

        HandlerResponse {
            endpoint: Some(endpoint),
            seq: Some(seq),
            delay: Duration::from_millis(delivery.response.delay_ms.into()),
            ..response::to_http(delivery.response).into()
        }
    }
}

fn refuse(status: StatusCode, detail: &str) -> HandlerResponse {
    Problem::new(status, detail).into_response().into()
}

/// The one place where the store's errors become responses.
fn failed(endpoint: Endpoint, seq: Option<u64>, error: &store::Error) -> HandlerResponse {
    if matches!(error, store::Error::NotFound) {
        return HandlerResponse {
            endpoint: Some(endpoint),
            ..refuse(StatusCode::NOT_FOUND, response::NO_ENDPOINT)
        };
    }
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, response::NOT_RECORDED);
    HandlerResponse {
        endpoint: Some(endpoint),
        seq,
        error: Some(error.to_string()),
        ..problem.retry_after(5).into_response().into()
    }
}
