//! One line of JSON for each answer: no body, no key, no text that a sender wrote.

use std::sync::Arc;

use delivery::key::Endpoint;
use serde::Serialize;

/// What is written about one answer.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// `receiver` or `api`.
    pub function: &'static str,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a Endpoint>,
    /// The delivery's number, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The response's HTTP status.
    pub status: u16,
    /// Milliseconds from event to answer, a delay that the owner asked for included.
    pub took_ms: u64,
    /// What failed, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// Whether only the level `debug` writes it.
    #[serde(skip)]
    pub quiet: bool,
}

/// Where lines go.
pub type Log = Arc<dyn Fn(&Line<'_>) + Send + Sync>;

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Answers that tell of a failure.
    Error,
    /// Those and every answer that is not quiet.
    #[default]
    Info,
    /// Everything.
    Debug,
}

impl Level {
    /// `error`, `info` or `debug`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "error" => Some(Level::Error),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            _ => None,
        }
    }

    /// Whether a line is written at this level.
    pub fn writes(self, line: &Line<'_>) -> bool {
        let level = match line {
            _ if line.error.is_some() => Level::Error,
            _ if line.quiet => Level::Debug,
            _ => Level::Info,
        };
        level <= self
    }
}

/// Lines to standard output, which Lambda keeps.
#[allow(clippy::print_stdout, reason = "standard output is where Lambda takes log lines from")]
pub fn to_stdout(level: Level) -> Log {
    Arc::new(move |line| {
        if level.writes(line)
            && let Ok(json) = serde_json::to_string(line)
        {
            println!("{json}");
        }
    })
}
