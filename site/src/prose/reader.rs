//! One file of prose to the parts of a section: its head, its directives, and the Markdown between them.

use std::{cell::RefCell, collections::BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use super::{LINKS, Line, Only, Part, Place, Promise, Section, Sources, Task, markdown};
use crate::highlight::{self, Language};

/// The modes and their names for a reader.
const MODES: [(&str, &str); 3] = [
    ("simulated", "In the simulated cloud"),
    ("account", "With a Particle account"),
    ("none", "Without an account"),
];

/// Reads the files one after another, and keeps what concerns all of them.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    /// Anchors and tasks that are taken.
    ids: BTreeSet<String>,
    /// Links within the page.
    pub(super) promised: Vec<Promise>,
    /// Names of links that were used.
    pub(super) linked: RefCell<BTreeSet<String>>,
    /// Parts of the firmware that were shown with words for every line.
    pub(super) explained: BTreeSet<String>,
}

/// What a section is made of, as far as it has been read.
#[derive(Default)]
struct Body {
    parts: Vec<Part>,
    /// Directives that have an end and did not meet it yet.
    open: Vec<Open>,
    /// The part of the firmware that is being explained.
    explained: Option<Explained>,
}

/// Where a directive that has an end began.
struct Open {
    at: String,
    end: Part,
}

/// A part of the firmware whose lines get their words.
struct Explained {
    at: String,
    name: String,
    /// Which of its lines have had words.
    said: BTreeSet<usize>,
    lines: Vec<Line>,
}

