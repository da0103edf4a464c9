//! Markdown to HTML: headings with anchors, values filled in, links that are looked up, and nothing that the page forbids.

use std::cell::RefCell;

use anyhow::{Context, Result, bail, ensure};
use pulldown_cmark::{
    BrokenLink, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
    html,
};

use super::{LINKS, Promise, reader::Reader};
use crate::highlight::{self, Language};

/// What a command holds of the reader's own, marked so that a script can put it in. Without one it stands as it is.
const FILLS: [(&str, &str); 2] = [
    ("YOUR-HOOK-URL", "hook-url"),
    ("https://api.particle.io", "api"),
];

impl Reader<'_> {
    /// Markdown of one line, without a paragraph around it.
    pub(super) fn inline(&mut self, at: &str, markdown: &str) -> Result<String> {
        ensure!(!markdown.trim().is_empty(), "{at}: no words");
        let html = self.markdown(markdown, &|_| at.to_owned())?;
        let inner = html
            .trim()
            .strip_prefix("<p>")
            .and_then(|html| html.strip_suffix("</p>"));
        let inner = inner.filter(|inner| !inner.contains("<p>"));
        Ok(inner
            .with_context(|| format!("{at}: expected one paragraph"))?
            .to_owned())
    }

    /// Any Markdown. `at` says where an offset is, with file and line.
    pub(super) fn markdown(
        &mut self,
        markdown: &str,
        at: &dyn Fn(usize) -> String,
    ) -> Result<String> {
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

        let mut page = Page {
            reader: self,
            out: Vec::new(),
            code: None,
            heading: None,
        };
        for (event, range) in events {
            page.event(event, &markdown[range.clone()], &|| at(range.start))?;
        }
        let mut html = String::new();
        html::push_html(&mut html, page.out.into_iter());
        Ok(html)
    }

    /// A text with its `{{=name}}` filled in.
    fn valued(&self, text: &str, at: &dyn Fn() -> String) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{=") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("{}: {{{{= without an end", at()))?;
            let value = self.sources.values.get(name.trim());
            out.push_str(before);
            out.push_str(value.with_context(|| format!("{}: no value is named {name}", at()))?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// What the parser found, turned one by one into what is written.
struct Page<'r, 's, 'e> {
    reader: &'r mut Reader<'s>,
    out: Vec<Event<'e>>,
    /// The block of code that was begun.
    code: Option<(Language, String)>,
    /// The anchor and the text of the heading that was begun.
    heading: Option<(String, String)>,
}

impl<'e> Page<'_, '_, 'e> {
    /// `source` is the Markdown that the event came of.
    fn event(&mut self, event: Event<'e>, source: &str, at: &dyn Fn() -> String) -> Result<()> {
        match event {
            // The page's policy forbids inline styles and scripts, and a tag that slips in here would be one nobody checks.
            Event::Html(_) | Event::InlineHtml(_) => bail!("{}: HTML in prose", at()),
            Event::Start(tag) => self.start(tag, source, at)?,
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                let text = self.reader.valued(&text, at)?;
                if let Some((_, code)) = &mut self.code {
                    code.push_str(&text);
                } else {
                    ensure!(!text.contains("{{"), "{}: {{{{ outside of code", at());
                    self.said(&text);
                    self.out.push(Event::Text(text.into()));
                }
            }
            Event::Code(text) => {
                let text = self.reader.valued(&text, at)?;
                self.said(&text);
                self.out.push(Event::Code(text.into()));
            }
            other => self.out.push(other),
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'e>, source: &str, at: &dyn Fn() -> String) -> Result<()> {
        match tag {
            Tag::CodeBlock(kind) => {
                let name = match &kind {
                    CodeBlockKind::Fenced(name) => name.as_ref(),
                    CodeBlockKind::Indented => "",
                };
                let language = Language::named(name);
                let language =
                    language.with_context(|| format!("{}: no language is named {name}", at()))?;
                self.code = Some((language, String::new()));
            }
            // `#` is the section's own heading, so everything below it goes one level down.
            Tag::Heading { level, id, .. } => {
                let id = id.map_or_else(|| anchor(source), |id| id.to_string());
                self.reader.take(&id, &at())?;
                self.heading = Some((id.clone(), String::new()));
                self.html("<div class=\"heading-row\">\n".to_owned());
                self.out.push(Event::Start(Tag::Heading {
                    level: below(level),
                    id: Some(CowStr::from(id)),
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
            }
            Tag::Link {
                link_type,
                ref dest_url,
                ..
            } => {
                if let Some(name) = dest_url.strip_prefix('#') {
                    self.reader.promised.push(Promise {
                        at: at(),
                        name: name.to_owned(),
                    });
                } else {
                    ensure!(
                        matches!(link_type, LinkType::ReferenceUnknown),
                        "{}: the address {dest_url} belongs into content/{LINKS}",
                        at()
                    );
                }
                self.out.push(Event::Start(tag));
            }
            // A table may be wider than a phone; it scrolls by itself, and so must be reachable by keyboard.
            Tag::Table(_) => {
                self.html("<div class=\"prose-table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">\n".to_owned());
                self.out.push(Event::Start(tag));
            }
            other => self.out.push(Event::Start(other)),
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    let code = filled(&highlight::html(language, text.trim_end()));
                    self.html(format!(
                        "<pre class=\"code-lines\" tabindex=\"0\"><code>{code}</code></pre>\n"
                    ));
                }
            }
            TagEnd::Heading(level) => {
                self.out.push(Event::End(TagEnd::Heading(below(level))));
                if let Some((id, text)) = self.heading.take() {
                    self.html(format!("{}</div>\n", heading_link(&id, &text)));
                }
            }
            TagEnd::Table => {
                self.out.push(Event::End(tag));
                self.html("</div>\n".to_owned());
            }
            other => self.out.push(Event::End(other)),
        }
    }

    /// Notes words that may belong to a heading.
    fn said(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            heading.push_str(text);
        }
    }

    fn html(&mut self, html: String) {
        self.out.push(Event::Html(html.into()));
    }
}

fn filled(html: &str) -> String {
    FILLS.iter().fold(html.to_owned(), |html, (text, name)| {
        html.replace(text, &format!("<span data-fill=\"{name}\">{text}</span>"))
    })
}

/// A way to take the address of a heading along; it stands beside the heading, so that it is not read with it.
fn heading_link(id: &str, text: &str) -> String {
    let mut label = String::new();
    highlight::escape(text, &mut label);
    format!("<a class=\"heading-link\" href=\"#{id}\" aria-label=\"Link to “{label}”\">#</a>\n")
}

fn below(level: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level as usize + 1).unwrap_or(HeadingLevel::H6)
}

/// An anchor of a heading's Markdown: its words in lower case, joined by hyphens.
pub(super) fn anchor(heading: &str) -> String {
    let mut text = String::new();
    for event in Parser::new_ext(heading, Options::ENABLE_HEADING_ATTRIBUTES) {
        if let Event::Text(piece) | Event::Code(piece) = event {
            text.push_str(&piece);
        }
    }
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
