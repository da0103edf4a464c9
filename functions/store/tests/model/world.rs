//! What there is: the table, the wire, and what everybody knows and was told; and the steps of writers, owner and table.

use std::{collections::HashSet, hash::BuildHasher as _};

use delivery::{limits::Limits, millis::Millis};
pub(crate) use foldhash::fast::FixedState as Hasher;
use store::protocol::{Head, Next, expires_at_s, next};

/// Numbers and epochs are small enough for bits and arrays.
pub(crate) const NUMBERS: usize = 5;
pub(crate) const EPOCHS: usize = 4;

pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;
pub(crate) const NOW: u64 = 1_800_000_000_000;
/// A clock by which all gaps look abandoned and nothing is too old.
pub(crate) const LATE: u64 = NOW + 1_000_000;

/// Hashes of what was seen.
pub(crate) type Hashes = HashSet<u64, Hasher>;

/// What may be wrong with an implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    CursorPassesOpenGap,
    GapPassedUnclosed,
    RefusedCloseCounts,
    CloseOverwrites,
    NonceDropped,
    RecordOverwrites,
    EpochDropped,
    AnswersBeforeRecording,
    StaleHeadMayRestart,
    FirstReadMayBeStale,
    StaleHeadShowsNews,
    ClearMeansAllThereIsOnArrival,
    ForgetMeansWhateverIsThereOnArrival,
    ForgetLeavesNothing,
    DeletesUnannounced,
    ExpiryByTheWritersClock,
}

/// One run of the model.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// The rule that is broken, if any.
    pub flaw: Option<Flaw>,
    /// Requests that each writer sends, one after the other.
    pub requests: [u8; 2],
    /// The clock of each writer at each of its requests.
    pub clocks: [[u64; 3]; 2],
    /// The clocks that a reader may have at any reading.
    pub reader_clocks: &'static [u64],
    /// Whether the table deletes what has expired, at any moment and in any order.
    pub deletes: Option<Deletes>,
    /// Whether the head as it was before its last change may be read.
    pub stale_heads: bool,
    /// Attempts that the SDK makes of one operation.
    pub attempts: u8,
    /// What each poller asks first.
    pub pollers: &'static [First],
    pub owner: &'static [OwnerAction],
    pub max_deliveries: u64,
}

impl Scenario {
    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { max_deliveries: self.max_deliveries, ..Limits::default() }
    }

    fn clock(&self, writer: u8, request: u8) -> Millis {
        Millis(self.clocks[usize::from(writer)][usize::from(request - 1)])
    }
}

