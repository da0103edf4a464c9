//! What the real front would refuse is refused here, with the same statuses.
//!
//! CloudFront: URL over 8,192 bytes and headers over 20,480 get 413, methods other than its seven and a `GET` with a body
//! get 403. Lambda: events over 6 MB get 413, which leaves about 4 MB for a body that travels in base64.
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>

use delivery::problem::Problem;
use http::{Method, StatusCode, request::Parts};

/// Longest URL in bytes.
pub const MAX_URL: usize = 8 * 1024;
/// Most bytes of header names and values.
pub const MAX_HEADERS: usize = 20 * 1024;
/// Largest body in bytes: 6 MB of event, less a quarter for base64 and room for the rest of it.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// Why the front refuses a request, as far as that can be known before its body is read.
pub fn refusal(parts: &Parts) -> Option<Problem> {
    let url = parts
        .uri
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    if url > MAX_URL {
        return Some(too_large(&format!(
            "the URL has {url} bytes; at most {MAX_URL} are taken"
        )));
    }
    let headers: usize = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers > MAX_HEADERS {
        return Some(too_large(&format!(
            "the headers have {headers} bytes; at most {MAX_HEADERS} are taken"
        )));
    }
    let is_taken = matches!(
        parts.method,
        Method::GET
            | Method::HEAD
            | Method::OPTIONS
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
    );
    if !is_taken {
        return Some(Problem::new(
            StatusCode::FORBIDDEN,
            "the method is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE",
        ));
    }
    None
}

/// The refusal of a body: one that is too large, or one where the front takes none.
pub fn body_refusal(method: &Method, size: usize) -> Option<Problem> {
    if size > MAX_BODY {
        return Some(too_large_a_body());
    }
    (size > 0 && matches!(*method, Method::GET | Method::HEAD)).then(|| {
        Problem::new(
            StatusCode::FORBIDDEN,
            format!("a {method} request with a body is not passed on"),
        )
    })
}

/// The refusal of a body above [`MAX_BODY`].
pub fn too_large_a_body() -> Problem {
    too_large(&format!(
        "the body has more than {MAX_BODY} bytes, which no front passes on"
    ))
}

fn too_large(detail: &str) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
