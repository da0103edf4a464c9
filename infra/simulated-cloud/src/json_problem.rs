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
    /// Single quotes.
    Single,
    /// A number as people and other languages write it.
    Number,
    /// A quote within a text ends it.
    Quote,
    /// A control character within a text.
    Control,
    /// A backslash that begins no escape.
    Escape,
    /// A text has no end.
    Unclosed,
    /// The whole has no end.
    End,
    /// Something follows the end.
    More,
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
            Reason::Single => "single quotes in place of double quotes",
            Reason::Number => "a number that JSON does not allow",
            Reason::Quote => "a quote within a text ends it too early",
            Reason::Control => "a line break or another control character within a text",
            Reason::Escape => "a backslash that begins no escape",
            Reason::Unclosed => "a text without a closing quote",
            Reason::End => "it ends too early",
            Reason::More => "something follows after its end",
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
            return problem(if is_after_text { Reason::Quote } else { Reason::More });
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
            match if byte == b'"' { string_end(bytes, at) } else { Err(word_problem(text, at)) } {
                Ok(end) => at = end,
                Err(problem) => return Some(problem),
            }
            (expected, is_first, is_after_text) = (Expected::Colon, false, true);
        } else if matches!(byte, b'{' | b'[') {
            open.push(byte);
            at += 1;
            expected = if byte == b'{' { Expected::Name } else { Expected::Value };
            (is_first, comma) = (true, None);
        } else {
            let is_text = byte == b'"';
            match if is_text { string_end(bytes, at) } else { scalar_end(text, at) } {
                Ok(end) => at = end,
                Err(problem) => return Some(problem),
            }
            (expected, is_first, is_after_text) = (Expected::End, false, is_text);
        }
    }
}

/// The end of the text in quotes that begins at a place.
fn string_end(bytes: &[u8], from: usize) -> Result<usize, Problem> {
    let unclosed = Problem { at: from, reason: Reason::Unclosed };
    let mut at = from + 1;
    loop {
        match *bytes.get(at).ok_or(unclosed)? {
            b'"' => return Ok(at + 1),
            b'\\' => match *bytes.get(at + 1).ok_or(unclosed)? {
                b'u' => {
                    let digits = bytes[at + 2..].iter().take(4);
                    let count = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
                    if count < 4 {
                        let is_cut = at + 2 + count == bytes.len();
                        return Err(if is_cut {
                            unclosed
                        } else {
                            Problem { at, reason: Reason::Escape }
                        });
                    }
                    at += 6;
                }
                byte if b"\"\\/bfnrt".contains(&byte) => at += 2,
                _ => return Err(Problem { at, reason: Reason::Escape }),
            },
            byte if byte < 0x20 => return Err(Problem { at, reason: Reason::Control }),
            _ => at += 1,
        }
    }
}

/// The end of the number, or the name that JSON has, that begins at a place.
fn scalar_end(text: &str, at: usize) -> Result<usize, Problem> {
    let word = word(&text[at..]);
    let is_scalar = NAMES.contains(&word) || is_number(word);
    if is_scalar { Ok(at + word.len()) } else { Err(word_problem(text, at)) }
}

const NAMES: [&str; 3] = ["true", "false", "null"];

fn word(text: &str) -> &str {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "_.+-".contains(sign);
    &text[..text.find(|sign| !is_part(sign)).unwrap_or(text.len())]
}

/// Why something without quotes is not a value.
fn word_problem(text: &str, at: usize) -> Problem {
    if text[at..].starts_with('\'') {
        return Problem { at, reason: Reason::Single };
    }
    let word = word(&text[at..]);
    let is_begun =
        is_number(&format!("{word}0")) || NAMES.iter().any(|name| name.starts_with(word));
    if !word.is_empty() && at + word.len() == text.len() && is_begun {
        return Problem { at: text.len(), reason: Reason::End };
    }
    let is_number =
        word.contains(|sign: char| sign.is_ascii_digit()) && word.parse::<f64>().is_ok();
    Problem { at, reason: if is_number { Reason::Number } else { Reason::Quotes } }
}

/// Whether a word is a number by the grammar of JSON, however large.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let word = word.strip_prefix('-').unwrap_or(word);
    let whole = digits(word);
    if whole == 0 || (whole > 1 && word.starts_with('0')) {
        return false;
    }
    let mut rest = &word[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = &fraction[digits(fraction)..];
        if rest.len() == fraction.len() {
            return false;
        }
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else {
        return rest.is_empty();
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_problem_exactly_if_it_is_json() {
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "1", "-", "01", "1.5e-3", "true", "x",
            " ", "\\", "\u{1}", "ä",
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
        assert_eq!(json_problem("1e400"), None, "too large for a double, and JSON all the same");
        let problem = json_problem(r#"{"ä":{"t":21.5,}}"#).unwrap();
        assert_eq!(problem.words(r#"{"ä":{"t":21.5,}}"#), "a comma is left over, at position 15");
        assert_eq!(json_problem(&"[".repeat(200_000)).unwrap().reason, Reason::End);
    }

    /// The same as in the page's tests.
    #[test]
    fn the_reason_is_where_the_mistake_is() {
        for (text, at, reason) in [
            (r#"{"t":21."#, 8, Reason::End),
            (r#"{"t":tru"#, 8, Reason::End),
            (r#"{"t":"ab"#, 5, Reason::Unclosed),
            (r#"{"t":"\u00"#, 5, Reason::Unclosed),
            (r#"{"t":21.}"#, 5, Reason::Number),
            ("[01]", 1, Reason::Number),
            ("[1.2.3]", 1, Reason::Quotes),
            ("[2026-11-28]", 1, Reason::Quotes),
            ("{'t':1}", 1, Reason::Single),
            ("['t']", 1, Reason::Single),
            ("[\"a\nb\"]", 3, Reason::Control),
            (r#"["C:\q"]"#, 4, Reason::Escape),
            (r#"{"t":1}}"#, 7, Reason::More),
        ] {
            assert_eq!(json_problem(text), Some(Problem { at, reason }), "{text}");
        }
    }
}
