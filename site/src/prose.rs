//! The sections: `content/*.md`, askama templates whose output is Markdown.
//!
//! They quote Mustache, so their delimiters are others (`askama.toml`); the compiler checks every name in them.
//! `content/macros.md` has what they share: tasks, folds, what is right in some modes only, and lines of the firmware.
//! Whatever [`Sources`] gives them is HTML, with what was recorded in it escaped.
//! `[words][name]` is a link that `content/links.md` defines, `[words](#anchor)` one within the page.

use std::{cell::RefCell, collections::BTreeSet};

use anyhow::{Context, Result, ensure};
use askama::Template;

use crate::{
    cards::Cards,
    examples::Examples,
    firmware::{self, Firmware},
    highlight::{self, Language, code_block},
    markdown::{self, html_block},
    numbers::{FirmwareNumbers, LimitNumbers},
    webhook::Webhook,
};

/// One section of the page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its name in the table of contents.
    pub contents: &'static str,
    /// The group it belongs to there.
    pub group: &'static str,
    /// Its heading.
    pub title: String,
    /// Everything below the heading, as HTML.
    pub html: String,
}

/// What the sections take by name.
#[derive(Debug)]
pub struct Sources {
    pub webhook: Webhook,
    pub numbers: FirmwareNumbers,
    pub limits: LimitNumbers,
    pub examples: Examples,
    pub firmware: Firmware,
    pub cards: Cards,
    /// The lines of the firmware that have been explained, by their numbers in the file.
    pub explained: RefCell<BTreeSet<usize>>,
}

/// Declares the sections, in the order of the page.
macro_rules! sections {
    ($($file:tt $id:literal $contents:literal $group:literal)*) => {
        fn render(page: &Sources) -> Result<Vec<Section>> {
            Ok(vec![$({
                #[derive(Template)]
                #[template(path = $file, syntax = "prose", escape = "none")]
                struct Source<'a> {
                    page: &'a Sources,
                }
                let text = Source { page }.render().with_context(|| format!("content/{}", $file))?;
                section($id, $contents, $group, &text).with_context(|| format!("content/{}", $file))?
            }),*])
        }
    };
}

sections! {
    "01-webhook-tutorial.md" "webhook-tutorial" "Webhook tutorial" "Do it"
    "02-webhook-configuration.md" "webhook-configuration" "Webhook configuration" "Do it"
    "03-simple-test.md" "simple-test" "Simple test" "Do it"
    "04-log.md" "log" "Log" "Do it"
    "05-device-firmware.md" "device-firmware" "Device firmware" "Do it"
    "06-responses-and-errors.md" "responses-and-errors" "Responses and errors" "Do it"
    "07-webhook-details.md" "webhook-details" "Webhook details" "Understand it"
    "08-firmware-details.md" "firmware-details" "Firmware details" "Understand it"
    "09-typed-publish.md" "typed-publish" "Typed publish" "Understand it"
    "10-your-own-server.md" "your-own-server" "Your own server" "Make it yours"
    "11-clean-up.md" "clean-up" "Clean up" "Make it yours"
}

/// All sections.
///
/// # Errors
/// If a section names an example, a field or a link that does not exist, or a line of the firmware is explained nowhere.
pub fn read(page: &Sources) -> Result<Vec<Section>> {
    let sections = render(page)?;
    let unexplained = page.firmware.unexplained(&page.explained.borrow());
    ensure!(
        unexplained.is_none(),
        "{}:{}: no section explains this line",
        firmware::FILE,
        unexplained.unwrap_or_default()
    );
    Ok(sections)
}

fn section(
    id: &'static str,
    contents: &'static str,
    group: &'static str,
    text: &str,
) -> Result<Section> {
    let (title, text) = text
        .trim_start()
        .strip_prefix("# ")
        .and_then(|text| text.split_once('\n'))
        .context("a section begins with its heading, `# …`")?;
    Ok(Section { id, contents, group, title: title.to_owned(), html: markdown::to_html(text)? })
}

