//! What must hold of everything that was told, whatever failed.
//!
//! "Before" and "after" are by the run's count of events: one call is before another if it was over when that one began.
//! What overlaps may have happened in either order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use delivery::{cursor::Cursor, log_page::LogPage};

use super::history::{ActionKind, History, Outcome, Seen, Sent};

/// Epoch and number of a cursor. Opaque to readers; a check may look inside.
pub(crate) fn position(cursor: &str) -> (u64, u64) {
    Cursor::parse(cursor).map_or((0, 0), |cursor| (cursor.epoch, cursor.seq))
}

/// Adds what does not hold.
pub fn check(history: &History, found: &mut Vec<String>) {
    let mut ledger = Ledger {
        history,
        sent: history.sent.iter().map(|sent| (sent.body.clone(), sent)).collect(),
        at: HashMap::new(),
        held: BTreeMap::new(),
        missing: BTreeSet::new(),
        found,
    };
    ledger.check_senders();
    for view in &history.views {
        ledger.check_view(view);
    }
    for look in &history.fresh {
        ledger.check_view(std::slice::from_ref(look));
        ledger.check_nothing_returns(look);
    }
    ledger.check_view(&history.log);
    for look in &history.log {
        ledger.check_nothing_returns(look);
    }
    ledger.check_log();
}

struct Ledger<'a> {
    history: &'a History,
    sent: HashMap<Bytes, &'a Sent>,
    /// Where each body was seen.
    at: HashMap<Bytes, (u64, u64)>,
    /// What was seen where.
    held: BTreeMap<(u64, u64), Bytes>,
    /// What anybody was told is missing.
    missing: BTreeSet<(u64, u64)>,
    found: &'a mut Vec<String>,
}

