//! Modules that always load together, as one file: what a browser gets of eighty small files, each compressed by itself and
//! asked for by itself, is half as large again as the same in one.
//!
//! A file of the site is a module that is loaded by itself, with all that it imports, and what those import, unless an
//! earlier file has it. Each module keeps a scope of its own: it becomes a function that is called once and gives back what
//! the module exports. That is done line by line, without understanding the rest, so imports and exports are written in the
//! one form that [`Module::parse`] knows; any other fails the build.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::site_file::SiteFile;

/// A module, read.
#[derive(Debug)]
struct Module {
    path: String,
    /// Its lines, with what it imports taken from the scopes of those modules.
    body: String,
    imports: Vec<String>,
    /// What it loads later, when it is wanted.
    lazy: Vec<String>,
    exports: Vec<String>,
}

/// One file of the site: a module that is loaded by itself comes last, and before it what it imports, in the order in which
/// they must run.
struct Chunk<'a> {
    modules: Vec<&'a Module>,
}

/// Joins modules: `entry` with what it imports into one file, and each that is loaded later into another.
///
/// # Errors
/// If a module imports one that is not there, or itself in a circle, or in a form that is not known here; if nothing loads it.
pub fn join(scripts: &[SiteFile], entry: &str) -> Result<Vec<SiteFile>> {
    let mut modules = BTreeMap::new();
    for file in scripts {
        let source = str::from_utf8(&file.bytes);
        let source = source.with_context(|| format!("static/{} is not text", file.path))?;
        modules.insert(file.path.clone(), Module::parse(&file.path, source)?);
    }
    let chunks = chunks(&modules, entry)?;
    for path in modules.keys() {
        let is_loaded = chunks.iter().any(|chunk| chunk.has(path));
        ensure!(is_loaded, "static/{path} is loaded by nothing");
    }
    Ok(chunks
        .iter()
        .map(|chunk| SiteFile::new(chunk.path(), chunk.text(&chunks)))
        .collect())
}

/// Every file, the first one first.
fn chunks<'a>(modules: &'a BTreeMap<String, Module>, entry: &str) -> Result<Vec<Chunk<'a>>> {
    let mut entries = vec![entry.to_owned()];
    let mut chunks: Vec<Chunk<'a>> = Vec::new();
    while let Some(path) = entries.get(chunks.len()).cloned() {
        let mut found = Vec::new();
        visit(modules, &path, &chunks, &mut Vec::new(), &mut found)?;
        ensure!(
            !found.is_empty(),
            "static/{path} is loaded later and imported too"
        );
        for lazy in found.iter().flat_map(|module| &module.lazy) {
            if !entries.contains(lazy) {
                entries.push(lazy.clone());
            }
        }
        chunks.push(Chunk { modules: found });
    }
    Ok(chunks)
}

/// A module after all that it imports, but for what an earlier file has. `above`: those that wait for it.
fn visit<'a>(
    modules: &'a BTreeMap<String, Module>,
    path: &str,
    earlier: &[Chunk<'a>],
    above: &mut Vec<String>,
    found: &mut Vec<&'a Module>,
) -> Result<()> {
    if earlier.iter().any(|chunk| chunk.has(path)) || found.iter().any(|one| one.path == path) {
        return Ok(());
    }
    ensure!(
        !above.iter().any(|one| one == path),
        "static/{path} imports itself in a circle, through {}",
        above.join(", ")
    );
    let module = modules.get(path);
    let module = module.with_context(|| format!("static/{path} is imported and not there"))?;
    above.push(path.to_owned());
    for import in &module.imports {
        visit(modules, import, earlier, above, found)?;
    }
    above.pop();
    found.push(module);
    Ok(())
}

impl Module {
    fn parse(path: &str, source: &str) -> Result<Module> {
        let mut module = Module {
            path: path.to_owned(),
            body: String::new(),
            imports: Vec::new(),
            lazy: Vec::new(),
            exports: Vec::new(),
        };
        for (number, line) in source.lines().enumerate() {
            module
                .take(line)
                .with_context(|| format!("static/{path}:{}", number + 1))?;
        }
        Ok(module)
    }

    fn take(&mut self, line: &str) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("import ") {
            let parts = rest
                .strip_suffix("';")
                .and_then(|r| r.split_once(" from '"));
            let Some((names, from)) = parts.filter(|(names, _)| names.starts_with("{ ")) else {
                bail!("an import is written import {{ a, b as c }} from './file.js';");
            };
            let from = resolve(&self.path, from);
            let names = names.replace(" as ", ": ");
            self.body += &format!("const {names} = {};\n", scope(&from));
            self.imports.push(from);
            return Ok(());
        }
        let mut line = line;
        if let Some(rest) = line.strip_prefix("export ") {
            let mut words = rest.strip_prefix("async ").unwrap_or(rest).splitn(2, ' ');
            let (kind, name) = (words.next(), words.next().unwrap_or_default());
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &name[..end.unwrap_or(name.len())];
            let is_known = matches!(kind, Some("const" | "function" | "class"));
            ensure!(
                is_known && !name.is_empty(),
                "an export is a const, a function or a class with a name"
            );
            self.exports.push(name.to_owned());
            line = rest;
        }
        let path = &self.path;
        self.lazy
            .extend(loaded_later(line).map(|name| resolve(path, name)));
        self.body += line;
        self.body.push('\n');
        Ok(())
    }

    /// What runs it and keeps what it exports, in a file of this name.
    fn text(&self, file: &str) -> String {
        let mut body = self.body.clone();
        for name in loaded_later(&self.body) {
            let there = relative(file, &resolve(&self.path, name));
            body = body.replace(&format!("import('{name}')"), &format!("import('{there}')"));
        }
        if self.exports.is_empty() {
            return format!("(() => {{\n{body}}})();\n");
        }
        let (name, exports) = (scope(&self.path), self.exports.join(", "));
        format!("const {name} = (() => {{\n{body}return {{ {exports} }};\n}})();\n")
    }
}

