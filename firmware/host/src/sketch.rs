//! What Particle's preprocessor makes of an `.ino` file: C++ with the header and the prototypes of functions that are used
//! above their definition. Positions in the compiler's messages remain those of the file.
//!
//! A function gets a prototype only if it needs one, so no file is worse off for it. Functions with default arguments, templates
//! and what is in a namespace or a class get none.

use std::{collections::HashMap, fmt::Write as _};

/// The longest head of a function that is looked at.
const MAX_HEAD: usize = 4096;

/// Where the text of an `.ino` file goes, as C++. The file itself stays beside it: messages quote its lines.
pub(crate) fn file_name(name: &str) -> String {
    format!("{name}.cpp")
}

/// The text as C++.
pub(crate) fn preprocessed(name: &str, text: &str) -> String {
    let mut out = format!("#include \"Particle.h\"\n#line 1 \"{name}\"\n");
    let code = masked(text, false);
    let with_macros = masked(text, true);
    let parts = parts(&code);
    let uses = first_uses(&with_macros);
    let needed: Vec<(&Part, usize)> = parts
        .iter()
        .filter(|part| part.is_definition)
        .map(|part| (part, uses.get(&code[part.name.clone()]).copied().unwrap_or(usize::MAX)))
        .filter(|(part, used_at)| *used_at < part.name.start)
        .collect();
    let first = needed.iter().map(|(_, used_at)| *used_at).min();
    let before = first.and_then(|used_at| parts.iter().find(|part| part.end > used_at));
    let Some(before) = before else { return out + text };
    let at = outside_conditions(&with_macros, before.start);
    let (head, rest) = text.split_at(at);
    out += head;
    out.push('\n');
    let (mut line, mut counted) = (1, 0);
    for (part, _) in needed {
        let prototype = code[part.start..part.head_end].split_whitespace();
        let prototype = prototype.collect::<Vec<_>>().join(" ");
        line += text[counted..part.start].matches('\n').count();
        counted = part.start;
        let _ = writeln!(out, "#line {line} \"{name}\"\n{prototype};");
    }
    let line = head.rsplit('\n').next().unwrap_or_default();
    let indent: String = line.chars().map(|sign| if sign == '\t' { sign } else { ' ' }).collect();
    let line = head.matches('\n').count() + 1;
    let _ = write!(out, "#line {line} \"{name}\"\n{indent}{rest}");
    out
}

/// One declaration or definition outside of all braces.
#[derive(Debug)]
struct Part {
    start: usize,
    end: usize,
    /// Of a function: where its parameters end, and its name.
    head_end: usize,
    name: std::ops::Range<usize>,
    is_definition: bool,
}

fn parts(code: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut start, mut parens, mut braces) = (None, 0_usize, 0_usize);
    let mut function = None;
    for (at, sign) in code.char_indices() {
        if start.is_none() && !sign.is_whitespace() {
            start = Some(at);
        }
        let Some(from) = start else { continue };
        match sign {
            '(' => parens += 1,
            ')' => parens = parens.saturating_sub(1),
            '{' => {
                if (parens, braces) == (0, 0) && at - from <= MAX_HEAD {
                    function = function_head(&code[from..at]);
                }
                braces += 1;
            }
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        let is_block = function.is_some()
            || ["namespace", "extern"].iter().any(|word| code[from..].starts_with(word));
        if (parens, braces) == (0, 0) && (sign == ';' || (sign == '}' && is_block)) {
            let (head_end, name) = function.take().unwrap_or_default();
            parts.push(Part {
                start: from,
                end: at + 1,
                head_end: from + head_end,
                name: from + name.start..from + name.end,
                is_definition: sign == '}' && head_end > 0,
            });
            start = None;
        }
    }
    parts
}

/// Where the parameters of a function end and where its name is, if this is what comes before a function's body.
fn function_head(head: &str) -> Option<(usize, std::ops::Range<usize>)> {
    let head = head.trim_end();
    let head = head.strip_suffix("noexcept").map_or(head, str::trim_end);
    let before = head.strip_suffix(')')?;
    let mut depth = 1;
    let open = before.char_indices().rev().find(|(_, sign)| {
        depth += match sign {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        depth == 0
    });
    let (open, _) = open?;
    let named = head[..open].trim_end();
    let kind = named.trim_end_matches(is_name);
    let (name, kind) = (kind.len()..named.len(), kind.trim_end());
    let first = kind.split(|sign| !is_name(sign)).next().unwrap_or_default();
    let is_function = !name.is_empty()
        && !kind.is_empty()
        && !kind.ends_with(':')
        && !kind.contains(['=', '(', '"', '~'])
        && !head[open..].contains('=')
        && !["template", "typedef", "using", "operator"].contains(&first)
        && !kind.ends_with("operator");
    is_function.then_some((head.len(), name))
}

fn is_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}

/// Where each name stands first.
fn first_uses(code: &str) -> HashMap<&str, usize> {
    let mut uses = HashMap::new();
    let mut at = 0;
    for word in code.split_inclusive(|sign| !is_name(sign)) {
        uses.entry(word.trim_end_matches(|sign| !is_name(sign))).or_insert(at);
        at += word.len();
    }
    uses
}

