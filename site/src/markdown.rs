//! Markdown to HTML: headings with anchors, code with colours, tables that scroll, and links by name.

use std::cell::RefCell;

use anyhow::{Context, Result, ensure};
use pulldown_cmark::{
    BrokenLink, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
    html,
};

use crate::highlight::{self, Language, code_block};

/// The addresses outside of the page, `[name]: URL` a line.
const LINKS: &str = include_str!("../content/links.md");

/// What a command holds that is the reader's own, marked so that a script can fill it in. Without one it stays as it is.
const FILLS: [(&str, &str); 3] = [
    ("YOUR-HOOK-URL", "hook-url"),
    ("https://api.particle.io", "api"),
    ("http://127.0.0.1:8788", "api"),
];

/// HTML as one block within Markdown, where an empty line would end it.
pub fn html_block(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for line in html.trim().split('\n') {
        out.push_str(line);
        out.push_str(if line.trim().is_empty() { "&#10;" } else { "\n" });
    }
    out
}

/// One paragraph, without the paragraph.
///
/// # Errors
/// If it is not one, or a link has no address.
pub fn inline(markdown: &str) -> Result<String> {
    let html = to_html(markdown)?;
    let inner = html
        .trim()
        .strip_prefix("<p>")
        .and_then(|html| html.strip_suffix("</p>"))
        .filter(|inner| !inner.contains("<p>"));
    Ok(inner.with_context(|| format!("expected one paragraph: {markdown}"))?.to_owned())
}

/// Any Markdown, HTML in it included.
///
/// # Errors
/// If a link has no address, or the language of a code block is unknown.
pub fn to_html(markdown: &str) -> Result<String> {
    let unknown = RefCell::new(None);
    let lookup = |link: BrokenLink<'_>| {
        // `[x]` alone is a piece of text, such as a row of JSON.
        if link.link_type == LinkType::Reference {
            unknown.borrow_mut().get_or_insert(link.reference.to_string());
        }
        None
    };
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_SMART_PUNCTUATION;
    let linked = format!("{markdown}\n\n{LINKS}");
    let parser = Parser::new_with_broken_link_callback(&linked, options, Some(lookup));
    let mut page = Page::default();
    for event in parser {
        page.event(event)?;
    }
    let mut html = String::new();
    html::push_html(&mut html, page.out.into_iter());
    let unknown = unknown.into_inner();
    ensure!(unknown.is_none(), "content/links.md has no link {}", unknown.unwrap_or_default());
    Ok(html)
}

/// The parser's events, turned one by one into what is written.
#[derive(Default)]
struct Page<'e> {
    out: Vec<Event<'e>>,
    /// The code block that has begun.
    code: Option<(Language, String)>,
    /// The heading that has begun: its level, its anchor if one is given, its text, and where it begins in `out`.
    heading: Option<(HeadingLevel, Option<String>, String, usize)>,
}

impl<'e> Page<'e> {
    fn event(&mut self, event: Event<'e>) -> Result<()> {
        if let (Event::Text(text) | Event::Code(text), Some((_, _, heading, _))) =
            (&event, &mut self.heading)
        {
            heading.push_str(text);
        }
        match event {
            Event::Text(text) if self.code.is_some() => {
                if let Some((_, code)) = &mut self.code {
                    code.push_str(&text);
                }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let name = match &kind {
                    CodeBlockKind::Fenced(name) => name.as_ref(),
                    CodeBlockKind::Indented => "",
                };
                let language = Language::named(name);
                let language = language.with_context(|| format!("no language is named {name}"))?;
                self.code = Some((language, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((language, text)) = self.code.take() {
                    let html = FILLS.iter().fold(
                        code_block(language, text.trim_end()),
                        |html, (text, name)| {
                            let fill = format!("<span data-fill=\"{name}\">{text}</span>");
                            html.replace(text, &fill)
                        },
                    );
                    self.html(html + "\n");
                }
            }
            Event::Start(Tag::Heading { level, id, .. }) => {
                let id = id.map(|id| id.to_string());
                self.heading = Some((level, id, String::new(), self.out.len()));
            }
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            // A table may be wider than a phone; it scrolls by itself, and so must be reachable by keyboard.
            Event::Start(Tag::Table(_)) => {
                self.html("<div class=\"prose-table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">\n".to_owned());
                self.out.push(event);
            }
            Event::End(TagEnd::Table) => {
                self.out.push(event);
                self.html("</div>\n".to_owned());
            }
            other => self.out.push(other),
        }
        Ok(())
    }

    /// Wraps a heading, so that a link to its address can follow it and is not read aloud with it.
    fn end_heading(&mut self) {
        let Some((level, id, text, at)) = self.heading.take() else {
            return;
        };
        let id = id.unwrap_or_else(|| anchor(&text));
        // `#` is the section's own heading, so everything below it is one level lower.
        let level = HeadingLevel::try_from(level as usize + 1).unwrap_or(HeadingLevel::H6);
        let inner = self.out.split_off(at);
        self.html(format!("<div class=\"heading-row\">\n<{level} id=\"{id}\">"));
        self.out.extend(inner);
        let mut label = String::new();
        highlight::escape(&text, &mut label);
        self.html(format!(
            "</{level}>\n<a class=\"heading-link\" href=\"#{id}\" aria-label=\"Link to “{label}”\">#</a>\n</div>\n"
        ));
    }

    fn html(&mut self, html: String) {
        self.out.push(Event::Html(CowStr::from(html)));
    }
}

/// The anchor of a heading: its words in lower case, joined by hyphens.
fn anchor(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_one_level_lower_and_have_an_anchor() {
        let html = to_html("## What is `kept`?").unwrap();
        let expected = "<h3 id=\"what-is-kept\">What is <code>kept</code>?</h3>";
        assert!(html.contains(expected), "{html}");
        let label = "href=\"#what-is-kept\" aria-label=\"Link to “What is kept?”\"";
        assert!(html.contains(label), "{html}");
        let html = to_html("## What is kept? {#kept}").unwrap();
        assert!(html.contains("<h3 id=\"kept\">What is kept?</h3>"), "{html}");
    }

    #[test]
    fn a_link_without_an_address_is_an_error() {
        assert!(to_html("[x][mustache] and `[a]` and [1]").is_ok());
        let error = to_html("[x][nowhere]").unwrap_err();
        assert_eq!(error.to_string(), "content/links.md has no link nowhere");
    }

    #[test]
    fn no_line_of_recorded_text_ends_the_block_around_it() {
        let html = html_block("<figure>\na\n\n \n# b\n**c**\n</figure>");
        let page = to_html(&format!("Before.\n\n{html}\n\nAfter.")).unwrap();
        assert_eq!(
            page,
            "<p>Before.</p>\n<figure>\na\n&#10; &#10;# b\n**c**\n</figure>\n<p>After.</p>\n"
        );
    }
}
