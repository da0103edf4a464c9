//! What a handler returns: the response, and what its log line says.

use std::time::Duration;

use delivery::key::Endpoint;
use lambda_http::aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};

/// A response and what to log about it: nothing that a sender wrote, and no key.
#[derive(Debug)]
pub struct HandlerResponse {
    /// Sent to the caller after `delay`.
    pub response: http::Response<String>,
    /// How long to hold the response back because the owner asked for it.
    pub delay: Duration,
    /// The endpoint it is about.
    pub endpoint: Option<Endpoint>,
    /// The number of the delivery, if one was given.
    pub seq: Option<u64>,
    /// What failed, for the operator only.
    pub error: Option<String>,
    /// True for a response that does not interest the operator, such as that of a poll without news.
    pub quiet: bool,
}

impl From<http::Response<String>> for HandlerResponse {
    fn from(response: http::Response<String>) -> Self {
        HandlerResponse {
            response,
            delay: Duration::ZERO,
            endpoint: None,
            seq: None,
            error: None,
            quiet: false,
        }
    }
}

/// The response in the form that a function URL takes.
pub fn to_lambda(response: http::Response<String>) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut out = ApiGatewayV2httpResponse::default();
    out.status_code = i64::from(parts.status.as_u16());
    out.headers = parts.headers;
    out.body = Some(Body::Text(body));
    out.is_base64_encoded = false;
    out
}
