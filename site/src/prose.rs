//! `content/*.md`: the words of the page, one file a section, in the order of their names.
//!
//! A file begins with `key: value` lines (`id`, `contents`, `group`), then an empty line, then Markdown that starts with
//! the section's heading (`# …`). A line that begins with `{{` is a directive:
//!
//! ```text
//! {{name}}                       a part of the page that is not prose
//! {{task ID NEEDS}} words        a task; NEEDS is nothing, account or device
//! {{example ROUND BLOCK}}        a block of a recorded round
//! {{serial ROUND}}               what the device printed in that round
//! {{webhook-field NAME}}         a field of webhook.json as it stands there; `all` for all of it
//! {{firmware-part NAME}}         a part of the firmware
//! {{line CODE}} words            what a line of that part does; FIRST … LAST for a run of lines
//! {{fold Title}} … {{end}}       shut until asked for; `{#id}` after the title sets its anchor
//! {{only MODE …}} … {{end}}      right only in these modes: simulated, account, none
//! ```
//!
//! Within prose, `{{=name}}` is a value (see [`crate::values`]), in code too; any other `{{` belongs in code, because it is
//! a webhook's template. `[words][name]` is a link that `links.md` spells out, `[words](#anchor)` one within the page; there
//! are no others. Whatever can't be right fails the build with file and line.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use pulldown_cmark::{
    BrokenLink, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
    html,
};

use crate::{
    examples::{Example, Examples},
    firmware::{Excerpt, Firmware},
    highlight::{self, Language},
    values::Values,
};

/// What prose may name.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Values by name.
    pub values: Values,
    /// The recorded rounds.
    pub examples: Examples,
    /// The firmware.
    pub firmware: Firmware,
    /// The addresses outside of the page, by name.
    pub links: BTreeMap<String, String>,
}

/// One section of the page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its anchor.
    pub id: String,
    /// Its name in the table of contents.
    pub contents: String,
    /// The group it stands under there.
    pub group: String,
    /// Its heading.
    pub title: String,
    /// What it is made of, in order.
    pub parts: Vec<Part>,
}

/// A piece of a section.
#[derive(Clone, Debug)]
pub enum Part {
    /// Prose, as HTML.
    Prose(String),
    /// Something that is not prose.
    Place(Place),
    /// Something for the reader to do.
    Task(Task),
    /// A block of a recorded round.
    Example(Box<Example>),
    /// Code or output, as HTML.
    Code(String),
    /// A part of the firmware.
    Firmware(Excerpt),
    /// What its lines do.
    Lines(Vec<Line>),
    /// The beginning of what is shut until asked for: its anchor and its title as HTML.
    FoldBegins(String, String),
    /// Its end.
    FoldEnds,
    /// The beginning of what is right in some modes only.
    OnlyBegins(Only),
    /// Its end.
    OnlyEnds,
}

/// Something for the reader to do; the page ticks it when the matching thing really arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name, which the page's rules know.
    pub id: String,
    /// What it takes: `nothing`, `account` or `device`.
    pub needs: String,
    /// The words, as HTML.
    pub html: String,
}

/// What a line of the firmware does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line, or the first and the last of a run, as HTML.
    pub code: String,
    /// The words, as HTML.
    pub html: String,
}

/// The modes in which something is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// The modes as the page names them, one space between.
    pub modes: String,
    /// The same for a reader.
    pub name: String,
}

/// The parts of the page that prose can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `{{round-picture}}`: the way of one event, drawn.
    RoundPicture,
    /// `{{start}}`: the button that makes an endpoint.
    Start,
    /// `{{hook-card}}`: the endpoint's URL and ways to use it.
    HookCard,
    /// `{{connect}}`: signing in to a Particle cloud.
    Connect,
    /// `{{webhook}}`: the webhook in the account.
    Webhook,
    /// `{{publish}}`: publishing any event.
    Publish,
    /// `{{log}}`: the log.
    Log,
    /// `{{device}}`: the devices, and what can be done with one.
    Device,
    /// `{{firmware}}`: the firmware, to be read, edited and flashed.
    Firmware,
    /// `{{made-up}}`: a request that claims to come from a device that does not exist.
    MadeUp,
    /// `{{own-firmware}}`: the lines that make one's own firmware do the same.
    OwnFirmware,
    /// `{{reply}}`: what the server answers.
    Reply,
    /// `{{template-box}}`: a template rendered while it is typed.
    TemplateBox,
    /// `{{clean-up}}`: what is left to remove.
    CleanUp,
}

