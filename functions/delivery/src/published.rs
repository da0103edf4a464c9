//! The event inside a webhook's body, and the `id` inside the event.
//!
//! Particle puts what the device published into `data`, a string, of a JSON or form body.
//! What is JSON in there is usually an object with an `id` that the device chose; the default reply gives it back.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

use crate::Request;

/// Longest id that is given back, in characters (of a string) or digits and signs (of a number). A longer one counts as
/// absent: it would be a payload, not an id.
pub const MAX_ID_LEN: usize = 64;

/// Deepest nesting of arrays and objects that counts as JSON.
pub const MAX_DEPTH: usize = 128;

/// An id as the sender wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// The text of a JSON number, digit for digit.
    Number(String),
    /// A string's value.
    Text(String),
}

impl Id {
    /// The id as a JSON value.
    pub fn to_json(&self) -> String {
        match self {
            Id::Number(digits) => digits.clone(),
            Id::Text(text) => format!("\"{}\"", self::escaped(text)),
        }
    }

    /// A number's digits, or a string's text.
    pub fn text(&self) -> &str {
        match self {
            Id::Number(text) | Id::Text(text) => text,
        }
    }
}

/// A string escaped as between the quotes of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The id that a request's body carries: the `id` of the event in `data`, else the `id` of the JSON body itself.
///
/// The content type decides only whether a body that is not JSON is read as a form.
pub fn event_id(request: &Request) -> Option<Id> {
    if let Some(object) = request.body.text().and_then(object) {
        let in_data = object.get("data").and_then(|data| {
            // As Particle sends it, a string that holds JSON; as a template can make it, the JSON itself.
            let inner: Cow<'_, str> = match serde_json::from_str::<String>(data.get()) {
                Ok(string) => string.into(),
                Err(_) => data.get().into(),
            };
            id_of(&self::object(&inner)?)
        });
        return in_data.or_else(|| id_of(&object));
    }
    id_of(&object(&request.form_value("data")?)?)
}

/// The members of a JSON object, unparsed; the last of repeated names wins, as in browsers.
/// `None` for anything else, and for nesting over [`MAX_DEPTH`].
pub(crate) fn object(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    // The values are skipped, not parsed: a number beyond any machine's range stays the text it is. Skipping has no limit
    // of depth either, so that is looked at here.
    let object = serde_json::from_str(text).ok()?;
    (depth(text) <= MAX_DEPTH).then_some(object)
}

/// A body as the text that it is, if that is JSON, trimmed and not nested too deeply.
pub(crate) fn checked_json(body: &[u8]) -> Option<&str> {
    let json: &RawValue = serde_json::from_slice(body).ok()?;
    (depth(json.get()) <= MAX_DEPTH).then_some(json.get())
}

fn id_of(object: &BTreeMap<String, &RawValue>) -> Option<Id> {
    let raw = object.get("id")?.get();
    if let Ok(text) = serde_json::from_str::<String>(raw) {
        return (text.chars().count() <= MAX_ID_LEN).then_some(Id::Text(text));
    }
    let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    (is_number && raw.len() <= MAX_ID_LEN).then(|| Id::Number(raw.to_owned()))
}

/// Deepest nesting of arrays and objects in a JSON text. The text is known to be JSON, so brackets outside strings match.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::Body, headers::Headers};

    const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");

    fn check(content_type: Option<&str>, body: &str, expected: Option<&str>) {
        let found = id_in(content_type, body.as_bytes()).map(|id| id.to_json());
        assert_eq!(found.as_deref(), expected, "{body}");
    }

    fn id_in(content_type: Option<&str>, body: &[u8]) -> Option<Id> {
        let headers = content_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
        let headers = Headers(headers.into_iter().collect());
        event_id(&Request { headers, body: Body::whole(body.to_vec()), ..Request::default() })
    }

    #[test]
    fn the_id_is_found_where_particle_and_its_templates_put_it() {
        check(None, r#"{"data":"{\"op\":\"test\",\"id\":7}","id":1}"#, Some("7"));
        check(None, r#"{"data":{"id":7}}"#, Some("7"));
        check(None, r#"{"data":"hello","id":1}"#, Some("1"));
        check(None, r#"{"data":"{\"op\":1}","id":"x"}"#, Some(r#""x""#));
        check(FORM, "event=a&data=%7B%22id%22%3A7%7D", Some("7"));
        check(None, "event=a&data=%7B%22id%22%3A7%7D", None);
        check(FORM, "id=7", None);
    }

    #[test]
    fn a_number_stays_the_number_it_was() {
        for number in ["9007199254740993", "-0.10", "1e400", "123456789012345678901234567890"] {
            check(None, &format!(r#"{{"id":{number}}}"#), Some(number));
        }
        check(None, &format!(r#"{{"id":{}}}"#, "1".repeat(65)), None);
    }

    #[test]
    fn what_is_no_number_and_no_short_string_counts_as_absent() {
        for value in ["null", "true", "[1]", r#"{"a":1}"#] {
            check(None, &format!(r#"{{"id":{value}}}"#), None);
        }
        check(
            None,
            &format!(r#"{{"id":"{}"}}"#, "é".repeat(64)),
            Some(&format!("\"{}\"", "é".repeat(64))),
        );
        check(None, &format!(r#"{{"id":"{}"}}"#, "é".repeat(65)), None);
        for body in ["", "7", "[]", "{", "\u{0}", r#"{"id":7"#, r#"{"id":7}x"#] {
            check(None, body, None);
        }
        assert_eq!(id_in(None, b"\xff{\"id\":7}"), None);
    }

    #[test]
    fn the_last_of_repeated_names_wins() {
        check(None, r#"{"id":1,"id":2}"#, Some("2"));
    }

    #[test]
    fn nesting_over_128_levels_counts_as_not_json() {
        let nested = |levels: usize| {
            format!(r#"{{"id":7,"deep":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))
        };
        check(None, &nested(MAX_DEPTH - 1), Some("7"));
        check(None, &nested(MAX_DEPTH), None);
        check(None, &nested(10_000), None);
        let in_a_string = format!(r#"{{"id":7,"brackets":"\"{}"}}"#, "[".repeat(200));
        check(None, &in_a_string, Some("7"));
    }

    #[test]
    fn a_string_is_escaped_as_json() {
        let id = id_in(None, r#"{"id":"a\"b\n"}"#.as_bytes()).unwrap();
        assert_eq!((&*id.to_json(), id.text()), (r#""a\"b\n""#, "a\"b\n"));
    }
}
