//! Every attribute of an item, and that the largest item fits.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use delivery::{
    Delivery, ReplyUse, Request, Response, body::Body, headers::Headers, key::Endpoint,
    millis::Millis, reply::Reply, settings::Expected, settings::Scheme, settings::Verified,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{
    item::{self, Item},
    protocol::{Access, Head, ReplyWindow, Watermark, Window},
};

/// An item may have this many bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The form that DynamoDB's console and CLI show.
fn shown(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(blob) => json!({ "B": blob.as_ref() }),
        AttributeValue::Bool(yes) => json!({ "BOOL": yes }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(shown).collect::<Vec<_>>() }),
        other => panic!("our items have no {other:?}"),
    }
}

fn check(item: &Item, expected: Value) {
    let item: serde_json::Map<_, _> =
        item.iter().map(|(name, value)| (name.clone(), shown(value))).collect();
    let found = Value::Object(item);
    assert_eq!(found, expected, "it is\n{found:#}");
}

/// Bytes that an item counts as
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>).
fn size(item: &Item) -> usize {
    fn value(of: &AttributeValue) -> usize {
        match of {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len() / 2 + 2,
            AttributeValue::B(blob) => blob.as_ref().len(),
            AttributeValue::L(list) => 3 + list.iter().map(|of| value(of) + 1).sum::<usize>(),
            _ => 1,
        }
    }
    item.iter().map(|(name, of)| name.len() + value(of)).sum()
}

fn delivery() -> Delivery {
    Delivery {
        seq: 12,
        received_at: Millis(1_795_431_600_123),
        took_ms: 7,
        verified: Some(Verified::Missing),
        request: Request {
            method: "POST".into(),
            path: "/a%20b".into(),
            raw_path: "/a%20b".into(),
            query: "c=d".into(),
            source: "203.0.113.7".into(),
            headers: Headers::from([("content-type", "application/json"), ("via", "2.0 x")]),
            added: vec!["via".into()],
            body: Body::whole(b"{}".to_vec()),
        },
        response: Response {
            status: 503,
            headers: Headers::from([("retry-after", "5")]),
            body: "later".into(),
            delay_ms: 20,
            reply_use: Some(ReplyUse { n: 2, of: 3 }),
            unfilled: true,
        },
    }
}

#[test]
fn a_delivery_has_these_attributes() {
    let delivery = delivery();
    let item = item::from_delivery("name#00000000000000ff".into(), &delivery, 42, 1_795_500_000);
    check(
        &item,
        json!({
            "endpoint": {"S": "name#00000000000000ff"}, "seq": {"N": "12"},
            "nonce": {"N": "42"}, "expires_at": {"N": "1795500000"},
            "received_at": {"N": "1795431600123"}, "took_ms": {"N": "7"}, "verified": {"S": "missing"},
            "method": {"S": "POST"}, "path": {"S": "/a%20b"}, "query": {"S": "c=d"}, "source": {"S": "203.0.113.7"},
            "headers": {"L": [{"N": "3"}, {"N": "-16"}, {"S": "2.0 x"}]}, "added": {"B": [2]}, "body": {"S": "{}"},
            "status": {"N": "503"}, "reply_headers": {"L": [{"S": "retry-after"}, {"S": "5"}]},
            "reply_body": {"S": "later"}, "delay_ms": {"N": "20"}, "reply_use": {"N": "2"}, "reply_uses": {"N": "3"}, "unfilled": {"N": "1"},
        }),
    );
    assert_eq!(item::to_delivery(&item), Ok(delivery));
}

/// Items of before COMMON have all of a header as text, names of those added, and size and hash of every body.
#[test]
fn an_item_of_an_earlier_version_is_read() {
    let delivery = delivery();
    let mut item = item::from_delivery("p".into(), &delivery, 42, 1);
    let texts = |texts: &[&str]| {
        let texts = texts.iter().map(|text| AttributeValue::S((*text).into()));
        AttributeValue::L(texts.collect())
    };
    let headers = ["content-type", "application/json", "via", "2.0 x"];
    item.insert("headers".into(), texts(&headers));
    item.insert("added".into(), texts(&["via"]));
    item.insert("body_size".into(), item::n(2));
    let sha256 = Blob::new(delivery.request.body.sha256);
    item.insert("body_sha256".into(), AttributeValue::B(sha256));
    assert_eq!(item::to_delivery(&item), Ok(delivery));
}