/// The place itself, or where the outermost `#if` around it begins.
fn outside_conditions(code: &str, at: usize) -> usize {
    let (mut open, mut outermost, mut line_start) = (0_usize, 0, 0);
    for line in code[..at].split_inclusive('\n') {
        if let Some(directive) = line.trim_start().strip_prefix('#') {
            let directive = directive.trim_start();
            if directive.starts_with("if") {
                outermost = if open == 0 { line_start } else { outermost };
                open += 1;
            } else if directive.starts_with("endif") {
                open = open.saturating_sub(1);
            }
        }
        line_start += line.len();
    }
    if open == 0 { at } else { outermost }
}

/// The text with blanks in place of comments, of what is in quotes and, unless they are kept, of preprocessor lines. Every place
/// stays where it is.
fn masked(text: &str, keep_directives: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut is_line_start) = (text, true);
    while let Some(sign) = rest.chars().next() {
        let literal = rest.starts_with(['"', '\'']) && !(sign == '\'' && out.ends_with(is_name));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.find("*/").map_or(rest.len(), |end| end + 4)
        } else if let Some(raw) = rest.strip_prefix("R\"").filter(|_| !out.ends_with(is_name)) {
            let delimiter = raw.split('(').next().unwrap_or_default();
            let end = format!("){delimiter}\"");
            raw.find(&end).map_or(rest.len(), |at| 2 + at + end.len())
        } else if literal {
            quoted_length(rest, sign)
        } else if sign == '#' && is_line_start && !keep_directives {
            directive_length(rest)
        } else {
            out.push(sign);
            is_line_start = sign == '\n' || (is_line_start && sign.is_whitespace());
            rest = &rest[sign.len_utf8()..];
            continue;
        };
        let (masked, after) = rest.split_at(length);
        // One blank a byte, so that places are the same in both texts.
        out.extend(masked.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        if literal {
            out.replace_range(out.len() - masked.len()..=out.len() - masked.len(), "\"");
        }
        is_line_start &= !literal;
        rest = after;
    }
    out
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, sign)| {
        let ends = (*sign == quote && !escaped) || *sign == '\n';
        escaped = *sign == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// To the end of the line that no backslash continues.
fn directive_length(text: &str) -> usize {
    let ends = text.match_indices('\n').map(|(at, _)| at);
    let mut ends = ends.filter(|at| !text[..*at].trim_end_matches('\r').ends_with('\\'));
    ends.next().unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is added to the text, apart from the lines that say where it comes from.
    fn prototypes(text: &str) -> Vec<String> {
        let whole = preprocessed("x.ino", text);
        let lines = whole.lines().filter(|line| !line.starts_with("#line"));
        let own: Vec<&str> = text.lines().collect();
        let added = lines.filter(|line| line.ends_with(");") && !own.contains(line));
        added.map(str::to_owned).collect()
    }

    #[test]
    fn a_function_used_above_its_definition_gets_a_prototype() {
        let cases: [(&str, &[&str]); 14] = [
            ("void setup(){helper();} void loop(){} void helper(){}", &["void helper();"]),
            ("int a(int x) {return x;}\nvoid setup() {a(1);}\nvoid loop() {}", &[]),
            ("Timer t(1000, tick);\nvoid tick()\n{}\n", &["void tick();"]),
            ("#define GO go()\nvoid setup() {GO;}\nvoid go() {}", &["void go();"]),
            (
                "void setup() {f();}\nconst char *f(  int a,\n  int b )\n{return \"\";}",
                &["const char *f( int a, int b );"],
            ),
            (
                "void setup() {f(\"g()\"); /* h(); */} // i()\nvoid f(int x = 1) {}\nvoid g() {}\nvoid h() {}\nvoid i() {}",
                &[],
            ),
            (
                "void setup() {f(1); x.g();}\ntemplate <typename T> T f(T x) {return x;}\nvoid X::g() {}\nX::X() {}",
                &[],
            ),
            (
                "void setup() {f();}\nnamespace n { void f() {} }\nstruct S { void f() {} };\nint l[] = {f()};",
                &[],
            ),
            (
                "void setup() {f();}\nauto s = R\"(void f() {)\";\nchar c = '{'; int n = 1'000;\nstatic int f() {return 0;}",
                &["static int f();"],
            ),
            ("void setup() {f();}\nextern \"C\" void f() {}", &[]),
            (
                "void setup() {f();}\n#if A\nstruct F f() {return {};}\n#else\nstruct F f() {return {};}\n#endif",
                &["struct F f();", "struct F f();"],
            ),
            ("void setup() {ff(); f_();}\nvoid f() {}", &[]),
            (
                "std::vector<int> setup() {return f();}\nstd::vector<int> f() noexcept {return {};}",
                &["std::vector<int> f();"],
            ),
            ("ä{(", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(prototypes(text), expected, "{text}");
        }
    }

    #[test]
    fn prototypes_come_after_types_and_before_conditions() {
        let text = "struct P {int x;};\n#ifdef A\n\tint n; void setup() {f({1});}\n#endif\nvoid f(P p) {}\n";
        assert_eq!(
            preprocessed("x.ino", text),
            "#include \"Particle.h\"\n#line 1 \"x.ino\"\nstruct P {int x;};\n\n#line 5 \"x.ino\"\nvoid f(P p);\n\
             #line 2 \"x.ino\"\n#ifdef A\n\tint n; void setup() {f({1});}\n#endif\nvoid f(P p) {}\n"
        );
        let text = "\tint n; void setup() {f();} void f() {}";
        assert!(preprocessed("x.ino", text).ends_with(
            "\tint n; \n#line 1 \"x.ino\"\nvoid f();\n#line 1 \"x.ino\"\n\t       void setup() {f();} void f() {}"
        ));
    }
}
