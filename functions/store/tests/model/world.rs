//! What there is: the table, the wire, and what everybody knows and was told.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Numbers and epochs are small enough for bits and arrays.
pub(crate) const NUMBERS: usize = 7;
pub(crate) const EPOCHS: usize = 4;

/// The writers' clocks: the second one is two minutes ahead.
pub(crate) const WRITER_CLOCK: [u64; 2] = [1_000_000, 1_120_000];
/// A reader's clock: so early that all gaps look fresh, such that the first writer's look abandoned and the second's are
/// of the future, and such that all look abandoned.
pub(crate) const READER_CLOCKS: [u64; 3] = [1_000_001, 1_060_000, 2_000_000];
pub(crate) const LATE: u64 = READER_CLOCKS[2];

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
}

/// One run of the model.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// The rule that is broken, if any.
    pub flaw: Option<Flaw>,
    /// Requests that each writer sends, one after the other.
    pub requests: [u8; 2],
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
    /// The endpoint has expired and its owner comes back.
    Renew,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SmallHead {
    pub epoch: u8,
    pub last: u8,
    pub last_by: u8,
    pub cleared: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Item {
    Empty,
    Delivery { writer: u8, nonce: u8 },
    Tombstone,
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
        epoch: u8,
        seq: u8,
    },
    CloseGap {
        epoch: u8,
        seq: u8,
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

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Step {
    Idle,
    Numbering { attempt: u8 },
    Recording { attempt: u8, epoch: u8, seq: u8 },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    pub step: Step,
    /// Requests begun so far; which one it is is also its nonce.
    pub request: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reading {
    Not,
    /// It has read this version of the head consistently, and will query next.
    HasHead {
        version: u8,
        cleared: u8,
    },
    /// It wants to close these gaps of what it has read.
    Closing {
        version: u8,
        shown: u8,
        clock: u64,
        to_close: u8,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Poller {
    pub first: First,
    pub reading: Reading,
    /// Epoch and number.
    pub cursor: Option<(u8, u8)>,
    /// Where its view begins.
    pub start: u8,
    pub seen: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// Every version of the head; the last one is the present one.
    pub heads: Vec<Option<SmallHead>>,
    pub items: [[Item; NUMBERS]; EPOCHS],
    pub wire: Vec<Message>,
    pub writers: [Writer; 2],
    pub pollers: Vec<Poller>,
    /// The owner's next action, the attempt it is at, and what it is about.
    pub action: u8,
    pub doing: Option<Message>,
    /// By epoch, as bits: acknowledged numbers, numbers that some poller was told are missing.
    pub acked: [u8; EPOCHS],
    pub reported_missing: [u8; EPOCHS],
    /// By epoch: what the owner saw when clearing, and had confirmed.
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

pub(crate) type Broken = &'static str;

pub(crate) const LOST: Broken = "an acknowledged delivery is unseen";
pub(crate) const TWICE: Broken = "a delivery is seen twice or out of order";
pub(crate) const FALSELY_MISSING: Broken = "an acknowledged number is called missing";
pub(crate) const REFUSED: Broken = "a delivery that is in the log was refused";
pub(crate) const FALSE_RESTART: Broken = "a reader was sent back though its log is there";
pub(crate) const CAME_BACK: Broken = "what was cleared came back";
pub(crate) const NEVER_CAUGHT_UP: Broken = "a reader never catches up";
pub(crate) const RISEN: Broken = "what was forgotten came back";
pub(crate) const GONE: Broken = "an endpoint was forgotten that nobody meant";

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let head = SmallHead { epoch: 1, last: 0, last_by: 0, cleared: 0 };
        let writer = Writer { step: Step::Idle, request: 0 };
        World {
            heads: vec![Some(head)],
            items: [[Item::Empty; NUMBERS]; EPOCHS],
            wire: vec![],
            writers: [writer; 2],
            pollers: scenario
                .pollers
                .iter()
                .map(|&first| Poller {
                    first,
                    reading: Reading::Not,
                    cursor: None,
                    start: 0,
                    seen: 0,
                })
                .collect(),
            action: 0,
            doing: None,
            acked: [0; EPOCHS],
            reported_missing: [0; EPOCHS],
            meant_to_clear: [0; EPOCHS],
            was_cleared: [0; EPOCHS],
            newest_epoch: 1,
            forgotten: 0,
        }
    }

    pub(crate) fn head(&self) -> Option<SmallHead> {
        *self.heads.last().unwrap()
    }

    pub(crate) fn set_head(&mut self, head: Option<SmallHead>) {
        if self.head() != head {
            self.heads.push(head);
        }
    }

    pub(crate) fn send(&mut self, message: Message) {
        let at = self.wire.partition_point(|m| *m < message);
        self.wire.insert(at, message);
    }

    pub(crate) fn item(&mut self, epoch: u8, seq: u8) -> &mut Item {
        &mut self.items[usize::from(epoch)][usize::from(seq)]
    }

    /// What must hold in every world.
    pub(crate) fn check(&self, scenario: &Scenario, calm: &mut HashSet<u64>) -> Result<(), Broken> {
        for epoch in 0..EPOCHS {
            if self.acked[epoch] & self.reported_missing[epoch] != 0 {
                return Err(FALSELY_MISSING);
            }
        }
        for poller in &self.pollers {
            let Some((epoch, cursor)) = poller.cursor else {
                continue;
            };
            let behind = bits(self.acked[usize::from(epoch)])
                .filter(|seq| (poller.start..=cursor).contains(seq));
            if behind
                .into_iter()
                .any(|seq| poller.seen & bit(seq) == 0 && !self.hidden(scenario, epoch, seq))
            {
                return Err(LOST);
            }
        }
        // If all was calm from here on, everybody would catch up. (Asked once for each thing it depends on.)
        let Some(head) = self.head() else {
            return Ok(());
        };
        if self.forgotten & bit(head.epoch) != 0 {
            return Err(RISEN);
        }
        let fresh = Poller {
            first: First::Beginning,
            reading: Reading::Not,
            cursor: None,
            start: 0,
            seen: 0,
        };
        for poller in self.pollers.iter().chain([&fresh]) {
            let poller = Poller { reading: Reading::Not, ..*poller };
            let mut hasher = DefaultHasher::new();
            (head, &self.items, self.acked, self.meant_to_clear, poller).hash(&mut hasher);
            if calm.insert(hasher.finish()) {
                self.catches_up(scenario, poller, head)?;
            }
        }
        Ok(())
    }

    /// Whether a number is cleared, or more than the log keeps.
    pub(crate) fn hidden(&self, scenario: &Scenario, epoch: u8, seq: u8) -> bool {
        let given = self
            .heads
            .iter()
            .flatten()
            .filter(|head| head.epoch == epoch)
            .map(|head| head.last)
            .max();
        seq <= self.meant_to_clear[usize::from(epoch)]
            || u64::from(seq) + scenario.max_deliveries <= u64::from(given.unwrap_or(0))
    }

    /// Every world that can be next.
    pub(crate) fn next(
        &self,
        scenario: &Scenario,
        to: &mut Vec<(String, World)>,
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
        Ok(())
    }

    pub(crate) fn stored(&self, epoch: u8) -> u8 {
        let items = self.items[usize::from(epoch)].iter().enumerate();
        items
            .filter(|(_, item)| **item != Item::Empty)
            .fold(0, |mask, (seq, _)| mask | bit(seq as u64))
    }

    /// How often the endpoint was forgotten.
    pub(crate) fn graves(&self) -> u8 {
        small(self.heads.iter().filter(|head| head.is_none()).count() as u64)
    }

    pub(crate) fn close_gap(&mut self, scenario: &Scenario, epoch: u8, seq: u8) -> bool {
        let item = self.item(epoch, seq);
        let goes_in = *item == Item::Empty || scenario.has(Flaw::CloseOverwrites);
        if goes_in {
            *item = Item::Tombstone;
        }
        goes_in
    }
}
