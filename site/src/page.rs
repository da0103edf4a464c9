//! The templates, and what goes into them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use askama::Template;

use crate::{
    assets::Assets,
    block::{Block, Row},
    prose::Section,
};

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