/// One write unit is 1,024 bytes, names included; 60 bytes are left for what a later version adds. infra/aws/README.md has
/// these sizes, and what the engines count.
#[test]
fn a_usual_webhook_takes_one_write_unit() {
    let event = include_str!("../../../infra/aws/events/webhook.json");
    let event: Value = serde_json::from_str(event).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let headers = event["headers"].as_object().unwrap().iter();
    // As the functions take them from the event.
    let host = text(&event["headers"]["x-viewer-host"]);
    let through_the_cdn: Vec<_> = headers
        .map(|(name, value)| {
            (name.clone(), if name == "host" { host.clone() } else { text(value) })
        })
        .filter(|(name, _)| name != "x-origin-secret" && !name.starts_with("x-viewer-"))
        .collect();
    let is_added = |name: &String| name.starts_with("x-") || name == "via";
    let plain = through_the_cdn.iter().filter(|(name, _)| !is_added(name)).cloned().collect();
    let mut authorized = through_the_cdn.clone();
    authorized.push(("authorization".into(), "x".repeat(60)));
    let counted = Some(ReplyUse { n: 19, of: 20 });
    for (headers, verified, reply_use, bytes) in [
        (plain, None, None, 489),
        (through_the_cdn, None, None, 676),
        (authorized.clone(), None, None, 741),
        (authorized.clone(), None, counted, 766),
        (authorized, Some(Verified::Missing), counted, 781),
    ] {
        let added = headers.iter().map(|(name, _)| name.clone());
        let usual = Delivery {
            seq: 9_999_999,
            verified,
            request: Request {
                path: "/".into(),
                raw_path: String::new(),
                query: String::new(),
                added: added.filter(is_added).collect(),
                headers: Headers(headers),
                body: Body::whole(text(&event["body"]).into_bytes()),
                ..delivery().request
            },
            response: Response {
                reply_use,
                ..Reply::default().response(&Request::default(), None)
            },
            ..delivery()
        };
        assert_eq!(item::webhook_units(&usual.request), 2);
        let item = item::from_delivery("p".repeat(43), &usual, u64::MAX, 1_795_500_000);
        assert_eq!(size(&item), bytes);
        assert!(bytes + 60 <= 1024);
        assert_eq!(item::to_delivery(&item), Ok(usual));
    }
}

#[test]
fn a_head_has_these_attributes() {
    let endpoint = Endpoint::parse("b7nihh2yefj2lxoxyqgcjpq6pi").unwrap();
    let head = Head {
        epoch: u64::MAX,
        created_at: Millis(1),
        last_seq: 2,
        last_at: Millis(3),
        cleared_to: 5,
        deleted_to: 4,
        expires_at_s: 6,
        interval_end: Millis(12),
        used: 13,
        used_from: Millis(14),
        refused: 15,
        watermarks: vec![Watermark { seq: 7, gone_at: Millis(8) }],
        reply: ReplyWindow { key: 9, uses: Window { from: 10, until: 11 } },
        access: Access::default(),
    };
    let access = Access {
        key: u64::MAX,
        cors: true,
        expect: Some(Expected { scheme: Scheme::Bearer, digest: [7; 32] }),
        refuse: Window { from: 10_000_000, until: 10_000_020 },
    };
    for access in [Access { expect: None, refuse: Window::default(), ..access }, access] {
        let head = Head { access, ..head.clone() };
        assert_eq!(item::to_head(&item::from_head(&endpoint, &head)), Ok(head));
    }
    let mut item = item::from_head(&endpoint, &head);
    assert_eq!(item::to_head(&item), Ok(head.clone()));
    check(
        &item,
        json!({
            "endpoint": {"S": "b7nihh2yefj2lxoxyqgcjpq6pi"}, "seq": {"N": "0"}, "epoch": {"N": "18446744073709551615"},
            "created_at": {"N": "1"}, "last_seq": {"N": "2"}, "last_at": {"N": "3"}, "deleted_to": {"N": "4"},
            "used": {"N": "13"}, "used_from": {"N": "14"}, "refused": {"N": "15"}, "cleared_to": {"N": "5"}, "expires_at": {"N": "6"}, "marks": {"L": [{"N": "7"}, {"N": "8"}]},
            "mark_at": {"N": "12"}, "reply_key": {"N": "9"}, "reply_from": {"N": "10"}, "reply_until": {"N": "11"},
        }),
    );
    // An earlier version's has none of these.
    for name in ["deleted_to", "used", "used_from", "refused"] {
        item.remove(name);
    }
    assert_eq!(item::to_head(&item).unwrap().used, 0);
    // One unit of write capacity is 1 KB, and a poll reads the head at half a unit of 4 KB.
    let late = Millis(1_795_431_600_123);
    let largest = Head {
        created_at: late,
        last_at: late,
        interval_end: late,
        used_from: late,
        last_seq: 10_000_000,
        cleared_to: 10_000_000,
        deleted_to: 10_000_000,
        refused: 10_000_000,
        expires_at_s: 1_795_431_600,
        watermarks: vec![Watermark { seq: 10_000_000, gone_at: late }; 31],
        reply: ReplyWindow { key: u64::MAX, uses: Window { from: 10_000_000, until: u64::MAX } },
        access,
        ..head
    };
    let bytes = size(&item::from_head(&endpoint, &largest));
    assert!(bytes <= 1024, "{bytes} bytes");
}

