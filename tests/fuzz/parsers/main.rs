//! Parsers of strangers' bytes, as fuzz targets.
//!
//! Each target is a test: it runs the inputs in its `__fuzz__` folder and some random ones. `cargo bolero test -p fuzz event`
//! fuzzes one with libFuzzer, for as long as you like; what it finds becomes a file in that folder.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use delivery::{
    Delivery, Request,
    body::Body,
    cursor::Cursor,
    headers::Headers,
    key::{Endpoint, Key},
    limits::Limits,
    log_page::LogPage,
    millis::Millis,
    published,
    reply::{Reply, SANDBOX},
    settings::{Change, Verified},
};
use receiver::response::Answer;
use store::item;

/// Random inputs of each target at a test run: a second or two in all.
const RANDOM_INPUTS: usize = 2_000;

const LIMITS: Limits = Limits {
    max_body_bytes: 256 * 1024,
    max_deliveries: 10_000,
    delivery_ttl_s: 7 * 86_400,
    endpoint_ttl_s: 30 * 86_400,
    max_delay_ms: 30_000,
    endpoint_units_per_s: 0,
};
/// An item may have this many bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const MAX_ITEM_BYTES: usize = 400 * 1024;

/// A function-URL event becomes a delivery, an item, and the same delivery again.
fn event(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<function_url::event::Event>(bytes) else {
        return;
    };
    let Ok(request) = event.into_request(None) else {
        return;
    };
    let _ = request.query_value("after");
    let Some((endpoint, raw_path)) = receiver::response::target(&request.path) else {
        return;
    };
    let expected =
        Change::parse(br#"{"expect":{"scheme":"basic","user":"u","password":"p"}}"#, &endpoint);
    let (expected, _) = expected.unwrap().expect.flatten().unwrap();
    let verified = expected.verify(&request, &endpoint);
    let answer = match (receiver::response::is_preflight(&request), verified) {
        (true, _) => Answer::Preflight,
        (false, Verified::Wrong) => Answer::Unauthorized(expected.scheme),
        _ => Answer::Reply(None),
    };
    let response = receiver::response::respond(&request, &answer, true, &LIMITS);
    let sent = receiver::response::to_http(response.clone());
    assert_eq!(sent.status().as_u16(), response.status);
    let delivery = Delivery {
        seq: 1,
        received_at: Millis(1_795_431_600_123),
        took_ms: 1,
        verified: Some(verified),
        request: receiver::response::recorded(request, raw_path, &LIMITS),
        response,
    };
    let partition = item::log_partition(&endpoint, 7);
    let stored = item::from_delivery(partition, &delivery, 9, 1);
    // No front passes on more than 28 KiB of line and headers.
    if bytes.len() < 28 * 1024 {
        let size: usize = stored.iter().map(|(name, of)| name.len() + size(of)).sum();
        assert!(size < MAX_ITEM_BYTES, "an item of {size} bytes");
    }
    assert_eq!(item::to_delivery(&stored).as_ref(), Ok(&delivery));
    let json = serde_json::to_string(&delivery).expect("a delivery has a JSON form");
    let read: Delivery = serde_json::from_str(&json).expect("which is read again");
    assert_eq!(read, delivery);
    let masked = delivery::redact::for_share_key(delivery.clone());
    assert_eq!(masked.request.headers.0.len(), delivery.request.headers.0.len());
}

fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|of| size(of) + 1).sum::<usize>(),
        _ => 21,
    }
}

/// An item that somebody else wrote, or half of one, is read or said to be unreadable.
fn read_item(bytes: &[u8]) {
    let mut rest = bytes;
    let mut stored = HashMap::new();
    let names = [
        "seq",
        "received_at",
        "took_ms",
        "method",
        "path",
        "query",
        "source",
        "headers",
        "added",
        "body",
        "body_size",
        "body_sha256",
        "status",
        "reply_headers",
        "reply_body",
        "delay_ms",
        "reply_use",
        "reply_uses",
        "epoch",
        "last_seq",
        "cleared_to",
        "reply_until",
        "last_at",
        "expires_at",
        "marks",
        "reply",
        "created_at",
        "nonce",
        "tombstone",
    ];
    for name in names {
        if let Some(value) = value(&mut rest, 0) {
            stored.insert(name.to_owned(), value);
        }
    }
    if let Ok(delivery) = item::to_delivery(&stored) {
        serde_json::to_string(&delivery).expect("what was read can be shown");
    }
    let _ = item::to_head(&stored);
    let _ = item::received_at(&stored);
    let _ = item::seq(&stored);
}

