//! Colours for code: C++ and JSON in, HTML out, at generation time, so that the page needs no script for it.
//!
//! Of our own because the ready ones bring grammars for a hundred languages, or a regular-expression engine, for these two.
//! Nothing is lost or added: the text of the HTML is the source, character for character. A span never crosses a line.

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// C++, as far as the tutorial's firmware uses it.
    Cpp,
    /// JSON.
    Json,
    /// Anything else: escaped, without colours.
    Plain,
}

impl Language {
    /// The language of a fenced block by the word after its fence.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cpp" => Language::Cpp,
            "json" => Language::Json,
            "" | "text" | "sh" => Language::Plain,
            _ => return None,
        })
    }
}

/// What a piece of source is, named as its class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Comment,
    String,
    Number,
    Keyword,
    Type,
    Key,
    Directive,
}

impl Kind {
    fn class(self) -> Option<&'static str> {
        Some(match self {
            Kind::Plain => return None,
            Kind::Comment => "hl-comment",
            Kind::String => "hl-string",
            Kind::Number => "hl-number",
            Kind::Keyword => "hl-keyword",
            Kind::Type => "hl-type",
            Kind::Key => "hl-key",
            Kind::Directive => "hl-directive",
        })
    }
}

/// The words of C++ that the firmware uses or is likely to.
const KEYWORDS: &[&str] = &[
    "auto",
    "break",
    "case",
    "class",
    "const",
    "constexpr",
    "continue",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "false",
    "for",
    "if",
    "namespace",
    "new",
    "nullptr",
    "return",
    "sizeof",
    "static",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "true",
    "typedef",
    "using",
    "volatile",
    "while",
];

/// Types of the language, of the C library and of Device OS.
const TYPES: &[&str] = &[
    "bool",
    "char",
    "double",
    "float",
    "int",
    "int32_t",
    "int8_t",
    "long",
    "short",
    "signed",
    "size_t",
    "system_event_t",
    "system_tick_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uint8_t",
    "unsigned",
    "void",
    "JSONBufferWriter",
    "SerialLogHandler",
    "String",
];

/// The source as HTML: escaped text with `<span class="hl-…">` around what has a colour.
pub fn html(language: Language, source: &str) -> String {
    let pieces = match language {
        Language::Cpp => cpp(source),
        Language::Json => json(source),
        Language::Plain => vec![(Kind::Plain, source)],
    };
    let mut out = String::with_capacity(source.len() * 2);
    for (kind, text) in pieces {
        // A span for each line, so that a line can be taken out whole.
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                out.push('\n');
            }
            match kind.class() {
                Some(class) if !line.is_empty() => {
                    out.push_str("<span class=\"");
                    out.push_str(class);
                    out.push_str("\">");
                    escape(line, &mut out);
                    out.push_str("</span>");
                }
                _ => escape(line, &mut out),
            }
        }
    }
    out
}

/// Text as HTML, for where no template does it.
/// A block of code on the page, for a reader to scroll by keyboard too.
pub(crate) fn code_block(language: Language, source: &str) -> String {
    let code = html(language, source);
    let plain = if language == Language::Plain { " code-plain" } else { "" };
    format!("<pre class=\"code-lines{plain}\" tabindex=\"0\"><code>{code}</code></pre>")
}

pub(crate) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

fn cpp(source: &str) -> Vec<(Kind, &str)> {
    let mut pieces = Vec::new();
    let mut rest = source;
    let mut at_line_start = true;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if rest.starts_with("//") {
            (Kind::Comment, until(rest, |c| c == '\n'))
        } else if rest.starts_with("/*") {
            (Kind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2))
        } else if first == '#' && at_line_start {
            // A directive goes to the end of its line, but not into a comment behind it.
            let line = until(rest, |c| c == '\n');
            (Kind::Directive, rest[..line].find("//").unwrap_or(line))
        } else if first == '"' || first == '\'' {
            (Kind::String, quoted(rest, first))
        } else if first.is_ascii_digit() {
            (Kind::Number, until(rest, |c| !c.is_ascii_alphanumeric() && c != '.'))
        } else if is_word(first) {
            let length = until(rest, |c| !is_word(c));
            (word(&rest[..length]), length)
        } else {
            (Kind::Plain, first.len_utf8())
        };
        at_line_start = first == '\n' || at_line_start && first.is_whitespace();
        push(&mut pieces, kind, source, &rest[..length]);
        rest = &rest[length..];
    }
    pieces
}

