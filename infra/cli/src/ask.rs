//! `serve --to`: what the owner's program answers to a webhook, as it is recorded and sent.
//!
//! A hook URL has the page's origin, so an answer gets the sandbox that every reply has, and no header with which it could
//! change what a browser keeps for that origin.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use delivery::{Request, Response, headers::Headers, reply::SANDBOX};
use function_url::problem::Problem;
use http::{StatusCode, header};
use local::{ask::Ask, gateway::HOP_BY_HOP};
use tokio::time::timeout;

use crate::{client::Http, forward};

/// Largest body that is recorded beside a request of the largest size; an item of the table has at most 400 KB.
const MAX_BODY: usize = 64 * 1024;
/// Most bytes of header names and values, for the same reason.
const MAX_HEADERS: usize = 8 * 1024;

/// Headers that the server sets itself, and those that would change more in a browser than the response: its
/// storage, its cookies, its workers, its next connections. Who may read it is the endpoint's setting `cors`.
const NOT_SENT: [&str; 8] = [
    "alt-svc",
    "clear-site-data",
    "content-length",
    "date",
    "refresh",
    "service-worker-allowed",
    "set-cookie",
    "strict-transport-security",
];

/// Asks the program at `to`, which has `limit` to answer.
pub(crate) fn program(to: String, limit: Duration) -> anyhow::Result<Ask> {
    let http = Http::new(&to)?;
    Ok(Arc::new(move |question| {
        let (http, to) = (http.clone(), to.clone());
        Box::pin(async move {
            let asked = async {
                let (request, _) = forward::request(&to, &question)?;
                http.send(request, limit * 2, MAX_BODY).await
            };
            let recorded = match timeout(limit, asked).await {
                Ok(Ok(answer)) => recorded(&answer, &question),
                Ok(Err(error)) => Err((StatusCode::BAD_GATEWAY, format!("{error:#}"))),
                Err(_) => Err((
                    StatusCode::GATEWAY_TIMEOUT,
                    format!("it did not answer within {} s", limit.as_secs()),
                )),
            };
            recorded.unwrap_or_else(|(status, why)| {
                let problem = Problem::new(status, format!("the program at {to} was asked: {why}"));
                let kind = ("content-type".to_owned(), "application/problem+json".to_owned());
                response(status, vec![kind], problem.to_json())
            })
        })
    }))
}

fn recorded(
    answer: &http::Response<Bytes>,
    question: &Request,
) -> Result<Response, (StatusCode, String)> {
    let bad = |why: &str| Err((StatusCode::BAD_GATEWAY, why.to_owned()));
    if answer.status().as_u16() < 200 {
        return bad("it switched to another protocol");
    }
    let Ok(body) = std::str::from_utf8(answer.body()) else {
        return bad("its answer is not text, and the log keeps text alone");
    };
    let agent = question.headers.get("user-agent").unwrap_or_default();
    let is_browser = agent.starts_with("Mozilla/");
    let mut headers = Vec::new();
    for (name, value) in answer.headers() {
        let is_ours = SANDBOX.iter().any(|(ours, _)| *ours == name.as_str());
        let asks_for_password = is_browser && name == header::WWW_AUTHENTICATE;
        let is_cors = name.as_str().starts_with("access-control-");
        let is_dropped = HOP_BY_HOP.iter().chain(&NOT_SENT).any(|one| *one == name.as_str());
        if is_ours || asks_for_password || is_cors || is_dropped {
            continue;
        }
        let Ok(value) = std::str::from_utf8(value.as_bytes()) else {
            return bad("a header of its answer is not text");
        };
        headers.push((name.to_string(), value.to_owned()));
    }
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_HEADERS {
        return bad("the headers of its answer are too large");
    }
    Ok(response(answer.status(), headers, body.to_owned()))
}

fn response(status: StatusCode, mut headers: Vec<(String, String)>, body: String) -> Response {
    headers.extend(SANDBOX.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Response {
        status: status.as_u16(),
        headers: Headers(headers),
        body,
        delay_ms: 0,
        reply_use: None,
        unfilled: false,
    }
}
