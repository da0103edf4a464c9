//! `content/recorded/*.json`: the page's examples, each a block of a real run. `tests/it/examples.rs` writes the files and
//! fails when reality differs; nothing in them is made by hand.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use askama::Template;
use serde::Deserialize;

use crate::page::Block;

/// One recorded round: the blocks of one event and all that followed from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Who, and how it went, as the head of a round in the log.
    pub title: String,
    /// The blocks by name, in the order of cause.
    pub blocks: Vec<Recorded>,
    /// What the device printed meanwhile; empty if none took part.
    #[serde(default)]
    pub serial: Vec<String>,
}

/// One block of it, in the words of the page's own modules.
#[derive(Clone, Debug, Deserialize)]
pub struct Recorded {
    /// What prose calls it: `trigger`, `hook-sent`, `received`, `parsed`, `response`, `hook-response`, `hook-error`.
    pub name: String,
    #[serde(flatten)]
    block: Block,
}

/// All rounds by the names of their files.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    rounds: BTreeMap<String, Round>,
}

/// A block in its place on the page.
#[derive(Clone, Debug, Template)]
#[template(path = "steps/example.html")]
pub struct Example {
    /// The name of its round.
    pub round: String,
    /// Its name there.
    pub name: String,
    /// What fills the block's markup.
    pub block: Block,
}

impl Examples {
    /// Reads the folder; one that is not there holds none.
    ///
    /// # Errors
    /// If a file is not what this file says.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut rounds = BTreeMap::new();
        if !folder.is_dir() {
            return Ok(Examples::default());
        }
        for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                let round = serde_json::from_slice(&text)
                    .with_context(|| format!("{} is no recorded round", path.display()))?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                rounds.insert(name.into_owned(), round);
            }
        }
        Ok(Examples { rounds })
    }

    /// A recorded round.
    pub fn round(&self, round: &str) -> Option<&Round> {
        self.rounds.get(round)
    }

    /// A block of a recorded round.
    pub fn get(&self, round: &str, name: &str) -> Option<Example> {
        let recorded = self.rounds.get(round)?.blocks.iter().find(|block| block.name == name)?;
        Some(Example {
            round: round.to_owned(),
            name: name.to_owned(),
            block: recorded.block.clone(),
        })
    }
}
