//! A log, read from a place on for as long as it is wanted.

use std::time::Duration;

use anyhow::{Context, bail};
use delivery::{cursor::Cursor, log_page::LogPage};
use tokio::time::sleep;

use crate::{
    client::{Failure, Log},
    warn,
};

/// The shortest and the longest pause between two polls without news, for a home on this machine and for another.
const PAUSES: [(Duration, Duration); 2] = [
    (Duration::from_millis(100), Duration::from_millis(1_000)),
    (Duration::from_millis(500), Duration::from_millis(4_000)),
];
/// The longest pause after a call that failed.
const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// After what is in the log already.
    Now,
    /// With this number.
    Seq(u64),
}

/// The value of `--from`.
pub(crate) fn start(text: &str) -> Result<Start, String> {
    match (text, text.parse()) {
        ("now", _) => Ok(Start::Now),
        (_, Ok(seq @ 1..)) => Ok(Start::Seq(seq)),
        _ => Err("use `now` or a number from 1".to_owned()),
    }
}

/// What came since the page before.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) page: LogPage,
    /// Where the page ends.
    pub(crate) cursor: Cursor,
    /// Numbers that were in the log and are no longer, so that nobody can read them: the first and the last.
    pub(crate) lost: Option<(u64, u64)>,
}

/// A reader of a log.
pub(crate) struct Follow<'a> {
    log: &'a Log,
    pub(crate) cursor: Cursor,
    pauses: (Duration, Duration),
    pause: Duration,
}

impl<'a> Follow<'a> {
    /// A reader that begins there.
    pub(crate) async fn new(log: &'a Log, from: Start) -> anyhow::Result<Self> {
        let page = log.page("last=1").await?;
        let newest = cursor_of(&page)?;
        let cursor = match from {
            Start::Now => newest,
            Start::Seq(seq) if seq > page.last_seq + 1 => {
                bail!("the log ends with #{}; #{seq} does not exist yet", page.last_seq);
            }
            Start::Seq(seq) => Cursor { seq: seq - 1, ..newest },
        };
        Ok(Follow::after(log, cursor))
    }

    /// A reader that goes on after a cursor.
    pub(crate) fn after(log: &'a Log, cursor: Cursor) -> Self {
        let pauses = PAUSES[usize::from(log.home.starts_with("https:"))];
        Follow { log, cursor, pauses, pause: pauses.0 }
    }

    /// The next page, at once; it may be empty. Waits until the home can be reached.
    pub(crate) async fn page(&mut self) -> anyhow::Result<News> {
        let query = format!("after={}", self.cursor.encode());
        let mut failed: Option<Duration> = None;
        let page = loop {
            match self.log.page(&query).await {
                Ok(page) => break page,
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(error)) => {
                    if failed.is_none() {
                        warn(&format_args!("{error:#}; trying again"));
                    }
                    let pause =
                        failed.map_or(self.pauses.0, |pause| (pause * 2).min(LONGEST_RETRY));
                    failed = Some(pause);
                    sleep(pause).await;
                }
            }
        };
        if failed.is_some() {
            warn(&format_args!("{} answers again", self.log.home));
        }
        let before = match page.restarted {
            true => {
                warn(
                    &"this endpoint was forgotten and created again; its new log is read from the beginning",
                );
                0
            }
            false => self.cursor.seq,
        };
        // Numbers below the first are gone; with none above them, only when there is something after them.
        let lost = (page.first_seq > before + 1 && page.last_seq > before)
            .then(|| (before + 1, page.first_seq - 1));
        self.cursor = cursor_of(&page)?;
        Ok(News { cursor: self.cursor, lost, page })
    }

    /// The next page with anything in it.
    pub(crate) async fn news(&mut self) -> anyhow::Result<News> {
        loop {
            let before = self.cursor;
            let news = self.page().await?;
            if self.cursor != before || !news.page.deliveries.is_empty() {
                self.pause = self.pauses.0;
                return Ok(news);
            }
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(self.pauses.1);
        }
    }
}

fn cursor_of(page: &LogPage) -> anyhow::Result<Cursor> {
    Cursor::parse(&page.cursor)
        .ok()
        .context("the home's cursor has another form; is it a newer version?")
}