impl Sources {
    /// A block of a recorded round.
    fn example(&self, round: &str, block: &str) -> Result<String> {
        let example = self.examples.get(round, block);
        let example = example.with_context(|| format!("no example is named {round} {block}"))?;
        Ok(html_block(&example.render()?))
    }

    /// A value of a recorded round within a sentence: a field of one of its blocks, or `seq`. A script puts the reader's own
    /// in its place.
    fn value(&self, round: &str, block: &str, field: &str) -> Result<String> {
        let example = self.examples.get(round, block);
        let value = example.as_ref().and_then(|example| example.value(field));
        let value = value.with_context(|| format!("no {field} in the example {round} {block}"))?;
        let mut html = format!("<code data-value=\"{round} {block} {field}\">");
        highlight::escape(value, &mut html);
        Ok(html + "</code>")
    }

    /// What the device printed in a recorded round.
    fn serial(&self, round: &str) -> Result<String> {
        let found = self.examples.round(round);
        let found = found
            .filter(|found| !found.serial.is_empty())
            .with_context(|| format!("no device printed in {round}"))?;
        Ok(code_block(Language::Plain, &found.serial.join("\n")))
    }

    /// A part of the firmware.
    fn firmware_part(&self, name: &str) -> Result<String> {
        let part = self.firmware.part(name)?;
        Ok(html_block(
            &FirmwarePart {
                first_line: part.first_line,
                last_line: part.first_line + part.lines.len() - 1,
                html: highlight::html(Language::Cpp, &part.lines.join("\n")),
            }
            .render()?,
        ))
    }

    /// The code of a line, or of a range of lines, that is about to be explained.
    fn line(&self, part: &str, code: &str) -> Result<String> {
        let mut explained = self.explained.borrow_mut();
        // In the order of the file, because the same line may occur twice.
        let part = self.firmware.part(part)?;
        let end = part.first_line + part.lines.len();
        let after = explained.range(part.first_line..end).next_back();
        let after = after.map_or(0, |last| last + 1 - part.first_line);
        let (first, last) = part.find(code, after).with_context(|| {
            format!("the firmware has no such line after the ones before: {code}")
        })?;
        explained.extend(part.first_line + first..=part.first_line + last);
        Ok(highlight::html(Language::Cpp, code))
    }
}

#[derive(Template)]
#[template(path = "device/firmware-part.html")]
struct FirmwarePart {
    first_line: usize,
    last_line: usize,
    html: String,
}

/// What a task needs.
#[derive(Clone, Copy, Debug)]
enum Needs {
    Nothing,
    Account,
    Device,
}

impl Needs {
    /// As the page's scripts know it.
    fn name(self) -> &'static str {
        match self {
            Needs::Nothing => "nothing",
            Needs::Account => "account",
            Needs::Device => "device",
        }
    }
}

/// What the page works with.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Simulated,
    Account,
    NoAccount,
}

impl Mode {
    /// As the page's scripts know them, a space between.
    fn names(modes: impl AsRef<[Mode]>) -> String {
        let name = |mode: &Mode| match mode {
            Mode::Simulated => "simulated",
            Mode::Account => "account",
            Mode::NoAccount => "none",
        };
        modes.as_ref().iter().map(name).collect::<Vec<_>>().join(" ")
    }

    /// For a reader: "With a Particle account or without an account".
    fn words(modes: impl AsRef<[Mode]>) -> String {
        let words = |mode: &Mode| match mode {
            Mode::Simulated => "in the simulated cloud",
            Mode::Account => "with a Particle account",
            Mode::NoAccount => "without an account",
        };
        let words = modes.as_ref().iter().map(words).collect::<Vec<_>>().join(" or ");
        words[..1].to_uppercase() + &words[1..]
    }
}

mod filters {
    #![allow(unreachable_pub, reason = "askama gives the filter a public type")]
    use std::fmt::Display;

    /// One paragraph of Markdown as HTML, without the paragraph.
    #[askama::filter_fn]
    pub fn inline(markdown: impl Display, _: &dyn askama::Values) -> askama::Result<String> {
        super::markdown::inline(&markdown.to_string())
            .map_err(|error| askama::Error::Custom(error.into()))
    }
}
