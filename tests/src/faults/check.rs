//! What must hold of everything that was told, whatever failed.
//!
//! "Before" and "after" are by the run's count of events: one call is before another if it was over when that one began.
//! What overlaps may have happened in either order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use delivery::{cursor::Cursor, log_page::LogPage};

use super::history::{DeedKind, History, Seen, Sent, Told};

/// Epoch and number of a cursor. Opaque to readers; a check may look inside.
pub(crate) fn position(cursor: &str) -> (u64, u64) {
    Cursor::parse(cursor).map_or((0, 0), |cursor| (cursor.epoch, cursor.seq))
}

/// Adds what does not hold.
pub fn check(history: &History, found: &mut Vec<String>) {
    let mut ledger = Ledger {
        history,
        sent: history
            .sent
            .iter()
            .map(|sent| (sent.body.clone(), sent))
            .collect(),
        at: HashMap::new(),
        held: BTreeMap::new(),
        missing: BTreeSet::new(),
        found,
    };
    ledger.what_senders_were_told();
    for view in &history.views {
        ledger.a_view(view);
    }
    for look in &history.fresh {
        ledger.a_view(std::slice::from_ref(look));
        ledger.nothing_comes_back(look);
    }
    ledger.a_view(&history.log);
    for look in &history.log {
        ledger.nothing_comes_back(look);
    }
    ledger.the_log();
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
        self.found
            .push(format!("{}: {}", self.history.person.endpoint, what.into()));
    }

    fn what_senders_were_told(&mut self) {
        let forgets: Vec<_> = self.deeds(DeedKind::Forget).collect();
        let first_forget = forgets.iter().map(|deed| deed.0).min();
        for sent in &self.history.sent {
            match &sent.told {
                Told::Done(body) if *body != sent.expected => {
                    self.fault(format!("answered {body} instead of {}", sent.expected));
                }
                Told::Wrong(what) => self.fault(format!("a sender was told {what}")),
                Told::NoSuchEndpoint if first_forget.is_none_or(|begun| begun > sent.ended) => {
                    self.fault("a sender was told 404 though nobody had forgotten the endpoint");
                }
                _ => {}
            }
        }
        for deed in &self.history.deeds {
            if let Told::Wrong(what) = &deed.told {
                self.fault(format!("an owner was told {what}"));
            }
        }
    }

    /// Begin and end of an owner's deeds that were done or may have been.
    fn deeds(&self, kind: DeedKind) -> impl Iterator<Item = (u64, u64, bool)> {
        let deeds = self
            .history
            .deeds
            .iter()
            .filter(move |deed| deed.kind == kind);
        deeds.map(|deed| (deed.begun, deed.ended, matches!(deed.told, Told::Done(_))))
    }

    /// When whatever the owner hid or forgot was so at the latest.
    ///
    /// A forget that its caller was not told of may still be on its way, as after a kill, and be carried out at any time: unless
    /// a later one was done, after which it means an epoch that is no more. A clear hides what was there when it was asked for,
    /// whenever it arrives.
    fn hidden_by(&self) -> u64 {
        let deeds = self.history.deeds.iter();
        let forgets = deeds.filter(|deed| deed.kind == DeedKind::Forget);
        let forgotten_by = forgets.fold(0, |_, deed| match deed.told {
            Told::Done(_) | Told::NoSuchEndpoint => deed.ended,
            _ => u64::MAX,
        });
        let cleared_by = self.deeds(DeedKind::Clear).map(|(_, ended, _)| ended);
        cleared_by.fold(forgotten_by, u64::max)
    }

    /// What one poller got, page after page.
    fn a_view(&mut self, view: &[Seen]) {
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
            self.a_page(page, epoch, from, to);
            before = Some((epoch, to));
        }
    }

    /// A page accounts for every number of `from..=to` once, in order.
    fn a_page(&mut self, page: &LogPage, epoch: u64, from: u64, to: u64) {
        if !page.unreadable.is_empty() {
            self.fault(format!("#{:?} can't be read", page.unreadable));
        }
        let numbers: Vec<u64> = page
            .deliveries
            .iter()
            .map(|delivery| delivery.seq)
            .collect();
        if !numbers.is_sorted_by(|a, b| a < b) {
            self.fault(format!("out of order or twice: {numbers:?}"));
        }
        let accounted: BTreeSet<u64> = numbers.iter().chain(&page.missing).copied().collect();
        if accounted.len() != numbers.len() + page.missing.len() {
            self.fault(format!(
                "both shown and missing: {numbers:?} {:?}",
                page.missing
            ));
        }
        if let Some(beside) = accounted.iter().find(|seq| !(from..=to).contains(*seq)) {
            self.fault(format!(
                "#{beside} is not of the page's range {from}..={to}"
            ));
        }
        let shown_from = from.max(page.first_seq);
        if let Some(lost) = (shown_from..=to).find(|seq| !accounted.contains(seq)) {
            self.fault(format!(
                "the cursor passed #{lost}, which was neither shown nor missing"
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
                self.fault(format!(
                    "{at:?} shows the answer {}",
                    delivery.response.body
                ));
            }
            if sent.told == Told::NoSuchEndpoint {
                self.fault(format!("{at:?} is there though its sender was told 404"));
            }
            if *self.at.entry(body.clone()).or_insert(at) != at {
                self.fault(format!(
                    "one request is at {at:?} and at {:?}",
                    self.at[&body]
                ));
            }
            if *self.held.entry(at).or_insert_with(|| body.clone()) != body {
                self.fault(format!(
                    "{at:?} is one delivery to some and another to others"
                ));
            }
        }
    }

    /// A reader who begins anew sees nothing of what was cleared or forgotten before.
    fn nothing_comes_back(&mut self, look: &Seen) {
        let gone_before = self
            .deeds(DeedKind::Clear)
            .chain(self.deeds(DeedKind::Forget))
            .filter(|(_, ended, is_done)| *is_done && *ended < look.begun)
            .map(|(begun, ..)| begun)
            .max();
        for delivery in &look.page.deliveries {
            let sent = self
                .sent
                .get(delivery.request.body.kept.as_slice())
                .copied();
            if sent.is_some_and(|sent| gone_before.is_some_and(|begun| sent.ended < begun)) {
                self.fault(format!("#{} came back", delivery.seq));
            }
        }
    }

    /// What was acknowledged is in the log, once, and every view is the log.
    fn the_log(&mut self) {
        let both = self.missing.iter().find(|at| self.held.contains_key(*at));
        if let Some(at) = both.copied() {
            self.fault(format!(
                "{at:?} was called missing to some and shown to others"
            ));
        }
        let log = numbers(self.history.log.iter().map(|seen| &seen.page));
        let hidden_by = self.hidden_by();
        let acknowledged = self.history.sent.iter();
        let acknowledged = acknowledged.filter(|sent| matches!(sent.told, Told::Done(_)));
        for sent in acknowledged.filter(|sent| sent.begun > hidden_by) {
            let at = self.at.get(&sent.body);
            if !at.is_some_and(|at| log.contains(&at.1)) {
                let deeds = self.history.deeds.iter().rev().take(4);
                self.fault(format!(
                    "an acknowledged delivery is lost; it was seen at {at:?}, sent from {} to {}; the owner's last deeds: {:?}",
                    sent.begun,
                    sent.ended,
                    deeds.collect::<Vec<_>>()
                ));
            }
        }
        let last = self.history.log.last();
        let (epoch, first) = last.map_or((0, 0), |seen| {
            (position(&seen.page.cursor).0, seen.page.first_seq)
        });
        for view in &self.history.views {
            let tail = view.iter().rev();
            let mut tail: Vec<_> = tail
                .take_while(|seen| position(&seen.page.cursor).0 == epoch)
                .collect();
            tail.reverse();
            let seen = numbers(tail.iter().map(|seen| &seen.page));
            let begins = tail
                .first()
                .map_or(0, |first| match (first.newest, &first.page.older) {
                    (true, Some(older)) => position(older).1,
                    _ => 0,
                });
            let expected: Vec<_> = log.iter().filter(|seq| **seq >= begins).collect();
            let seen: Vec<_> = seen.iter().filter(|seq| **seq >= first).collect();
            if seen != expected {
                self.fault(format!(
                    "a poller's view is {seen:?} and the log is {expected:?}"
                ));
            }
        }
        let mut backwards: Vec<u64> = Vec::new();
        for page in &self.history.backwards {
            let older: Vec<u64> = page
                .deliveries
                .iter()
                .map(|delivery| delivery.seq)
                .collect();
            backwards.splice(0..0, older);
        }
        if backwards != log {
            self.fault(format!(
                "read backwards it is {backwards:?}, forwards {log:?}"
            ));
        }
    }
}

