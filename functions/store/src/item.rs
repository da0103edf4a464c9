//! Conversion between items and deliveries, heads and tombstones.
//!
//! The crate's documentation has a table of the attributes.
//!
//! An item has at most 400 KB including its attribute names
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>). The largest possible delivery
//! fits: a body of 256 KiB, 20 KiB of headers, 8 KiB of URL, and a reply of 16 KiB with 40 KiB of headers. Headers are
//! lists of strings, name and value in turn, because JSON in a string would double quotation marks; those of [`COMMON`]
//! are numbers, so that a usual webhook is below the 1,024 bytes of one write unit. What can be derived is not stored.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use delivery::{
    Delivery, ReplyUse, Request, Response, body::Body, headers::Headers, key::Endpoint,
    millis::Millis, settings::Expected,
};
use serde::de::{
    DeserializeOwned,
    value::{Error as ValueError, StrDeserializer},
};

use crate::protocol::{Access, Head, ReplyWindow, Watermark, Window};

/// Attribute values by name.
pub type Item = HashMap<String, AttributeValue>;

/// Partition key.
pub const ENDPOINT: &str = "endpoint";
/// Sort key.
pub const SEQ: &str = "seq";
/// Time to live, in seconds since the epoch.
pub const EXPIRES_AT: &str = "expires_at";
/// Marks a number that will never have a delivery.
pub const TOMBSTONE: &str = "tombstone";
/// Marks a tombstone whose number may have had one.
pub const GONE: &str = "gone";
/// Random for each invocation of the receiver, so that a repeated put is recognised.
pub const NONCE: &str = "nonce";