/// A value of an attribute, made of the next bytes; none if they say so.
fn value(rest: &mut &[u8], depth: u8) -> Option<AttributeValue> {
    let (&kind, after) = rest.split_first()?;
    *rest = after;
    let mut take = |most: usize| {
        let length = rest.len().min(most).min(usize::from(kind >> 3));
        let (taken, after) = rest.split_at(length);
        *rest = after;
        taken.to_vec()
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some(match kind & 7 {
        0 => return None,
        1 => AttributeValue::S(text(take(31))),
        2 => AttributeValue::N(text(take(31))),
        3 => AttributeValue::B(Blob::new(take(31))),
        4 => AttributeValue::Bool(kind > 127),
        5 if depth < 4 => {
            let list = (0..kind >> 4).map_while(|_| value(rest, depth + 1));
            AttributeValue::L(list.collect())
        }
        6 => AttributeValue::N(u64::from(kind).pow(3).to_string()),
        _ => AttributeValue::Null(true),
    })
}

/// A cursor is the only text of what it says.
fn cursor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(cursor) = Cursor::parse(&text) {
        assert_eq!(cursor.encode(), text);
    }
    if let Some(at) = Millis::from_rfc3339(&text) {
        assert_eq!(Millis::from_rfc3339(&at.to_rfc3339()), Some(at));
    }
}

/// A key leads to an endpoint whose name is one.
fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parsed = [Key::parse(&text), Key::from_authorization(&text)];
    for key in parsed.into_iter().flatten() {
        let endpoint = key.endpoint();
        let again = delivery::key::Endpoint::parse(endpoint.as_str());
        assert_eq!(again.as_ref(), Ok(&endpoint));
        let said = format!("{key:?}");
        let secret = text.rsplit('_').next().unwrap_or_default();
        assert!(secret.len() < 20 || !said.contains(secret), "{said}");
    }
    if let Some((endpoint, below)) = receiver::response::target(&text) {
        assert!(below.is_empty() || below.starts_with('/'));
        assert_eq!(endpoint.as_str().len(), 26);
    }
}

/// A page of the log, as its readers in Rust read it.
fn page(bytes: &[u8]) {
    if let Ok(page) = serde_json::from_slice::<LogPage>(bytes) {
        let text = serde_json::to_vec(&page).expect("a page has a JSON form");
        let again: LogPage = serde_json::from_slice(&text).expect("which is read again");
        assert_eq!(again, page);
    }
}

/// The id inside of what was published is a number, digit for digit, or a short text.
fn published(bytes: &[u8]) {
    for kind in [
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("text/plain; charset=utf-8"),
    ] {
        if let Some(id) = published::event_id(&request(kind, bytes)) {
            let json = id.to_json();
            let value: serde_json::Value = serde_json::from_str(&json).expect("an id is JSON");
            assert!(value.is_number() || value.as_str().is_some_and(|t| t.chars().count() <= 64));
        }
    }
}

fn request(content_type: Option<&str>, body: &[u8]) -> Request {
    let headers = content_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
    let (headers, body) = (Headers(headers.into_iter().collect()), Body::whole(body.to_vec()));
    Request { headers, body, ..Request::default() }
}