proptest! {
    #[test]
    fn a_delivery_reads_back(bytes: Vec<u8>, seq: u64, value in "\\PC*", added in prop::collection::vec(0usize..4, 0..4), used: Option<(u32, u32)>) {
        let mut delivery = Delivery { seq, ..delivery() };
        delivery.request.path.clone_from(&value);
        let named = ["x", "via", "accept", "authorization"];
        delivery.request.headers = Headers(named.map(|name| (name.into(), value.clone())).into());
        delivery.request.headers.0.push(("x".into(), String::new()));
        delivery.request.added = added.iter().map(|at| named[*at].into()).collect();
        delivery.request.body = Body::whole(bytes);
        delivery.response.body = value;
        delivery.response.reply_use = used.map(|(n, of)| ReplyUse { n, of });
        let item = item::from_delivery("p".into(), &delivery, 1, 2);
        prop_assert_eq!(item::to_delivery(&item), Ok(delivery));
    }
}

#[test]
fn the_largest_delivery_fits() {
    // 20 KiB of headers as a front counts them (name, value, four bytes between), each as costly as can be: short, all
    // added on the way, and of bytes above ASCII, which UTF-8 doubles.
    let line = ("cloudfront-x".to_owned(), "é".repeat(4));
    let lines = 20 * 1024 / (line.0.len() + 4 + 4);
    let worst = Delivery {
        request: Request {
            method: "OPTIONS".into(),
            path: "/".repeat(8 * 1024),
            raw_path: "/".repeat(8 * 1024),
            query: String::new(),
            source: "2001:0db8:0000:0000:0000:0000:0000:0001".into(),
            added: vec![line.0.clone(); lines],
            headers: Headers(vec![line; lines]),
            body: Body::whole(vec![0xff; 256 * 1024]),
        },
        response: Response {
            headers: Headers(vec![("x".repeat(1024), "\"".repeat(1024)); 27]),
            body: "\"".repeat(16 * 1024),
            ..delivery().response
        },
        ..delivery()
    };
    let item = item::from_delivery("p".repeat(43), &worst, u64::MAX, u64::from(u32::MAX));
    let bytes = size(&item);
    assert!(bytes <= MAX_ITEM_BYTES, "{bytes} bytes");
    assert_eq!(item::to_delivery(&item), Ok(worst));
}

#[test]
fn an_attribute_that_is_missing_or_of_another_kind_is_named() {
    let mut cut = delivery();
    cut.request.body.size = 99;
    let whole = item::from_delivery("p".into(), &cut, 1, 2);
    // Those that only the table itself looks at.
    let unread = ["endpoint", "nonce", "expires_at", "reply_uses"];
    for name in whole.keys().filter(|name| !unread.contains(&name.as_str())) {
        let mut bad = whole.clone();
        bad.insert(name.clone(), AttributeValue::Bool(true));
        assert_eq!(item::to_delivery(&bad).unwrap_err(), name);
        bad.remove(name);
        match name.as_str() {
            "reply_use" | "unfilled" | "verified" => {
                assert!(item::to_delivery(&bad).is_ok(), "it may be absent")
            }
            _ => assert_eq!(item::to_delivery(&bad).unwrap_err(), name),
        }
    }
    let mut odd = whole;
    odd.insert("headers".into(), AttributeValue::L(vec![AttributeValue::S("name".into())]));
    assert_eq!(item::to_delivery(&odd), Err("headers"));
}