fn numbers<'a>(pages: impl Iterator<Item = &'a LogPage>) -> Vec<u64> {
    pages
        .flat_map(|page| page.deliveries.iter().map(|delivery| delivery.seq))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::Client, faults::history::Deed, home::Person};

    /// Whether it is a loss that an acknowledged delivery is not in the log, when its owner had done this before.
    fn is_lost(forgets: &[Told]) -> bool {
        let deed = |(at, told): (u64, &Told)| Deed {
            kind: DeedKind::Forget,
            begun: at,
            ended: at,
            told: told.clone(),
        };
        let sent = Sent {
            body: Bytes::from_static(b"{}"),
            expected: String::new(),
            begun: 100,
            ended: 101,
            told: Told::Done(String::new()),
        };
        let history = History {
            person: Person::new("", &Client::default()),
            sent: vec![sent],
            deeds: (1..).zip(forgets).map(deed).collect(),
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
        let done = || Told::Done(String::new());
        assert!(is_lost(&[]));
        assert!(is_lost(&[done()]));
        assert!(is_lost(&[Told::Nothing, done()]));
        assert!(is_lost(&[Told::Nothing, Told::NoSuchEndpoint]));
        assert!(!is_lost(&[Told::Nothing]));
        assert!(!is_lost(&[done(), Told::Refused]));
    }
}
