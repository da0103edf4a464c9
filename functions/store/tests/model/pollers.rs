//! The readers: what each may find, and what the product's own rules make of it.

use std::collections::{BTreeMap, HashSet};

use delivery::{cursor::Cursor, millis::Millis};
use store::protocol::{ClosedGaps, Entry, Head, Plan, QueriedRange, ReadRequest, page};

use super::world::*;

/// One reading: who asks what, and what it gets to see.
#[derive(Clone)]
struct Look {
    poller: usize,
    request: ReadRequest,
    head: Head,
    /// Which of the stored numbers, as bits.
    shown: u8,
    clock: u64,
}

impl World {
    /// Whether a reader that is alone from now on comes to know everything.
    pub(crate) fn catches_up(&self, scenario: &Scenario, poller: Poller) -> Result<(), Broken> {
        let mut world = World { pollers: vec![poller], ..self.clone() };
        let head = self.head.clone().unwrap();
        let epoch = small(head.epoch);
        for _ in 0..2 * NUMBERS {
            let look = Look {
                poller: 0,
                request: world.request(0),
                head: head.clone(),
                shown: world.stored(epoch),
                // The last is one by which all that is open looks abandoned.
                clock: *scenario.reader_clocks.last().unwrap(),
            };
            if let Some(to_close) = world.read(scenario, &look)? {
                let gone_to = world.query(scenario, &look).0.gone_to;
                let mut closed = ClosedGaps::new();
                for seq in bits(to_close) {
                    let gone = u64::from(seq) <= gone_to;
                    closed.insert(seq.into(), world.close_gap(scenario, epoch, seq, gone));
                }
                world.show(scenario, &look, &closed)?;
            }
            let now = &world.pollers[0];
            if now.cursor == Some((epoch, small(head.last_seq))) {
                let known = now.seen | now.passed;
                let mut all = bits(self.acked[at(epoch)]).filter(|seq| *seq >= now.start);
                let unseen =
                    all.any(|seq| known & bit(seq) == 0 && !world.hidden(scenario, epoch, seq));
                return if unseen { Err(LOST) } else { Ok(()) };
            }
        }
        Err(NEVER_CAUGHT_UP)
    }

    fn request(&self, p: usize) -> ReadRequest {
        match (self.pollers[p].cursor, self.pollers[p].first) {
            (Some((epoch, seq)), _) => {
                ReadRequest::After(Cursor { epoch: epoch.into(), seq: seq.into() })
            }
            (None, First::Beginning) => ReadRequest::First,
            (None, First::Newest) => ReadRequest::Last,
        }
    }