fn json(source: &str) -> Vec<(Kind, &str)> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if first == '"' {
            let length = quoted(rest, '"');
            let is_key = rest[length..].trim_start().starts_with(':');
            (if is_key { Kind::Key } else { Kind::String }, length)
        } else if first.is_ascii_digit() || first == '-' {
            let is_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            (Kind::Number, until(rest, |c| !is_number(c)))
        } else if first.is_ascii_alphabetic() {
            (Kind::Keyword, until(rest, |c| !c.is_ascii_alphabetic()))
        } else {
            (Kind::Plain, first.len_utf8())
        };
        push(&mut pieces, kind, source, &rest[..length]);
        rest = &rest[length..];
    }
    pieces
}

/// Adds a piece; one without colour grows with the next.
fn push<'a>(pieces: &mut Vec<(Kind, &'a str)>, kind: Kind, source: &'a str, piece: &'a str) {
    if let Some((Kind::Plain, last)) = pieces.last_mut()
        && kind == Kind::Plain
    {
        // Neighbours in one source: the joined piece is a slice of it too.
        let start = last.as_ptr() as usize - source.as_ptr() as usize;
        *last = &source[start..start + last.len() + piece.len()];
        return;
    }
    pieces.push((kind, piece));
}

fn until(text: &str, ends: impl Fn(char) -> bool) -> usize {
    text.find(ends).unwrap_or(text.len())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn word(word: &str) -> Kind {
    if KEYWORDS.contains(&word) {
        Kind::Keyword
    } else if TYPES.contains(&word) {
        Kind::Type
    } else {
        Kind::Plain
    }
}

/// The length of a literal that begins with its quote; one without an end goes to the end of the line.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: Language, source: &str, expected: &str) {
        assert_eq!(html(language, source), expected);
    }

    #[test]
    fn cpp_has_comments_strings_numbers_words_and_directives() {
        check(
            Language::Cpp,
            "#include \"Particle.h\"  // all",
            "<span class=\"hl-directive\">#include &quot;Particle.h&quot;  </span><span class=\"hl-comment\">// all</span>",
        );
        check(
            Language::Cpp,
            "const int n = 60 * 1000;",
            "<span class=\"hl-keyword\">const</span> <span class=\"hl-type\">int</span> n = <span class=\"hl-number\">60</span> * <span class=\"hl-number\">1000</span>;",
        );
        check(
            Language::Cpp,
            r#"f("a \" // b", '/');"#,
            "f(<span class=\"hl-string\">&quot;a \\&quot; // b&quot;</span>, <span class=\"hl-string\">&#39;/&#39;</span>);",
        );
        check(
            Language::Cpp,
            "/* two\nlines */x",
            "<span class=\"hl-comment\">/* two</span>\n<span class=\"hl-comment\">lines */</span>x",
        );
        check(Language::Cpp, "intent const_", "intent const_");
    }

    #[test]
    fn json_tells_keys_from_values() {
        check(
            Language::Json,
            r#"{"a" : "b", "c": [-1.5, true]}"#,
            "{<span class=\"hl-key\">&quot;a&quot;</span> : <span class=\"hl-string\">&quot;b&quot;</span>, <span class=\"hl-key\">&quot;c&quot;</span>: [<span class=\"hl-number\">-1.5</span>, <span class=\"hl-keyword\">true</span>]}",
        );
    }

    #[test]
    fn the_text_is_the_source_whatever_it_is() {
        let sources = [
            include_str!("../../firmware/src/webhook-tutorial.cpp"),
            include_str!("../../infra/particle/webhook.json"),
            "\"open\n'x\\\n/* open",
            "ä < & > é \"\\\"",
            "",
        ];
        for source in sources {
            for language in [Language::Cpp, Language::Json, Language::Plain] {
                let html = html(language, source);
                assert_eq!(text(&html), source);
                for line in html.lines() {
                    let opened = line.matches("<span").count();
                    assert_eq!(opened, line.matches("</span>").count(), "{line}");
                }
            }
        }
    }

    fn text(html: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")];
        let plain = entities.iter().fold(out, |text, (name, c)| text.replace(name, c));
        plain.replace("&amp;", "&")
    }
}