impl Place {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "round-picture" => Place::RoundPicture,
            "start" => Place::Start,
            "hook-card" => Place::HookCard,
            "connect" => Place::Connect,
            "webhook" => Place::Webhook,
            "publish" => Place::Publish,
            "log" => Place::Log,
            "device" => Place::Device,
            "firmware" => Place::Firmware,
            "made-up" => Place::MadeUp,
            "own-firmware" => Place::OwnFirmware,
            "reply" => Place::Reply,
            "template-box" => Place::TemplateBox,
            "clean-up" => Place::CleanUp,
            _ => return None,
        })
    }
}

/// The modes and their names for a reader.
const MODES: [(&str, &str); 3] = [
    ("simulated", "In the simulated cloud"),
    ("account", "With a Particle account"),
    ("none", "Without an account"),
];

/// The file of the addresses outside, `[name]: URL` a line.
const LINKS: &str = "links.md";

/// The sections, and the links of their prose within the page, some of which lead to templates.
#[derive(Clone, Debug)]
pub struct Prose {
    /// The sections in their order.
    pub sections: Vec<Section>,
    promised: Vec<Promise>,
}

impl Prose {
    /// Checks the links against the whole page.
    ///
    /// # Errors
    /// Names the first link that leads nowhere, with file and line.
    pub fn check_links(&self, page: &str) -> Result<()> {
        for Promise { at, name } in &self.promised {
            ensure!(
                page.contains(&format!(" id=\"{name}\"")),
                "{at}: there is no #{name}"
            );
        }
        Ok(())
    }
}

/// Reads every section.
///
/// # Errors
/// If a file can't be read or is not as the top of this file says.
pub fn read(folder: &Path, mut sources: Sources) -> Result<Prose> {
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    sources.links = links(&read(&folder.join(LINKS))?)?;
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.retain(|path| {
        path.extension().is_some_and(|ending| ending == "md") && !path.ends_with(LINKS)
    });
    paths.sort();
    let mut reader = Reader::new(&sources);
    let mut sections = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        sections.push(reader.section(&format!("content/{name}"), &read(&path)?)?);
    }
    let unexplained = sources.firmware.unexplained(&reader.explained);
    if let Some(line) = unexplained {
        bail!("{}:{line} is explained nowhere", crate::firmware::FILE);
    }
    let promised = reader.finish()?;
    Ok(Prose { sections, promised })
}

/// The addresses outside of the page.
fn links(text: &str) -> Result<BTreeMap<String, String>> {
    let mut links = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        if !line.starts_with('[') {
            continue;
        }
        let link = line
            .strip_prefix('[')
            .and_then(|line| line.split_once("]: "));
        let (name, url) = link
            .filter(|(_, url)| url.starts_with("https://"))
            .with_context(|| {
                format!(
                    "content/{LINKS}:{}: expected `[name]: https://…`",
                    index + 1
                )
            })?;
        ensure!(
            links
                .insert(name.to_owned(), url.trim().to_owned())
                .is_none(),
            "content/{LINKS}:{}: the link {name} is there already",
            index + 1
        );
    }
    Ok(links)
}

/// A link within the page, which can be checked only when all of it is there.
#[derive(Clone, Debug)]
struct Promise {
    at: String,
    name: String,
}

/// Where a directive that has an end began.
struct Open {
    at: String,
    end: Part,
}

/// The part of the firmware that is being explained.
struct Explained {
    at: String,
    name: String,
    /// Which of its lines have had words.
    said: BTreeSet<usize>,
    lines: Vec<Line>,
}