    pub(crate) fn poller_steps(
        &self,
        scenario: &Scenario,
        p: usize,
        to: &mut Vec<(Label, World)>,
    ) -> Result<(), Broken> {
        let request = self.request(p);
        match &self.pollers[p].reading {
            Reading::Not => {
                let cleared = |head: &Head| self.was_cleared[at(head.epoch)];
                // An accepted stale head says that nothing is new. Others are read by broken rules only.
                if let Some(old) = &self.earlier {
                    let clock = *scenario.reader_clocks.last().unwrap();
                    if request.accepts_stale_head(old, &scenario.limits(), Millis(clock)) {
                        let cleared = self.head.as_ref().map_or(0, cleared);
                        self.queries(scenario, p, old, cleared, to)?;
                    }
                    let flaw = match request.cursor() {
                        None => Flaw::FirstReadMayBeStale,
                        Some(cursor) if cursor.epoch == old.epoch => Flaw::StaleHeadShowsNews,
                        Some(_) => Flaw::StaleHeadMayRestart,
                    };
                    if scenario.has(flaw) {
                        let cleared = self.head.as_ref().map_or(0, cleared);
                        self.queries(scenario, p, old, cleared, to)?;
                    }
                }
                // Reading again what it has seen to its end changes nothing either.
                if let Some(head) = &self.head
                    && self.pollers[p].cursor != Some((small(head.epoch), small(head.last_seq)))
                {
                    let mut world = self.clone();
                    world.pollers[p].reading =
                        Reading::HasHead { head: head.clone(), cleared: cleared(head) };
                    to.push((("poller reads the head", p as u64), world));
                }
            }
            Reading::HasHead { head, cleared } => self.queries(scenario, p, head, *cleared, to)?,
            Reading::Closing { head, shown, clock, to_close } => {
                let look =
                    Look { poller: p, request, head: head.clone(), shown: *shown, clock: *clock };
                let epoch = small(head.epoch);
                let gone_to = self.query(scenario, &look).0.gone_to;
                let mut world = self.clone();
                let mut late = self.clone();
                late.pollers[p].reading = Reading::Not;
                let mut closed = ClosedGaps::new();
                for seq in bits(*to_close) {
                    let gone = u64::from(seq) <= gone_to;
                    let goes_in = scenario.has(Flaw::GapPassedUnclosed)
                        || world.close_gap(scenario, epoch, seq, gone);
                    let counts = goes_in || scenario.has(Flaw::RefusedCloseCounts);
                    closed.insert(seq.into(), counts);
                    // The call ends without an answer, and its writes arrive whenever they like.
                    let message = Message::CloseGap { epoch, seq, gone };
                    if !late.wire.contains(&message) {
                        late.send(message);
                    }
                }
                to.push((("poller is cut off while closing gaps", p as u64), late));
                // An answer that is lost, or a write that is throttled: it counts as one that was refused.
                for lost in bits(*to_close) {
                    let mut world = world.clone();
                    let mut closed = closed.clone();
                    closed.insert(lost.into(), scenario.has(Flaw::RefusedCloseCounts));
                    world.show(scenario, &look, &closed)?;
                    to.push((("poller closes gaps, an answer is lost", p as u64), world));
                }
                world.show(scenario, &look, &closed)?;
                to.push((("poller closes gaps", p as u64), world));
            }
        }
        Ok(())
    }

    /// Every outcome of a query: any of what is there may be left out, and any clock may be read.
    fn queries(
        &self,
        scenario: &Scenario,
        p: usize,
        head: &Head,
        cleared: u8,
        to: &mut Vec<(Label, World)>,
    ) -> Result<(), Broken> {
        let request = self.request(p);
        let mut before = self.clone();
        before.pollers[p].reading = Reading::Not;
        // What is outside of the range may be there or not: it is not asked for.
        let plan = Plan::new(request, head, &scenario.limits(), Millis(LATE));
        let asked = bits(self.stored(small(head.epoch)))
            .filter(|seq| (plan.lo..=plan.hi).contains(&u64::from(*seq)))
            .fold(0, |mask, seq| mask | bit(seq));
        let mut outcomes: HashSet<_, Hasher> = HashSet::default();
        let mut shown = asked;
        loop {
            for &clock in scenario.reader_clocks {
                let mut world = before.clone();
                let label = ("poller reads of all stored", u64::from(shown));
                let look = Look { poller: p, request, head: head.clone(), shown, clock };
                if let Some(to_close) = world.read(scenario, &look)? {
                    world.pollers[p].reading =
                        Reading::Closing { head: head.clone(), shown, clock, to_close };
                    to.push((label, world));
                } else if outcomes.insert(world.pollers[p].clone()) {
                    let news = world.pollers[p].seen & !before.pollers[p].seen;
                    if bits(news).any(|seq| seq <= cleared) {
                        return Err(CAME_BACK);
                    }
                    to.push((label, world));
                }
            }
            if shown == 0 {
                return Ok(());
            }
            shown = (shown - 1) & asked;
        }
    }

    /// Reads; gaps to close are handed back, otherwise the page is shown.
    fn read(&mut self, scenario: &Scenario, look: &Look) -> Result<Option<u8>, Broken> {
        let (plan, range) = self.query(scenario, look);
        let none = ClosedGaps::new();
        let first = page(&plan, &look.head, Millis(look.clock), &range, &none);
        if first.to_close.is_empty() || scenario.has(Flaw::CursorPassesOpenGap) {
            self.show(scenario, look, &none)?;
            return Ok(None);
        }
        Ok(Some(first.to_close.iter().fold(0, |mask, &seq| mask | bit(seq))))
    }

