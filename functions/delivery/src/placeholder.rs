//! What a reply repeats of the request it answers: `{{json.challenge}}`, `{{query.crc_token | hmac_sha256_base64}}`.
//!
//! There are no conditions, no loops and no nesting, and what is filled in is never read again: a sender's text can't become
//! a placeholder. Every value is escaped for where it is put. A value that the request lacks, or that can't be put there, fills
//! in nothing at all: the caller then sends the default reply, so that one setting serves a sender's handshake and the webhooks
//! that follow it.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::value::RawValue;
use sha2::Sha256;

use crate::{Request, published};

/// Most placeholders in one text, but for `{{id}}`: each may read a whole body.
pub const MAX_PLACEHOLDERS: usize = 16;
/// Longest name or path in a placeholder, in bytes.
const MAX_NAME: usize = 128;

/// A text with placeholders, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a>(Vec<Part<'a>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Id,
    Value(Source<'a>, Option<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source<'a> {
    Body,
    Query(&'a str),
    Header(&'a str),
    Form(&'a str),
    /// Names of members and numbers of elements, joined by dots. A name that has dots itself wins.
    Json(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    HmacHex,
    HmacBase64,
}

/// Where a value is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Between the quotes of a JSON string; a number needs none.
    Json,
    /// Text or an attribute's value of XML.
    Xml,
    /// Text that gives no character a meaning.
    Text,
    /// A header's value.
    Header,
}

impl<'a> Template<'a> {
    /// Reads a text. What is in braces but begins with none of the known words is plain text.
    ///
    /// # Errors
    /// Says which placeholder can't be read, and why.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut from = 0;
        while let Some(open) = rest[from..].find("{{").map(|at| at + from) {
            let Some(close) = rest[open..].find("}}").map(|at| at + open) else { break };
            let Some(part) = placeholder(&rest[open + 2..close])? else {
                from = open + 1;
                continue;
            };
            parts.extend([Part::Text(&rest[..open]), part]);
            rest = &rest[close + 2..];
            from = 0;
        }
        parts.push(Part::Text(rest));
        parts.retain(|part| *part != Part::Text(""));
        let template = Template(parts);
        if template.values().count() > MAX_PLACEHOLDERS {
            return Err(format!("at most {MAX_PLACEHOLDERS} placeholders besides {{{{id}}}}"));
        }
        Ok(template)
    }

    fn values(&self) -> impl Iterator<Item = Option<Filter>> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(_, filter) => Some(*filter),
            Part::Text(_) | Part::Id => None,
        })
    }

    /// Whether a secret is needed to fill it in.
    pub fn needs_secret(&self) -> bool {
        self.values().any(|filter| filter.is_some())
    }

    /// The text with its values, or `None` if the request lacks one, one can't be put there, or it gets longer than `most` bytes.
    pub fn fill(
        &self,
        request: &Request,
        secret: Option<&str>,
        place: Place,
        most: usize,
    ) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Id => match published::event_id(request) {
                    Some(id) => filled.push_str(&escaped(id.text(), place)?),
                    None => filled.push_str("null"),
                },
                Part::Value(source, filter) => {
                    let mut value = source.value(request)?;
                    if let Some(filter) = filter {
                        value = filter.apply(&value, secret?);
                    }
                    filled.push_str(&escaped(&value, place)?);
                }
            }
            if filled.len() > most {
                return None;
            }
        }
        Some(filled)
    }
}

/// What is between two pairs of braces; `None` if that is plain text.
fn placeholder(inside: &str) -> Result<Option<Part<'_>>, String> {
    let wrong = |why: &str| Err(format!("{{{{{inside}}}}}: {why}"));
    let (source, filter) = match inside.split_once('|') {
        Some((source, filter)) => (source.trim(), Some(filter.trim())),
        None => (inside.trim(), None),
    };
    let (word, name) = match source.split_once('.') {
        Some((word, name)) => (word, Some(name)),
        None => (source, None),
    };
    let source = match (word, name) {
        ("id", None) if filter.is_none() => return Ok(Some(Part::Id)),
        ("id", None) => return wrong("an id is repeated as it is"),
        ("body", None) => Source::Body,
        ("query" | "header" | "form" | "json", None | Some("")) => {
            return wrong("a name is missing, as in {{query.challenge}}");
        }
        ("query" | "header" | "form" | "json", Some(name)) if name.len() > MAX_NAME => {
            return wrong("the name is too long");
        }
        ("query", Some(name)) => Source::Query(name),
        ("header", Some(name)) => Source::Header(name),
        ("form", Some(name)) => Source::Form(name),
        ("json", Some(path)) => Source::Json(path),
        _ => return Ok(None),
    };
    let filter = match filter {
        None => None,
        Some("hmac_sha256_hex") => Some(Filter::HmacHex),
        Some("hmac_sha256_base64") => Some(Filter::HmacBase64),
        Some(_) => return wrong("the filters are hmac_sha256_hex and hmac_sha256_base64"),
    };
    Ok(Some(Part::Value(source, filter)))
}

