//! The readers: what each may find, and what the product's own rules make of it.

use std::collections::{BTreeMap, HashSet};

use delivery::{cursor::Cursor, limits::Limits, millis::Millis};
use store::protocol::{
    ClosedGaps, Entry, Head, Plan, QueriedRange, ReadRequest, ReplyWindow, page,
};

use super::world::*;

/// One reading: who asks what, and what it gets to see.
#[derive(Clone, Copy)]
struct Look {
    poller: usize,
    request: ReadRequest,
    head: SmallHead,
    /// Which of the stored numbers, as bits.
    shown: u8,
    clock: u64,
}

impl World {
    /// Whether a reader that is alone from now on comes to know everything.
    pub(crate) fn catches_up(
        &self,
        scenario: &Scenario,
        poller: Poller,
        head: SmallHead,
    ) -> Result<(), Broken> {
        let mut world = World { pollers: vec![poller], heads: vec![Some(head)], ..self.clone() };
        for _ in 0..2 * NUMBERS {
            let stored = world.stored(head.epoch);
            let look =
                Look { poller: 0, request: world.request(0), head, shown: stored, clock: LATE };
            if let Some(to_close) = world.read(scenario, look)? {
                let mut closed = ClosedGaps::new();
                for seq in bits(to_close) {
                    closed.insert(seq.into(), world.close_gap(scenario, head.epoch, seq));
                }
                world.show(scenario, look, &closed)?;
            }
            let now = world.pollers[0];
            if now.cursor == Some((head.epoch, head.last)) {
                let all =
                    bits(world.acked[usize::from(head.epoch)]).filter(|seq| *seq >= now.start);
                let unseen = all.into_iter().any(|seq| {
                    now.seen & bit(seq) == 0 && !world.hidden(scenario, head.epoch, seq)
                });
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
        to: &mut Vec<(String, World)>,
    ) -> Result<(), Broken> {
        let request = self.request(p);
        let version = small(self.heads.len() as u64 - 1);
        match self.pollers[p].reading {
            Reading::Not => {
                // An accepted stale head says that nothing is new, which changes nothing. Others are read by broken rules only.
                for old in 0..version {
                    let Some(head) = self.heads[usize::from(old)] else {
                        continue;
                    };
                    let flaw = match request.cursor() {
                        None => Flaw::FirstReadMayBeStale,
                        Some(cursor) if cursor.epoch == u64::from(head.epoch) => {
                            Flaw::StaleHeadShowsNews
                        }
                        Some(_) => Flaw::StaleHeadMayRestart,
                    };
                    if scenario.has(flaw) {
                        let cleared =
                            self.head().map_or(0, |head| self.was_cleared[usize::from(head.epoch)]);
                        self.queries(scenario, p, old, cleared, to)?;
                    }
                }
                if let Some(head) = self.head() {
                    let mut world = self.clone();
                    world.pollers[p].reading = Reading::HasHead {
                        version,
                        cleared: self.was_cleared[usize::from(head.epoch)],
                    };
                    to.push((format!("poller {p} reads the head"), world));
                }
            }
            Reading::HasHead { version, cleared } => {
                self.queries(scenario, p, version, cleared, to)?
            }
            Reading::Closing { version, shown, clock, to_close } => {
                let head = self.heads[usize::from(version)].unwrap();
                let look = Look { poller: p, request, head, shown, clock };
                let mut world = self.clone();
                let mut closed = ClosedGaps::new();
                for seq in bits(to_close) {
                    let goes_in = scenario.has(Flaw::GapPassedUnclosed)
                        || world.close_gap(scenario, head.epoch, seq);
                    closed.insert(seq.into(), goes_in || scenario.has(Flaw::RefusedCloseCounts));
                }
                // An answer that got lost: the SDK tries again and is told that something is there.
                for lost in bits(to_close) {
                    let mut world = world.clone();
                    let mut closed = closed.clone();
                    closed.insert(lost.into(), scenario.has(Flaw::RefusedCloseCounts));
                    world.show(scenario, look, &closed)?;
                    to.push((format!("poller {p} closes gaps, an answer is lost"), world));
                }
                world.show(scenario, look, &closed)?;
                to.push((format!("poller {p} closes gaps"), world));
                // The call ends without an answer, and its writes arrive whenever they like.
                let mut late = self.clone();
                for seq in bits(to_close) {
                    if !late.wire.contains(&Message::CloseGap { epoch: head.epoch, seq }) {
                        late.send(Message::CloseGap { epoch: head.epoch, seq });
                    }
                }
                late.pollers[p].reading = Reading::Not;
                to.push((format!("poller {p} is cut off while closing gaps"), late));
            }
        }
        Ok(())
    }

    /// Every outcome of a query: any of what is there may be left out, and any clock may be read.
    fn queries(
        &self,
        scenario: &Scenario,
        p: usize,
        version: u8,
        cleared: u8,
        to: &mut Vec<(String, World)>,
    ) -> Result<(), Broken> {
        let request = self.request(p);
        let head = self.heads[usize::from(version)].unwrap();
        let stored = self.stored(head.epoch);
        let mut before = self.clone();
        before.pollers[p].reading = Reading::Not;
        let mut outcomes = HashSet::new();
        let mut shown = stored;
        loop {
            for clock in READER_CLOCKS {
                let mut world = before.clone();
                let label = || {
                    format!(
                        "poller {p} reads {shown:b} of {stored:b} under version {version} at {clock}"
                    )
                };
                let look = Look { poller: p, request, head, shown, clock };
                if let Some(to_close) = world.read(scenario, look)? {
                    world.pollers[p].reading = Reading::Closing { version, shown, clock, to_close };
                    to.push((label(), world));
                } else if outcomes.insert(world.pollers[p]) {
                    let news = world.pollers[p].seen & !before.pollers[p].seen;
                    if bits(news).any(|seq| seq <= cleared) {
                        return Err(CAME_BACK);
                    }
                    to.push((label(), world));
                }
            }
            if shown == 0 {
                return Ok(());
            }
            shown = (shown - 1) & stored;
        }
    }

    /// Reads; gaps to close are handed back, otherwise the page is shown.
    fn read(&mut self, scenario: &Scenario, look: Look) -> Result<Option<u8>, Broken> {
        let (plan, range) = self.query(scenario, look);
        let first = page(
            &plan,
            &big(look.head),
            &limits(scenario),
            Millis(look.clock),
            &range,
            &ClosedGaps::new(),
        );
        if first.to_close.is_empty() || scenario.has(Flaw::CursorPassesOpenGap) {
            self.show(scenario, look, &ClosedGaps::new())?;
            return Ok(None);
        }
        Ok(Some(first.to_close.iter().fold(0, |mask, &seq| mask | bit(seq))))
    }

    fn query(&self, scenario: &Scenario, look: Look) -> (Plan, QueriedRange) {
        let plan = Plan::new(look.request, &big(look.head), &limits(scenario), Millis(LATE));
        let items = self.items[usize::from(look.head.epoch)];
        let found = bits(look.shown).filter(|seq| (plan.lo..=plan.hi).contains(&u64::from(*seq)));
        let mut entries: BTreeMap<u64, Entry> = found
            .filter_map(|seq| match items[usize::from(seq)] {
                Item::Empty => None,
                Item::Delivery { writer, .. } => {
                    Some((seq.into(), Entry::Delivery(Millis(WRITER_CLOCK[usize::from(writer)]))))
                }
                Item::Tombstone => Some((seq.into(), Entry::Tombstone)),
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
    fn show(&mut self, scenario: &Scenario, look: Look, closed: &ClosedGaps) -> Result<(), Broken> {
        let (plan, range) = self.query(scenario, look);
        let mut page =
            page(&plan, &big(look.head), &limits(scenario), Millis(look.clock), &range, closed);
        if scenario.has(Flaw::CursorPassesOpenGap) {
            page.to = range.entries.keys().max().map_or(page.to, |&seq| seq.max(page.to));
            page.cursor = page.cursor.max(page.to);
        }
        let epoch = look.head.epoch;
        let was = self.pollers[look.poller].cursor;
        let now = &mut self.pollers[look.poller];
        if plan.restarted || was.is_none() {
            let current = self.heads.last().copied().flatten().map(|head| head.epoch);
            if was.is_some_and(|(was, _)| was > epoch || Some(was) == current) {
                return Err(FALSE_RESTART);
            }
            now.seen = 0;
            now.start = small(page.from);
        }
        let deliveries =
            range.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Delivery(_)));
        for (&seq, _) in deliveries.filter(|(seq, _)| (page.from..=page.to).contains(*seq)) {
            if now.seen >> seq != 0 {
                return Err(TWICE);
            }
            now.seen |= bit(seq);
        }
        if !plan.restarted && was.is_some_and(|(_, seq)| u64::from(seq) > page.cursor) {
            return Err("a cursor went back");
        }
        now.cursor = Some((epoch, small(page.cursor)));
        now.reading = Reading::Not;
        for &seq in &page.missing {
            self.reported_missing[usize::from(epoch)] |= bit(seq);
        }
        Ok(())
    }
}

fn limits(scenario: &Scenario) -> Limits {
    Limits { max_deliveries: scenario.max_deliveries, ..Limits::default() }
}

/// The head as the product knows it.
fn big(head: SmallHead) -> Head {
    Head {
        epoch: head.epoch.into(),
        created_at: Millis(0),
        last_seq: head.last.into(),
        last_at: Millis(WRITER_CLOCK[usize::from(head.last_by)]),
        gone_at: Millis(u64::MAX),
        cleared_to: head.cleared.into(),
        expires_at_s: u64::MAX,
        watermarks: vec![],
        reply: ReplyWindow::default(),
    }
}