/// Headers that most webhooks and replies have. In an item, the number `n` means the whole entry `n - 1`, and `-n` its name,
/// whose value follows. Entries are only ever added, at the end: items have their positions.
const COMMON: [(&str, &str); 24] = [
    ("accept", "application/json"),
    ("accept-encoding", "gzip"),
    ("content-type", "application/json"),
    ("user-agent", "ParticleBot/1.1 (https://docs.particle.io/webhooks)"),
    ("x-amzn-tls-cipher-suite", "TLS_AES_128_GCM_SHA256"),
    ("x-amzn-tls-version", "TLSv1.3"),
    ("x-forwarded-port", "443"),
    ("x-forwarded-proto", "https"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("content-disposition", "attachment"),
    ("authorization", ""),
    ("content-length", ""),
    ("host", ""),
    ("via", ""),
    ("x-amz-cf-id", ""),
    ("x-amzn-trace-id", ""),
    ("x-forwarded-for", ""),
    ("x-forwarded-host", ""),
    ("content-type", "application/x-www-form-urlencoded"),
    ("accept", "*/*"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "*"),
];

/// Bytes of a usual record without what was sent: names, keys, times and the default reply.
const REST_OF_RECORD: usize = 350;

/// The partition of a log's deliveries.
pub fn log_partition(endpoint: &Endpoint, epoch: u64) -> String {
    format!("{endpoint}#{epoch:016x}")
}

/// The name of an attribute that is missing or has another type than expected.
pub type Unreadable = &'static str;

/// A number.
pub fn n(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text.
pub fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number<T: std::str::FromStr>(item: &Item, name: Unreadable) -> Result<T, Unreadable> {
    let text = item.get(name).and_then(|value| value.as_n().ok()).ok_or(name)?;
    text.parse().map_err(|_| name)
}

fn text(item: &Item, name: Unreadable) -> Result<String, Unreadable> {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().ok_or(name)
}

fn texts(item: &Item, name: Unreadable) -> Result<Vec<String>, Unreadable> {
    let list = item.get(name).and_then(|value| value.as_l().ok()).ok_or(name)?;
    let list = list.iter().map(|value| value.as_s().ok().cloned());
    list.collect::<Option<_>>().ok_or(name)
}

/// The value that a text is the name of.
fn named<T: DeserializeOwned>(item: &Item, name: Unreadable) -> Result<T, Unreadable> {
    let text = text(item, name)?;
    T::deserialize(StrDeserializer::<ValueError>::new(&text)).map_err(|_| name)
}

/// How a header is stored, with positions in [`COMMON`] from 1.
enum Stored {
    Whole(usize),
    Named(usize),
    AsText,
}

fn stored(name: &str, value: &str) -> Stored {
    let entry = |is: &dyn Fn(&(&str, &str)) -> bool| COMMON.iter().position(is).map(|at| at + 1);
    match entry(&|common| *common == (name, value)) {
        Some(whole) => Stored::Whole(whole),
        None => entry(&|common| common.0 == name).map_or(Stored::AsText, Stored::Named),
    }
}

fn pairs(headers: &Headers) -> AttributeValue {
    let flat = headers.0.iter().flat_map(|(name, value)| match stored(name, value) {
        Stored::Whole(entry) => vec![n(entry)],
        Stored::Named(entry) => vec![n(format!("-{entry}")), s(value)],
        Stored::AsText => vec![s(name), s(value)],
    });
    AttributeValue::L(flat.collect())
}

fn headers(item: &Item, name: Unreadable) -> Result<Headers, Unreadable> {
    fn text(value: Option<&AttributeValue>) -> Option<String> {
        value?.as_s().ok().cloned()
    }
    fn common(number: &str) -> Option<&'static (&'static str, &'static str)> {
        COMMON.get(number.parse::<usize>().ok()?.checked_sub(1)?)
    }
    let list = item.get(name).and_then(|value| value.as_l().ok());
    let mut flat = list.ok_or(name)?.iter();
    let mut headers = Headers::default();
    while let Some(first) = flat.next() {
        let header = match first {
            AttributeValue::N(number) => match number.strip_prefix('-') {
                None => common(number).map(|(name, value)| ((*name).into(), (*value).into())),
                Some(named) => common(named)
                    .zip(text(flat.next()))
                    .map(|((name, _), value)| ((*name).into(), value)),
            },
            literal => text(Some(literal)).zip(text(flat.next())),
        };
        headers.0.push(header.ok_or(name)?);
    }
    Ok(headers)
}

/// Which headers were added on the way: a bit for each header, or their names where bits can't say it.
fn added(request: &Request) -> AttributeValue {
    let headers = &request.headers.0;
    let mut bits = vec![0u8; headers.len().div_ceil(8)];
    let mut names = request.added.iter().peekable();
    for (at, (name, _)) in headers.iter().enumerate() {
        if names.next_if(|added| *added == name).is_some() {
            bits[at / 8] |= 1 << (at % 8);
        }
    }
    match names.next() {
        None if !request.added.is_empty() => AttributeValue::B(Blob::new(bits)),
        _ => AttributeValue::L(request.added.iter().map(s).collect()),
    }
}

fn added_names(item: &Item, headers: &Headers) -> Result<Vec<String>, Unreadable> {
    let Some(AttributeValue::B(bits)) = item.get("added") else {
        return texts(item, "added");
    };
    let bits = bits.as_ref();
    if bits.len() != headers.0.len().div_ceil(8) {
        return Err("added");
    }
    let named = headers.0.iter().enumerate();
    let named = named.filter(|(at, _)| bits[at / 8] & (1 << (at % 8)) != 0);
    Ok(named.map(|(_, (name, _))| name.clone()).collect())
}

/// The sort key of an item.
pub fn seq(item: &Item) -> Option<u64> {
    number(item, SEQ).ok()
}

/// A delivery as an item.
pub fn from_delivery(
    partition: String,
    delivery: &Delivery,
    nonce: u64,
    expires_at_s: u64,
) -> Item {
    let Delivery { seq, received_at, took_ms, verified, request, response } = delivery;
    let body = match request.body.text() {
        Some(text) => s(text),
        None => AttributeValue::B(Blob::new(request.body.kept.clone())),
    };
    let mut item = Item::from([
        (ENDPOINT.into(), s(partition)),
        (SEQ.into(), n(seq)),
        (NONCE.into(), n(nonce)),
        (EXPIRES_AT.into(), n(expires_at_s)),
        ("received_at".into(), n(received_at.0)),
        ("took_ms".into(), n(took_ms)),
        ("method".into(), s(&request.method)),
        ("path".into(), s(&request.path)),
        ("query".into(), s(&request.query)),
        ("source".into(), s(&request.source)),
        ("headers".into(), pairs(&request.headers)),
        ("added".into(), added(request)),
        ("body".into(), body),
        ("status".into(), n(response.status)),
        ("reply_headers".into(), pairs(&response.headers)),
        ("reply_body".into(), s(&response.body)),
        ("delay_ms".into(), n(response.delay_ms)),
    ]);
    if let Some(verified) = verified {
        item.insert("verified".into(), s(verified.as_str()));
    }
    if request.raw_path != request.path {
        item.insert("raw_path".into(), s(&request.raw_path));
    }
    if request.body.truncated() {
        let sha256 = AttributeValue::B(Blob::new(request.body.sha256));
        item.insert("body_size".into(), n(request.body.size));
        item.insert("body_sha256".into(), sha256);
    }
    if let Some(ReplyUse { n: nth, of }) = response.reply_use {
        item.insert("reply_use".into(), n(nth));
        item.insert("reply_uses".into(), n(of));
    }
    if response.unfilled {
        item.insert("unfilled".into(), n(1));
    }
    item
}

/// The delivery in an item.
///
/// # Errors
/// Names the attribute that can't be read.
pub fn to_delivery(item: &Item) -> Result<Delivery, Unreadable> {
    let kept = match item.get("body") {
        Some(AttributeValue::S(text)) => text.clone().into_bytes(),
        Some(AttributeValue::B(blob)) => blob.as_ref().to_vec(),
        _ => return Err("body"),
    };
    let body = match item.get("body_sha256") {
        // An item of an earlier version has it for a whole body too.
        Some(sha256) => {
            let sha256 = sha256.as_b().ok();
            Body {
                kept,
                size: number(item, "body_size")?,
                sha256: sha256
                    .and_then(|blob| blob.as_ref().try_into().ok())
                    .ok_or("body_sha256")?,
            }
        }
        None if item.contains_key("body_size") => return Err("body_sha256"),
        None => Body::whole(kept),
    };
    let path = text(item, "path")?;
    let raw_path = match item.contains_key("raw_path") {
        true => text(item, "raw_path")?,
        false => path.clone(),
    };
    let headers_in = headers(item, "headers")?;
    let reply_use = match item.contains_key("reply_use") {
        true => Some(ReplyUse { n: number(item, "reply_use")?, of: number(item, "reply_uses")? }),
        false => None,
    };
    Ok(Delivery {
        seq: number(item, SEQ)?,
        received_at: received_at(item)?,
        took_ms: number(item, "took_ms")?,
        verified: match item.contains_key("verified") {
            true => Some(named(item, "verified")?),
            false => None,
        },
        request: Request {
            method: text(item, "method")?,
            path,
            raw_path,
            query: text(item, "query")?,
            source: text(item, "source")?,
            added: added_names(item, &headers_in)?,
            headers: headers_in,
            body,
        },
        response: Response {
            status: number(item, "status")?,
            headers: headers(item, "reply_headers")?,
            body: text(item, "reply_body")?,
            delay_ms: number(item, "delay_ms")?,
            reply_use,
            unfilled: item.contains_key("unfilled") && number::<u8>(item, "unfilled")? == 1,
        },
    })
}

/// When the delivery in an item was received.
///
/// # Errors
/// Names the attribute, if it can't be read.
pub fn received_at(item: &Item) -> Result<Millis, Unreadable> {
    number(item, "received_at").map(Millis)
}

/// The item that closes a number for good; `gone`, if a delivery may have been deleted there.
pub fn tombstone(partition: String, seq: u64, gone: bool, expires_at_s: u64) -> Item {
    let mut item = Item::from([
        (ENDPOINT.into(), s(partition)),
        (SEQ.into(), n(seq)),
        (TOMBSTONE.into(), AttributeValue::Bool(true)),
        (EXPIRES_AT.into(), n(expires_at_s)),
    ]);
    if gone {
        item.insert(GONE.into(), AttributeValue::Bool(true));
    }
    item
}

/// A head as an item.
pub fn from_head(endpoint: &Endpoint, head: &Head) -> Item {
    let mut item = Item::from([
        (ENDPOINT.into(), s(endpoint.as_str())),
        (SEQ.into(), n(0)),
        ("epoch".into(), n(head.epoch)),
        ("created_at".into(), n(head.created_at.0)),
        ("last_seq".into(), n(head.last_seq)),
        ("last_at".into(), n(head.last_at.0)),
        ("cleared_to".into(), n(head.cleared_to)),
        ("deleted_to".into(), n(head.deleted_to)),
        (EXPIRES_AT.into(), n(head.expires_at_s)),
        ("marks".into(), watermarks(&head.watermarks)),
        ("mark_at".into(), n(head.interval_end.0)),
        ("used".into(), n(head.used)),
        ("used_from".into(), n(head.used_from.0)),
        ("refused".into(), n(head.refused)),
        ("reply_key".into(), n(head.reply.key)),
        ("reply_from".into(), n(head.reply.uses.from)),
        ("reply_until".into(), n(head.reply.uses.until)),
    ]);
    // Most endpoints have none of these, and each is read and written with every webhook.
    let Access { key, cors, expect, refuse } = head.access;
    if key != 0 {
        item.insert("settings_key".into(), n(key));
        item.insert("cors".into(), AttributeValue::Bool(cors));
    }
    if let Some(expected) = expect {
        item.insert("expect".into(), digest(&expected));
        item.insert("expect_scheme".into(), s(expected.scheme.as_str()));
        item.insert("refuse_from".into(), n(refuse.from));
        item.insert("refuse_until".into(), n(refuse.until));
    }
    item
}

/// The digest of a credential.
pub fn digest(expected: &Expected) -> AttributeValue {
    AttributeValue::B(Blob::new(expected.digest))
}

/// A head's watermarks: a flat list of numbers, `seq` and `gone_at` in turn.
pub fn watermarks(watermarks: &[Watermark]) -> AttributeValue {
    AttributeValue::L(watermarks.iter().flat_map(|mark| [n(mark.seq), n(mark.gone_at.0)]).collect())
}

/// The head in an item.
///
/// # Errors
/// Names the attribute that can't be read.
pub fn to_head(item: &Item) -> Result<Head, Unreadable> {
    // Not in the items of earlier versions.
    let newer = |name| match item.contains_key(name) {
        true => number(item, name),
        false => Ok(0),
    };
    let flat = item.get("marks").and_then(|value| value.as_l().ok()).ok_or("marks")?;
    let flat: Option<Vec<u64>> = flat.iter().map(|value| value.as_n().ok()?.parse().ok()).collect();
    let flat = flat.ok_or("marks")?;
    Ok(Head {
        epoch: number(item, "epoch")?,
        created_at: Millis(number(item, "created_at")?),
        last_seq: number(item, "last_seq")?,
        last_at: Millis(number(item, "last_at")?),
        cleared_to: number(item, "cleared_to")?,
        deleted_to: newer("deleted_to")?,
        expires_at_s: number(item, EXPIRES_AT)?,
        interval_end: Millis(number(item, "mark_at")?),
        used: newer("used")?,
        used_from: Millis(newer("used_from")?),
        refused: newer("refused")?,
        watermarks: flat
            .chunks_exact(2)
            .map(|pair| Watermark { seq: pair[0], gone_at: Millis(pair[1]) })
            .collect(),
        reply: ReplyWindow {
            key: number(item, "reply_key")?,
            uses: Window { from: number(item, "reply_from")?, until: number(item, "reply_until")? },
        },
        access: access(item)?,
    })
}

fn access(item: &Item) -> Result<Access, Unreadable> {
    let mut access = Access::default();
    if item.contains_key("settings_key") {
        access.key = number(item, "settings_key")?;
        access.cors = *item.get("cors").and_then(|value| value.as_bool().ok()).ok_or("cors")?;
    }
    if let Some(digest) = item.get("expect") {
        let digest = digest.as_b().ok().and_then(|blob| blob.as_ref().try_into().ok());
        let scheme = named(item, "expect_scheme")?;
        access.expect = Some(Expected { scheme, digest: digest.ok_or("expect")? });
        access.refuse.from = number(item, "refuse_from")?;
        access.refuse.until = number(item, "refuse_until")?;
    }
    Ok(access)
}

/// Write units that a webhook is going to take: its number and its record, whose response is not known yet.
pub fn webhook_units(request: &Request) -> u64 {
    let headers = request.headers.0.iter().map(|(name, value)| match stored(name, value) {
        Stored::Whole(_) => 3,
        Stored::Named(_) => 3 + value.len() + 1,
        Stored::AsText => name.len() + 1 + value.len() + 1,
    });
    let sent = request.path.len() + request.query.len() + request.body.kept.len();
    let bytes = headers.sum::<usize>() + sent + REST_OF_RECORD;
    1 + bytes.div_ceil(1024) as u64
}