impl Ledger<'_> {
    fn fault(&mut self, what: impl Into<String>) {
        self.found.push(format!("{}: {}", self.history.person.endpoint, what.into()));
    }

    fn check_senders(&mut self) {
        let forgets: Vec<_> = self.actions(ActionKind::Forget).collect();
        let first_forget = forgets.iter().map(|action| action.0).min();
        for sent in &self.history.sent {
            match &sent.outcome {
                Outcome::Done(body) if *body != sent.expected => {
                    self.fault(format!("answered {body} instead of {}", sent.expected));
                }
                Outcome::Unexpected(what) => self.fault(format!("a sender was told {what}")),
                Outcome::NotFound if first_forget.is_none_or(|begun| begun > sent.ended) => {
                    self.fault("a sender was told 404 though nobody had forgotten the endpoint");
                }
                _ => {}
            }
        }
        for action in &self.history.actions {
            if let Outcome::Unexpected(what) = &action.outcome {
                self.fault(format!("an owner was told {what}"));
            }
        }
    }

    /// Begin and end of an owner's actions that were done or may have been.
    fn actions(&self, kind: ActionKind) -> impl Iterator<Item = (u64, u64, bool)> {
        let actions = self.history.actions.iter().filter(move |action| action.kind == kind);
        actions
            .map(|action| (action.begun, action.ended, matches!(action.outcome, Outcome::Done(_))))
    }

    /// When whatever the owner hid or forgot was so at the latest.
    ///
    /// A forget that its caller was not told of may still be on its way, as after a kill, and be carried out at any time: unless
    /// a later one was done, after which it means an epoch that is no more. A clear hides what was there when it was asked for,
    /// whenever it arrives.
    fn hidden_by(&self) -> u64 {
        let actions = self.history.actions.iter();
        let forgets = actions.filter(|action| action.kind == ActionKind::Forget);
        let forgotten_by = forgets.fold(0, |_, action| match action.outcome {
            Outcome::Done(_) | Outcome::NotFound => action.ended,
            _ => u64::MAX,
        });
        let cleared_by = self.actions(ActionKind::Clear).map(|(_, ended, _)| ended);
        cleared_by.fold(forgotten_by, u64::max)
    }

    /// What one poller got, page after page.
    fn check_view(&mut self, view: &[Seen]) {
        let mut before: Option<(u64, u64)> = None;
        for seen in view {
            let page = &seen.page;
            let (epoch, to) = position(&page.cursor);
            let from = match before {
                Some((before, seq)) if before == epoch => {
                    if page.restarted {
                        self.fault("a reader was sent back though its log is there");
                    }
                    seq + 1
                }
                Some(_) if !page.restarted => {
                    self.fault("a reader came into another log and was not told");
                    page.first_seq
                }
                _ if seen.newest => {
                    let older = page.older.as_deref().map(|older| position(older).1);
                    older.unwrap_or(page.first_seq)
                }
                _ => page.first_seq,
            };
            self.check_page(page, epoch, from, to);
            before = Some((epoch, to));
        }
    }

    /// A page accounts for every number of `from..=to` once, in order.
    fn check_page(&mut self, page: &LogPage, epoch: u64, from: u64, to: u64) {
        if !page.unreadable.is_empty() {
            self.fault(format!("#{:?} can't be read", page.unreadable));
        }
        let numbers: Vec<u64> = page.deliveries.iter().map(|delivery| delivery.seq).collect();
        if !numbers.is_sorted_by(|a, b| a < b) {
            self.fault(format!("out of order or twice: {numbers:?}"));
        }
        let all = numbers.iter().chain(&page.missing).chain(&page.gone);
        let accounted: BTreeSet<u64> = all.copied().collect();
        if accounted.len() != numbers.len() + page.missing.len() + page.gone.len() {
            let (missing, gone) = (&page.missing, &page.gone);
            self.fault(format!("shown, missing and gone: {numbers:?} {missing:?} {gone:?}"));
        }
        if let Some(beside) = accounted.iter().find(|seq| !(from..=to).contains(*seq)) {
            self.fault(format!("#{beside} is not of the page's range {from}..={to}"));
        }
        let shown_from = from.max(page.first_seq);
        if let Some(lost) = (shown_from..=to).find(|seq| !accounted.contains(seq)) {
            self.fault(format!(
                "the cursor passed #{lost}, which was neither shown nor missing nor gone"
            ));
        }
        for seq in &page.missing {
            self.missing.insert((epoch, *seq));
        }
        for delivery in &page.deliveries {
            let body = Bytes::copy_from_slice(&delivery.request.body.kept);
            let at = (epoch, delivery.seq);
            let Some(sent) = self.sent.get(&body).copied() else {
                self.fault(format!("{at:?} holds what nobody sent"));
                continue;
            };
            if delivery.response.body != sent.expected {
                self.fault(format!("{at:?} shows the answer {}", delivery.response.body));
            }
            if sent.outcome == Outcome::NotFound {
                self.fault(format!("{at:?} is there though its sender was told 404"));
            }
            if *self.at.entry(body.clone()).or_insert(at) != at {
                self.fault(format!("one request is at {at:?} and at {:?}", self.at[&body]));
            }
            if *self.held.entry(at).or_insert_with(|| body.clone()) != body {
                self.fault(format!("{at:?} is one delivery to some and another to others"));
            }
        }
    }

    /// A reader who begins anew sees nothing of what was cleared or forgotten before.
    fn check_nothing_returns(&mut self, look: &Seen) {
        let gone_before = self
            .actions(ActionKind::Clear)
            .chain(self.actions(ActionKind::Forget))
            .filter(|(_, ended, is_done)| *is_done && *ended < look.begun)
            .map(|(begun, ..)| begun)
            .max();
        for delivery in &look.page.deliveries {
            let sent = self.sent.get(delivery.request.body.kept.as_slice()).copied();
            if sent.is_some_and(|sent| gone_before.is_some_and(|begun| sent.ended < begun)) {
                self.fault(format!("#{} came back", delivery.seq));
            }
        }
    }

    /// What was acknowledged is in the log, once, and every view is the log.
    fn check_log(&mut self) {
        let both = self.missing.iter().find(|at| self.held.contains_key(*at));
        if let Some(at) = both.copied() {
            self.fault(format!("{at:?} was called missing to some and shown to others"));
        }
        let log = numbers(self.history.log.iter().map(|seen| &seen.page));
        let hidden_by = self.hidden_by();
        let acknowledged = self.history.sent.iter();
        let acknowledged = acknowledged.filter(|sent| matches!(sent.outcome, Outcome::Done(_)));
        for sent in acknowledged.filter(|sent| sent.begun > hidden_by) {
            let at = self.at.get(&sent.body);
            if !at.is_some_and(|at| log.contains(&at.1)) {
                let actions = self.history.actions.iter().rev().take(4);
                self.fault(format!(
                    "an acknowledged delivery is lost; it was seen at {at:?}, sent from {} to {}; the owner's last actions: {:?}",
                    sent.begun,
                    sent.ended,
                    actions.collect::<Vec<_>>()
                ));
            }
        }
        let last = self.history.log.last();
        let (epoch, first) =
            last.map_or((0, 0), |seen| (position(&seen.page.cursor).0, seen.page.first_seq));
        for view in &self.history.views {
            let tail = view.iter().rev();
            let mut tail: Vec<_> =
                tail.take_while(|seen| position(&seen.page.cursor).0 == epoch).collect();
            tail.reverse();
            let seen = numbers(tail.iter().map(|seen| &seen.page));
            let begins = tail.first().map_or(0, |first| match (first.newest, &first.page.older) {
                (true, Some(older)) => position(older).1,
                _ => 0,
            });
            let expected: Vec<_> = log.iter().filter(|seq| **seq >= begins).collect();
            let seen: Vec<_> = seen.iter().filter(|seq| **seq >= first).collect();
            if seen != expected {
                self.fault(format!("a poller's view is {seen:?} and the log is {expected:?}"));
            }
        }
        let mut backwards: Vec<u64> = Vec::new();
        for page in &self.history.backwards {
            let older: Vec<u64> = page.deliveries.iter().map(|delivery| delivery.seq).collect();
            backwards.splice(0..0, older);
        }
        if backwards != log {
            self.fault(format!("read backwards it is {backwards:?}, forwards {log:?}"));
        }
    }
}

