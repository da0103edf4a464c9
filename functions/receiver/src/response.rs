//! The response to a request: pure, no clock, no IO.

use delivery::{
    ReplyUse, Request, Response,
    headers::Headers,
    key::Endpoint,
    limits::Limits,
    placeholder::MAX_HEADER_VALUE,
    reply::{Reply, SANDBOX},
    settings::Scheme,
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
/// For a sender whose credential is refused.
pub const NOT_VERIFIED: &str = "this hook URL expects another credential in Authorization; the request was recorded, and the log says whether the credential was wrong or missing";
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

/// What a numbered request gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// That a page of another site may send what it is about to.
    Preflight,
    /// 401, because its credential is not the expected one.
    Unauthorized(Scheme),
    /// What the owner's program answered.
    Program(Response),
    /// The reply that the owner set, or else the default.
    Reply(Option<(Reply, Option<ReplyUse>)>),
}

/// Whether a browser asks if a page may send a request (<https://fetch.spec.whatwg.org/#cors-preflight-request>).
pub fn is_preflight(request: &Request) -> bool {
    let has = |name| request.headers.get(name).is_some();
    request.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

/// The response to a request: a refusal if its body is over the limit, else what its number entitles it to. `cors`: pages of
/// other sites may read it.
pub fn respond(request: &Request, answer: &Answer, cors: bool, limits: &Limits) -> Response {
    let size = request.body.kept.len();
    let mut response = match answer {
        _ if size > limits.max_body_bytes => too_large(size, limits.max_body_bytes),
        Answer::Preflight => preflight(request),
        Answer::Unauthorized(scheme) => unauthorized(*scheme, request),
        Answer::Program(response) => response.clone(),
        Answer::Reply(Some((reply, reply_use))) => reply.response(request, *reply_use),
        Answer::Reply(None) => Reply::default().response(request, None),
    };
    if cors {
        // `*` covers requests without cookies, and of those a page may then read every header.
        let readable =
            [("access-control-allow-origin", "*"), ("access-control-expose-headers", "*")];
        response.headers.0.splice(0..0, Headers::from(readable).0);
    }
    if request.method == "HEAD" {
        // What is recorded is what is sent, and the answer to HEAD has no body (RFC 9110, 9.3.2).
        response.body.clear();
    }
    response
}

/// How long a browser may remember the answer to a preflight, in seconds: not for long after CORS was switched off.
const PREFLIGHT_AGE: &str = "600";

fn preflight(request: &Request) -> Response {
    let is_token = |name: &&str| {
        let is_tchar =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(is_tchar)
    };
    let asked = request.headers.get("access-control-request-headers").unwrap_or_default();
    // `*` does not include this one.
    let mut allowed = "authorization".to_owned();
    for name in asked.split(',').map(|name| name.trim_matches([' ', '\t'])).filter(is_token) {
        let is_new = !allowed.split(", ").any(|other| other.eq_ignore_ascii_case(name));
        if is_new && allowed.len() + name.len() + 2 <= MAX_HEADER_VALUE {
            allowed = format!("{allowed}, {name}");
        }
    }
    let methods = METHODS.map(|method| method.to_string()).join(", ");
    let headers = [
        ("access-control-allow-methods", methods.as_str()),
        ("access-control-allow-headers", &allowed),
        ("access-control-max-age", PREFLIGHT_AGE),
    ];
    ours(StatusCode::NO_CONTENT, Headers::from(headers), String::new())
}

/// 401 with the challenge that RFC 9110 (15.5.2) requires, but to a browser none of `Basic`: it would ask its user for a
/// password on this host, and what they type would be in the log.
fn unauthorized(scheme: Scheme, request: &Request) -> Response {
    let is_browser =
        request.headers.get("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"));
    let challenge = match scheme {
        Scheme::Bearer => Headers::from([("www-authenticate", "Bearer")]),
        Scheme::Basic if is_browser => Headers::default(),
        Scheme::Basic => Headers::from([("www-authenticate", "Basic realm=\"webhook\"")]),
    };
    problem(Problem::new(StatusCode::UNAUTHORIZED, NOT_VERIFIED), challenge)
}

