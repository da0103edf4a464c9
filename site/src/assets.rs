//! `static/`: scripts and styles without their comments, joined into few files, all below one folder named by the hash of all.
//!
//! One hash for all keeps the relative imports true.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::{modules, site_file::SiteFile};

/// The style files, in the order in which they are joined. A file that is not named here fails the build.
const STYLES: &[&str] = &[
    "tokens.css",
    "base.css",
    "top-bar.css",
    "page-grid.css",
    "prose.css",
    "side-steps.css",
    "round-picture.css",
    "start-card.css",
    "fact-card.css",
    "particle-cards.css",
    "device-panel.css",
    "code-box.css",
    "log-panel.css",
    "log-rail.css",
    "log-block.css",
    "block-dialog.css",
    "plain-dialog.css",
    "read-bar.css",
    "start-bar.css",
    "plain-page.css",
    "step-marks.css",
    "tool-card.css",
    "not-found.css",
];

/// The static files of one build.
#[derive(Clone, Debug)]
pub struct Assets {
    /// All of them, with their hashed paths.
    pub files: Vec<SiteFile>,
    /// Where they lie: `/static/HASH`.
    pub base: String,
}

/// Reads the folder. `webhook` is the form of the integration, which the page reads as the simulated cloud and the tests do.
///
/// # Errors
/// If it can't be read, or a style file has no place in the order.
pub fn read(folder: &Path, webhook: Vec<u8>) -> Result<Assets> {
    let mut found = vec![SiteFile::new("particle/webhook.json", webhook)];
    walk(folder, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let (styles, found): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|file| file.path.starts_with("style/"));
    // first.js is no module: it runs before anything is drawn.
    let (scripts, mut files): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|file| file.path.ends_with(".js") && file.path != "first.js");
    files.extend(modules::join(&scripts, "begin.js")?);
    files.push(SiteFile::new("style.css", join(&styles)?));
    files.sort_by(|a, b| a.path.cmp(&b.path));

    let mut hash = Sha256::new();
    for file in &files {
        // Lengths in between, so that no two sets of files read the same.
        hash.update((file.path.len() as u64).to_be_bytes());
        hash.update(&file.path);
        hash.update((file.bytes.len() as u64).to_be_bytes());
        hash.update(&file.bytes);
    }
    let base = format!(
        "static/{}",
        BASE32_NOPAD
            .encode(&hash.finalize()[..10])
            .to_ascii_lowercase()
    );
    for file in &mut files {
        file.path = format!("{base}/{}", file.path);
    }
    Ok(Assets {
        files,
        base: format!("/{base}"),
    })
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<SiteFile>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("a name of plain text: {}", path.display()))?;
        // Editors and file managers leave such files beside ours.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{prefix}{name}/"), found)?;
        } else {
            let mut bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            if name.ends_with(".js") || name.ends_with(".css") {
                let source = String::from_utf8(bytes);
                let source = source.with_context(|| format!("{} is not text", path.display()))?;
                let sent = without_comments(&source);
                if name.ends_with(".js") {
                    ends_with_its_line(&format!("{prefix}{name}"), &sent)?;
                }
                bytes = sent.into_bytes();
            }
            found.push(SiteFile::new(format!("{prefix}{name}"), bytes));
        }
    }
    Ok(())
}

/// A script or style as it is sent: without the lines that are nothing but comment, and without the types that only a
/// reader's tools need. They are a third of what would go over the wire. Every line keeps its number here, so that what
/// fails the build names the line of the source.
fn without_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut inside = false;
    for line in source.lines() {
        let text = line.trim();
        let opens = text.starts_with("/*") && !text.contains("*/");
        let is_comment = inside
            || opens
            || text.starts_with("//")
            || text.starts_with("/*") && text.ends_with("*/");
        inside = (inside || opens) && !text.contains("*/");
        if !is_comment {
            out.push_str(&without_types(text));
        }
        out.push('\n');
    }
    out
}

/// A script is made line by line: blanks at both ends of a line go, and empty lines. A text that goes on over the end of its
/// line would become another, so there must be none.
fn ends_with_its_line(path: &str, source: &str) -> Result<()> {
    for (number, line) in source.lines().enumerate() {
        ensure!(
            !leaves_text_open(line),
            "static/{path}:{}: a text goes on in the next line, and would not be sent as it is written: end it here, and write \\n",
            number + 1
        );
    }
    Ok(())
}

/// Whether a template literal, or a string by a backslash, goes on in the next line. Backticks in quotes count too: who needs
/// one there writes `\x60`.
fn leaves_text_open(line: &str) -> bool {
    // What is open: a literal, or the braces of code, which may be code within a literal.
    let mut open = Vec::new();
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let in_literal = open.last() == Some(&'`');
        match character {
            '\\' => drop(characters.next()),
            '`' if in_literal => drop(open.pop()),
            '$' if in_literal && characters.next_if_eq(&'{').is_some() => open.push('{'),
            '}' if !in_literal => drop(open.pop()),
            '`' => open.push('`'),
            '{' if !in_literal => open.push('{'),
            _ => {}
        }
    }
    open.contains(&'`') || line.ends_with('\\')
}

/// A line without its `/** @type {…} */`.
fn without_types(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("/** @type {") {
        let Some((_, after)) = after.split_once("*/") else {
            break;
        };
        out.push_str(before);
        rest = after.trim_start();
    }
    out + rest
}

/// One style sheet of many: one request instead of a dozen, with the parts still readable in it.
fn join(styles: &[SiteFile]) -> Result<Vec<u8>> {
    for style in styles {
        let name = &style.path["style/".len()..];
        ensure!(
            STYLES.contains(&name),
            "static/style/{name} has no place in the order of styles (site/src/assets.rs)"
        );
    }
    let mut all = Vec::new();
    for name in STYLES {
        let path = format!("style/{name}");
        let style = styles.iter().find(|style| style.path == path);
        let style = style.with_context(|| format!("static/{path} is not there"))?;
        let text = str::from_utf8(&style.bytes).context("a style is text")?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            all.extend_from_slice(line.as_bytes());
            all.push(b'\n');
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_without_comments_and_every_line_keeps_its_number() {
        let source = "// @ts-check\n/** Says it.\n * @param {string} x\n */\nexport const f = (/** @type {any} */ x) =>\n  `${x} // stays`; // stays too\n/** @type {number} */\nlet n = 0;\n";
        let sent = "\n\n\n\nexport const f = (x) =>\n`${x} // stays`; // stays too\n\nlet n = 0;\n";
        assert_eq!(without_comments(source), sent);
    }

    #[test]
    fn a_text_that_would_be_changed_fails_the_build() {
        for line in [
            "const x = `a",
            "f(`a`, `b",
            "`${a ? `b` : c}",
            "`${`",
            "`a\\`",
            "'a\\",
        ] {
            let script = format!("let a;\n{line}\n  b`;\n");
            let problem = ends_with_its_line("x.js", &script).unwrap_err().to_string();
            assert!(problem.starts_with("static/x.js:2: "), "{line}: {problem}");
        }
        for line in [
            "`a`",
            "`${a ? `b` : {}}` + `c`",
            "f(`a`, () => {",
            "})`a`;",
            "`\\`` // `so`",
            "`a{`",
            "`a}`",
        ] {
            ends_with_its_line("x.js", line).unwrap();
        }
    }
}