/// `{{KIND REST}} WORDS`.
struct Directive<'a> {
    kind: &'a str,
    rest: &'a str,
    words: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Reader {
            sources,
            ids: BTreeSet::new(),
            promised: Vec::new(),
            linked: RefCell::default(),
            explained: BTreeSet::new(),
        }
    }

    /// What only the end of everything tells.
    pub(super) fn finish(self) -> Result<Vec<Promise>> {
        let linked = self.linked.into_inner();
        let mut links = self.sources.links.keys();
        if let Some(name) = links.find(|name| !linked.contains(*name)) {
            bail!("content/{LINKS}: nothing links to {name}");
        }
        Ok(self.promised)
    }

    /// One file.
    pub(super) fn section(&mut self, file: &str, text: &str) -> Result<Section> {
        let lines: Vec<&str> = text.lines().collect();
        let (mut id, mut contents, mut group) = (None, None, None);
        let mut at = 0;
        while at < lines.len() && !lines[at].is_empty() {
            let (key, value) = lines[at]
                .split_once(": ")
                .with_context(|| format!("{file}:{}: expected `key: value`", at + 1))?;
            let slot = match key {
                "id" => &mut id,
                "contents" => &mut contents,
                "group" => &mut group,
                _ => bail!("{file}:{}: unknown key {key}", at + 1),
            };
            *slot = Some(value.trim().to_owned());
            at += 1;
        }
        let missing = |key: &str| format!("{file}:1: no `{key}: …` before the first empty line");
        let id = id.with_context(|| missing("id"))?;
        let contents = contents.with_context(|| missing("contents"))?;
        let group = group.with_context(|| missing("group"))?;
        self.take(&id, &format!("{file}:1"))?;
        at += 1;
        let title = lines.get(at).and_then(|line| line.strip_prefix("# "));
        let title = title
            .with_context(|| format!("{file}:{}: expected the heading `# …`", at + 1))?
            .to_owned();
        at += 1;
        Ok(Section {
            id,
            contents,
            group,
            title,
            parts: self.parts(file, &lines, at)?,
        })
    }

    /// Claims an id, of which the page can have one.
    pub(super) fn take(&mut self, id: &str, at: &str) -> Result<()> {
        ensure!(self.ids.insert(id.to_owned()), "{at}: the id {id} is taken");
        Ok(())
    }

    /// What follows the heading. `from` is the index of the first line.
    fn parts(&mut self, file: &str, lines: &[&str], from: usize) -> Result<Vec<Part>> {
        let mut body = Body::default();
        let mut prose = String::new();
        let mut prose_at = from;
        let mut in_fence = false;
        for (number, line) in lines.iter().enumerate().skip(from) {
            in_fence ^= line.starts_with("```");
            let directive = if in_fence {
                None
            } else {
                Directive::parse(line)
            };
            let Some(directive) = directive else {
                prose.push_str(line);
                prose.push('\n');
                continue;
            };
            // Lines of the firmware are explained in one list, which ends before the words that follow it.
            let goes_on = directive.kind == "line";
            if !prose.trim().is_empty() || !goes_on {
                self.end_lines(&mut body, goes_on)?;
            }
            self.prose(&mut body, file, prose_at, &prose)?;
            prose.clear();
            prose_at = number + 1;
            self.directive(&mut body, &directive, format!("{file}:{}", number + 1))?;
        }
        self.end_lines(&mut body, false)?;
        self.prose(&mut body, file, prose_at, &prose)?;
        if let Some(Open { at, .. }) = body.open.pop() {
            bail!("{at}: this has no {{{{end}}}}");
        }
        Ok(body.parts)
    }

    /// Markdown between two directives.
    fn prose(
        &mut self,
        body: &mut Body,
        file: &str,
        first_line: usize,
        markdown: &str,
    ) -> Result<()> {
        if markdown.trim().is_empty() {
            return Ok(());
        }
        let line = |offset: usize| first_line + 1 + markdown[..offset].matches('\n').count();
        let html = self.markdown(markdown, &|offset| format!("{file}:{}", line(offset)))?;
        body.parts.push(Part::Prose(html));
        Ok(())
    }

    fn directive(&mut self, body: &mut Body, directive: &Directive<'_>, at: String) -> Result<()> {
        let Directive { kind, rest, words } = *directive;
        ensure!(
            words.is_empty() || matches!(kind, "task" | "line"),
            "{at}: words after {}",
            directive.name()
        );
        match kind {
            "end" => {
                let open = body.open.pop();
                let open = open.with_context(|| format!("{at}: nothing to end"))?;
                body.parts.push(open.end);
            }
            "fold" => {
                body.parts.push(self.fold(rest, &at)?);
                let end = Part::FoldEnds;
                body.open.push(Open { at, end });
            }
            "only" => {
                body.parts.push(Part::OnlyBegins(only(rest, &at)?));
                let end = Part::OnlyEnds;
                body.open.push(Open { at, end });
            }
            "firmware-part" => {
                let excerpt = self.sources.firmware.excerpt(rest);
                let excerpt =
                    excerpt.with_context(|| format!("{at}: the firmware has no part {rest}"))?;
                body.parts.push(Part::Firmware(excerpt));
                body.explained = Some(Explained {
                    at,
                    name: rest.to_owned(),
                    said: BTreeSet::new(),
                    lines: Vec::new(),
                });
            }
            "line" => self.line(body.explained.as_mut(), rest, words, &at)?,
            "task" => body.parts.push(Part::Task(self.task(rest, words, &at)?)),
            "example" => body.parts.push(self.example(rest, &at)?),
            "serial" => body.parts.push(self.serial(rest, &at)?),
            "webhook-field" => body.parts.push(self.webhook_field(rest, &at)?),
            _ => {
                let place = Place::named(&directive.name());
                let place = place
                    .with_context(|| format!("{at}: nothing is named {}", directive.name()))?;
                body.parts.push(Part::Place(place));
            }
        }
        Ok(())
    }

    fn fold(&mut self, rest: &str, at: &str) -> Result<Part> {
        let with_id = rest
            .strip_suffix('}')
            .and_then(|rest| rest.split_once(" {#"));
        let (title, id) = match with_id {
            Some((title, id)) => (title, id.to_owned()),
            None => (rest, markdown::anchor(rest)),
        };
        self.take(&id, at)?;
        Ok(Part::FoldBegins(id, self.inline(at, title)?))
    }

    fn task(&mut self, rest: &str, words: &str, at: &str) -> Result<Task> {
        let (id, needs) = rest
            .split_once(' ')
            .with_context(|| format!("{at}: expected {{{{task ID NEEDS}}}}"))?;
        ensure!(
            matches!(needs, "nothing" | "account" | "device"),
            "{at}: a task needs nothing, account or device, not {needs}"
        );
        self.take(&format!("task-{id}"), at)?;
        Ok(Task {
            id: id.to_owned(),
            needs: needs.to_owned(),
            html: self.inline(at, words)?,
        })
    }

    fn example(&self, rest: &str, at: &str) -> Result<Part> {
        let example = rest
            .split_once(' ')
            .and_then(|(round, block)| self.sources.examples.get(round, block));
        let example = example.with_context(|| format!("{at}: no example is named {rest}"))?;
        Ok(Part::Example(Box::new(example)))
    }

    fn serial(&self, round: &str, at: &str) -> Result<Part> {
        let found = self.sources.examples.round(round);
        let found = found
            .filter(|found| !found.serial.is_empty())
            .with_context(|| format!("{at}: no device printed in {round}"))?;
        let lines = found.serial.join("\n");
        Ok(Part::Code(highlight::html(Language::Plain, &lines)))
    }

    fn webhook_field(&self, name: &str, at: &str) -> Result<Part> {
        let json = self.sources.values.webhook_json(name);
        let json = json.with_context(|| format!("{at}: webhook.json has no field {name}"))?;
        Ok(Part::Code(highlight::html(Language::Json, json)))
    }

    /// Words for a line, or a run of lines, of the part that is being explained.
    fn line(
        &mut self,
        explained: Option<&mut Explained>,
        code: &str,
        words: &str,
        at: &str,
    ) -> Result<()> {
        let explained =
            explained.with_context(|| format!("{at}: a line of no part of the firmware"))?;
        // In the order of the file, so that the same words may stand there twice.
        let after = explained.said.last().map_or(0, |last| last + 1);
        let part = self.sources.firmware.part(&explained.name);
        let (first, last) = part
            .and_then(|part| part.find(code, after))
            .with_context(|| {
                format!("{at}: the part {} has no such line: {code}", explained.name)
            })?;
        explained.said.extend(first..=last);
        explained.lines.push(Line {
            code: highlight::html(Language::Cpp, code),
            html: self.inline(at, words)?,
        });
        Ok(())
    }

    /// Puts the explained lines into the page. `goes_on` if more follow for the same part.
    fn end_lines(&mut self, body: &mut Body, goes_on: bool) -> Result<()> {
        let Some(mut part) = body.explained.take() else {
            return Ok(());
        };
        if !part.lines.is_empty() {
            body.parts
                .push(Part::Lines(std::mem::take(&mut part.lines)));
        }
        if goes_on {
            body.explained = Some(part);
            return Ok(());
        }
        // A part that is only shown needs no words; one that is explained is explained whole.
        if part.said.is_empty() {
            return Ok(());
        }
        let shown = self.sources.firmware.part(&part.name);
        let shown = shown.with_context(|| format!("{}: the part is gone", part.at))?;
        for at in (0..shown.lines.len()).filter(|&at| shown.wants_words(at)) {
            ensure!(
                part.said.contains(&at),
                "{}: {}:{} is not explained: {}",
                part.at,
                crate::firmware::FILE,
                shown.first_line + at,
                shown.lines[at].trim()
            );
        }
        self.explained.insert(part.name);
        Ok(())
    }
}