impl Chunk<'_> {
    fn entry(&self) -> &Module {
        self.modules.last().expect("a file has a module")
    }

    fn path(&self) -> &str {
        &self.entry().path
    }

    fn has(&self, path: &str) -> bool {
        self.modules.iter().any(|module| module.path == path)
    }

    /// What its modules take from modules that are in `other`.
    fn takes_from(&self, other: &Chunk<'_>) -> BTreeSet<String> {
        let imports = self.modules.iter().flat_map(|module| &module.imports);
        imports
            .filter(|path| other.has(path) && !self.has(path))
            .map(|path| scope(path))
            .collect()
    }

    fn text(&self, all: &[Chunk<'_>]) -> String {
        let mut text = String::new();
        let mut given = BTreeSet::new();
        for other in all {
            let taken = Vec::from_iter(self.takes_from(other)).join(", ");
            if !taken.is_empty() {
                let there = relative(self.path(), other.path());
                text += &format!("import {{ {taken} }} from '{there}';\n");
            }
            given.extend(other.takes_from(self));
        }
        for module in &self.modules {
            text += &module.text(self.path());
        }
        if !given.is_empty() {
            text += &format!("export {{ {} }};\n", Vec::from_iter(given).join(", "));
        }
        let entry = self.entry();
        if !entry.exports.is_empty() {
            let (exports, name) = (entry.exports.join(", "), scope(&entry.path));
            text += &format!("export const {{ {exports} }} = {name};\n");
        }
        text
    }
}

/// The name under which a module's exports are kept. Nothing of ours has a `$` in its name.
fn scope(path: &str) -> String {
    let name = path.trim_end_matches(".js");
    format!("${}", name.replace('/', "$").replace('-', "_"))
}

/// The names in `import('…')`.
fn loaded_later(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split("import('").skip(1);
    pieces.filter_map(|rest| rest.split('\'').next())
}

/// A name that a module uses, as a path below the folder.
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

/// A path as a file uses it.
fn relative(file: &str, path: &str) -> String {
    match file.matches('/').count() {
        0 => format!("./{path}"),
        depth => "../".repeat(depth) + path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, &str)]) -> Result<Vec<(String, String)>> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, source)| SiteFile::new(*path, *source))
            .collect();
        let joined = join(&files, "begin.js")?;
        Ok(joined
            .into_iter()
            .map(|file| (file.path, String::from_utf8(file.bytes).unwrap()))
            .collect())
    }

    #[test]
    fn what_is_imported_runs_first_and_once_and_each_module_has_its_own_names() {
        let files = joined(&[
            ("begin.js", "import { one as two } from './a/x.js';\nimport { y } from './y.js';\nconst own = two + y;\nawait import('./late.js');"),
            ("a/x.js", "import { y } from '../y.js';\nconst own = 1;\nexport const one = own + y;"),
            ("y.js", "\nexport function y() {}\nexport async function z() {}"),
            ("late.js", "import { z } from './y.js';\nimport { only } from './only.js';\nexport const late = z;"),
            ("only.js", "export class only {}"),
        ])
        .unwrap();
        let [(begin, begin_text), (late, late_text)] = &files[..] else {
            panic!("{files:?}");
        };
        assert_eq!((begin.as_str(), late.as_str()), ("begin.js", "late.js"));
        assert_eq!(
            begin_text,
            "const $y = (() => {\nfunction y() {}\nasync function z() {}\nreturn { y, z };\n})();\n\
             const $a$x = (() => {\nconst { y } = $y;\nconst own = 1;\nconst one = own + y;\nreturn { one };\n})();\n\
             (() => {\nconst { one: two } = $a$x;\nconst { y } = $y;\nconst own = two + y;\nawait import('./late.js');\n})();\n\
             export { $y };\n"
        );
        assert_eq!(
            late_text,
            "import { $y } from './begin.js';\n\
             const $only = (() => {\nclass only {}\nreturn { only };\n})();\n\
             const $late = (() => {\nconst { z } = $y;\nconst { only } = $only;\nconst late = z;\nreturn { late };\n})();\n\
             export const { late } = $late;\n"
        );
    }

    #[test]
    fn what_is_loaded_later_from_another_folder_is_found_from_the_file_that_loads_it() {
        let files = joined(&[
            ("begin.js", "import { a } from './a/x.js';"),
            ("a/x.js", "export const a = () => import('./late.js');"),
            ("a/late.js", "import { a } from './x.js';"),
        ])
        .unwrap();
        assert!(files[0].1.contains("import('./a/late.js')"), "{files:?}");
        assert!(files[1].1.contains("from '../begin.js'"), "{files:?}");
    }

    #[test]
    fn what_it_does_not_know_fails_the_build_with_file_and_line() {
        for (source, why) in [
            ("\nimport './x.js';", "static/begin.js:2"),
            ("import * as x from './x.js';", "static/begin.js:1"),
            ("export default 1;", "static/begin.js:1"),
            ("export { x };", "static/begin.js:1"),
            (
                "import { x } from './none.js';",
                "static/none.js is imported and not there",
            ),
            (
                "import { x } from './begin.js';",
                "static/begin.js imports itself in a circle",
            ),
            ("", "static/x.js is loaded by nothing"),
        ] {
            let problem = joined(&[("begin.js", source), ("x.js", "export const x = 1;")]);
            let problem = format!("{:#}", problem.unwrap_err());
            assert!(problem.contains(why), "{source}: {problem}");
        }
    }
}
