//! The response to a request: pure, no clock, no IO.

use delivery::{
    ReplyUse, Request, Response,
    headers::Headers,
    key::Endpoint,
    limits::Limits,
    reply::{Reply, SANDBOX},
};
use function_url::problem::Problem;
use http::{HeaderName, HeaderValue, Method, StatusCode};

/// The methods that are answered.
pub const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
/// For a sender whose URL has no endpoint; it may be read in a device's log.
pub const NO_ENDPOINT: &str = "no such hook URL: it was never created, has expired or was forgotten; press Start on the tutorial page to create one";
/// For a sender whose request is not in the log.
pub const NOT_RECORDED: &str =
    "the request could not be recorded and counts as not received; send it again";

/// For a sender to an endpoint that has used up its write units.
pub const TOO_MANY: &str = "this hook URL has received more than its share for the moment; the request was not recorded; send it again after the seconds in Retry-After";
/// Write units of a webhook whose body is over the limit: a number, and a record with the body's beginning.
pub const CUT_UNITS: u64 = 1 + 17;

/// The endpoint that a raw path leads to, and what follows it: nothing, or what begins with `/`.
pub fn target(path: &str) -> Option<(Endpoint, String)> {
    let rest = path.strip_prefix("/hook/")?;
    let (name, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((Endpoint::parse(name).ok()?, below.to_owned()))
}

/// A request as it is recorded: with the path below its endpoint, and only the beginning of a body that is over the limit.
pub fn recorded(request: Request, raw_path: String, limits: &Limits) -> Request {
    let path = if raw_path.is_empty() { "/".to_owned() } else { raw_path.clone() };
    let body = match request.body.kept.len() <= limits.max_body_bytes {
        true => request.body,
        false => request.body.cut(),
    };
    Request { path, raw_path, body, ..request }
}

/// The response to a request: a refusal if its body is over the limit, else the reply that is set, else the default.
pub fn respond(
    request: &Request,
    set: Option<&(Reply, Option<ReplyUse>)>,
    limits: &Limits,
) -> Response {
    let mut response = if request.body.kept.len() > limits.max_body_bytes {
        too_large(request.body.kept.len(), limits.max_body_bytes)
    } else {
        match set {
            Some((reply, reply_use)) => reply.response(request, *reply_use),
            None => Reply::default().response(request, None),
        }
    };
    if request.method == "HEAD" {
        // What is recorded is what is sent, and the answer to HEAD has no body (RFC 9110, 9.3.2).
        response.body.clear();
    }
    response
}

fn too_large(size: usize, most: usize) -> Response {
    let detail = format!(
        "the body has {size} bytes; at most {most} are accepted, and the log has its beginning"
    );
    let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
    let mut headers = Headers::from([
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
    ]);
    headers.0.extend(SANDBOX.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Response {
        status: problem.status(),
        headers,
        body: problem.to_json(),
        delay_ms: 0,
        reply_use: None,
    }
}

/// A recorded response as it is sent.
///
/// # Panics
/// If it is no response of HTTP. [`response`] makes none: a reply is checked when it is set.
pub fn to_http(response: Response) -> http::Response<String> {
    let mut out = http::Response::new(response.body);
    *out.status_mut() = StatusCode::from_u16(response.status).expect("a reply's status is one");
    for (name, value) in response.headers.0 {
        let name = HeaderName::try_from(name).expect("a reply's header has a name");
        let value = HeaderValue::try_from(value).expect("a reply's header has a value");
        out.headers_mut().append(name, value);
    }
    out
}

#[cfg(test)]
mod tests {
    use delivery::body::Body;

    use super::*;

    const NAME: &str = "b7nihh2yefj2lxoxyqgcjpq6pi";

    #[test]
    fn a_path_leads_to_an_endpoint_and_keeps_what_is_below() {
        let below = |path: &str| target(path).map(|(_, below)| below);
        assert_eq!(below(&format!("/hook/{NAME}")).as_deref(), Some(""));
        assert_eq!(below(&format!("/hook/{NAME}/")).as_deref(), Some("/"));
        assert_eq!(below(&format!("/hook/{NAME}//a%2F/é")).as_deref(), Some("//a%2F/é"));
        for path in [
            "/hook/",
            "/hook",
            "/",
            "",
            &format!("/hook/{NAME}x"),
            &format!("/hook//{NAME}"),
            &format!("/Hook/{NAME}"),
        ] {
            assert_eq!(below(path), None, "{path}");
        }
    }

    fn request(method: &str, body: &[u8]) -> Request {
        Request { method: method.into(), body: Body::whole(body.to_vec()), ..Request::default() }
    }

    #[test]
    fn a_url_is_told_from_one_with_a_slash_at_its_end() {
        let paths = |raw: &str| {
            let Request { path, raw_path, .. } =
                recorded(request("POST", b""), raw.to_owned(), &Limits::default());
            (path, raw_path)
        };
        assert_eq!(paths(""), ("/".to_owned(), String::new()));
        assert_eq!(paths("/"), ("/".to_owned(), "/".to_owned()));
    }

    #[test]
    fn a_body_over_the_limit_is_refused_with_its_size() {
        let limits = Limits { max_body_bytes: 3, ..Limits::default() };
        assert_eq!(respond(&request("POST", b"123"), None, &limits).status, 200);
        let refused = respond(&request("POST", b"1234"), None, &limits);
        assert_eq!(refused.status, 413);
        assert!(refused.body.contains("4 bytes"));
    }

    #[test]
    fn head_gets_no_body_and_the_log_says_so() {
        let response = respond(&request("HEAD", b""), None, &Limits::default());
        assert_eq!((response.status, response.body.as_str()), (200, ""));
    }

    #[test]
    fn what_is_recorded_is_what_is_sent() {
        let response = respond(&request("POST", br#"{"id":7}"#), None, &Limits::default());
        let sent = to_http(response.clone());
        assert_eq!(sent.body(), &response.body);
        let headers: Vec<_> = sent
            .headers()
            .iter()
            .map(|(n, v)| (n.as_str().to_owned(), v.to_str().unwrap().to_owned()))
            .collect();
        assert_eq!(headers, response.headers.0);
    }
}
