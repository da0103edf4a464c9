//! Reads webhook templates: Mustache, with the meaning that hogan.js 3 gives it. `render.rs` fills them.
//!
//! Particle's documentation renders its examples with hogan, and hogan's escapes are the ones its webhook page lists. The
//! maintained Mustache crates differ from it where learners look: which characters are escaped, what `{{{.}}}`, `0`, an
//! object or a list print, what an unclosed tag leaves. Hence this implementation, checked against a table that hogan itself
//! is run on.

/// One piece of a template.
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

/// Reads a template.
pub(crate) fn parse(template: &str) -> Result<Vec<Node>, String> {
    branch(&mut scan(template)?.into_iter(), None, 0)
}

#[derive(Debug)]
enum Token {
    Text(String),
    Newline,
    Tag { kind: char, name: String },
}

/// Sections inside sections beyond this are refused: reading them is recursive.
const MAX_DEPTH: usize = 64;
/// The longest delimiter, in bytes: every character of the template is compared with one.
const MAX_DELIMITER: usize = 16;

struct Scanner {
    tokens: Vec<Token>,
    line_start: usize,
    seen_tag: bool,
    text: String,
}

impl Scanner {
    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.tokens.push(Token::Text(std::mem::take(&mut self.text)));
        }
    }

    /// A line that holds only section tags, comments and white space leaves nothing behind, not even its line end.
    fn end_line(&mut self, last: bool) {
        self.end_text();
        let blank = self.tokens[self.line_start..].iter().all(|token| match token {
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
    let mut scanner =
        Scanner { tokens: Vec::new(), line_start: 0, seen_tag: false, text: String::new() };
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
        let inside = if kind.is_some() { &after_open[1..] } else { after_open };
        let Some((name, after)) = inside.split_once(close.as_str()) else {
            // A tag that never ends leaves its content, without its braces.
            scanner.text.push_str(inside);
            break;
        };
        rest = after;
        let mut name = name.trim();
        if kind == Some('{') {
            if close == "}}" {
                // The third closing brace is skipped, whatever character it is.
                let mut skipped = rest.chars();
                skipped.next();
                rest = skipped.as_str();
            } else {
                name = name.strip_suffix('}').unwrap_or(name);
            }
        }
        scanner.tokens.push(Token::Tag { kind: kind.unwrap_or('_'), name: name.to_owned() });
    }
    scanner.end_line(true);
    Ok(scanner.tokens)
}

/// The delimiters that a tag sets, and the text after that tag.
fn new_delimiters<'a>(tag: &'a str, close: &str) -> Result<(String, String, &'a str), String> {
    let (inside, after) = tag
        .split_once(&format!("={close}"))
        .ok_or("the tag that changes the delimiters does not end")?;
    let mut words = inside.split_whitespace();
    let (Some(new_open), Some(new_close)) = (words.next(), words.next_back()) else {
        return Err("a change of delimiters needs two, separated by a space".to_owned());
    };
    if new_open.len().max(new_close.len()) > MAX_DELIMITER {
        return Err(format!("a delimiter is longer than {MAX_DELIMITER} bytes"));
    }
    Ok((new_open.to_owned(), new_close.to_owned(), after))
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
                _ => nodes.push(Node::Value { name, escaped: kind == '_' }),
            },
        }
    }
    match opener {
        Some((_, open)) => Err(format!("missing closing tag: {open}")),
        None => Ok(nodes),
    }
}
