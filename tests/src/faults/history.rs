//! What happened in a run, as everybody in it was outcome: what the check reads.

use std::collections::BTreeMap;

use bytes::Bytes;
use delivery::log_page::LogPage;
use http::{Response, StatusCode};

use super::proxy::Fault;
use crate::home::Person;

/// One request to a hook URL, and what its sender was told.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its body, which no other request has.
    pub body: Bytes,
    /// What the answer must be if there is one.
    pub expected: String,
    /// When it began, by the run's own count of events.
    pub begun: u64,
    /// When it was over.
    pub ended: u64,
    /// What came back.
    pub outcome: Outcome,
}

/// What a caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done. For a webhook: the answer's body.
    Done(String),
    /// 503: it counts as not done.
    Unavailable,
    /// 404.
    NotFound,
    /// The connection broke.
    NoAnswer,
    /// Something that no caller may be told.
    Unexpected(String),
}

impl Outcome {
    /// What an answer tells its caller, where `done` is the status that says so.
    pub(super) fn of(answer: Option<&Response<Bytes>>, done: StatusCode) -> Self {
        let Some(answer) = answer else {
            return Outcome::NoAnswer;
        };
        let text = || String::from_utf8_lossy(answer.body()).into_owned();
        match answer.status() {
            status if status == done => Outcome::Done(text()),
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Unavailable,
            StatusCode::NOT_FOUND => Outcome::NotFound,
            status => Outcome::Unexpected(format!("{status} {}", text())),
        }
    }
}

/// What an owner did.
#[derive(Clone, Debug)]
pub struct OwnerAction {
    /// Which.
    pub kind: ActionKind,
    /// When it began, by the run's own count of events.
    pub begun: u64,
    /// When it was over.
    pub ended: u64,
    /// What came back.
    pub outcome: Outcome,
}

/// The kinds of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// `DELETE /api/log`
    Clear,
    /// `DELETE /api/endpoint`
    Forget,
    /// `PUT /api/endpoint`
    Create,
}

/// One answer of the log API as a poller got it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The cursor that was asked with.
    pub after: Option<String>,
    /// Whether the newest were asked for.
    pub newest: bool,
    /// When the call began, by the run's own count of events.
    pub begun: u64,
    /// The answer.
    pub page: LogPage,
}

/// Everything that happened around one endpoint.
#[derive(Debug)]
pub struct History {
    /// Its keys.
    pub person: Person,
    /// Requests.
    pub sent: Vec<Sent>,
    /// What its owner did.
    pub actions: Vec<OwnerAction>,
    /// What each poller with a cursor got, in order.
    pub views: Vec<Vec<Seen>>,
    /// What those who begin anew each time got.
    pub fresh: Vec<Seen>,
    /// The whole log at the end, page by page.
    pub log: Vec<Seen>,
    /// The same, read backwards from the newest.
    pub backwards: Vec<LogPage>,
}

/// What one run did.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Webhooks that were acknowledged, refused, and whose senders were told nothing.
    pub acknowledged: u64,
    /// See `acknowledged`.
    pub refused: u64,
    /// See `acknowledged`.
    pub unanswered: u64,
    /// Numbers that are missing for good.
    pub missing: u64,
    /// Numbers that a reader with a clock far ahead found deleted.
    pub gone: u64,
    /// Clocks that jumped by months, disks that were full, databases that were damaged.
    pub jumps: u64,
    /// See `jumps`.
    pub full_disks: u64,
    /// See `jumps`.
    pub damaged: u64,
    /// Deliveries that were read from a damaged database.
    pub intact: u64,
    /// Log pages that were read.
    pub pages: u64,
    /// Clears and forgets.
    pub actions: u64,
    /// Programs killed.
    pub kills: u64,
    /// Calls that failed, by how.
    pub faults: BTreeMap<Fault, u64>,
}

impl Figures {
    /// Adds another run's.
    pub fn add(&mut self, other: &Figures) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.missing += other.missing;
        self.gone += other.gone;
        self.jumps += other.jumps;
        self.full_disks += other.full_disks;
        self.damaged += other.damaged;
        self.intact += other.intact;
        self.pages += other.pages;
        self.actions += other.actions;
        self.kills += other.kills;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }

    /// Adds what happened around one endpoint.
    pub(super) fn count(&mut self, history: &History) {
        for sent in &history.sent {
            match sent.outcome {
                Outcome::Done(_) => self.acknowledged += 1,
                Outcome::Unavailable | Outcome::NotFound => self.refused += 1,
                _ => self.unanswered += 1,
            }
        }
        let pages = |views: &[Vec<Seen>]| views.iter().map(Vec::len).sum::<usize>();
        let read = pages(&history.views) + history.fresh.len() + history.log.len();
        self.pages += (read + history.backwards.len()) as u64;
        self.missing += history.log.iter().map(|seen| seen.page.missing.len() as u64).sum::<u64>();
        self.gone += history.log.iter().map(|seen| seen.page.gone.len() as u64).sum::<u64>();
        self.actions +=
            history.actions.iter().filter(|action| action.kind != ActionKind::Create).count()
                as u64;
    }
}