fn too_large(size: usize, most: usize) -> Response {
    let detail = format!(
        "the body has {size} bytes; at most {most} are accepted, and the log has its beginning"
    );
    problem(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail), Headers::default())
}

fn problem(problem: Problem, mut headers: Headers) -> Response {
    headers.0.push(("content-type".into(), "application/problem+json".into()));
    let status = StatusCode::from_u16(problem.status()).expect("it was made of one");
    ours(status, headers, problem.to_json())
}

/// A response that is no reply.
fn ours(status: StatusCode, mut headers: Headers, body: String) -> Response {
    headers.0.push(("cache-control".into(), "no-store".into()));
    headers.0.extend(SANDBOX.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Response {
        status: status.as_u16(),
        headers,
        body,
        delay_ms: 0,
        reply_use: None,
        unfilled: false,
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
    const DEFAULT: Answer = Answer::Reply(None);

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
        assert_eq!(respond(&request("POST", b"123"), &DEFAULT, false, &limits).status, 200);
        let refused = respond(&request("POST", b"1234"), &DEFAULT, false, &limits);
        assert_eq!(refused.status, 413);
        assert!(refused.body.contains("4 bytes"));
    }

    #[test]
    fn head_gets_no_body_and_the_log_says_so() {
        let response = respond(&request("HEAD", b""), &DEFAULT, false, &Limits::default());
        assert_eq!((response.status, response.body.as_str()), (200, ""));
    }

    #[test]
    fn what_is_recorded_is_what_is_sent() {
        let response =
            respond(&request("POST", br#"{"id":7}"#), &DEFAULT, true, &Limits::default());
        let sent = to_http(response.clone());
        assert_eq!(sent.body(), &response.body);
        let headers: Vec<_> = sent
            .headers()
            .iter()
            .map(|(n, v)| (n.as_str().to_owned(), v.to_str().unwrap().to_owned()))
            .collect();
        assert_eq!(headers, response.headers.0);
    }

    fn header(response: &Response, name: &str) -> Option<String> {
        let mut all = response.headers.0.iter().filter(|(n, _)| n == name);
        let found = all.next().map(|(_, value)| value.clone());
        assert_eq!(all.next(), None, "{name} is there once");
        found
    }

    #[test]
    fn a_preflight_is_allowed_what_it_asks_as_far_as_it_is_tokens() {
        let asked = format!("X-A, x-a,, b c, \r\nd,é,Authorization, x-b,{}", "x".repeat(2_000));
        let headers = [
            ("origin", "https://a.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", &asked),
        ];
        let request = Request { headers: Headers::from(headers), ..request("OPTIONS", b"") };
        assert!(is_preflight(&request));
        for lacking in ["origin", "access-control-request-method"] {
            let mut other = request.clone();
            other.headers.0.retain(|(name, _)| name != lacking);
            assert!(!is_preflight(&other));
        }
        let response = respond(&request, &Answer::Preflight, true, &Limits::default());
        assert_eq!((response.status, response.body.as_str()), (204, ""));
        let header = |name| header(&response, name);
        assert_eq!(header("access-control-allow-origin").as_deref(), Some("*"));
        let methods = header("access-control-allow-methods").unwrap();
        assert_eq!(methods, "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE");
        let allowed = header("access-control-allow-headers").unwrap();
        assert_eq!(allowed, "authorization, X-A, x-b");
        assert_eq!(header("content-security-policy").unwrap(), SANDBOX[1].1);
    }

    #[test]
    fn no_browser_is_made_to_ask_for_a_password() {
        let challenge = |scheme, agent: &str| {
            let headers = Headers::from([("user-agent", agent)]);
            let request = Request { headers, ..request("POST", b"") };
            let answer = Answer::Unauthorized(scheme);
            let response = respond(&request, &answer, false, &Limits::default());
            assert_eq!(response.status, 401);
            assert_eq!(header(&response, "access-control-allow-origin"), None);
            header(&response, "www-authenticate")
        };
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(challenge(Scheme::Basic, firefox), None);
        assert_eq!(challenge(Scheme::Basic, "curl/8").unwrap(), "Basic realm=\"webhook\"");
        assert_eq!(challenge(Scheme::Bearer, firefox).unwrap(), "Bearer");
    }
}
