//! One block of the log, as its template takes it.

use serde::Deserialize;

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
