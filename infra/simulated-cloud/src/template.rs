//! Templates as the webhook editor of the cloud understands them: Mustache, with the meaning that hogan.js 3 gives it.
//!
//! Particle's documentation renders its examples with hogan, and hogan's escapes are the ones its webhook page lists. The kept
//! Mustache crates differ from it where learners look: which characters are escaped, what `{{{.}}}`, `0`, an object or a
//! list print, what an unclosed tag leaves. So this is our own, checked against a table that hogan itself is run on.
//! This file reads a template; `render.rs` fills it.

use crate::{
    json::Json,
    render::{Budget, fill},
};

/// Fills a template. The last context is asked first.
///
/// Partials do not exist in a webhook and render as nothing, as in hogan when none are given.
pub(crate) fn render(template: &str, contexts: &[&Json]) -> Result<String, String> {
    render_within(template, contexts, &mut Budget::default())
}

/// The same for one of several templates, of a budget that they share.
pub(crate) fn render_within(
    template: &str,
    contexts: &[&Json],
    budget: &mut Budget,
) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    let nodes = parse(scan(template)?)?;
    fill(&nodes, contexts, budget)
}

/// One piece of a template, in the order it is written.
#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    /// `{{name}}` (escaped) or `{{{name}}}` and `{{&name}}` (as it is).
    Value {
        name: String,
        escaped: bool,
    },
    Section {
        name: String,
        nodes: Vec<Self>,
    },
    Inverted {
        name: String,
        nodes: Vec<Self>,
    },
    /// `{{$name}}`: a default that only an inheriting template could replace, so here it simply renders.
    Block(Vec<Self>),
}

#[derive(Debug)]
enum Token {
    Text(String),
    Newline,
    Tag { kind: char, name: String },
}

/// Sections inside sections beyond this are refused: reading them is recursive.
const MAX_DEPTH: usize = 64;

struct Scanner {
    tokens: Vec<Token>,
    line_start: usize,
    seen_tag: bool,
    text: String,
}

impl Scanner {
    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.tokens
                .push(Token::Text(std::mem::take(&mut self.text)));
        }
    }

    /// A line that holds only section tags, comments and white space leaves nothing behind, not even its line end.
    fn end_line(&mut self, last: bool) {
        self.end_text();
        let blank = self.tokens[self.line_start..]
            .iter()
            .all(|token| match token {
                Token::Text(text) => text.trim().is_empty(),
                Token::Tag { kind, .. } => matches!(kind, '#' | '^' | '<' | '$' | '/' | '!' | '>'),
                Token::Newline => false,
            });
        if self.seen_tag && blank {
            let line = self.tokens.split_off(self.line_start);
            let is_left = |token: &Token| !matches!(token, Token::Text(_));
            self.tokens.extend(line.into_iter().filter(is_left));
        } else if !last {
            self.tokens.push(Token::Newline);
        }
        self.seen_tag = false;
        self.line_start = self.tokens.len();
    }
}

fn scan(template: &str) -> Result<Vec<Token>, String> {
    let mut open = "{{".to_owned();
    let mut close = "}}".to_owned();
    let mut scanner = Scanner {
        tokens: Vec::new(),
        line_start: 0,
        seen_tag: false,
        text: String::new(),
    };
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        let Some(after_open) = rest.strip_prefix(open.as_str()) else {
            rest = &rest[next.len_utf8()..];
            if next == '\n' {
                scanner.end_line(false)
            } else {
                scanner.text.push(next)
            }
            continue;
        };
        scanner.end_text();
        scanner.seen_tag = true;
        let first = after_open.chars().next();
        if first == Some('=') {
            (open, close, rest) = new_delimiters(&after_open[1..], &close)?;
            continue;
        }
        let kind = first.filter(|sign| "#^<$/!>{&".contains(*sign));
        let inside = if kind.is_some() {
            &after_open[1..]
        } else {
            after_open
        };
        let Some((name, after)) = inside.split_once(close.as_str()) else {
            // A tag that never ends leaves what stood inside it, without its braces.
            scanner.text.push_str(inside);
            break;
        };
        rest = after;
        let mut name = name.trim();
        if kind == Some('{') {
            if close == "}}" {
                // The third brace goes, whatever character stands there.
                let mut skipped = rest.chars();
                skipped.next();
                rest = skipped.as_str();
            } else {
                name = name.strip_suffix('}').unwrap_or(name);
            }
        }
        scanner.tokens.push(Token::Tag {
            kind: kind.unwrap_or('_'),
            name: name.to_owned(),
        });
    }
    scanner.end_line(true);
    Ok(scanner.tokens)
}

/// What opens and closes tags from here on, and what follows the tag that said so.
fn new_delimiters<'a>(tag: &'a str, close: &str) -> Result<(String, String, &'a str), String> {
    let (inside, after) = tag
        .split_once(&format!("={close}"))
        .ok_or("delimiters are changed by a tag that does not end")?;
    let mut words = inside.split_whitespace();
    let (Some(new_open), Some(new_close)) = (words.next(), words.next_back()) else {
        return Err("a change of delimiters needs two, parted by a space".to_owned());
    };
    Ok((new_open.to_owned(), new_close.to_owned(), after))
}

