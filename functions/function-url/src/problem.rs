//! Errors as `application/problem+json` (RFC 9457), in words that a person can act on.

use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;

/// What went wrong, in words for the caller. Never contains internal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip)]
    allow: Option<String>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem; `detail` says what to do about it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            allow: None,
            retry_after_s: None,
        }
    }

    /// 405, with the allowed methods in `Allow` (RFC 9110, 15.5.6) and in words.
    pub fn method_not_allowed(methods: &[Method]) -> Self {
        let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        let detail = match &names[..] {
            [several @ .., last] if !several.is_empty() => {
                format!("use {} or {last}", several.join(", "))
            }
            _ => format!("use {}", names.concat()),
        };
        Problem {
            allow: Some(names.join(", ")),
            ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        }
    }

    /// Asks the caller to wait that many seconds before it tries again.
    pub fn retry_after(self, seconds: u32) -> Self {
        Problem { retry_after_s: Some(seconds), ..self }
    }

    /// Names the field or parameter that the problem is about.
    pub fn about(self, field: impl Into<String>) -> Self {
        Problem { field: Some(field.into()).filter(|field: &String| !field.is_empty()), ..self }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a problem is strings and numbers")
    }

    /// The HTTP response.
    pub fn into_response(self) -> http::Response<String> {
        let mut response = http::Response::new(self.to_json());
        *response.status_mut() =
            StatusCode::from_u16(self.status).expect("the status came from a StatusCode");
        let headers = response.headers_mut();
        let fixed = |value| HeaderValue::from_static(value);
        headers.insert(header::CONTENT_TYPE, fixed("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, fixed("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
        if let Some(allow) = self.allow {
            let allow = HeaderValue::try_from(allow).expect("methods are visible ASCII");
            headers.insert(header::ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_rfc_9457() {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "from 1 to 500").about("limit");
        assert_eq!(
            problem.to_json(),
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"from 1 to 500","field":"limit"}"#
        );
        assert_eq!(problem.into_response().headers()["content-type"], "application/problem+json");
    }

    #[test]
    fn method_not_allowed_lists_the_allowed_methods() {
        let check = |methods: &[Method], detail: &str, allow: &str| {
            let problem = Problem::method_not_allowed(methods);
            assert_eq!(problem.detail, detail);
            assert_eq!(problem.into_response().headers()["allow"], allow);
        };
        check(&[Method::GET], "use GET", "GET");
        let three = [Method::GET, Method::PUT, Method::DELETE];
        check(&three, "use GET, PUT or DELETE", "GET, PUT, DELETE");
    }
}
