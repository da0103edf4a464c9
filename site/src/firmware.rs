//! The firmware as the page shows it: parts of the real file, cut out by its own marks.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

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

/// What stands between `// anchor: NAME` and `// anchor-end`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The number of its first line in the file, from 1.
    pub first_line: usize,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Firmware {
    /// Reads the parts of the file.
    ///
    /// # Errors
    /// If a mark has no other end, or a name comes twice; the error says the line.
    pub fn parse(source: &str) -> Result<Self> {
        let mut parts = BTreeMap::new();
        let mut open: Option<(String, Part)> = None;
        for (index, line) in source.lines().enumerate() {
            let number = index + 1;
            if let Some(name) = line.trim().strip_prefix("// anchor: ") {
                ensure!(open.is_none(), "{FILE}:{number}: a part within a part");
                let part = Part { first_line: number + 1, lines: Vec::new() };
                open = Some((name.to_owned(), part));
            } else if line.trim() == "// anchor-end" {
                let (name, part) = open
                    .take()
                    .with_context(|| format!("{FILE}:{number}: an end without a beginning"))?;
                ensure!(
                    parts.insert(name.clone(), part).is_none(),
                    "{FILE}:{number}: the part {name} is there already"
                );
            } else if let Some((_, part)) = &mut open {
                part.lines.push(line.to_owned());
            }
        }
        if let Some((name, part)) = open {
            bail!("{FILE}:{}: the part {name} has no end", part.first_line - 1);
        }
        Ok(Firmware { source: source.to_owned(), parts })
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

    const SOURCE: &str = "// top\n// anchor: one\nconst int period = 60 * 1000;\n\n// why\nvoid f() {\n    g();\n    h();\n}\n// anchor-end\n";

    #[test]
    fn a_part_is_what_stands_between_its_marks() {
        let firmware = Firmware::parse(SOURCE).unwrap();
        let part = firmware.part("one").unwrap();
        assert_eq!((part.first_line, part.lines.len()), (3, 7));
        assert_eq!(firmware.constant("period").unwrap(), 60_000);
        assert_eq!(part.find("g();", 0), Some((4, 4)));
        assert_eq!(part.find("void f() … h();", 0), Some((3, 5)));
        assert_eq!(part.find("g();", 5), None);
        let lines = |numbers: &[usize]| numbers.iter().copied().collect();
        assert_eq!(firmware.unexplained(&lines(&[3, 6])), Some(7));
        assert_eq!(firmware.unexplained(&lines(&[3, 6, 7, 8])), None);
    }

    #[test]
    fn marks_without_their_other_end_are_refused_with_the_line() {
        let check = |source: &str, expected: &str| {
            let error = Firmware::parse(source).unwrap_err().to_string();
            assert_eq!(error, format!("{FILE}:{expected}"));
        };
        check("// anchor: a\n", "1: the part a has no end");
        check("// anchor-end\n", "1: an end without a beginning");
        check("// anchor: a\n// anchor: b\n", "2: a part within a part");
        check(
            "// anchor: a\n// anchor-end\n// anchor: a\n// anchor-end\n",
            "4: the part a is there already",
        );
    }
}