struct Reader<'a> {
    sources: &'a Sources,
    /// Anchors and tasks that are taken.
    ids: BTreeSet<String>,
    /// Links within the page.
    promised: Vec<Promise>,
    /// Names of links that were used.
    linked: RefCell<BTreeSet<String>>,
    /// Parts of the firmware that were shown with words for every line.
    explained: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(sources: &'a Sources) -> Self {
        Reader {
            sources,
            ids: BTreeSet::new(),
            promised: Vec::new(),
            linked: RefCell::default(),
            explained: BTreeSet::new(),
        }
    }

    /// What only the end of everything tells.
    fn finish(self) -> Result<Vec<Promise>> {
        let linked = self.linked.into_inner();
        let mut links = self.sources.links.keys();
        if let Some(name) = links.find(|name| !linked.contains(*name)) {
            bail!("content/{LINKS}: nothing links to {name}");
        }
        Ok(self.promised)
    }

    /// One file.
    fn section(&mut self, file: &str, text: &str) -> Result<Section> {
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

    fn take(&mut self, id: &str, at: &str) -> Result<()> {
        ensure!(self.ids.insert(id.to_owned()), "{at}: the id {id} is taken");
        Ok(())
    }

    /// What follows the heading. `from` is the index of the first line.
    fn parts(&mut self, file: &str, lines: &[&str], from: usize) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut prose = String::new();
        let mut prose_at = from;
        let mut open: Vec<Open> = Vec::new();
        let mut explained: Option<Explained> = None;
        let mut in_fence = false;
        for (number, line) in lines.iter().enumerate().skip(from) {
            in_fence ^= line.starts_with("```");
            let directive = if in_fence { None } else { directive(line) };
            let Some((name, words)) = directive else {
                prose.push_str(line);
                prose.push('\n');
                continue;
            };
            self.prose(&mut parts, file, prose_at, &prose)?;
            // Lines of the firmware are explained in one list, so nothing may stand between them.
            if !prose.trim().is_empty() || !name.starts_with("line ") {
                self.end_lines(&mut parts, &mut explained, name.starts_with("line "))?;
            }
            prose.clear();
            prose_at = number + 1;
            let at = format!("{file}:{}", number + 1);
            let (kind, rest) = name.split_once(' ').unwrap_or((name, ""));
            match kind {
                "end" => parts.push(
                    open.pop()
                        .with_context(|| format!("{at}: nothing to end"))?
                        .end,
                ),
                "fold" => {
                    let (title, id) = match rest
                        .strip_suffix('}')
                        .and_then(|rest| rest.split_once(" {#"))
                    {
                        Some((title, id)) => (title, id.to_owned()),
                        None => (rest, slug(&heading_text(rest))),
                    };
                    self.take(&id, &at)?;
                    parts.push(Part::FoldBegins(id, self.inline(&at, title)?));
                    open.push(Open {
                        at,
                        end: Part::FoldEnds,
                    });
                }
                "only" => {
                    parts.push(Part::OnlyBegins(only(rest, &at)?));
                    open.push(Open {
                        at,
                        end: Part::OnlyEnds,
                    });
                }
                "task" => parts.push(Part::Task(self.task(rest, words, &at)?)),
                "example" => {
                    let example = rest
                        .split_once(' ')
                        .and_then(|(round, block)| self.sources.examples.get(round, block));
                    let example =
                        example.with_context(|| format!("{at}: no example is named {rest}"))?;
                    parts.push(Part::Example(Box::new(example)));
                }
                "serial" => {
                    let round = self
                        .sources
                        .examples
                        .round(rest)
                        .filter(|round| !round.serial.is_empty());
                    let round =
                        round.with_context(|| format!("{at}: no device printed in {rest}"))?;
                    parts.push(Part::Code(highlight::html(
                        Language::Plain,
                        &round.serial.join("\n"),
                    )));
                }
                "webhook-field" => {
                    let json = self.sources.values.webhook_json(rest);
                    let json =
                        json.with_context(|| format!("{at}: webhook.json has no field {rest}"))?;
                    parts.push(Part::Code(highlight::html(Language::Json, json)));
                }
                "firmware-part" => {
                    let excerpt = self.sources.firmware.excerpt(rest);
                    let excerpt = excerpt
                        .with_context(|| format!("{at}: the firmware has no part {rest}"))?;
                    parts.push(Part::Firmware(excerpt));
                    explained = Some(Explained {
                        at,
                        name: rest.to_owned(),
                        said: BTreeSet::new(),
                        lines: Vec::new(),
                    });
                }
                "line" => {
                    let explained = explained
                        .as_mut()
                        .with_context(|| format!("{at}: a line of no part of the firmware"))?;
                    let part = self.sources.firmware.part(&explained.name);
                    // In the order of the file, so that the same words may stand there twice.
                    let after = explained.said.last().map_or(0, |last| last + 1);
                    let (first, last) =
                        part.and_then(|part| part.find(rest, after))
                            .with_context(|| {
                                format!(
                                    "{at}: the part {} has no such line: {rest}",
                                    explained.name
                                )
                            })?;
                    explained.said.extend(first..=last);
                    explained.lines.push(Line {
                        code: highlight::html(Language::Cpp, rest),
                        html: self.inline(&at, words)?,
                    });
                }
                _ => {
                    let place = Place::named(name)
                        .with_context(|| format!("{at}: nothing is named {name}"))?;
                    parts.push(Part::Place(place));
                }
            }
            ensure!(
                words.is_empty() || matches!(kind, "task" | "line"),
                "{file}:{}: words after {name}",
                number + 1
            );
        }
        self.prose(&mut parts, file, prose_at, &prose)?;
        self.end_lines(&mut parts, &mut explained, false)?;
        if let Some(Open { at, .. }) = open.pop() {
            bail!("{at}: this has no {{{{end}}}}");
        }
        Ok(parts)
    }

    /// Puts the explained lines into the page. `goes_on` if more follow for the same part.
    fn end_lines(
        &mut self,
        parts: &mut Vec<Part>,
        explained: &mut Option<Explained>,
        goes_on: bool,
    ) -> Result<()> {
        let Some(mut part) = explained.take() else {
            return Ok(());
        };
        if !part.lines.is_empty() {
            parts.push(Part::Lines(std::mem::take(&mut part.lines)));
        }
        if goes_on {
            *explained = Some(part);
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

    /// Markdown of one line, without a paragraph around it.
    fn inline(&mut self, at: &str, markdown: &str) -> Result<String> {
        ensure!(!markdown.trim().is_empty(), "{at}: no words");
        let html = self.markdown(markdown, |_| at.to_owned())?;
        let inner = html
            .trim()
            .strip_prefix("<p>")
            .and_then(|html| html.strip_suffix("</p>"));
        let inner = inner.filter(|inner| !inner.contains("<p>"));
        Ok(inner
            .with_context(|| format!("{at}: expected one paragraph"))?
            .to_owned())
    }

    fn prose(
        &mut self,
        parts: &mut Vec<Part>,
        file: &str,
        first_line: usize,
        markdown: &str,
    ) -> Result<()> {
        if markdown.trim().is_empty() {
            return Ok(());
        }
        let line = |offset: usize| first_line + 1 + markdown[..offset].matches('\n').count();
        let html = self.markdown(markdown, |offset| format!("{file}:{}", line(offset)))?;
        parts.push(Part::Prose(html));
        Ok(())
    }

    /// Markdown to HTML. `at` says where an offset is.
    fn markdown(&mut self, markdown: &str, at: impl Fn(usize) -> String) -> Result<String> {
        let sources = self.sources;
        let unknown = RefCell::new(None);
        let lookup = |link: BrokenLink<'_>| {
            // `[x]` alone is a piece of text, such as a row of JSON.
            if link.link_type != LinkType::Reference {
                return None;
            }
            let name = link.reference.to_string();
            let Some(url) = sources.links.get(&name) else {
                unknown.borrow_mut().get_or_insert((link.span.start, name));
                return None;
            };
            self.linked.borrow_mut().insert(name);
            Some((CowStr::from(url.clone()), CowStr::from("")))
        };
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_SMART_PUNCTUATION;
        let events: Vec<_> = Parser::new_with_broken_link_callback(markdown, options, Some(lookup))
            .into_offset_iter()
            .collect();
        if let Some((offset, name)) = unknown.into_inner() {
            bail!("{}: content/{LINKS} has no link {name}", at(offset));
        }

        let mut out = Vec::new();
        let mut code: Option<(Language, String)> = None;
        let mut heading: Option<(String, String)> = None;
        for (event, range) in events {
            let here = || at(range.start);
            match event {
                // The page's policy forbids inline styles and scripts, and a tag that slips in here would be one nobody checks.
                Event::Html(_) | Event::InlineHtml(_) => bail!("{}: HTML in prose", here()),
                Event::Start(Tag::CodeBlock(kind)) => {
                    let name = match &kind {
                        CodeBlockKind::Fenced(name) => name.as_ref(),
                        CodeBlockKind::Indented => "",
                    };
                    let language = Language::named(name);
                    code = Some((
                        language
                            .with_context(|| format!("{}: no language is named {name}", here()))?,
                        String::new(),
                    ));
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((language, text)) = code.take() {
                        let html = filled(&highlight::html(language, text.trim_end()));
                        out.push(Event::Html(format!("<pre class=\"code-lines\" tabindex=\"0\"><code>{html}</code></pre>\n").into()));
                    }
                }
                Event::Text(text) => match &mut code {
                    Some((_, code)) => code.push_str(&self.valued(&text, &here())?),
                    None => {
                        let text = self.valued(&text, &here())?;
                        ensure!(!text.contains("{{"), "{}: {{{{ outside of code", here());
                        if let Some((_, heading)) = &mut heading {
                            heading.push_str(&text);
                        }
                        out.push(Event::Text(text.into()));
                    }
                },
                Event::Code(text) => {
                    let text = self.valued(&text, &here())?;
                    if let Some((_, heading)) = &mut heading {
                        heading.push_str(&text);
                    }
                    out.push(Event::Code(text.into()));
                }
                // `#` is the section's own heading, so everything below it goes one level down.
                Event::Start(Tag::Heading { level, id, .. }) => {
                    let id = id.map_or_else(
                        || slug(&heading_text(&markdown[range.clone()])),
                        |id| id.to_string(),
                    );
                    self.take(&id, &here())?;
                    heading = Some((id.clone(), String::new()));
                    out.push(Event::Html("<div class=\"heading-row\">\n".into()));
                    out.push(Event::Start(Tag::Heading {
                        level: below(level),
                        id: Some(CowStr::from(id)),
                        classes: Vec::new(),
                        attrs: Vec::new(),
                    }));
                }
                Event::End(TagEnd::Heading(level)) => {
                    out.push(Event::End(TagEnd::Heading(below(level))));
                    if let Some((id, text)) = heading.take() {
                        out.push(Event::Html(
                            format!("{}</div>\n", heading_link(&id, &text)).into(),
                        ));
                    }
                }
                Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    title,
                    id,
                }) => {
                    let url = dest_url.to_string();
                    if let Some(name) = url.strip_prefix('#') {
                        self.promised.push(Promise {
                            at: here(),
                            name: name.to_owned(),
                        });
                    } else {
                        ensure!(
                            matches!(link_type, LinkType::ReferenceUnknown),
                            "{}: the address {url} belongs into content/{LINKS}",
                            here()
                        );
                    }
                    out.push(Event::Start(Tag::Link {
                        link_type,
                        dest_url,
                        title,
                        id,
                    }));
                }
                // A table may be wider than a phone; it scrolls by itself, and so must be reachable by keyboard.
                Event::Start(Tag::Table(columns)) => {
                    out.push(Event::Html("<div class=\"prose-table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">\n".into()));
                    out.push(Event::Start(Tag::Table(columns)));
                }
                Event::End(TagEnd::Table) => {
                    out.push(Event::End(TagEnd::Table));
                    out.push(Event::Html("</div>\n".into()));
                }
                other => out.push(other),
            }
        }
        let mut html = String::new();
        html::push_html(&mut html, out.into_iter());
        Ok(html)
    }

    /// A text with its `{{=name}}` filled in.
    fn valued(&self, text: &str, at: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{=") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("{at}: {{{{= without an end"))?;
            let value = self.sources.values.get(name.trim());
            out.push_str(before);
            out.push_str(value.with_context(|| format!("{at}: no value is named {name}"))?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// What stands between `{{` and `}}` at the beginning of a line, and what follows.
fn directive(line: &str) -> Option<(&str, &str)> {
    let line = line
        .strip_prefix("{{")
        .filter(|line| !line.starts_with(['{', '=']))?;
    // The end is the first `}}` that a word follows or the line ends with: code may hold braces.
    let (name, words) = match line.rfind("}} ").filter(|_| !line.ends_with("}}")) {
        Some(_) => line.split_once("}} ")?,
        None => (line.strip_suffix("}}")?, ""),
    };
    Some((name.trim(), words.trim()))
}

fn only(modes: &str, at: &str) -> Result<Only> {
    let mut names = Vec::new();
    for mode in modes.split(' ') {
        let known = MODES.iter().find(|(known, _)| *known == mode);
        names.push(
            known
                .with_context(|| format!("{at}: no mode is named {mode}"))?
                .1,
        );
    }
    // "In the simulated cloud or with a Particle account"
    let name = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            if i == 0 {
                (*name).to_owned()
            } else {
                name[..1].to_lowercase() + &name[1..]
            }
        })
        .collect::<Vec<_>>()
        .join(" or ");
    Ok(Only {
        modes: modes.to_owned(),
        name,
    })
}

/// What a command holds of the reader's own, marked so that a script can put it in. Without one it stands as it is.
const FILLS: [(&str, &str); 2] = [
    ("YOUR-HOOK-URL", "hook-url"),
    ("https://api.particle.io", "api"),
];

fn filled(html: &str) -> String {
    FILLS.iter().fold(html.to_owned(), |html, (text, name)| {
        html.replace(text, &format!("<span data-fill=\"{name}\">{text}</span>"))
    })
}

/// A way to take the address of a heading along; it stands beside the heading, so that it is not read with it.
pub(crate) fn heading_link(id: &str, text: &str) -> String {
    let mut label = String::new();
    highlight::escape(text, &mut label);
    format!("<a class=\"heading-link\" href=\"#{id}\" aria-label=\"Link to “{label}”\">#</a>\n")
}

fn below(level: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level as usize + 1).unwrap_or(HeadingLevel::H6)
}

fn heading_text(source: &str) -> String {
    let mut text = String::new();
    for event in Parser::new_ext(source, Options::ENABLE_HEADING_ATTRIBUTES) {
        if let Event::Text(piece) | Event::Code(piece) = event {
            text.push_str(&piece);
        }
    }
    text
}

/// An anchor of a heading: its words in lower case, joined by hyphens.
fn slug(text: &str) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id: one\ncontents: One\ngroup: Do it\n\n# First\n";

    fn sources() -> Sources {
        let source = "// anchor: a\nint publishPeriodMs();\nvoid g();\n}\n// anchor-end\nconst int publishPeriodMs = 60000;\nconst int partSize = 512;\nconst int maxParts = 10;\nconst int responseTimeoutMs = 10000;\n";
        let firmware = Firmware::parse(source).unwrap();
        Sources {
            values: Values::read(br#"{"event":"E & F","noDefaults":true}"#, &firmware).unwrap(),
            firmware,
            links: links("Addresses.\n\n[docs]: https://docs.example/\n").unwrap(),
            ..Sources::default()
        }
    }

    fn read(body: &str) -> Result<Section> {
        let sources = sources();
        let mut reader = Reader::new(&sources);
        let section = reader.section("content/x.md", &format!("{HEAD}{body}\n[x][docs]\n"))?;
        let promised = reader.finish()?;
        let prose = Prose {
            sections: vec![section],
            promised,
        };
        prose.check_links(" id=\"kept\"")?;
        Ok(prose.sections.into_iter().next().expect("one section"))
    }

    /// The parts in short, without the last, which is there so that the link is used.
    fn parts(body: &str) -> Vec<String> {
        let mut parts: Vec<_> = read(body)
            .unwrap()
            .parts
            .iter()
            .map(|part| format!("{part:?}"))
            .collect();
        parts.pop();
        parts
    }

    #[test]
    fn prose_and_places_keep_their_order() {
        assert_eq!(
            parts("\nBefore.\n\n{{log}}\n\nAfter *it*.\n\n{{start}}\n"),
            [
                r#"Prose("<p>Before.</p>\n")"#,
                "Place(Log)",
                r#"Prose("<p>After <em>it</em>.</p>\n")"#,
                "Place(Start)"
            ]
        );
    }

    #[test]
    fn headings_go_one_level_down_and_get_an_anchor_and_a_link_to_it() {
        let html = |body: &str| parts(body)[0].clone();
        let found = html("\n## What is `kept`?\n\n{{log}}\n");
        assert!(
            found.contains(r#"<h3 id=\"what-is-kept\">What is <code>kept</code>?</h3>"#),
            "{found}"
        );
        assert!(
            found.contains(r##"href=\"#what-is-kept\" aria-label=\"Link to “What is kept?”\""##),
            "{found}"
        );
        let found = html(
            "\n## What is kept? {#kept}\n\n[Here](#kept), `{{=webhook.event}}` and {{=webhook.noDefaults}}.\n\n{{log}}\n",
        );
        assert!(
            found.contains(r#"<h3 id=\"kept\">What is kept?</h3>"#),
            "{found}"
        );
        assert!(
            found.contains("<code>E &amp; F</code> and true."),
            "{found}"
        );
    }

    #[test]
    fn tasks_folds_modes_and_lines_of_the_firmware_have_their_own_parts() {
        assert_eq!(
            parts(
                "\n{{task start nothing}} Press **it**.\n{{fold `event`: `{{=webhook.event}}` {#field-event}}}\nIn.\n{{end}}\n{{only simulated account}}\nHere.\n{{end}}\n"
            ),
            [
                r#"Task(Task { id: "start", needs: "nothing", html: "Press <strong>it</strong>." })"#,
                r#"FoldBegins("field-event", "<code>event</code>: <code>E &amp; F</code>")"#,
                r#"Prose("<p>In.</p>\n")"#,
                "FoldEnds",
                r#"OnlyBegins(Only { modes: "simulated account", name: "In the simulated cloud or with a Particle account" })"#,
                r#"Prose("<p>Here.</p>\n")"#,
                "OnlyEnds",
            ]
        );
        let found = parts(
            "\n{{firmware-part a}}\n\n{{line int publish}} One.\n{{line void g();}} Two.\n\n{{log}}\n",
        );
        assert!(
            found[0].starts_with("Firmware(Excerpt { name: \"a\", first_line: 2, last_line: 4"),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("Lines([Line {") && found[1].contains("Two."),
            "{found:?}"
        );
    }

    #[test]
    fn what_can_not_be_right_fails_with_file_and_line() {
        let check = |body: &str, expected: &str| {
            assert_eq!(
                read(body).unwrap_err().to_string(),
                format!("content/x.md:{expected}")
            );
        };
        check("\n{{lgo}}\n", "7: nothing is named lgo");
        check("\nFine.\n\nA <b>tag</b>.\n", "9: HTML in prose");
        check("\n## One\n", "7: the id one is taken");
        check(
            "\nA `{{=webhook.evnt}}`.\n",
            "7: no value is named webhook.evnt",
        );
        check("\n[Here](#nowhere).\n", "7: there is no #nowhere");
        check(
            "\nA\n[b][nothing].\n",
            "8: content/links.md has no link nothing",
        );
        check(
            "\n[b](https://x.example/).\n",
            "7: the address https://x.example/ belongs into content/links.md",
        );
        check("\nA {{template}}.\n", "7: {{ outside of code");
        check(
            "\n{{example test trigger}}\n",
            "7: no example is named test trigger",
        );
        check("\n{{serial test}}\n", "7: no device printed in test");
        check(
            "\n{{webhook-field url}}\n",
            "7: webhook.json has no field url",
        );
        check("\n{{firmware-part b}}\n", "7: the firmware has no part b");
        check(
            "\n{{line int}} One.\n",
            "7: a line of no part of the firmware",
        );
        check(
            "\n{{firmware-part a}}\n{{line double}} One.\n",
            "8: the part a has no such line: double",
        );
        check(
            "\n{{firmware-part a}}\n{{line int}} One.\n",
            "7: firmware/src/webhook-tutorial.cpp:3 is not explained: void g();",
        );
        check(
            "\n{{task a much}} Do.\n",
            "7: a task needs nothing, account or device, not much",
        );
        check(
            "\n{{task a nothing}} Do.\n{{task a nothing}} Do.\n",
            "8: the id task-a is taken",
        );
        check("\n{{only dreams}}\n{{end}}\n", "7: no mode is named dreams");
        check("\n{{fold Title}}\n", "7: this has no {{end}}");
        check("\n{{end}}\n", "7: nothing to end");
        check("\n{{log}} and more\n", "7: words after log");
        check("\n```rust\nx\n```\n", "7: no language is named rust");
    }

    #[test]
    fn a_link_that_nothing_uses_is_refused() {
        let sources = sources();
        let mut reader = Reader::new(&sources);
        reader.section("content/x.md", HEAD).unwrap();
        assert_eq!(
            reader.finish().unwrap_err().to_string(),
            "content/links.md: nothing links to docs"
        );
    }
}
