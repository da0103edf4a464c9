//! Where a text stops being JSON, and why. The page says it by the same rules (`site/static/lib/json-problem.js`). Nothing
//! here recurses, so depth cannot break it.

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A comma is left over.
    Comma,
    /// A value is missing.
    Value,
    /// Text without quotes.
    Quotes,
    /// A quote within a text ends it.
    Quote,
    /// The text ends too early.
    End,
    Other,
}

/// Where, in bytes from 0, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) at: usize,
    pub(crate) reason: Reason,
}

impl Problem {
    /// For a person, who counts characters from 1.
    pub(crate) fn words(self, text: &str) -> String {
        let why = match self.reason {
            Reason::Comma => "a comma is left over",
            Reason::Value => "a value is missing",
            Reason::Quotes => "text without quotes",
            Reason::Quote => "a quote within a text ends it too early",
            Reason::End => "it ends too early",
            Reason::Other => "a character that JSON does not allow",
        };
        format!("{why}, at position {}", self.position(text))
    }

    pub(crate) fn position(self, text: &str) -> usize {
        text[..text.floor_char_boundary(self.at)].chars().count() + 1
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Value,
    Name,
    Colon,
    /// What follows a value.
    End,
}

/// None if the text is JSON.
pub(crate) fn json_problem(text: &str) -> Option<Problem> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let (mut expected, mut is_first, mut comma, mut is_after_text) =
        (Expected::Value, true, None, false);
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            at += 1;
        }
        let problem = |reason| Some(Problem { at, reason });
        let after_value = if is_after_text { Reason::Quote } else { Reason::Other };
        let Some(&byte) = bytes.get(at) else {
            let is_whole = expected == Expected::End && open.is_empty();
            return if is_whole { None } else { problem(Reason::End) };
        };
        if expected == Expected::End && open.is_empty() {
            return problem(after_value);
        }
        let is_end = matches!(byte, b'}' | b']');
        let may_end = expected == Expected::End
            || (is_first && expected != Expected::Colon && !open.is_empty());
        if is_end && may_end {
            if open.pop() != Some(if byte == b'}' { b'{' } else { b'[' }) {
                return problem(Reason::Other);
            }
            (expected, is_first, is_after_text) = (Expected::End, false, false);
            at += 1;
        } else if expected == Expected::End {
            if byte != b',' {
                return problem(after_value);
            }
            comma = Some(at);
            at += 1;
            expected = if open.last() == Some(&b'{') { Expected::Name } else { Expected::Value };
        } else if expected == Expected::Colon {
            if byte != b':' {
                return problem(after_value);
            }
            at += 1;
            (expected, comma) = (Expected::Value, None);
        } else if is_end || byte == b',' {
            // After a comma nothing came, and the list or object ends.
            return match comma.filter(|_| is_end) {
                Some(comma) => Some(Problem { at: comma, reason: Reason::Comma }),
                None => problem(Reason::Value),
            };
        } else if expected == Expected::Name {
            match string_length(&bytes[at..]) {
                Some(length) => at += length,
                None => return problem(if byte == b'"' { Reason::End } else { Reason::Quotes }),
            }
            (expected, is_first, is_after_text) = (Expected::Colon, false, true);
        } else if matches!(byte, b'{' | b'[') {
            open.push(byte);
            at += 1;
            expected = if byte == b'{' { Expected::Name } else { Expected::Value };
            (is_first, comma) = (true, None);
        } else {
            let is_text = byte == b'"';
            let length =
                if is_text { string_length(&bytes[at..]) } else { scalar_length(&text[at..]) };
            match length {
                Some(length) => at += length,
                None => return problem(if is_text { Reason::End } else { Reason::Quotes }),
            }
            (expected, is_first, is_after_text) = (Expected::End, false, is_text);
        }
    }
}

fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    bytes.first().filter(|byte| **byte == b'"')?;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match *bytes.get(at + 1)? {
                b'u' => {
                    let digits = bytes.get(at + 2..at + 6)?;
                    digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                    at += 6;
                }
                byte if b"\"\\/bfnrt".contains(&byte) => at += 2,
                _ => return None,
            },
            byte if byte < 0x20 => return None,
            _ => at += 1,
        }
    }
}

fn scalar_length(text: &str) -> Option<usize> {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "_.+-".contains(sign);
    let scalar = &text[..text.find(|sign| !is_part(sign)).unwrap_or(text.len())];
    serde_json::from_str::<serde_json::Value>(scalar).is_ok().then_some(scalar.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_problem_exactly_if_it_is_json() {
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "1", "-", "01", "1.5e3", "true", "x", " ",
            "\\", "\u{1}", "ä",
        ];
        // A linear congruential generator: the same texts every time.
        let mut state = 1_u64;
        for _ in 0..50_000 {
            let mut text = String::new();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text += pieces.get(usize::try_from(state >> 59).unwrap()).unwrap_or(&"");
            }
            let is_json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(json_problem(&text).is_none(), is_json, "{text}");
        }
        let problem = json_problem(r#"{"ä":{"t":21.5,}}"#).unwrap();
        assert_eq!(problem.words(r#"{"ä":{"t":21.5,}}"#), "a comma is left over, at position 15");
        assert_eq!(json_problem(&"[".repeat(200_000)).unwrap().reason, Reason::End);
    }
}
