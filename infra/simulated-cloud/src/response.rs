//! Responses of the API: always JSON, errors too.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

/// `{ok:false,error,error_description}`, the keys that the clients look for.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    body: Value,
}

/// A handler's result.
pub(crate) type ApiResult = Result<Response, ApiError>;

pub(crate) fn api_error(status: u16, error: &str, description: &str) -> ApiError {
    api_error_with(status, json!({"ok": false, "error": error, "error_description": description}))
}

pub(crate) fn api_error_with(status: u16, body: Value) -> ApiError {
    ApiError {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        body,
    }
}

/// An error in OAuth's own form, without `ok`.
pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> ApiError {
    api_error_with(status, json!({"error": error, "error_description": description}))
}

pub(crate) fn bad_request(description: &str) -> ApiError {
    api_error(400, "bad_request", description)
}

pub(crate) fn not_found(what: &str) -> ApiError {
    let text = format!("{what} not found");
    api_error(404, &text, &text)
}

/// 408: a device did not respond in time.
pub(crate) fn timed_out(description: &str) -> ApiError {
    api_error(408, "Timed out.", description)
}

pub(crate) fn ok_json(body: impl Serialize) -> ApiResult {
    Ok(json_response(StatusCode::OK, &body))
}

pub(crate) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).expect("responses are made of text, numbers and lists");
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

pub(crate) fn ok() -> ApiResult {
    ok_json(json!({"ok": true}))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        json_response(self.status, &self.body)
    }
}

impl From<std::io::Error> for ApiError {
    /// 500: the state could not be saved; the response does not contain the cause.
    fn from(_: std::io::Error) -> Self {
        api_error(
            500,
            "server_error",
            "the simulated cloud could not write its state; is the disk full?",
        )
    }
}
