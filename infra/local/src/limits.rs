//! Refuses what CloudFront and Lambda would refuse, with the same statuses.
//!
//! CloudFront: URL over 8,192 bytes and headers over 20,480 get 413, methods other than its seven and a `GET` with a body
//! get 403. Lambda: events over 6 MB get 413, which leaves about 4 MB for a body that travels in base64.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use function_url::problem::Problem;
use http::{Method, StatusCode, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

/// Longest URL in bytes.
pub const MAX_URL: usize = 8 * 1024;
/// Most bytes of header names and values.
pub const MAX_HEADERS: usize = 20 * 1024;
/// Largest body in bytes: 6 MB of event, less a quarter for base64 and room for the rest of it.
pub const MAX_BODY: usize = 4 * 1024 * 1024;
/// Most bytes of a refused body that are read, so that a sender that reads only after it has sent gets the response.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;

/// Why a request is refused before its body is read.
pub fn head_problem(parts: &Parts) -> Option<Problem> {
    let url = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    if url > MAX_URL {
        return Some(too_large(&format!(
            "the URL has {url} bytes; at most {MAX_URL} are accepted"
        )));
    }
    let headers: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > MAX_HEADERS {
        return Some(too_large(&format!(
            "the headers have {headers} bytes; at most {MAX_HEADERS} are accepted"
        )));
    }
    if !receiver::response::METHODS.contains(&parts.method) {
        return Some(Problem::new(
            StatusCode::FORBIDDEN,
            "the method is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE",
        ));
    }
    None
}

/// Reads a body that must arrive within `time`.
///
/// # Errors
/// 408 if it does not; 413 above [`MAX_BODY`]; 400 if it is malformed; 403 for a body of `GET` or `HEAD`.
pub async fn read_body(method: &Method, body: Body, time: Duration) -> Result<Bytes, Problem> {
    let body = timeout(time, read(body)).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", time.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
    })?;
    if !body.is_empty() && matches!(*method, Method::GET | Method::HEAD) {
        let detail = format!("a {method} request with a body is not forwarded");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(body)
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let mut body = Limited::new(body, MAX_BODY + MAX_DISCARDED);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => too_large_body(),
            false => Problem::new(StatusCode::BAD_REQUEST, "the body is malformed or cut off"),
        })?;
        if let (Ok(data), true) = (frame.into_data(), bytes.len() <= MAX_BODY) {
            bytes.extend_from_slice(&data);
        }
    }
    match bytes.len() > MAX_BODY {
        true => Err(too_large_body()),
        false => Ok(bytes.into()),
    }
}

/// Reads and drops the body of a refused request.
pub async fn discard_body(body: Body, time: Duration) {
    let mut body = Limited::new(body, MAX_DISCARDED);
    let _ = timeout(time, async { while let Some(Ok(_)) = body.frame().await {} }).await;
}

fn too_large_body() -> Problem {
    too_large(&format!("the body has more than {MAX_BODY} bytes"))
}

fn too_large(detail: &str) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