fn parse(tokens: Vec<Token>) -> Result<Vec<Node>, String> {
    let mut tokens = tokens.into_iter();
    branch(&mut tokens, None, 0)
}

fn branch(
    tokens: &mut std::vec::IntoIter<Token>,
    opener: Option<(char, &str)>,
    depth: usize,
) -> Result<Vec<Node>, String> {
    if depth > MAX_DEPTH {
        return Err(format!("sections are nested more than {MAX_DEPTH} deep"));
    }
    let mut nodes = Vec::new();
    while let Some(token) = tokens.next() {
        if opener.is_some_and(|(kind, _)| kind == '<')
            && matches!(&token, Token::Tag { kind, .. } if !matches!(kind, '$' | '/'))
        {
            return Err("Illegal content in < super tag.".to_owned());
        }
        match token {
            Token::Text(text) => nodes.push(Node::Text(text)),
            Token::Newline => nodes.push(Node::Text("\n".to_owned())),
            Token::Tag { kind, name } => match kind {
                '/' => {
                    return match opener {
                        None => Err(format!("Closing tag without opener: /{name}")),
                        Some((_, open)) if open != name => {
                            Err(format!("Nesting error: {open} vs. {name}"))
                        }
                        Some(_) => Ok(nodes),
                    };
                }
                '#' | '^' | '$' | '<' => {
                    let inner = branch(tokens, Some((kind, &name)), depth + 1)?;
                    match kind {
                        '#' => nodes.push(Node::Section { name, nodes: inner }),
                        '^' => nodes.push(Node::Inverted { name, nodes: inner }),
                        '$' => nodes.push(Node::Block(inner)),
                        _ => {}
                    }
                }
                '!' | '>' => {}
                _ => nodes.push(Node::Value {
                    name,
                    escaped: kind == '_',
                }),
            },
        }
    }
    match opener {
        Some((_, open)) => Err(format!("missing closing tag: {open}")),
        None => Ok(nodes),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        template: String,
        context: Json,
        expect: String,
    }

    /// The same table is run on hogan.js itself (`tests/api-js/hogan.js`), so neither side can be bent alone.
    #[test]
    fn every_case_of_the_table_renders_as_hogan_renders_it() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../tests/template-cases.json")).unwrap();
        assert!(cases.len() > 60, "the table has {} cases", cases.len());
        for case in cases {
            assert_eq!(
                render(&case.template, &[&case.context]).unwrap(),
                case.expect,
                "{}",
                case.name
            );
        }
    }

    #[test]
    fn a_template_that_does_not_fit_together_says_where() {
        let cases = [
            ("{{#a}}x", "missing closing tag: a"),
            ("x{{/a}}", "Closing tag without opener: /a"),
            ("{{#a}}{{^b}}{{/a}}{{/b}}", "Nesting error: b vs. a"),
            ("{{<a}}{{x}}{{/a}}", "Illegal content in < super tag."),
        ];
        for (template, expected) in cases {
            assert_eq!(
                render(template, &[&Json::Null]).unwrap_err(),
                expected,
                "{template}"
            );
        }
    }

    #[test]
    fn the_last_context_is_asked_first() {
        let data = Json::parse(r#"{"a":"data","b":"data"}"#).unwrap();
        let variables = Json::parse(r#"{"a":"variable"}"#).unwrap();
        assert_eq!(
            render("{{a}} {{b}}", &[&data, &variables]).unwrap(),
            "variable data"
        );
    }

    #[test]
    fn a_template_that_would_never_end_is_stopped() {
        let list = format!("[{}]", vec!["1"; 1000].join(","));
        let data = Json::parse(&format!(r#"{{"a":{list}}}"#)).unwrap();
        let template = format!("{}x{}", "{{#a}}".repeat(10), "{{/a}}".repeat(10));
        assert_eq!(
            render(&template, &[&data]).unwrap_err(),
            "the template takes too many steps"
        );
        let deep = format!("{}{}", "{{#a}}".repeat(100), "{{/a}}".repeat(100));
        assert!(render(&deep, &[&data]).unwrap_err().contains("nested"));
        let wide = Json::parse(&format!(r#"{{"a":{list},"t":"{}"}}"#, "x".repeat(5000))).unwrap();
        assert!(
            render("{{#a}}{{t}}{{/a}}", &[&wide])
                .unwrap_err()
                .contains("longer")
        );
    }

    /// Read with a look at all lines before it for each, this one would take an hour.
    #[test]
    fn a_template_of_very_many_lines_is_read_line_by_line() {
        let lines = "{{! nothing }}\n".repeat(500_000);
        assert_eq!(render(&lines, &[&Json::Null]).unwrap(), "");
    }
}
