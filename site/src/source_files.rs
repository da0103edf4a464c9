//! The files that are read when the site is built: scripts, styles, recorded examples, firmware and `webhook.json`. Prose and
//! templates are compiled.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

/// Where these files are. Their paths are those in the repository, with `/`.
#[derive(Clone, Debug)]
pub enum SourceFiles {
    /// In a checkout, so that a change needs no compiler.
    Checkout(PathBuf),
    /// In the program.
    Embedded(&'static [(&'static str, &'static [u8])]),
}

impl SourceFiles {
    /// The bytes of a file.
    ///
    /// # Errors
    /// If it is not there or can't be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        match self {
            SourceFiles::Checkout(root) => {
                let path = root.join(path);
                fs::read(&path).with_context(|| format!("read {}", path.display()))
            }
            SourceFiles::Embedded(files) => {
                let found = files.iter().find(|(name, _)| *name == path);
                let (_, bytes) = found.with_context(|| format!("{path} is not embedded"))?;
                Ok(bytes.to_vec())
            }
        }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// As [`read`](Self::read), or if it is not text.
    pub fn read_text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.read(path)?).with_context(|| format!("{path} is not text"))
    }

    /// Every file below a folder, with its path there. A folder that does not exist has none.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn below(&self, folder: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let root = match self {
            SourceFiles::Checkout(root) => root.join(folder),
            SourceFiles::Embedded(files) => {
                let below = files.iter().filter_map(|(path, bytes)| {
                    let path = path.strip_prefix(folder)?.strip_prefix('/')?;
                    Some((path.to_owned(), bytes.to_vec()))
                });
                return Ok(below.collect());
            }
        };
        let mut found = Vec::new();
        let mut open = vec![(root, String::new())];
        while let Some((folder, prefix)) = open.pop() {
            if prefix.is_empty() && !folder.is_dir() {
                break;
            }
            let entries =
                fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.with_context(|| format!("{} has no plain name", path.display()))?;
                // Editors and file managers leave such files beside ours.
                if name.starts_with('.') || name.ends_with('~') {
                    continue;
                }
                let below = format!("{prefix}{name}");
                if path.is_dir() {
                    open.push((path, format!("{below}/")));
                } else {
                    let bytes =
                        fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                    found.push((below, bytes));
                }
            }
        }
        Ok(found)
    }
}
