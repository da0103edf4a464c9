//! What a handler gives back: the response, and what its log line says.

use delivery::key::Endpoint;
use lambda_http::aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};

/// A response and what is to be logged of it. Nothing that a sender wrote is in the log, and no key.
#[derive(Debug)]
pub struct HandlerResponse {
    /// What the caller gets.
    pub response: http::Response<String>,
    /// Whose endpoint it was about.
    pub endpoint: Option<Endpoint>,
    /// The number of the delivery, if one was given.
    pub seq: Option<u64>,
    /// What failed, for the operator; the caller does not see it.
    pub error: Option<String>,
    /// True for an answer of no interest to the operator, such as that of a poll that found nothing.
    pub quiet: bool,
}

impl From<http::Response<String>> for HandlerResponse {
    fn from(response: http::Response<String>) -> Self {
        HandlerResponse {
            response,
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