impl<'a> Directive<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line
            .strip_prefix("{{")
            .filter(|line| !line.starts_with(['{', '=']))?;
        // The end is the first `}}` that a word follows or the line ends with: code may hold braces.
        let (name, words) = match line.rfind("}} ").filter(|_| !line.ends_with("}}")) {
            Some(_) => line.split_once("}} ")?,
            None => (line.strip_suffix("}}")?, ""),
        };
        let name = name.trim();
        let (kind, rest) = name.split_once(' ').unwrap_or((name, ""));
        Some(Directive {
            kind,
            rest,
            words: words.trim(),
        })
    }

    /// What stands between the braces.
    fn name(&self) -> String {
        format!("{} {}", self.kind, self.rest).trim_end().to_owned()
    }
}

fn only(modes: &str, at: &str) -> Result<Only> {
    let mut names = Vec::new();
    for mode in modes.split(' ') {
        let known = MODES.iter().find(|(known, _)| *known == mode);
        let (_, name) = known.with_context(|| format!("{at}: no mode is named {mode}"))?;
        // "In the simulated cloud or with a Particle account"
        names.push(if names.is_empty() {
            (*name).to_owned()
        } else {
            name[..1].to_lowercase() + &name[1..]
        });
    }
    Ok(Only {
        modes: modes.to_owned(),
        name: names.join(" or "),
    })
}