/// Whatever is set as a reply can't act in a browser, split a header, or grow, whatever it repeats.
fn reply(bytes: &[u8]) {
    let endpoint = Endpoint::parse("b7nihh2yefj2lxoxyqgcjpq6pi").unwrap();
    let _ = Change::parse(bytes, &endpoint);
    let Ok(reply) = Reply::parse(bytes, &LIMITS) else {
        return;
    };
    for body in [
        &b"{\"id\":\"\\u003cscript\\u003e\\r\\n\"}"[..],
        b"{\"id\":123456789012345678901}",
        b"<script>\r\nset-cookie: a=b\0",
    ] {
        let response = reply.response(&request(None, body), None);
        assert!((200..=599).contains(&response.status));
        assert!(response.body.len() <= 16 * 1024, "{}", response.body.len());
        assert!(response.delay_ms <= LIMITS.max_delay_ms);
        let plain = (200..300).contains(&response.status) && response.delay_ms == 0;
        assert!(plain || reply.times.is_some_and(|times| (1..=20).contains(&times)));
        for (name, value) in &response.headers.0 {
            let known = [
                "content-type",
                "cache-control",
                "retry-after",
                "x-hook-secret",
                "webhook-allowed-origin",
                "webhook-allowed-rate",
                "smartsheet-hook-response",
            ];
            let always = SANDBOX.map(|(name, _)| name);
            let name = name.to_ascii_lowercase();
            assert!(
                known.contains(&&*name) || always.contains(&&*name) || name.starts_with("x-reply-"),
                "{name}"
            );
            assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?}");
        }
        for (name, value) in SANDBOX {
            let set: Vec<_> = response.headers.0.iter().filter(|(n, _)| n == name).collect();
            assert!(set.len() == 1 && set[0].1 == value, "{name}: {set:?}");
        }
        let kind = response.headers.get("content-type").unwrap_or_default();
        assert!(!kind.contains("html") && !kind.contains("svg"), "{kind}");
        let sent = receiver::response::to_http(response.clone());
        assert_eq!(sent.headers().len(), response.headers.0.len(), "one was dropped");
    }
}

/// A template is filled or refused, within bounds. The first line is the template, the rest the event.
fn template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (template, event) = text.split_once('\n').unwrap_or((&text, "{}"));
    if let Some(Ok(filled)) = simulated_cloud::fuzzing::template(template, event) {
        assert!(filled.len() <= 1024 * 1024 + template.len(), "{}", filled.len());
    }
}

/// A body of files is read or refused, within bounds. The first line is its type.
fn multipart(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (kind, body) = bytes.split_at(at);
    let kind = String::from_utf8_lossy(kind);
    let body = body.get(1..).unwrap_or_default().to_vec();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    match runtime.block_on(simulated_cloud::fuzzing::files(&kind, body)) {
        Ok(files) => {
            assert!(files.len() <= 32, "{}", files.len());
            let all: usize = files.iter().map(|(_, size)| size).sum();
            assert!(all <= 512 * 1024, "{all}");
        }
        Err(status) => assert!((400..500).contains(&status), "{status}"),
    }
}

/// The targets by their names in the corpus.
mod targets {
    use super::RANDOM_INPUTS;

    #[test]
    fn event() {
        bolero::check!(name = "event").with_iterations(RANDOM_INPUTS).for_each(super::event);
    }

    #[test]
    fn item() {
        bolero::check!(name = "item").with_iterations(RANDOM_INPUTS).for_each(super::read_item);
    }

    #[test]
    fn cursor() {
        bolero::check!(name = "cursor").with_iterations(RANDOM_INPUTS).for_each(super::cursor);
    }

    #[test]
    fn key() {
        bolero::check!(name = "key").with_iterations(RANDOM_INPUTS).for_each(super::key);
    }

    #[test]
    fn page() {
        bolero::check!(name = "page").with_iterations(RANDOM_INPUTS).for_each(super::page);
    }

    #[test]
    fn published() {
        bolero::check!(name = "published")
            .with_iterations(RANDOM_INPUTS)
            .for_each(super::published);
    }

    #[test]
    fn reply() {
        bolero::check!(name = "reply").with_iterations(RANDOM_INPUTS).for_each(super::reply);
    }

    #[test]
    fn template() {
        bolero::check!(name = "template").with_iterations(RANDOM_INPUTS).for_each(super::template);
    }

    #[test]
    fn multipart() {
        bolero::check!(name = "multipart")
            .with_iterations(RANDOM_INPUTS)
            .for_each(super::multipart);
    }
}