/// How expired items are deleted.
#[derive(Clone, Copy)]
pub(crate) struct Deletes {
    /// The clock of what deletes.
    pub at: u64,
    /// Whether it writes into the head first what it is going to delete.
    pub announced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum First {
    Beginning,
    Newest,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OwnerAction {
    Clear,
    Forget,
    Create,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Item {
    Empty,
    Delivery { writer: u8, nonce: u8, at: u64, expires_at_s: u64 },
    Tombstone { gone: bool },
}

/// A request that may arrive at the table, now or at any later time, once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Message {
    Number {
        writer: u8,
        request: u8,
        attempt: u8,
    },
    Record {
        writer: u8,
        request: u8,
        attempt: u8,
        at: Slot,
    },
    CloseGap {
        epoch: u8,
        seq: u8,
        gone: bool,
    },
    Clear {
        attempt: u8,
        epoch: u8,
        to: u8,
    },
    Forget {
        attempt: u8,
        epoch: u8,
    },
    /// `graves`: how many heads had been forgotten when its sender looked.
    Create {
        attempt: u8,
        epoch: u8,
        graves: u8,
    },
}

/// What a number gives its writer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Slot {
    epoch: u8,
    seq: u8,
    interval_end: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Step {
    Idle,
    Numbering { attempt: u8 },
    Recording { attempt: u8, at: Slot },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    pub step: Step,
    /// Requests begun so far; which one it is is also its nonce.
    pub request: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reading {
    Not,
    /// It has read this head consistently, and will query next.
    HasHead {
        head: Head,
        cleared: u8,
    },
    /// It wants to close these gaps of what it has read.
    Closing {
        head: Head,
        shown: u8,
        clock: u64,
        to_close: u8,
    },
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Poller {
    pub first: First,
    pub reading: Reading,
    /// Epoch and number.
    pub cursor: Option<(u8, u8)>,
    /// Where its view begins.
    pub start: u8,
    pub seen: u8,
    /// Numbers that it could pass because a writer's and its own clock were far off in the same way.
    pub passed: u8,
}

impl Poller {
    pub(crate) fn new(first: First) -> Self {
        Poller { first, reading: Reading::Not, cursor: None, start: 0, seen: 0, passed: 0 }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub head: Option<Head>,
    /// The head before, where stale reads are explored.
    pub earlier: Option<Head>,
    /// Heads that were forgotten.
    pub graves: u8,
    pub items: [[Item; NUMBERS]; EPOCHS],
    pub wire: Vec<Message>,
    pub writers: [Writer; 2],
    pub pollers: Vec<Poller>,
    /// The owner's next action, the attempt it is at, and what it is about.
    pub action: u8,
    pub doing: Option<Message>,
    /// By epoch, as bits: acknowledged numbers, numbers that some poller was told are missing, items that were deleted.
    pub acked: [u8; EPOCHS],
    pub reported_missing: [u8; EPOCHS],
    pub deleted: [u8; EPOCHS],
    /// By epoch: the highest number given; what the owner saw when clearing, and had confirmed.
    pub given: [u8; EPOCHS],
    pub meant_to_clear: [u8; EPOCHS],
    pub was_cleared: [u8; EPOCHS],
    pub newest_epoch: u8,
    /// As bits: epochs whose owner was told that they are forgotten.
    pub forgotten: u8,
}

pub(crate) fn bit(seq: impl Into<u64>) -> u8 {
    1 << seq.into()
}

pub(crate) fn bits(mask: u8) -> impl Iterator<Item = u8> {
    (0..8).filter(move |seq| mask & (1 << seq) != 0)
}

pub(crate) fn small(n: u64) -> u8 {
    u8::try_from(n).unwrap()
}

pub(crate) fn at(epoch: impl Into<u64>) -> usize {
    usize::try_from(epoch.into()).unwrap()
}

pub(crate) type Broken = &'static str;
/// What happened, to whom or to which number.
pub(crate) type Label = (&'static str, u64);

pub(crate) const LOST: Broken = "an acknowledged delivery is unseen";
pub(crate) const TWICE: Broken = "a delivery is seen twice or out of order";
pub(crate) const UNACCOUNTED: Broken = "a page passes a number without a word";
pub(crate) const FALSELY_MISSING: Broken = "an acknowledged number is called missing";
pub(crate) const REFUSED: Broken = "a delivery that is in the log was refused";
pub(crate) const FALSE_RESTART: Broken = "a reader was sent back though its log is there";
pub(crate) const CAME_BACK: Broken = "what was cleared came back";
pub(crate) const NEVER_CAUGHT_UP: Broken = "a reader never catches up";
pub(crate) const RISEN: Broken = "what was forgotten came back";
pub(crate) const GONE: Broken = "an endpoint was forgotten that nobody meant";
pub(crate) const EXPIRED_EARLY: Broken = "an expiry went back";

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let writer = Writer { step: Step::Idle, request: 0 };
        World {
            head: Some(Head::new(1, Millis(NOW), &scenario.limits())),
            earlier: None,
            graves: 0,
            items: [[Item::Empty; NUMBERS]; EPOCHS],
            wire: vec![],
            writers: [writer; 2],
            pollers: scenario.pollers.iter().map(|&first| Poller::new(first)).collect(),
            action: 0,
            doing: None,
            acked: [0; EPOCHS],
            reported_missing: [0; EPOCHS],
            deleted: [0; EPOCHS],
            given: [0; EPOCHS],
            meant_to_clear: [0; EPOCHS],
            was_cleared: [0; EPOCHS],
            newest_epoch: 1,
            forgotten: 0,
        }
    }

    fn set_head(&mut self, scenario: &Scenario, head: Option<Head>) {
        use Flaw::{FirstReadMayBeStale, StaleHeadMayRestart, StaleHeadShowsNews};
        let stale = [FirstReadMayBeStale, StaleHeadMayRestart, StaleHeadShowsNews];
        let has_flaw = stale.iter().any(|flaw| scenario.has(*flaw));
        if let Some(head) = self.head.take().filter(|_| has_flaw || scenario.stale_heads) {
            self.earlier = Some(head);
        }
        self.graves += u8::from(head.is_none());
        self.head = head;
    }

    pub(crate) fn send(&mut self, message: Message) {
        let at = self.wire.partition_point(|m| *m < message);
        self.wire.insert(at, message);
    }

    pub(crate) fn item(&mut self, epoch: u8, seq: u8) -> &mut Item {
        &mut self.items[at(epoch)][at(seq)]
    }

    /// What must hold in every world.
    pub(crate) fn check(&self, scenario: &Scenario, calm: &mut Hashes) -> Result<(), Broken> {
        for epoch in 0..EPOCHS {
            if self.acked[epoch] & self.reported_missing[epoch] != 0 {
                return Err(FALSELY_MISSING);
            }
        }
        for poller in &self.pollers {
            let Some((epoch, cursor)) = poller.cursor else {
                continue;
            };
            let mut behind =
                bits(self.acked[at(epoch)]).filter(|seq| (poller.start..=cursor).contains(seq));
            let known = poller.seen | poller.passed;
            if behind.any(|seq| known & bit(seq) == 0 && !self.hidden(scenario, epoch, seq)) {
                return Err(LOST);
            }
        }
        // If all was calm from here on, everybody would catch up. (Asked once for each thing it depends on.)
        let Some(head) = &self.head else {
            return Ok(());
        };
        if self.forgotten & bit(head.epoch) != 0 {
            return Err(RISEN);
        }
        let fresh = Poller::new(First::Beginning);
        for poller in self.pollers.iter().chain([&fresh]) {
            let poller = Poller { reading: Reading::Not, ..poller.clone() };
            let promised = (self.acked, self.meant_to_clear, self.deleted);
            let depends_on = (head, &self.items, promised, &poller);
            if calm.insert(Hasher::default().hash_one(depends_on)) {
                self.catches_up(scenario, poller)?;
            }
        }
        Ok(())
    }

    /// Whether a number is cleared, deleted, or more than the log keeps.
    pub(crate) fn hidden(&self, scenario: &Scenario, epoch: u8, seq: u8) -> bool {
        seq <= self.meant_to_clear[at(epoch)]
            || self.deleted[at(epoch)] & bit(seq) != 0
            || u64::from(seq) + scenario.max_deliveries <= u64::from(self.given[at(epoch)])
    }

    /// Every world that can be next.
    pub(crate) fn next(
        &self,
        scenario: &Scenario,
        to: &mut Vec<(Label, World)>,
    ) -> Result<(), Broken> {
        for w in 0..2u8 {
            self.writer_steps(scenario, w, to);
        }
        for at in 0..self.wire.len() {
            self.arrivals(scenario, at, to)?;
        }
        for p in 0..self.pollers.len() {
            self.poller_steps(scenario, p, to)?;
        }
        self.owner_steps(scenario, to);
        self.deletions(scenario, to);
        if scenario.flaw.is_none() {
            to.iter_mut().for_each(|(_, world)| world.drop_spent());
        }
        Ok(())
    }

    /// Drops what is on its way to a number that has an item already, and that nobody waits for: it changes nothing, unless
    /// it takes as long as a delivery is kept.
    fn drop_spent(&mut self) {
        let World { wire, items, writers, .. } = self;
        wire.retain(|message| match *message {
            Message::Record { writer, request, attempt, at: slot } => {
                let waits = Writer { step: Step::Recording { attempt, at: slot }, request };
                items[at(slot.epoch)][at(slot.seq)] == Item::Empty
                    || writers[usize::from(writer)] == waits
            }
            Message::CloseGap { epoch, seq, .. } => items[at(epoch)][at(seq)] == Item::Empty,
            _ => true,
        });
    }

    pub(crate) fn stored(&self, epoch: u8) -> u8 {
        let items = self.items[at(epoch)].iter().enumerate();
        items
            .filter(|(_, item)| **item != Item::Empty)
            .fold(0, |mask, (seq, _)| mask | bit(seq as u64))
    }

    pub(crate) fn close_gap(
        &mut self,
        scenario: &Scenario,
        epoch: u8,
        seq: u8,
        gone: bool,
    ) -> bool {
        let item = self.item(epoch, seq);
        let goes_in = *item == Item::Empty || scenario.has(Flaw::CloseOverwrites);
        if goes_in {
            *item = Item::Tombstone { gone };
        }
        goes_in
    }

    /// The receivers: what each may do next. A crash and giving up look the same from outside: 503 or nothing, and what was
    /// sent may still arrive.
    fn writer_steps(&self, scenario: &Scenario, w: u8, to: &mut Vec<(Label, World)>) {
        let writer = self.writers[usize::from(w)];
        let mut then = |what, step: Step, request: u8| {
            let mut world = self.clone();
            world.writers[usize::from(w)] = Writer { step, request };
            match step {
                Step::Idle => {}
                Step::Numbering { attempt } => {
                    world.send(Message::Number { writer: w, request, attempt })
                }
                Step::Recording { attempt, at } => {
                    world.send(Message::Record { writer: w, request, attempt, at })
                }
            }
            to.push(((what, w.into()), world));
        };
        let attempt = match writer.step {
            Step::Idle if writer.request < scenario.requests[usize::from(w)] => {
                let step = Step::Numbering { attempt: 1 };
                return then("writer begins", step, writer.request + 1);
            }
            Step::Idle => return,
            Step::Numbering { attempt } | Step::Recording { attempt, .. } => attempt + 1,
        };
        // One that sends nothing more may as well wait for ever.
        if writer.request < scenario.requests[usize::from(w)] {
            then("writer gives up", Step::Idle, writer.request);
        }
        if attempt <= scenario.attempts {
            let step = match writer.step {
                Step::Recording { at, .. } => Step::Recording { attempt, at },
                _ => Step::Numbering { attempt },
            };
            then("writer tries again", step, writer.request);
        }
    }

    /// The owner: clears, forgets, creates.
    fn owner_steps(&self, scenario: &Scenario, to: &mut Vec<(Label, World)>) {
        let Some(action) = scenario.owner.get(usize::from(self.action)) else {
            return;
        };
        let mut world = self.clone();
        let epoch = self.head.as_ref().map(|head| small(head.epoch));
        let message = match (self.doing, action, epoch) {
            // No answer: it is sent again, and the first may still arrive.
            (Some(doing), ..) => {
                let mut again = doing;
                let (Message::Clear { attempt, .. }
                | Message::Forget { attempt, .. }
                | Message::Create { attempt, .. }) = &mut again
                else {
                    return;
                };
                *attempt += 1;
                if *attempt > scenario.attempts {
                    return;
                }
                again
            }
            (None, OwnerAction::Clear, Some(epoch)) => {
                let last = small(self.head.as_ref().map_or(0, |head| head.last_seq));
                world.meant_to_clear[at(epoch)] = last;
                Message::Clear { attempt: 1, epoch, to: last }
            }
            (None, OwnerAction::Forget, Some(epoch)) => Message::Forget { attempt: 1, epoch },
            (None, OwnerAction::Create, None) => {
                world.newest_epoch += 1;
                Message::Create {
                    attempt: 1,
                    epoch: match scenario.has(Flaw::EpochDropped) {
                        true => 1,
                        false => world.newest_epoch,
                    },
                    graves: self.graves,
                }
            }
            _ => return,
        };
        world.doing = Some(message);
        world.send(message);
        to.push((("owner", self.action.into()), world));
    }

    /// The table's time to live. The local home's sweep writes into the head first what it is going to delete.
    fn deletions(&self, scenario: &Scenario, to: &mut Vec<(Label, World)>) {
        let (Some(deletes), Some(head)) = (scenario.deletes, &self.head) else {
            return;
        };
        let now = Millis(deletes.at);
        let gone_to = head.maybe_deleted_to(&scenario.limits(), now);
        let announced = deletes.announced && !scenario.has(Flaw::DeletesUnannounced);
        if gone_to > head.deleted_to && announced {
            let mut world = self.clone();
            let deleted_to = gone_to;
            world.set_head(scenario, Some(Head { deleted_to, ..head.clone() }));
            to.push((("the head is updated", gone_to), world));
            return;
        }
        // Between the two there is more time than a reading takes that began before, with all that it sends.
        let is_under_way = |poller: &Poller| match &poller.reading {
            Reading::Not => false,
            Reading::HasHead { head, .. } | Reading::Closing { head, .. } => {
                head.deleted_to < gone_to
            }
        };
        let closes = |message: &Message| matches!(message, Message::CloseGap { gone: false, .. });
        if announced && (self.pollers.iter().any(is_under_way) || self.wire.iter().any(closes)) {
            return;
        }
        for seq in 1..NUMBERS {
            if let Item::Delivery { expires_at_s, .. } = self.items[at(head.epoch)][seq]
                && expires_at_s * 1000 <= now.0
            {
                let mut world = self.clone();
                world.items[at(head.epoch)][seq] = Item::Empty;
                world.deleted[at(head.epoch)] |= bit(seq as u64);
                to.push((("the table deletes", seq as u64), world));
            }
        }
    }

    /// The table: what a request does when it arrives, whenever that is.
    fn arrivals(
        &self,
        scenario: &Scenario,
        nth: usize,
        to: &mut Vec<(Label, World)>,
    ) -> Result<(), Broken> {
        let message = self.wire[nth];
        let mut world = self.clone();
        world.wire.remove(nth);
        let limits = scenario.limits();
        match message {
            Message::Number { writer, request, attempt } => {
                // What needs a renewal is two writes of the store, of which the second takes place only if nothing has
                // changed since the first, so here it is one.
                let now = scenario.clock(writer, request);
                let given = self.head.clone().map(|mut head| {
                    let was = head.expires_at_s;
                    if let Next::Renew(renewal) = next(&head, 2, now, &limits) {
                        renewal.apply(&mut head);
                    }
                    head.last_seq += 1;
                    head.last_at = now;
                    if scenario.has(Flaw::ExpiryByTheWritersClock) {
                        head.expires_at_s = now.plus_s(limits.endpoint_ttl_s).epoch_s_ceil();
                    }
                    (head.expires_at_s >= was).then_some(head).ok_or(EXPIRED_EARLY)
                });
                let given = given.transpose()?;
                if let Some(head) = &given {
                    let last = &mut world.given[at(head.epoch)];
                    *last = small(head.last_seq).max(*last);
                    world.set_head(scenario, Some(head.clone()));
                }
                to.push((("number arrives", writer.into()), world.clone()));
                let asker = &mut world.writers[usize::from(writer)];
                let step = Step::Numbering { attempt };
                if *asker == (Writer { step, request }) {
                    asker.step = Step::Idle;
                    if let Some(head) = given {
                        let (epoch, seq) = (small(head.epoch), small(head.last_seq));
                        let interval_end = head.interval_end.0;
                        let slot = Slot { epoch, seq, interval_end };
                        asker.step = Step::Recording { attempt: 1, at: slot };
                        world.send(Message::Record { writer, request, attempt: 1, at: slot });
                        if scenario.has(Flaw::AnswersBeforeRecording) {
                            world.acked[at(epoch)] |= bit(seq);
                        }
                    }
                    to.push((("number is answered", writer.into()), world));
                }
            }
            Message::Record { writer, request, attempt, at: slot } => {
                let mine = Item::Delivery {
                    writer,
                    nonce: request,
                    at: scenario.clock(writer, request).0,
                    expires_at_s: expires_at_s(Millis(slot.interval_end), &limits),
                };
                let item = world.item(slot.epoch, slot.seq);
                let was = *item;
                let goes_in = was == Item::Empty
                    || (was == mine && !scenario.has(Flaw::NonceDropped))
                    || scenario.has(Flaw::RecordOverwrites);
                if goes_in {
                    *item = mine;
                }
                to.push((("record arrives", slot.seq.into()), world.clone()));
                let asker = &mut world.writers[usize::from(writer)];
                let step = Step::Recording { attempt, at: slot };
                if *asker == (Writer { step, request }) {
                    asker.step = Step::Idle;
                    if goes_in {
                        world.acked[at(slot.epoch)] |= bit(slot.seq);
                    } else if !matches!(was, Item::Tombstone { .. }) {
                        return Err(REFUSED);
                    }
                    to.push((("record is answered", slot.seq.into()), world));
                }
            }
            Message::CloseGap { epoch, seq, gone } => {
                world.close_gap(scenario, epoch, seq, gone);
                to.push((("a late tombstone arrives", seq.into()), world));
            }
            Message::Clear { epoch, to: upto, .. } => {
                let there = self.head.clone();
                if let Some(head) = there.filter(|head| head.epoch == u64::from(epoch)) {
                    let upto = match scenario.has(Flaw::ClearMeansAllThereIsOnArrival) {
                        true => head.last_seq,
                        false => upto.into(),
                    };
                    let cleared_to = head.cleared_to.max(upto);
                    world.set_head(scenario, Some(Head { cleared_to, ..head }));
                }
                to.push((("clear arrives", upto.into()), world.clone()));
                if world.doing == Some(message) {
                    world.doing = None;
                    world.action += 1;
                    world.was_cleared[at(epoch)] = world.meant_to_clear[at(epoch)];
                    to.push((("clear is answered", upto.into()), world));
                }
            }
            Message::Forget { epoch, .. } => {
                let there = self.head.as_ref().map(|head| small(head.epoch));
                if there == Some(epoch)
                    || there.is_some() && scenario.has(Flaw::ForgetMeansWhateverIsThereOnArrival)
                {
                    world.set_head(scenario, None);
                    if there != Some(epoch) {
                        return Err(GONE);
                    }
                }
                to.push((("forget arrives", epoch.into()), world.clone()));
                if world.doing == Some(message) {
                    world.doing = None;
                    world.action += 1;
                    if !scenario.has(Flaw::EpochDropped) {
                        world.forgotten |= bit(epoch);
                    }
                    to.push((("forget is answered", epoch.into()), world));
                }
            }
            Message::Create { epoch, graves, .. } => {
                let is_as_it_was = self.head.is_none()
                    && (scenario.has(Flaw::ForgetLeavesNothing) || self.graves == graves);
                if is_as_it_was {
                    world.set_head(scenario, Some(Head::new(epoch.into(), Millis(NOW), &limits)));
                    if scenario.has(Flaw::EpochDropped) {
                        // The numbers start again at 1: only what was promised since then counts.
                        world.acked = [0; EPOCHS];
                        world.reported_missing = [0; EPOCHS];
                    }
                }
                to.push((("create arrives", epoch.into()), world.clone()));
                if world.doing == Some(message) && world.head.is_some() {
                    world.doing = None;
                    world.action += 1;
                    to.push((("create is answered", epoch.into()), world));
                }
            }
        }
        Ok(())
    }
}
