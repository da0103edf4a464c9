//! `static/` and `style/`: the scripts and the style sheet that the pages load, below one folder named by the hash of all of it.
//!
//! A script is served as it is written, without the lines that hold only a comment. One hash for all keeps its relative
//! imports true. The styles are joined into one sheet.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::{site_file::SiteFile, source_files::SourceFiles};

/// The static files of one build.
#[derive(Clone, Debug)]
pub struct Assets {
    /// All of them, with their hashed paths.
    pub files: Vec<SiteFile>,
    /// The folder they are in: `/static/HASH`.
    pub base: String,
    /// What each script imports, by its path below `static/`.
    imports: BTreeMap<String, Vec<String>>,
}

impl Assets {
    /// Reads `static/` and `style/`. `webhook` is the form of the integration, which the page reads too.
    ///
    /// # Errors
    /// If a file can't be read, or a script imports one that does not exist.
    pub fn read(sources: &SourceFiles, webhook: Vec<u8>) -> Result<Assets> {
        let mut files = vec![SiteFile::new("particle/webhook.json", webhook)];
        let mut imports = BTreeMap::new();
        for (path, bytes) in sources.below("site/static")? {
            if !path.ends_with(".js") {
                files.push(SiteFile::new(path, bytes));
                continue;
            }
            let script = String::from_utf8(bytes).with_context(|| format!("{path} is not text"))?;
            let script = without_comment_lines(&script);
            imports.insert(path.clone(), imports_of(&path, &script));
            files.push(SiteFile::new(path, script));
        }
        for (path, imported) in &imports {
            for import in imported {
                let exists = imports.contains_key(import);
                ensure!(exists, "static/{path} imports static/{import}, which does not exist");
            }
        }
        let mut styles = sources.below("site/style")?;
        // What all components share comes first: the files that are in no folder.
        styles.sort_by_key(|(path, _)| (path.contains('/'), path.clone()));
        let mut sheet = String::new();
        for (path, bytes) in styles {
            let style = String::from_utf8(bytes).with_context(|| format!("{path} is not text"))?;
            sheet += &without_comment_lines(&style);
        }
        files.push(SiteFile::new("style.css", sheet));
        files.sort_by(|a, b| a.path.cmp(&b.path));

        let mut hash = Sha256::new();
        for file in &files {
            // Lengths in between, so that no two sets of files read the same.
            hash.update((file.path.len() as u64).to_be_bytes());
            hash.update(&file.path);
            hash.update((file.bytes.len() as u64).to_be_bytes());
            hash.update(&file.bytes);
        }
        let hash = BASE32_NOPAD.encode(&hash.finalize()[..10]);
        let base = format!("static/{}", hash.to_ascii_lowercase());
        for file in &mut files {
            file.path = format!("{base}/{}", file.path);
        }
        Ok(Assets { files, base: format!("/{base}"), imports })
    }

    /// The scripts that load with `begin.js`, before anybody has done anything.
    pub fn first(&self) -> BTreeSet<String> {
        self.with_imports(["begin.js".to_owned()])
    }

    /// The scripts that load once somebody starts: the application and the components that `html` names, but for those with
    /// `data-late`, with all that they import. A list in the page saves a round trip for each level of imports.
    ///
    /// # Errors
    /// If `html` names a component without a script.
    pub fn later(&self, html: &str) -> Result<BTreeSet<String>> {
        let mut entries = vec!["app.js".to_owned()];
        let parts: Vec<&str> = html.split(" data-component=\"").collect();
        for pair in parts.windows(2) {
            let name = pair[1].split('"').next().unwrap_or_default();
            let path = format!("{name}.js");
            let exists = self.imports.contains_key(&path);
            ensure!(exists, "a template names the component {name}, and there is no static/{path}");
            let tag = pair[0].rsplit('<').next().unwrap_or_default();
            if !tag.contains(" data-late") {
                entries.push(path);
            }
        }
        let first = self.first();
        let all = self.with_imports(entries);
        Ok(all.difference(&first).cloned().collect())
    }

    fn with_imports(&self, entries: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<String> = entries.into_iter().collect();
        while let Some(path) = open.pop() {
            if let Some(imports) = self.imports.get(&path)
                && found.insert(path)
            {
                open.extend(imports.iter().cloned());
            }
        }
        found
    }
}

/// A script or a style without the lines that hold only a comment, or nothing.
fn without_comment_lines(source: &str) -> String {
    let mut sent = String::with_capacity(source.len());
    let mut inside = false;
    for line in source.lines() {
        let text = line.trim();
        let begins = text.starts_with("/*");
        let ends = text.ends_with("*/");
        let is_comment =
            inside || text.starts_with("//") || begins && (ends || !text.contains("*/"));
        inside = (inside || begins) && !text.contains("*/");
        if !is_comment && !text.is_empty() {
            sent.push_str(line);
            sent.push('\n');
        }
    }
    sent
}

/// What a script imports at once, as paths below the folder: the text between `from '` and `'` at the end of a line.
fn imports_of(path: &str, script: &str) -> Vec<String> {
    let lines = script.lines().filter_map(|line| line.strip_suffix("';"));
    lines
        .filter_map(|line| line.split_once("from '.").or_else(|| line.split_once("import '.")))
        .map(|(_, name)| resolve(path, &format!(".{name}")))
        .collect()
}

/// The name that a script gives another, as a path below the folder.
fn resolve(path: &str, name: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in name.split('/').filter(|part| *part != ".") {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_sent_without_its_comment_lines() {
        let source = "// @ts-check\n/** Says it.\n * @param {string} x\n */\n\nexport const f = (/** @type {any} */ x) =>\n  `${x} // stays`; // stays too\n/** @type {number} */\nlet n = 0;\n";
        let sent = "export const f = (/** @type {any} */ x) =>\n  `${x} // stays`; // stays too\nlet n = 0;\n";
        assert_eq!(without_comment_lines(source), sent);
    }

    #[test]
    fn imports_are_paths_below_the_folder() {
        let script = "import { a } from './a.js';\nimport {\n  b,\n} from '../lib/b.js';\nconst c = import('./c.js');\n";
        assert_eq!(imports_of("log/x.js", script), ["log/a.js", "lib/b.js"]);
    }
}
