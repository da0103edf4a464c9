//! `static/`: scripts as they are, styles joined into one file, all below one folder named by the hash of all.
//!
//! One hash for all keeps the modules' relative imports true without rewriting a line of them.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::site_file::SiteFile;

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
    /// Paths below `base` of the scripts that the page loads at once.
    pub modules: Vec<String>,
}

/// Reads the folder. `webhook` is the form of the integration, which the page reads as the stand-in cloud and the tests do.
///
/// # Errors
/// If it can't be read, or a style file has no place in the order.
pub fn read(folder: &Path, webhook: Vec<u8>) -> Result<Assets> {
    let mut found = vec![SiteFile::new("particle/webhook.json", webhook)];
    walk(folder, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let (styles, mut files): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|file| file.path.starts_with("style/"));
    files.push(SiteFile::new("style.css", join(&styles)?));

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
    let modules = files
        .iter()
        // `first.js` is no module: it runs before anything is drawn.
        .filter(|file| file.path.ends_with(".js") && file.path != "first.js")
        .map(|file| file.path.clone())
        .collect();
    for file in &mut files {
        file.path = format!("{base}/{}", file.path);
    }
    Ok(Assets {
        files,
        base: format!("/{base}"),
        modules,
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
            let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            found.push(SiteFile::new(format!("{prefix}{name}"), bytes));
        }
    }
    Ok(())
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
        all.extend_from_slice(&style.bytes);
        all.push(b'\n');
    }
    Ok(all)
}
