//! The firmware as the page shows it: parts of the real file, found by their first lines.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use crate::highlight::{self, Language};

/// Where the file is, seen from the root of the repository.
pub const FILE: &str = "firmware/src/webhook-tutorial.cpp";

/// The firmware's text and its parts.
#[derive(Clone, Debug, Default)]
pub struct Firmware {
    /// The whole file.
    pub source: String,
    parts: BTreeMap<String, Part>,
}

/// Each part of the file, in its order, and the beginning of the part's first line.
const PARTS: [(&str, &str); 12] = [
    ("start", "#include \"Particle.h\""),
    ("constants", "// The webhook fires for event names"),
    ("state", "// Set by the button"),
    ("declarations", "void onButtonClick(system_event_t event, int param);"),
    ("setup", "void setup()"),
    ("loop", "void loop()"),
    ("button", "// Device OS has filtered out bounces"),
    ("publish", "void publish(const char *op) {"),
    ("response-part", "// Runs between two calls of loop()"),
    ("response-print", "// The log shortens a message"),
    ("response-late", "// A response whose length is a multiple"),
    ("error", "// The server's answer was not a success"),
];

/// Some lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The number of its first line in the file, from 1.
    pub first_line: usize,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Firmware {
    /// Reads the tutorial's firmware.
    ///
    /// # Errors
    /// If a part is not found.
    pub fn parse(source: &str) -> Result<Self> {
        Ok(Firmware { source: source.to_owned(), parts: parts(source, &PARTS).context(FILE)? })
    }

    /// The part of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn part(&self, name: &str) -> Result<&Part> {
        let part = self.parts.get(name);
        part.with_context(|| format!("the firmware has no part {name}"))
    }

    /// The whole file as HTML.
    pub fn html(&self) -> String {
        highlight::html(Language::Cpp, &self.source)
    }

    /// The first line that a reader would ask about and that is not among the explained ones.
    pub fn unexplained(&self, explained: &BTreeSet<usize>) -> Option<usize> {
        let lines = self.source.lines().zip(1..);
        let mut asked = lines.filter(|(line, _)| wants_words(line)).map(|(_, number)| number);
        asked.find(|number| !explained.contains(number))
    }

    /// A whole number that the file gives a constant, as `const TYPE NAME = 60 * 1000;`.
    ///
    /// # Errors
    /// If there is no such constant, or it is no product of whole numbers.
    pub fn constant(&self, name: &str) -> Result<u64> {
        let mark = format!(" {name} = ");
        let value = self
            .source
            .lines()
            .find(|line| line.starts_with("const ") && line.contains(&mark))
            .and_then(|line| line.split(&mark).nth(1)?.split(';').next())
            .with_context(|| format!("{FILE} has no constant {name}"))?;
        let factors = value.split('*').map(|factor| factor.trim().parse::<u64>());
        let product = factors.product::<Result<u64, _>>();
        product.with_context(|| format!("{FILE}: {name} is no product of whole numbers: {value}"))
    }
}

/// The parts of a file. A part begins with the line that begins with its text, and ends before the next part or before a line
/// that is less indented.
///
/// # Errors
/// If not exactly one line begins with the text of a part.
pub fn parts(source: &str, parts: &[(&str, &str)]) -> Result<BTreeMap<String, Part>> {
    let lines: Vec<&str> = source.lines().collect();
    let begins = |first: &str| {
        let mut found = (0..lines.len()).filter(|&at| lines[at].trim_start().starts_with(first));
        let only = found.next().filter(|_| found.next().is_none());
        only.with_context(|| format!("not exactly one line begins with {first}"))
    };
    let firsts = parts.iter().map(|(_, first)| begins(first)).collect::<Result<Vec<_>>>()?;
    let part = |(&(name, _), &first): (&(&str, &str), &usize)| {
        let margin = indentation(lines[first]);
        let is_over = |at: &usize| {
            firsts.contains(at) || (!lines[*at].is_empty() && indentation(lines[*at]) < margin)
        };
        let end = (first + 1..lines.len()).find(is_over).unwrap_or(lines.len());
        let text = lines[first..end].join("\n");
        let lines = text.trim_end().lines().map(str::to_owned).collect();
        (name.to_owned(), Part { first_line: first + 1, lines })
    };
    Ok(parts.iter().zip(&firsts).map(part).collect())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

impl Part {
    /// The lines that `code` names, at `from` or after it: one line that begins with it, or `FIRST … LAST` for a run of
    /// them. Numbers within the part, from 0, the last one included.
    pub fn find(&self, code: &str, from: usize) -> Option<(usize, usize)> {
        let starts = |from: usize, code: &str| {
            (from..self.lines.len()).find(|&at| self.lines[at].trim().starts_with(code.trim()))
        };
        match code.split_once(" … ") {
            None => starts(from, code).map(|at| (at, at)),
            Some((first, last)) => {
                let first = starts(from, first)?;
                Some((first, starts(first, last)?))
            }
        }
    }
}

/// Whether a reader would ask what a line does. Not if it is empty, a comment, or closes what another opened.
fn wants_words(line: &str) -> bool {
    let line = line.trim();
    !(line.is_empty() || line.starts_with("//") || matches!(line, "}" | "};" | "#endif"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "// top\nconst int period = 60 * 1000;\n\n// why\nvoid f() {\n    g();\n\n    h();\n}\n\nvoid k() {\n}\n";

    #[test]
    fn a_part_ends_before_the_next_one_or_less_indentation() {
        let parts =
            parts(SOURCE, &[("one", "const"), ("inner", "g();"), ("k", "void k()")]).unwrap();
        let found = |name: &str| (parts[name].first_line, parts[name].lines.join("|"));
        assert_eq!(found("one"), (2, "const int period = 60 * 1000;||// why|void f() {".into()));
        assert_eq!(found("inner"), (6, "    g();||    h();".into()));
        assert_eq!(found("k"), (11, "void k() {|}".into()));
        let firmware = Firmware { source: SOURCE.into(), parts };
        let part = firmware.part("one").unwrap();
        assert_eq!(firmware.constant("period").unwrap(), 60_000);
        assert_eq!(part.find("void f()", 0), Some((3, 3)));
        assert_eq!(part.find("const int … void f()", 0), Some((0, 3)));
        assert_eq!(part.find("const", 1), None);
        let lines = |numbers: &[usize]| numbers.iter().copied().collect();
        assert_eq!(firmware.unexplained(&lines(&[2, 5])), Some(6));
        assert_eq!(firmware.unexplained(&lines(&[2, 5, 6, 8, 11])), None);
    }

    #[test]
    fn a_part_that_is_not_found_once_is_refused() {
        for first in ["void x()", "void"] {
            let error = parts(SOURCE, &[("one", first)]).unwrap_err().to_string();
            assert_eq!(error, format!("not exactly one line begins with {first}"));
        }
    }
}
