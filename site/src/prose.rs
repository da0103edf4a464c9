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

mod markdown;
mod reader;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};

use self::reader::Reader;
use crate::{
    examples::{Example, Examples},
    firmware::{Excerpt, Firmware},
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
            "\n{{firmware-part a}}\n\n{{line int publish}} One.\n{{line void g();}} Two.\n\n## Next\n\n{{log}}\n",
        );
        assert!(
            found[0].starts_with("Firmware(Excerpt { name: \"a\", first_line: 2, last_line: 4"),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("Lines([Line {") && found[1].contains("Two."),
            "{found:?}"
        );
        assert!(found[2].contains("Next"), "what follows stands after it");
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
