//! Which call a request is, and whether its key may make it: decided before the table is read.

use delivery::{
    Request,
    cursor::Cursor,
    key::{Endpoint, Key},
};
use function_url::problem::Problem;
use http::{Method, StatusCode};
use store::ReadRequest;

/// Most deliveries in one page.
const MAX_LIMIT: usize = 500;
/// Deliveries in a page if the request has no `limit`.
const DEFAULT_LIMIT: usize = 100;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Everything.
    Owner,
    /// Reading, redacted.
    Share,
}

/// A call about an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `PUT /api/endpoint`
    Create,
    /// `GET /api/endpoint`
    Show,
    /// `DELETE /api/endpoint`
    Forget,
    /// `GET /api/log`, and at most how many
    Read(ReadRequest, usize),
    /// `DELETE /api/log`
    Clear,
    /// `PUT /api/reply`
    SetReply,
    /// `DELETE /api/reply`
    RestoreReply,
    /// `PUT /api/settings`
    ChangeSettings,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Whether the function is there; needs no key.
    Health,
    /// The API's description; needs no key.
    Description,
    /// A call, with the power and the endpoint of its key.
    Call(Call, Power, Endpoint),
}

/// What a path and a method ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Whether the function is there.
    Health,
    /// The API's description.
    Description,
    /// A call that is the same whatever else is in the request.
    Fixed(Call),
    /// A page of the log; the query says which.
    Log,
}

/// Every route there is. `functions/api/README.md` describes them.
pub const ROUTES: [(&str, Method, Route); 10] = [
    ("/api/health", Method::GET, Route::Health),
    ("/api/openapi.json", Method::GET, Route::Description),
    ("/api/endpoint", Method::PUT, Route::Fixed(Call::Create)),
    ("/api/endpoint", Method::GET, Route::Fixed(Call::Show)),
    ("/api/endpoint", Method::DELETE, Route::Fixed(Call::Forget)),
    ("/api/log", Method::GET, Route::Log),
    ("/api/log", Method::DELETE, Route::Fixed(Call::Clear)),
    ("/api/reply", Method::PUT, Route::Fixed(Call::SetReply)),
    ("/api/reply", Method::DELETE, Route::Fixed(Call::RestoreReply)),
    ("/api/settings", Method::PUT, Route::Fixed(Call::ChangeSettings)),
];

/// What a request asks for.
///
/// # Errors
/// 404 unknown route, 405 wrong method, 401 no key or none of ours, 403 share key on an owner's call, 400 wrong value.
pub fn parse(request: &Request) -> Result<Parsed, Problem> {
    let fixed = match route(request)? {
        Route::Health => return Ok(Parsed::Health),
        Route::Description => return Ok(Parsed::Description),
        Route::Fixed(call) => Some(call),
        Route::Log => None,
    };
    let authorization = request.headers.get("authorization").unwrap_or_default();
    let key = Key::from_authorization(authorization).map_err(|_| {
        let detail =
            "send Authorization: Bearer with the owner key (own_…) or the share key (read_…)";
        Problem::new(StatusCode::UNAUTHORIZED, detail)
    })?;
    let power = match key {
        Key::Owner(_) => Power::Owner,
        Key::Share(_) => Power::Share,
    };
    if power == Power::Share && request.method != "GET" {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "a share key may only read; this needs the owner key",
        ));
    }
    let call = match fixed {
        Some(call) => call,
        None => read(request)?,
    };
    Ok(Parsed::Call(call, power, key.endpoint()))
}

