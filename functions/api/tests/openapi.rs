//! The API's description has every route and every member of the types, and no other.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeSet;

use api::call::ROUTES;
use delivery::{
    Delivery, ReplyUse, Request, Response,
    body::Body,
    endpoint_info::{EndpointInfo, SetReply},
    headers::Headers,
    key::Endpoint,
    limits::Limits,
    log_page::LogPage,
    millis::Millis,
    reply::{Reply, Secret},
    settings::{Expectation, Scheme, Settings, Verified},
};
use function_url::problem::Problem;
use http::StatusCode;
use serde_json::{Value, json};

fn description() -> Value {
    serde_json::from_str(include_str!("../src/openapi.json")).unwrap()
}

#[test]
fn every_route_is_described_and_no_other() {
    let description = description();
    let paths = description["paths"].as_object().unwrap();
    let described: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, calls)| {
            let methods = calls.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let routes = ROUTES.iter().map(|(path, method, _)| format!("{method} {path}"));
    assert_eq!(described, routes.collect());
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Fails unless the value has every member of its schema, and the schema every member of the value.
fn check(description: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let found = description.pointer(name.strip_prefix('#').unwrap());
        return check(description, found.unwrap_or_else(|| panic!("{name}")), value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null").unwrap();
        return check(description, choice, value, at);
    }
    match value {
        Value::Object(members) => {
            let names = |object: &Value| -> BTreeSet<String> {
                object.as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(names(value), names(&schema["properties"]), "{at}");
            for (name, member) in members {
                check(description, &schema["properties"][name], member, &format!("{at}.{name}"));
            }
        }
        Value::Array(items) => {
            assert_eq!(schema["type"], "array", "{at}");
            assert!(!items.is_empty(), "{at} shows nothing of its items");
            for item in items {
                check(description, &schema["items"], item, at);
            }
        }
        other => {
            let kind = match other {
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                _ => "string",
            };
            let is_listed = schema["enum"].as_array().is_some_and(|all| all.contains(other));
            let types = schema["type"].as_array();
            let is_type = types.map_or(schema["type"] == kind, |types| types[0] == kind);
            assert!(is_type || is_listed || schema["const"] == *other, "{at}");
        }
    }
}

/// Checks a value with every optional member, and one with none.
fn check_type(name: &str, full: &Value, least: &Value) {
    let description = description();
    let schema = &description["components"]["schemas"][name];
    check(&description, schema, full, name);
    let required: BTreeSet<&str> =
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let always = least.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(required, always, "{name}");
}

fn of(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn every_member_is_described_and_no_other() {
    let endpoint = Endpoint::parse("b7nihh2yefj2lxoxyqgcjpq6pi").unwrap();
    let headers = Headers::from([("a", "b")]);
    let request = Request {
        headers: headers.clone(),
        added: vec!["a".into()],
        body: Body::whole(b"x".to_vec()),
        ..Request::default()
    };
    let reply_use = Some(ReplyUse { n: 1, of: 2 });
    let response = Response {
        status: 200,
        headers,
        body: String::new(),
        delay_ms: 0,
        reply_use,
        unfilled: true,
    };
    let bare = Response { reply_use: None, unfilled: false, ..response.clone() };
    check_type("Response", &of(&response), &of(&bare));
    check_type("ReplyUse", &of(reply_use), &of(reply_use));
    check_type("Request", &of(&request), &of(Request::default()));
    let delivery = Delivery {
        seq: 1,
        received_at: Millis(0),
        took_ms: 0,
        verified: Some(Verified::Ok),
        request,
        response,
    };
    check_type("Delivery", &of(&delivery), &of(Delivery { verified: None, ..delivery.clone() }));
    let page = LogPage {
        endpoint: endpoint.clone(),
        deliveries: vec![delivery],
        cursor: String::new(),
        older: Some(String::new()),
        first_seq: 1,
        last_seq: 1,
        missing: vec![1],
        gone: vec![1],
        refused: 1,
        unreadable: vec![1],
        restarted: false,
    };
    let (gone, unreadable) = (Vec::new(), Vec::new());
    let least = LogPage { older: None, gone, refused: 0, unreadable, ..page.clone() };
    check_type("LogPage", &of(page), &of(least));

    let reply: Reply = serde_json::from_value(json!({
        "status": 200, "content_type": "text/plain", "headers": [["retry-after", "1"]], "body": "", "secret": "s",
        "delay_ms": 1, "times": 1
    }))
    .unwrap();
    check_type("Reply", &of(&reply), &of(Reply::default()));
    assert_eq!(reply.secret, Some(Secret("s".into())));
    let set = SetReply::new(reply, Some(1));
    check_type("SetReply", &of(&set), &of(SetReply::new(Reply::default(), None)));
    let expectation = Expectation { scheme: Scheme::Basic, refuse: 0, refuse_left: 0 };
    check_type("Expectation", &of(expectation), &of(expectation));
    let settings = Settings { cors: false, expect: Some(expectation) };
    check_type("Settings", &of(settings), &of(Settings::default()));
    let limits = Limits { endpoint_units_per_s: 1, ..Limits::default() };
    check_type("Limits", &of(limits), &of(Limits::default()));
    let info = EndpointInfo {
        endpoint,
        hook_url: String::new(),
        created_at: Millis(0),
        expires_at: Millis(0),
        first_seq: 1,
        last_seq: 0,
        refused: 1,
        limits,
        reply: Some(set),
        settings: Some(settings),
    };
    let least = EndpointInfo { refused: 0, settings: None, ..info.clone() };
    check_type("Endpoint", &of(info), &of(least));
    let problem = |problem: Problem| serde_json::from_str::<Value>(&problem.to_json()).unwrap();
    let plain = Problem::new(StatusCode::BAD_REQUEST, "");
    check_type("Problem", &problem(plain.clone().about("limit")), &problem(plain));
}