impl Source<'_> {
    fn value(self, request: &Request) -> Option<String> {
        match self {
            Source::Body => request.body.text().map(str::to_owned),
            Source::Query(name) => request.query_value(name),
            Source::Header(name) => request.headers.get(name).map(str::to_owned),
            Source::Form(name) => request.form_value(name),
            Source::Json(path) => {
                published::checked_json(&request.body.kept).and_then(|json| at_path(json, path))
            }
        }
    }
}

/// A string's text, a number's digits, or the JSON of what has parts. `null` counts as absent.
fn at_path(json: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return match serde_json::from_str::<String>(json) {
            Ok(text) => Some(text),
            Err(_) => (json != "null").then(|| json.to_owned()),
        };
    }
    if let Some(members) = published::object(json) {
        // From the longest name to the shortest.
        let ends = std::iter::once(path.len()).chain(path.rmatch_indices('.').map(|(at, _)| at));
        let (member, end) =
            ends.filter_map(|end| members.get(&path[..end]).map(|member| (member, end))).next()?;
        return at_path(member.get(), path[end..].trim_start_matches('.'));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let (index, rest) = path.split_once('.').unwrap_or((path, ""));
    at_path(elements.get(index.parse::<usize>().ok()?)?.get(), rest)
}

impl Filter {
    fn apply(self, value: &str, secret: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .expect("a key of HMAC has any length");
        mac.update(value.as_bytes());
        let code = mac.finalize().into_bytes();
        match self {
            Filter::HmacHex => HEXLOWER.encode(&code),
            Filter::HmacBase64 => BASE64.encode(&code),
        }
    }
}

fn escaped(value: &str, place: Place) -> Option<String> {
    match place {
        Place::Text => Some(value.to_owned()),
        Place::Json => Some(published::escaped(value)),
        Place::Xml => Some(xml_escaped(value)),
        Place::Header => is_header_value(value).then(|| value.to_owned()),
    }
}

/// Characters that XML can't hold in any way become the replacement character.
fn xml_escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for char in value.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(char),
            '\r' => out.push_str("&#13;"),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

/// Longest value of a reply's header, in bytes.
pub const MAX_HEADER_VALUE: usize = 1024;