fn route(request: &Request) -> Result<Route, Problem> {
    let here = || ROUTES.iter().filter(|(path, ..)| *path == request.path);
    if let Some((.., route)) = here().find(|(_, method, _)| *method == request.method.as_str()) {
        return Ok(*route);
    }
    let methods: Vec<_> = here().map(|(_, method, _)| method.clone()).collect();
    if methods.is_empty() {
        let detail = "no such call; functions/api/README.md lists all calls";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    Err(Problem::method_not_allowed(&methods))
}

fn read(request: &Request) -> Result<Call, Problem> {
    let bad =
        |field: &str, detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail).about(field);
    let count = |name: &str| match request.query_value(name) {
        None => Ok(None),
        Some(text) => match text.parse::<usize>() {
            Ok(n @ 1..=MAX_LIMIT) => Ok(Some(n)),
            _ => Err(bad(name, &format!("a whole number from 1 to {MAX_LIMIT}"))),
        },
    };
    let cursor = |name: &str| match request.query_value(name) {
        None => Ok(None),
        Some(text) => Cursor::parse(&text).map(Some).map_err(|_| {
            bad(
                name,
                "a cursor as an earlier answer gave it; leave it out to begin from the beginning",
            )
        }),
    };
    let limit = count("limit")?.unwrap_or(DEFAULT_LIMIT);
    match (cursor("after")?, cursor("before")?, count("last")?) {
        (None, None, None) => Ok(Call::Read(ReadRequest::First, limit)),
        (Some(cursor), None, None) => Ok(Call::Read(ReadRequest::After(cursor), limit)),
        (None, Some(cursor), None) => Ok(Call::Read(ReadRequest::Before(cursor), limit)),
        (None, None, Some(n)) => Ok(Call::Read(ReadRequest::Last, n)),
        _ => Err(bad("after", "give one of after, before and last")),
    }
}

#[cfg(test)]
mod tests {
    use delivery::{headers::Headers, key::OwnerKey};

    use super::*;

    fn check(method: &str, target: &str, authorization: &str, expected: Result<Call, u16>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: Headers::from([("authorization", authorization)]),
            ..Request::default()
        };
        let found =
            parse(&request).map_err(|problem| problem.status()).map(|parsed| match parsed {
                Parsed::Call(call, ..) => call,
                Parsed::Health | Parsed::Description => unreachable!("no case asks for it"),
            });
        assert_eq!(found, expected, "{method} {target} {authorization}");
    }

    #[test]
    fn route_method_key_and_power_are_checked_in_that_order() {
        let own = OwnerKey::from_bytes(&[7; 32]);
        let owner = format!("Bearer {}", own.reveal());
        let share = format!("Bearer {}", own.share_key().reveal());
        for (method, target, call) in [
            ("PUT", "/api/endpoint", Call::Create),
            ("DELETE", "/api/endpoint", Call::Forget),
            ("DELETE", "/api/log", Call::Clear),
            ("PUT", "/api/reply", Call::SetReply),
            ("DELETE", "/api/reply", Call::RestoreReply),
            ("PUT", "/api/settings", Call::ChangeSettings),
        ] {
            check(method, target, &owner, Ok(call));
            check(method, target, &share, Err(403));
            check(method, target, "", Err(401));
            check(method, target, "Bearer own_x", Err(401));
            check("PATCH", target, "", Err(405));
        }
        for key in [&owner, &share] {
            check("GET", "/api/endpoint", key, Ok(Call::Show));
            check("GET", "/api/log", key, Ok(Call::Read(ReadRequest::First, 100)));
        }
        check("GET", "/api/", "", Err(404));
        check("GET", "/api/reply", &owner, Err(405));
    }

    #[test]
    fn every_route_is_in_the_readme_and_no_other() {
        let described: Vec<&str> = include_str!("../README.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|line| line.split_once('`'))
            .map(|(call, _)| call)
            .filter(|call| call.contains(" /api/"))
            .collect();
        let there = ROUTES.map(|(path, method, _)| format!("{method} {path}"));
        assert!(there.iter().all(|route| described.contains(&route.as_str())));
        assert_eq!(described.len(), there.len());
    }

    #[test]
    fn what_to_read_is_said_in_one_way() {
        let owner = format!("Bearer {}", OwnerKey::from_bytes(&[7; 32]).reveal());
        let cursor = Cursor { epoch: 1, seq: 2 };
        let text = cursor.encode();
        let ok = |read, limit| Ok(Call::Read(read, limit));
        check(
            "GET",
            &format!("/api/log?after={text}&limit=500"),
            &owner,
            ok(ReadRequest::After(cursor), 500),
        );
        check(
            "GET",
            &format!("/api/log?before={text}"),
            &owner,
            ok(ReadRequest::Before(cursor), 100),
        );
        check("GET", "/api/log?last=1&colour=red", &owner, ok(ReadRequest::Last, 1));
        for query in
            ["limit=0", "limit=501", "limit=x", "last=0", "last=-1", "after=x", "before=", "limit="]
        {
            check("GET", &format!("/api/log?{query}"), &owner, Err(400));
        }
        check("GET", &format!("/api/log?after={text}&last=1"), &owner, Err(400));
    }
}