/// Adds what does not hold of a log that is read from a damaged database: what can still be read of it is in its place.
pub fn check_damaged(history: &History, pages: &[LogPage], found: &mut Vec<String>) {
    let deliveries = |page: &'_ LogPage| {
        let held = page.deliveries.iter();
        held.map(|delivery| (delivery.seq, delivery.request.body.kept.clone())).collect::<Vec<_>>()
    };
    let log: BTreeMap<u64, Vec<u8>> =
        history.log.iter().flat_map(|seen| deliveries(&seen.page)).collect();
    let read: Vec<_> = pages.iter().flat_map(deliveries).collect();
    if !read.is_sorted_by(|a, b| a.0 < b.0) {
        found.push("the damaged log is out of order or has a delivery twice".into());
    }
    for (seq, body) in &read {
        if log.get(seq) != Some(body) {
            found.push(format!("#{seq} of the damaged log is another delivery than before"));
        }
    }
    for seq in pages.iter().flat_map(|page| &page.missing) {
        if log.contains_key(seq) {
            found.push(format!("#{seq} of the damaged log is called missing"));
        }
    }
}

fn numbers<'a>(pages: impl Iterator<Item = &'a LogPage>) -> Vec<u64> {
    pages.flat_map(|page| page.deliveries.iter().map(|delivery| delivery.seq)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::Client, faults::history::OwnerAction, home::Person};

    /// Whether it is a loss that an acknowledged delivery is not in the log, when its owner had done this before.
    fn is_lost(forgets: &[Outcome]) -> bool {
        let action = |(at, told): (u64, &Outcome)| OwnerAction {
            kind: ActionKind::Forget,
            begun: at,
            ended: at,
            outcome: told.clone(),
        };
        let sent = Sent {
            body: Bytes::from_static(b"{}"),
            expected: String::new(),
            begun: 100,
            ended: 101,
            outcome: Outcome::Done(String::new()),
        };
        let history = History {
            person: Person::new("", &Client::default()),
            sent: vec![sent],
            actions: (1..).zip(forgets).map(action).collect(),
            views: vec![],
            fresh: vec![],
            log: vec![],
            backwards: vec![],
        };
        let mut found = Vec::new();
        check(&history, &mut found);
        found.iter().any(|fault| fault.contains("is lost"))
    }

    #[test]
    fn only_a_forget_that_may_still_be_on_its_way_explains_a_loss() {
        let done = || Outcome::Done(String::new());
        assert!(is_lost(&[]));
        assert!(is_lost(&[done()]));
        assert!(is_lost(&[Outcome::NoAnswer, done()]));
        assert!(is_lost(&[Outcome::NoAnswer, Outcome::NotFound]));
        assert!(!is_lost(&[Outcome::NoAnswer]));
        assert!(!is_lost(&[done(), Outcome::Unavailable]));
    }
}
