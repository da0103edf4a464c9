//! `content/*.md`: the words of the page, one file a section, in the order of their names.
//!
//! A file begins with `key: value` lines (`id`, `contents`, `group`), then an empty line, then Markdown that starts with
//! the section's heading (`# …`). A line that is nothing but `{{name}}` stands for a part of the page that is not prose.
//! Whatever can't be right fails the build with file and line: an unknown name, an id twice, HTML in the prose.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Parser, Tag, TagEnd, html};

/// One section of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Prose, as HTML.
    Prose(String),
    /// Something that is not prose.
    Place(Place),
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
            _ => return None,
        })
    }
}

/// Reads every section.
///
/// # Errors
/// If a file can't be read or is not as the top of this file says.
pub fn read(folder: &Path) -> Result<Vec<Section>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    let mut ids = BTreeSet::new();
    let mut sections = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        sections.push(section(&format!("content/{name}"), &text, &mut ids)?);
    }
    Ok(sections)
}

/// One file. `ids` holds the anchors that are taken.
fn section(file: &str, text: &str, ids: &mut BTreeSet<String>) -> Result<Section> {
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
    ensure!(ids.insert(id.clone()), "{file}:1: the id {id} is taken");
    at += 1;
    let title = lines.get(at).and_then(|line| line.strip_prefix("# "));
    let title = title
        .with_context(|| format!("{file}:{}: expected the heading `# …`", at + 1))?
        .to_owned();
    at += 1;

    let mut parts = Vec::new();
    let mut prose = String::new();
    let mut prose_at = at;
    for (number, line) in lines.iter().enumerate().skip(at) {
        let name = line
            .strip_prefix("{{")
            .and_then(|line| line.strip_suffix("}}"));
        let Some(name) = name else {
            prose.push_str(line);
            prose.push('\n');
            continue;
        };
        let place = Place::named(name.trim())
            .with_context(|| format!("{file}:{}: nothing is named {name}", number + 1))?;
        push_prose(&mut parts, file, prose_at, &prose, ids)?;
        prose.clear();
        prose_at = number + 1;
        parts.push(Part::Place(place));
    }
    push_prose(&mut parts, file, prose_at, &prose, ids)?;
    Ok(Section {
        id,
        contents,
        group,
        title,
        parts,
    })
}

fn push_prose(
    parts: &mut Vec<Part>,
    file: &str,
    first_line: usize,
    markdown: &str,
    ids: &mut BTreeSet<String>,
) -> Result<()> {
    if markdown.trim().is_empty() {
        return Ok(());
    }
    let mut events = Vec::new();
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        let line = || first_line + 1 + markdown[..range.start].matches('\n').count();
        events.push(match event {
            // The page's policy forbids inline styles and scripts, and a tag that slips in here would be one nobody checks.
            Event::Html(_) | Event::InlineHtml(_) => bail!("{file}:{}: HTML in prose", line()),
            // `#` is the section's own heading, so everything below it goes one level down.
            Event::Start(Tag::Heading { level, .. }) => {
                let id = slug(&heading_text(&markdown[range.clone()]));
                ensure!(
                    ids.insert(id.clone()),
                    "{file}:{}: the id {id} is taken",
                    line()
                );
                Event::Start(Tag::Heading {
                    level: below(level),
                    id: Some(CowStr::from(id)),
                    classes: Vec::new(),
                    attrs: Vec::new(),
                })
            }
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
            other => other,
        });
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    parts.push(Part::Prose(out));
    Ok(())
}

fn below(level: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level as usize + 1).unwrap_or(HeadingLevel::H6)
}

fn heading_text(source: &str) -> String {
    let mut text = String::new();
    for event in Parser::new(source) {
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

    fn read(body: &str) -> Result<Section> {
        section(
            "content/x.md",
            &format!("{HEAD}{body}"),
            &mut BTreeSet::new(),
        )
    }

    #[test]
    fn prose_and_places_keep_their_order() {
        let section = read("\nBefore.\n\n{{log}}\n\nAfter *it*.\n").unwrap();
        assert_eq!(section.title, "First");
        assert_eq!(
            section.parts,
            [
                Part::Prose("<p>Before.</p>\n".into()),
                Part::Place(Place::Log),
                Part::Prose("<p>After <em>it</em>.</p>\n".into()),
            ]
        );
    }

    #[test]
    fn headings_go_one_level_down_and_get_an_anchor() {
        let section = read("\n## What is `kept`?\n").unwrap();
        let expected = "<h3 id=\"what-is-kept\">What is <code>kept</code>?</h3>\n";
        assert_eq!(section.parts, [Part::Prose(expected.into())]);
    }

    #[test]
    fn what_can_not_be_right_fails_with_file_and_line() {
        let check = |body: &str, expected: &str| {
            assert_eq!(read(body).unwrap_err().to_string(), expected);
        };
        check("\n{{lgo}}\n", "content/x.md:7: nothing is named lgo");
        check(
            "\nFine.\n\nA <b>tag</b>.\n",
            "content/x.md:9: HTML in prose",
        );
        check("\n## One\n", "content/x.md:7: the id one is taken");
    }
}