    fn query(&self, scenario: &Scenario, look: &Look) -> (Plan, QueriedRange) {
        let now = Millis(look.clock);
        let plan = Plan::new(look.request, &look.head, &scenario.limits(), now);
        let items = self.items[at(look.head.epoch)];
        let found = bits(look.shown).filter(|seq| (plan.lo..=plan.hi).contains(&u64::from(*seq)));
        let mut entries: BTreeMap<u64, Entry> = found
            .filter_map(|seq| match items[usize::from(seq)] {
                Item::Empty => None,
                Item::Delivery { at, .. } => Some((seq.into(), Entry::Delivery(Millis(at)))),
                Item::Tombstone { gone: true } => Some((seq.into(), Entry::Gone)),
                Item::Tombstone { gone: false } => Some((seq.into(), Entry::Tombstone)),
            })
            .collect();
        // Two items fill a page, so that paging is explored too.
        let mut complete = true;
        while entries.len() > 2 {
            complete = false;
            if plan.newest_first() {
                entries.pop_first()
            } else {
                entries.pop_last()
            };
        }
        (plan, QueriedRange { entries, complete })
    }

    /// The page reaches its poller.
    fn show(
        &mut self,
        scenario: &Scenario,
        look: &Look,
        closed: &ClosedGaps,
    ) -> Result<(), Broken> {
        let (plan, range) = self.query(scenario, look);
        let now = Millis(look.clock);
        let mut page = page(&plan, &look.head, now, &range, closed);
        if scenario.has(Flaw::CursorPassesOpenGap) {
            let highest = range.entries.keys().max().copied();
            page.to = page.to.max(highest.unwrap_or(0));
            page.cursor = page.cursor.max(page.to);
        }
        let epoch = small(look.head.epoch);
        let current = self.head.as_ref().map(|head| small(head.epoch));
        let now = &mut self.pollers[look.poller];
        let was = now.cursor;
        if plan.restarted || was.is_none() {
            if was.is_some_and(|(was, _)| was > epoch || Some(was) == current) {
                return Err(FALSE_RESTART);
            }
            (now.seen, now.passed) = (0, 0);
            now.start = small(page.from);
        }
        let is_too_old = |at: u64| at >= NOW + 7 * DAY;
        if is_too_old(look.clock) && is_too_old(look.head.interval_end.0) {
            // Both clocks say that these are too old: hidden from this reader, and from none whose clock is right.
            now.passed |= (1..plan.first_seq).fold(0, |mask, seq| mask | bit(seq));
        }
        let deliveries =
            range.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Delivery(_)));
        for (&seq, _) in deliveries.filter(|(seq, _)| (page.from..=page.to).contains(*seq)) {
            if now.seen >> seq != 0 {
                return Err(TWICE);
            }
            now.seen |= bit(seq);
        }
        let is_accounted = |seq: u64| {
            let is_there = matches!(range.entries.get(&seq), Some(Entry::Delivery(_)));
            is_there || page.missing.contains(&seq) || page.gone.contains(&seq)
        };
        let from = page.from.max(page.first_seq);
        if range.entries.keys().any(|seq| is_accounted(*seq) && *seq < page.first_seq)
            || (from..=page.to).any(|seq| !is_accounted(seq))
        {
            return Err(UNACCOUNTED);
        }
        if !plan.restarted && was.is_some_and(|(_, seq)| u64::from(seq) > page.cursor) {
            return Err("a cursor went back");
        }
        now.cursor = Some((epoch, small(page.cursor)));
        now.reading = Reading::Not;
        for &seq in &page.missing {
            self.reported_missing[at(epoch)] |= bit(seq);
        }
        Ok(())
    }
}
