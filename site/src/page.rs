//! The templates, and what goes into them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use askama::Template;

use serde::Deserialize;

use crate::{assets::Assets, prose::Section};

/// One block of the log: empty in the page's `<template>`, filled in its examples. The one markup for both.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Block {
    /// Decides the colour: `api`, `device`, `internal`, `error`, `received`, `parsed` or `response`.
    pub kind: String,
    /// Decides the mark of direction: `in`, `out`, `internal` or `derived`.
    pub direction: String,
    /// The kind in words.
    pub title: String,
    /// The number of its delivery, as `#12`; empty if it has none.
    pub seq: String,
    /// When, as an RFC 3339 time; empty if unknown.
    pub at: String,
    /// The same in words.
    pub time: String,
    /// The fields.
    pub rows: Vec<Row>,
    /// What there is to learn here; empty for nothing.
    pub note: String,
}

/// One field of a block.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its value; empty if it has pairs.
    pub value: String,
    /// Lines of name and value, in place of a value.
    pub pairs: Vec<(String, String)>,
    /// What the fold says that the pairs are shut behind; empty if they are not.
    pub fold: String,
    /// A word about the value, after it.
    pub remark: String,
}

/// A group of the table of contents.
struct Group<'a> {
    name: &'a str,
    sections: Vec<&'a Section>,
}

#[derive(Template)]
#[template(path = "tutorial.html")]
struct Tutorial<'a> {
    origin: &'a str,
    assets: &'a Assets,
    /// The scripts that load once somebody starts, as paths below `assets.base`.
    later: BTreeSet<String>,
    groups: Vec<Group<'a>>,
    sections: &'a [Section],
    empty_block: Block,
    empty_row: Row,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Log<'a> {
    assets: &'a Assets,
    /// Start does less there than on the tutorial, and no task has the button to send a request.
    is_log: bool,
    later: BTreeSet<String>,
    empty_block: Block,
    empty_row: Row,
}

#[derive(Template)]
#[template(path = "404.html")]
struct NotFound<'a> {
    assets: &'a Assets,
}

#[derive(Template)]
#[template(path = "favicon.svg", escape = "html")]
struct Favicon;

/// The tutorial.
///
/// # Errors
/// If a template fails, which only a mistake in one can do.
pub fn tutorial(assets: &Assets, sections: &[Section], origin: &str) -> Result<String> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for section in sections {
        match groups.last_mut().filter(|group| group.name == section.group) {
            Some(group) => group.sections.push(section),
            None => groups.push(Group { name: section.group, sections: vec![section] }),
        }
    }
    let mut tutorial = Tutorial {
        origin,
        assets,
        later: BTreeSet::new(),
        groups,
        sections,
        empty_block: Block::default(),
        empty_row: Row::default(),
    };
    // The scripts of a page follow from the components that are in it.
    tutorial.later = assets.later(&tutorial.render().context("render tutorial.html")?)?;
    tutorial.render().context("render tutorial.html")
}

/// The page of the log at full size.
///
/// # Errors
/// As [`tutorial`].
pub fn log(assets: &Assets) -> Result<String> {
    let mut log = Log {
        assets,
        is_log: true,
        later: BTreeSet::new(),
        empty_block: Block::default(),
        empty_row: Row::default(),
    };
    log.later = assets.later(&log.render().context("render log.html")?)?;
    log.render().context("render log.html")
}

/// The page for an address that has none.
///
/// # Errors
/// As [`tutorial`].
pub fn not_found(assets: &Assets) -> Result<String> {
    NotFound { assets }.render().context("render 404.html")
}

/// The sign in the browser's tab.
///
/// # Errors
/// As [`tutorial`].
pub fn favicon() -> Result<String> {
    Favicon.render().context("render favicon.svg")
}