/// Whether a header can carry a text as it is: visible ASCII, and no space at its ends, which would be lost.
pub fn is_header_value(value: &str) -> bool {
    value.len() <= MAX_HEADER_VALUE
        && value.trim() == value
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{body::Body, headers::Headers};

    fn request(query: &str, headers: Headers, body: &[u8]) -> Request {
        let body = Body::whole(body.to_vec());
        Request { query: query.into(), headers, body, ..Request::default() }
    }

    fn json(body: &str) -> Request {
        request("", Headers::default(), body.as_bytes())
    }

    fn fill(text: &str, request: &Request, place: Place) -> Option<String> {
        Template::parse(text).unwrap().fill(request, Some("Jefe"), place, 1024)
    }

    #[test]
    fn each_source_gives_its_value() {
        let form = Headers::from([
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-hook-secret", "s"),
        ]);
        let form = request("challenge=a%20b&challenge=c&e=", form, b"name=%C3%A9&x=1");
        for (text, expected) in [
            ("{{query.challenge}}", Some("a b")),
            ("{{ query.e }}.", Some(".")),
            ("{{query.none}}", None),
            ("{{header.X-Hook-Secret}}", Some("s")),
            ("{{header.none}}", None),
            ("{{form.name}}", Some("é")),
            ("{{body}}", Some("name=%C3%A9&x=1")),
            ("{{json.name}}", None),
        ] {
            assert_eq!(fill(text, &form, Place::Text).as_deref(), expected, "{text}");
        }
        assert_eq!(fill("{{form.name}}", &json("name=1"), Place::Text), None, "no form");
        let binary = request("", Headers::default(), b"\xff");
        assert_eq!(fill("{{body}}", &binary, Place::Text), None);
    }

    #[test]
    fn a_json_path_finds_members_and_elements() {
        let event = json(
            r#"[{"data":{"code":"C","n":1.10e400,"ok":true,"none":null,"a.b":{"c":1},"a":{"b":2}},"list":[1,[2]]}]"#,
        );
        for (path, expected) in [
            ("0.data.code", Some("C")),
            ("0.data.n", Some("1.10e400")),
            ("0.data.ok", Some("true")),
            ("0.data.none", None),
            ("0.data.a.b.c", Some("1")),
            ("0.data.a", Some(r#"{"b":2}"#)),
            ("0.list.1.0", Some("2")),
            ("0.list.2", None),
            ("0.list.x", None),
            ("0.data.code.more", None),
            ("1", None),
        ] {
            let found = fill(&format!("{{{{json.{path}}}}}"), &event, Place::Text);
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(fill("{{json.a}}", &json(&deep), Place::Text), None);
    }

    #[test]
    fn the_filters_are_hmacs_with_the_secret() {
        // RFC 4231, 4.3.
        let request = json(r#"{"p":"what do ya want for nothing?"}"#);
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert_eq!(fill("{{json.p | hmac_sha256_hex}}", &request, Place::Json).unwrap(), hex);
        assert_eq!(fill("{{json.p|hmac_sha256_base64}}", &request, Place::Json).unwrap(), base64);
        let template = Template::parse("{{body | hmac_sha256_hex}}").unwrap();
        assert!(template.needs_secret());
        assert_eq!(template.fill(&request, None, Place::Json, 1024), None);
    }

    #[test]
    fn what_is_in_braces_is_a_placeholder_or_text_or_an_error() {
        for text in ["{{", "}}", "{{}}", "{{name}}", "{{#id}}", "{ {id} }", "{{idx}}"] {
            assert_eq!(fill(text, &json("{}"), Place::Text).as_deref(), Some(text));
        }
        assert_eq!(fill("{{{id}}}", &json(r#"{"id":7}"#), Place::Json).as_deref(), Some("{7}"));
        for text in
            ["{{query}}", "{{json.}}", "{{id|hmac_sha256_hex}}", "{{body | md5}}", "{{body|}}"]
        {
            let error = Template::parse(text).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
        assert!(Template::parse(&"{{body}}".repeat(MAX_PLACEHOLDERS)).is_ok());
        assert!(Template::parse(&"{{body}}".repeat(MAX_PLACEHOLDERS + 1)).is_err());
        assert!(Template::parse(&format!("{{{{json.{}}}}}", "a".repeat(MAX_NAME + 1))).is_err());
    }

    #[test]
    fn a_filled_text_is_never_longer_than_it_may_be() {
        let template = Template::parse("{{body}}{{body}}").unwrap();
        let request = json("12345");
        let fill = |most| template.fill(&request, None, Place::Text, most);
        assert_eq!((fill(9), fill(10).as_deref()), (None, Some("1234512345")));
    }

    proptest! {
        #[test]
        fn a_value_is_only_ever_text(value in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|.*[{}<>&\"'\\\\\r\n\\x00].*") {
            let request = json(&value);
            let filled = |text, place| fill(text, &request, place);
            let read: String = serde_json::from_str(&filled("\"{{body}}\"", Place::Json).unwrap()).unwrap();
            prop_assert_eq!(&read, &value);
            let in_xml = filled("{{body}}", Place::Xml).unwrap();
            prop_assert!(!in_xml.contains(['<', '>', '"', '\'', '\0', '\r']));
            if let Some(header) = filled("{{body}}", Place::Header) {
                prop_assert!(header == value && header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
            prop_assert_eq!(filled("{{body}}", Place::Text).unwrap(), value);
        }
    }
}
