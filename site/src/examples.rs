//! `content/recorded/*.json`: the page's examples, each a block of a real run. `tests/it/examples.rs` writes the files and
//! fails when reality differs; nothing in them is made by hand.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use askama::Template;
use serde::Deserialize;

use crate::{block::Block, source_files::SourceFiles};

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

impl Example {
    /// One of its fields, or `seq`.
    pub fn value(&self, field: &str) -> Option<&str> {
        if field == "seq" {
            return Some(&self.block.seq);
        }
        let row = self.block.rows.iter().find(|row| row.name == field)?;
        Some(&row.value)
    }
}

impl Examples {
    /// Reads the folder; one that does not exist holds none.
    ///
    /// # Errors
    /// If a file is not what this file says.
    pub fn read(sources: &SourceFiles) -> Result<Self> {
        let mut rounds = BTreeMap::new();
        for (path, text) in sources.below("site/content/recorded")? {
            if let Some(name) = path.strip_suffix(".json") {
                let round = serde_json::from_slice(&text)
                    .with_context(|| format!("{path} is no recorded round"))?;
                rounds.insert(name.to_owned(), round);
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
