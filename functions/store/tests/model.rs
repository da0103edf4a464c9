//! The protocol as a small model, explored exhaustively.
//!
//! A world has one endpoint, two writers, two pollers, an owner, and a network that may lose an answer, deliver a request
//! late, and therefore twice. Each world leads to every next one that some order of events allows: a crash after any step,
//! reads that leave out any deliveries, any earlier head where a stale one is allowed, clocks that differ by minutes. In
//! every world that can be reached the properties of [`World::check`] hold. What a reader makes of what it reads is not
//! modelled: it is the product's own code, [`store::protocol`].
//!
//! The second half breaks the rules one by one and sees that the model notices.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it fails loudly, and says how many worlds it saw"
)]

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use delivery::{cursor::Cursor, limits::Limits, millis::Millis};
use store::protocol::{Ask, Entry, Head, Plan, ReplyWindow, Run, Sealed, page};

/// Numbers and epochs are small enough for bits and arrays.
const NUMBERS: usize = 7;
const EPOCHS: usize = 4;

/// The writers' clocks: the second one is two minutes ahead.
const WRITER_CLOCK: [u64; 2] = [1_000_000, 1_120_000];
/// A reader's clock: so early that all holes look fresh, such that the first writer's look abandoned and the second's are
/// of the future, and such that all look abandoned.
const READER_CLOCKS: [u64; 3] = [1_000_001, 1_060_000, 2_000_000];
const LATE: u64 = READER_CLOCKS[2];

/// What to break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rules {
    cursor_passes_an_open_hole: bool,
    hole_passed_without_a_seal: bool,
    refused_seal_counts: bool,
    seal_overwrites: bool,
    nonce_dropped: bool,
    record_overwrites: bool,
    epoch_dropped: bool,
    answers_before_recording: bool,
    stale_head_may_restart: bool,
    first_read_may_be_stale: bool,
    clear_means_all_there_is_on_arrival: bool,
    forget_means_whatever_is_there_on_arrival: bool,
    forget_leaves_nothing: bool,
}

/// One run of the model.
#[derive(Clone, Copy)]
struct Scenario {
    rules: Rules,
    /// Requests that each writer sends, one after the other.
    requests: [u8; 2],
    /// Attempts that the SDK makes of one operation.
    attempts: u8,
    /// What each poller asks first.
    pollers: &'static [First],
    owner: &'static [Deed],
    max_deliveries: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum First {
    Beginning,
    Newest,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Deed {
    Clear,
    Forget,
    Create,
    /// The endpoint has expired and its owner comes back.
    Renew,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SmallHead {
    epoch: u8,
    last: u8,
    last_by: u8,
    cleared: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Item {
    Empty,
    Delivery { writer: u8, nonce: u8 },
    Tombstone,
}

/// A request that may arrive at the table, now or at any later time, once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Message {
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
    Seal {
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
enum Step {
    Idle,
    Numbering { attempt: u8 },
    Recording { attempt: u8, epoch: u8, seq: u8 },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Writer {
    step: Step,
    /// Requests begun so far; which one it is is also its nonce.
    request: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reading {
    Not,
    /// It has read this version of the head consistently, and will query next.
    HasHead {
        version: u8,
        cleared: u8,
    },
    /// It wants to close these holes of what it has read.
    Sealing {
        version: u8,
        shown: u8,
        clock: u64,
        to_seal: u8,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Poller {
    first: First,
    reading: Reading,
    /// Epoch and number.
    cursor: Option<(u8, u8)>,
    /// Where its view begins.
    start: u8,
    seen: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    /// Every version of the head; the last one is the present one.
    heads: Vec<Option<SmallHead>>,
    items: [[Item; NUMBERS]; EPOCHS],
    wire: Vec<Message>,
    writers: [Writer; 2],
    pollers: Vec<Poller>,
    /// The owner's next deed, the attempt it is at, and what it is about.
    deed: u8,
    doing: Option<Message>,
    /// By epoch, as bits: acknowledged numbers, numbers that some poller was told are missing.
    acked: [u8; EPOCHS],
    told_missing: [u8; EPOCHS],
    /// By epoch: what the owner saw when clearing, and had confirmed.
    meant_to_clear: [u8; EPOCHS],
    was_cleared: [u8; EPOCHS],
    newest_epoch: u8,
    /// As bits: epochs whose owner was told that they are forgotten.
    forgotten: u8,
}

fn bit(seq: impl Into<u64>) -> u8 {
    1 << seq.into()
}

fn bits(mask: u8) -> impl Iterator<Item = u8> {
    (0..8).filter(move |seq| mask & (1 << seq) != 0)
}

fn small(n: u64) -> u8 {
    u8::try_from(n).unwrap()
}

type Broken = &'static str;

const LOST: Broken = "an acknowledged delivery is unseen";
const TWICE: Broken = "a delivery is seen twice or out of order";
const FALSELY_MISSING: Broken = "an acknowledged number is called missing";
const REFUSED: Broken = "a delivery that is in the log was refused";
const FALSE_RESTART: Broken = "a reader was sent back though its log is there";
const CAME_BACK: Broken = "what was cleared came back";
const NEVER_CAUGHT_UP: Broken = "a reader never catches up";
const RISEN: Broken = "what was forgotten came back";
const GONE: Broken = "an endpoint was forgotten that nobody meant";

impl World {
    fn new(scenario: &Scenario) -> Self {
        let head = SmallHead {
            epoch: 1,
            last: 0,
            last_by: 0,
            cleared: 0,
        };
        let writer = Writer {
            step: Step::Idle,
            request: 0,
        };
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
            deed: 0,
            doing: None,
            acked: [0; EPOCHS],
            told_missing: [0; EPOCHS],
            meant_to_clear: [0; EPOCHS],
            was_cleared: [0; EPOCHS],
            newest_epoch: 1,
            forgotten: 0,
        }
    }

    fn head(&self) -> Option<SmallHead> {
        *self.heads.last().unwrap()
    }

    fn set_head(&mut self, head: Option<SmallHead>) {
        if self.head() != head {
            self.heads.push(head);
        }
    }

    fn send(&mut self, message: Message) {
        let at = self.wire.partition_point(|m| *m < message);
        self.wire.insert(at, message);
    }

    fn item(&mut self, epoch: u8, seq: u8) -> &mut Item {
        &mut self.items[usize::from(epoch)][usize::from(seq)]
    }

    /// What must hold in every world.
    fn check(&self, scenario: &Scenario, calm: &mut HashSet<u64>) -> Result<(), Broken> {
        for epoch in 0..EPOCHS {
            if self.acked[epoch] & self.told_missing[epoch] != 0 {
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
            let poller = Poller {
                reading: Reading::Not,
                ..*poller
            };
            let mut hasher = DefaultHasher::new();
            (head, &self.items, self.acked, self.meant_to_clear, poller).hash(&mut hasher);
            if calm.insert(hasher.finish()) {
                self.catches_up(scenario, poller, head)?;
            }
        }
        Ok(())
    }

    /// Whether a number is cleared, or more than the log keeps.
    fn hidden(&self, scenario: &Scenario, epoch: u8, seq: u8) -> bool {
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

    fn catches_up(
        &self,
        scenario: &Scenario,
        poller: Poller,
        head: SmallHead,
    ) -> Result<(), Broken> {
        let mut world = World {
            pollers: vec![poller],
            heads: vec![Some(head)],
            ..self.clone()
        };
        for _ in 0..2 * NUMBERS {
            let stored = world.stored(head.epoch);
            let ask = world.ask(0);
            if let Some(to_seal) = world.read(scenario, 0, ask, head, stored, LATE)? {
                let mut sealed = Sealed::new();
                for seq in bits(to_seal) {
                    sealed.insert(seq.into(), world.seal(scenario, head.epoch, seq));
                }
                world.show(scenario, 0, ask, head, stored, LATE, &sealed)?;
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

    /// Every world that can be next.
    fn next(&self, scenario: &Scenario, to: &mut Vec<(String, World)>) -> Result<(), Broken> {
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

    fn writer_steps(&self, scenario: &Scenario, w: u8, to: &mut Vec<(String, World)>) {
        let writer = self.writers[usize::from(w)];
        let mut then = |what: &str, step: Step, message: Option<Message>| {
            let mut world = self.clone();
            world.writers[usize::from(w)].step = step;
            if let Some(message) = message {
                world.send(message);
            }
            to.push((format!("writer {w} {what}"), world));
        };
        let request = writer.request;
        match writer.step {
            Step::Idle if writer.request < scenario.requests[usize::from(w)] => {
                let mut world = self.clone();
                world.writers[usize::from(w)] = Writer {
                    step: Step::Numbering { attempt: 1 },
                    request: request + 1,
                };
                world.send(Message::Number {
                    writer: w,
                    request: request + 1,
                    attempt: 1,
                });
                to.push((format!("writer {w} begins"), world));
            }
            Step::Idle => {}
            Step::Numbering { attempt } => {
                // A crash and giving up look the same from outside: 503 or nothing, and what was sent may still arrive.
                then("gives up numbering", Step::Idle, None);
                if attempt < scenario.attempts {
                    let message = Message::Number {
                        writer: w,
                        request,
                        attempt: attempt + 1,
                    };
                    then(
                        "numbers again",
                        Step::Numbering {
                            attempt: attempt + 1,
                        },
                        Some(message),
                    );
                }
            }
            Step::Recording {
                attempt,
                epoch,
                seq,
            } => {
                then("gives up recording", Step::Idle, None);
                if attempt < scenario.attempts {
                    let message = Message::Record {
                        writer: w,
                        request,
                        attempt: attempt + 1,
                        epoch,
                        seq,
                    };
                    then(
                        "records again",
                        Step::Recording {
                            attempt: attempt + 1,
                            epoch,
                            seq,
                        },
                        Some(message),
                    );
                }
            }
        }
    }

    fn arrivals(
        &self,
        scenario: &Scenario,
        at: usize,
        to: &mut Vec<(String, World)>,
    ) -> Result<(), Broken> {
        let message = self.wire[at];
        let mut world = self.clone();
        world.wire.remove(at);
        let rules = scenario.rules;
        match message {
            Message::Number {
                writer,
                request,
                attempt,
            } => {
                let given = world.head().map(|head| SmallHead {
                    last: head.last + 1,
                    last_by: writer,
                    ..head
                });
                world.set_head(given);
                to.push((format!("{message:?} arrives"), world.clone()));
                let asker = &mut world.writers[usize::from(writer)];
                if *asker
                    == (Writer {
                        step: Step::Numbering { attempt },
                        request,
                    })
                {
                    match given {
                        None => asker.step = Step::Idle,
                        Some(SmallHead { epoch, last, .. }) => {
                            asker.step = Step::Recording {
                                attempt: 1,
                                epoch,
                                seq: last,
                            };
                            world.send(Message::Record {
                                writer,
                                request,
                                attempt: 1,
                                epoch,
                                seq: last,
                            });
                            if rules.answers_before_recording {
                                world.acked[usize::from(epoch)] |= bit(last);
                            }
                        }
                    }
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Record {
                writer,
                request,
                attempt,
                epoch,
                seq,
            } => {
                let mine = Item::Delivery {
                    writer,
                    nonce: request,
                };
                let item = world.item(epoch, seq);
                let was = *item;
                let goes_in = was == Item::Empty
                    || (was == mine && !rules.nonce_dropped)
                    || rules.record_overwrites;
                if goes_in {
                    *item = mine;
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                let asker = &mut world.writers[usize::from(writer)];
                if *asker
                    == (Writer {
                        step: Step::Recording {
                            attempt,
                            epoch,
                            seq,
                        },
                        request,
                    })
                {
                    asker.step = Step::Idle;
                    if goes_in {
                        world.acked[usize::from(epoch)] |= bit(seq);
                    } else if was != Item::Tombstone {
                        return Err(REFUSED);
                    }
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Seal { epoch, seq } => {
                world.seal(scenario, epoch, seq);
                to.push((format!("{message:?} arrives"), world));
            }
            Message::Clear {
                epoch, to: upto, ..
            } => {
                if let Some(head) = world.head().filter(|head| head.epoch == epoch) {
                    let upto = if rules.clear_means_all_there_is_on_arrival {
                        head.last
                    } else {
                        upto
                    };
                    let cleared = head.cleared.max(upto);
                    world.set_head(Some(SmallHead { cleared, ..head }));
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                if world.doing == Some(message) {
                    world.doing = None;
                    world.deed += 1;
                    world.was_cleared[usize::from(epoch)] =
                        world.meant_to_clear[usize::from(epoch)];
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Forget { epoch, .. } => {
                let there = world.head().map(|head| head.epoch);
                if there == Some(epoch) || rules.forget_means_whatever_is_there_on_arrival {
                    world.set_head(None);
                    if there.is_some_and(|there| there != epoch) {
                        return Err(GONE);
                    }
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                if world.doing == Some(message) {
                    world.doing = None;
                    world.deed += 1;
                    if !rules.epoch_dropped {
                        world.forgotten |= bit(epoch);
                    }
                    to.push((format!("{message:?} is answered"), world));
                }
            }
            Message::Create { epoch, graves, .. } => {
                let is_as_it_was = world.head().is_none()
                    && (rules.forget_leaves_nothing || world.graves() == graves);
                if is_as_it_was {
                    world.set_head(Some(SmallHead {
                        epoch,
                        last: 0,
                        last_by: 0,
                        cleared: 0,
                    }));
                    if rules.epoch_dropped {
                        // Same number line, begun anew: only what was promised in it since counts.
                        world.acked = [0; EPOCHS];
                        world.told_missing = [0; EPOCHS];
                    }
                }
                to.push((format!("{message:?} arrives"), world.clone()));
                if world.doing == Some(message) && world.head().is_some() {
                    world.doing = None;
                    world.deed += 1;
                    to.push((format!("{message:?} is answered"), world));
                }
            }
        }
        Ok(())
    }

    /// How often the endpoint was forgotten.
    fn graves(&self) -> u8 {
        small(self.heads.iter().filter(|head| head.is_none()).count() as u64)
    }

    fn seal(&mut self, scenario: &Scenario, epoch: u8, seq: u8) -> bool {
        let item = self.item(epoch, seq);
        let goes_in = *item == Item::Empty || scenario.rules.seal_overwrites;
        if goes_in {
            *item = Item::Tombstone;
        }
        goes_in
    }

    fn owner_steps(&self, scenario: &Scenario, to: &mut Vec<(String, World)>) {
        let Some(deed) = scenario.owner.get(usize::from(self.deed)) else {
            return;
        };
        let mut world = self.clone();
        if let Some(message) = self.doing {
            // No answer: it is sent again, and the first may still arrive.
            let again = match message {
                Message::Clear { attempt, epoch, to } if attempt < scenario.attempts => {
                    Message::Clear {
                        attempt: attempt + 1,
                        epoch,
                        to,
                    }
                }
                Message::Forget { attempt, epoch } if attempt < scenario.attempts => {
                    Message::Forget {
                        attempt: attempt + 1,
                        epoch,
                    }
                }
                Message::Create {
                    attempt,
                    epoch,
                    graves,
                } if attempt < scenario.attempts => Message::Create {
                    attempt: attempt + 1,
                    epoch,
                    graves,
                },
                _ => return,
            };
            world.doing = Some(again);
            world.send(again);
            to.push((format!("owner again {again:?}"), world));
            return;
        }
        match (deed, self.head()) {
            (Deed::Clear, Some(head)) => {
                world.meant_to_clear[usize::from(head.epoch)] = head.last;
                let message = Message::Clear {
                    attempt: 1,
                    epoch: head.epoch,
                    to: head.last,
                };
                world.doing = Some(message);
                world.send(message);
            }
            (Deed::Forget, Some(head)) => {
                let message = Message::Forget {
                    attempt: 1,
                    epoch: head.epoch,
                };
                world.doing = Some(message);
                world.send(message);
            }
            (Deed::Create, None) => {
                world.newest_epoch += 1;
                let message = Message::Create {
                    attempt: 1,
                    epoch: match scenario.rules.epoch_dropped {
                        true => 1,
                        false => world.newest_epoch,
                    },
                    graves: self.graves(),
                };
                world.doing = Some(message);
                world.send(message);
            }
            (Deed::Renew, Some(_)) => {
                world.deed += 1;
                world.newest_epoch += 1;
                let epoch = if scenario.rules.epoch_dropped {
                    1
                } else {
                    world.newest_epoch
                };
                if scenario.rules.epoch_dropped {
                    // Same number line, begun anew: only what was promised in it since counts.
                    world.acked = [0; EPOCHS];
                    world.told_missing = [0; EPOCHS];
                }
                world.set_head(Some(SmallHead {
                    epoch,
                    last: 0,
                    last_by: 0,
                    cleared: 0,
                }));
            }
            _ => return,
        }
        to.push(("owner".into(), world));
    }

    fn ask(&self, p: usize) -> Ask {
        match (self.pollers[p].cursor, self.pollers[p].first) {
            (Some((epoch, seq)), _) => Ask::After(Cursor {
                epoch: epoch.into(),
                seq: seq.into(),
            }),
            (None, First::Beginning) => Ask::First,
            (None, First::Newest) => Ask::Last,
        }
    }

    fn stored(&self, epoch: u8) -> u8 {
        let items = self.items[usize::from(epoch)].iter().enumerate();
        items
            .filter(|(_, item)| **item != Item::Empty)
            .fold(0, |mask, (seq, _)| mask | bit(seq as u64))
    }

    fn poller_steps(
        &self,
        scenario: &Scenario,
        p: usize,
        to: &mut Vec<(String, World)>,
    ) -> Result<(), Broken> {
        let ask = self.ask(p);
        let version = small(self.heads.len() as u64 - 1);
        match self.pollers[p].reading {
            Reading::Not => {
                let mut consistently = false;
                for old in 0..=version {
                    let head = self.heads[usize::from(old)];
                    let big = head.map(big);
                    let stale_will_do = ask.may_use_stale(big.as_ref(), Millis(LATE))
                        || head.is_some()
                            && ask.cursor().is_some()
                            && scenario.rules.stale_head_may_restart
                        || head.is_some()
                            && ask.cursor().is_none()
                            && scenario.rules.first_read_may_be_stale;
                    match head {
                        Some(_) if stale_will_do => {
                            let cleared = self
                                .head()
                                .map_or(0, |head| self.was_cleared[usize::from(head.epoch)]);
                            self.queries(scenario, p, old, cleared, to)?;
                        }
                        _ => consistently = true,
                    }
                }
                if let (true, Some(head)) = (consistently, self.head()) {
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
            Reading::Sealing {
                version,
                shown,
                clock,
                to_seal,
            } => {
                let head = self.heads[usize::from(version)].unwrap();
                let mut world = self.clone();
                let mut sealed = Sealed::new();
                for seq in bits(to_seal) {
                    let goes_in = scenario.rules.hole_passed_without_a_seal
                        || world.seal(scenario, head.epoch, seq);
                    sealed.insert(seq.into(), goes_in || scenario.rules.refused_seal_counts);
                }
                // An answer that got lost: the SDK tries again and is told that something is there.
                for lost in bits(to_seal) {
                    let mut world = world.clone();
                    let mut sealed = sealed.clone();
                    sealed.insert(lost.into(), scenario.rules.refused_seal_counts);
                    world.show(scenario, p, ask, head, shown, clock, &sealed)?;
                    to.push((format!("poller {p} seals, an answer is lost"), world));
                }
                world.show(scenario, p, ask, head, shown, clock, &sealed)?;
                to.push((format!("poller {p} seals"), world));
                // The call ends without an answer, and its writes arrive whenever they like.
                let mut late = self.clone();
                for seq in bits(to_seal) {
                    if !late.wire.contains(&Message::Seal {
                        epoch: head.epoch,
                        seq,
                    }) {
                        late.send(Message::Seal {
                            epoch: head.epoch,
                            seq,
                        });
                    }
                }
                late.pollers[p].reading = Reading::Not;
                to.push((format!("poller {p} is cut off while sealing"), late));
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
        let ask = self.ask(p);
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
                if let Some(to_seal) = world.read(scenario, p, ask, head, shown, clock)? {
                    world.pollers[p].reading = Reading::Sealing {
                        version,
                        shown,
                        clock,
                        to_seal,
                    };
                    to.push((label(), world));
                } else if outcomes.insert(world.pollers[p]) {
                    let news = world.pollers[p].seen & !before.pollers[p].seen;
                    if before.pollers[p].cursor.is_none() && bits(news).any(|seq| seq <= cleared) {
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

    /// Reads; holes to close are handed back, otherwise the page is shown.
    fn read(
        &mut self,
        scenario: &Scenario,
        p: usize,
        ask: Ask,
        head: SmallHead,
        shown: u8,
        clock: u64,
    ) -> Result<Option<u8>, Broken> {
        let (plan, run) = self.run(scenario, ask, head, shown);
        let first = page(
            &plan,
            &big(head),
            &limits(scenario),
            Millis(clock),
            &run,
            &Sealed::new(),
        );
        if first.to_seal.is_empty() || scenario.rules.cursor_passes_an_open_hole {
            self.show(scenario, p, ask, head, shown, clock, &Sealed::new())?;
            return Ok(None);
        }
        Ok(Some(
            first.to_seal.iter().fold(0, |mask, &seq| mask | bit(seq)),
        ))
    }

    fn run(&self, scenario: &Scenario, ask: Ask, head: SmallHead, shown: u8) -> (Plan, Run) {
        let plan = Plan::new(ask, &big(head), &limits(scenario), Millis(LATE));
        let items = self.items[usize::from(head.epoch)];
        let found = bits(shown).filter(|seq| (plan.lo..=plan.hi).contains(&u64::from(*seq)));
        let mut entries: BTreeMap<u64, Entry> = found
            .filter_map(|seq| match items[usize::from(seq)] {
                Item::Empty => None,
                Item::Delivery { writer, .. } => Some((
                    seq.into(),
                    Entry::Delivery(Millis(WRITER_CLOCK[usize::from(writer)])),
                )),
                Item::Tombstone => Some((seq.into(), Entry::Tombstone)),
            })
            .collect();
        // Two items fill a page, so that paging is explored too.
        let mut whole = true;
        while entries.len() > 2 {
            whole = false;
            if plan.newest_first() {
                entries.pop_first()
            } else {
                entries.pop_last()
            };
        }
        (plan, Run { entries, whole })
    }

    /// The page reaches its poller.
    #[allow(clippy::too_many_arguments, reason = "the parts of one reading")]
    fn show(
        &mut self,
        scenario: &Scenario,
        p: usize,
        ask: Ask,
        head: SmallHead,
        shown: u8,
        clock: u64,
        sealed: &Sealed,
    ) -> Result<(), Broken> {
        let (plan, run) = self.run(scenario, ask, head, shown);
        let mut page = page(
            &plan,
            &big(head),
            &limits(scenario),
            Millis(clock),
            &run,
            sealed,
        );
        if scenario.rules.cursor_passes_an_open_hole {
            page.to = run
                .entries
                .keys()
                .max()
                .map_or(page.to, |&seq| seq.max(page.to));
            page.cursor = page.cursor.max(page.to);
        }
        let was = self.pollers[p].cursor;
        let now = &mut self.pollers[p];
        if plan.restarted || was.is_none() {
            let current = self.heads.last().copied().flatten().map(|head| head.epoch);
            if was.is_some_and(|(epoch, _)| epoch > head.epoch || Some(epoch) == current) {
                return Err(FALSE_RESTART);
            }
            now.seen = 0;
            now.start = small(page.from);
        }
        let deliveries = run
            .entries
            .iter()
            .filter(|(_, entry)| matches!(entry, Entry::Delivery(_)));
        for (&seq, _) in deliveries.filter(|(seq, _)| (page.from..=page.to).contains(*seq)) {
            if now.seen >> seq != 0 {
                return Err(TWICE);
            }
            now.seen |= bit(seq);
        }
        if !plan.restarted && was.is_some_and(|(_, seq)| u64::from(seq) > page.cursor) {
            return Err("a cursor went back");
        }
        now.cursor = Some((head.epoch, small(page.cursor)));
        now.reading = Reading::Not;
        for &seq in &page.missing {
            self.told_missing[usize::from(head.epoch)] |= bit(seq);
        }
        Ok(())
    }
}

fn limits(scenario: &Scenario) -> Limits {
    Limits {
        max_deliveries: scenario.max_deliveries,
        ..Limits::default()
    }
}

fn big(head: SmallHead) -> Head {
    Head {
        epoch: head.epoch.into(),
        created_at: Millis(0),
        last_seq: head.last.into(),
        last_at: Millis(WRITER_CLOCK[usize::from(head.last_by)]),
        gone_at: Millis(u64::MAX),
        cleared_to: head.cleared.into(),
        expires_at_s: u64::MAX,
        marks: vec![],
        reply: ReplyWindow::default(),
    }
}

/// Goes through every world. The number of them; or what is broken, and the shortest way there.
fn explore(scenario: &Scenario) -> Result<usize, (Broken, Vec<String>)> {
    let key = |world: &World| {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        hasher.finish()
    };
    let first = World::new(scenario);
    let mut calm = HashSet::new();
    // A world is remembered by 64 bits of its hash: at a million worlds, two of one hash are unlikely by 10^-7.
    let mut came_from: HashMap<u64, (u64, String)> =
        HashMap::from([(key(&first), (0, String::new()))]);
    let mut queue = VecDeque::from([first]);
    let mut to = Vec::new();
    while let Some(world) = queue.pop_front() {
        let here = key(&world);
        let broken = world
            .check(scenario, &mut calm)
            .and_then(|()| world.next(scenario, &mut to))
            .err();
        if let Some(broken) = broken {
            let mut way = vec![];
            let mut at = here;
            while let Some((from, how)) = came_from.get(&at).filter(|(from, _)| *from != 0) {
                way.push(how.clone());
                at = *from;
            }
            way.reverse();
            return Err((broken, way));
        }
        for (how, next) in to.drain(..) {
            let there = key(&next);
            came_from.entry(there).or_insert_with(|| {
                queue.push_back(next);
                (here, how)
            });
        }
    }
    Ok(came_from.len())
}

const CALM: Scenario = Scenario {
    rules: Rules {
        cursor_passes_an_open_hole: false,
        hole_passed_without_a_seal: false,
        refused_seal_counts: false,
        seal_overwrites: false,
        nonce_dropped: false,
        record_overwrites: false,
        epoch_dropped: false,
        answers_before_recording: false,
        stale_head_may_restart: false,
        first_read_may_be_stale: false,
        clear_means_all_there_is_on_arrival: false,
        forget_means_whatever_is_there_on_arrival: false,
        forget_leaves_nothing: false,
    },
    requests: [1, 1],
    attempts: 1,
    pollers: &[First::Beginning],
    owner: &[],
    max_deliveries: 100,
};

fn holds(name: &str, scenario: Scenario) {
    match explore(&scenario) {
        Ok(worlds) => {
            println!("{name}: {worlds} worlds");
            assert!(worlds > 1000, "{name}: only {worlds} worlds");
        }
        Err((broken, way)) => panic!("{name}: {broken}, after:\n{}", way.join("\n")),
    }
}

fn breaks(expected: Broken, scenario: Scenario) {
    match explore(&scenario) {
        Ok(worlds) => panic!(
            "{expected:?} was not noticed in {worlds} worlds: {:?}",
            scenario.rules
        ),
        Err((broken, _)) => assert_eq!(broken, expected, "{:?}", scenario.rules),
    }
}

#[test]
fn two_writers_and_two_pollers() {
    holds(
        "two pollers",
        Scenario {
            pollers: &[First::Beginning, First::Newest],
            ..CALM
        },
    );
}

#[test]
fn lost_answers_and_late_copies() {
    holds(
        "retries",
        Scenario {
            attempts: 2,
            requests: [1, 0],
            ..CALM
        },
    );
}

#[test]
fn several_requests_and_pages() {
    holds(
        "three requests",
        Scenario {
            requests: [2, 1],
            ..CALM
        },
    );
}

#[test]
fn clear_among_writers() {
    holds(
        "clear",
        Scenario {
            owner: &[Deed::Clear],
            ..CALM
        },
    );
    holds(
        "clear, retried",
        Scenario {
            owner: &[Deed::Clear],
            requests: [1, 0],
            attempts: 2,
            ..CALM
        },
    );
    holds(
        "clear, newest",
        Scenario {
            owner: &[Deed::Clear],
            pollers: &[First::Newest],
            ..CALM
        },
    );
}

#[test]
fn forget_and_start_again_among_writers() {
    holds(
        "forget",
        Scenario {
            owner: &[Deed::Forget, Deed::Create],
            ..CALM
        },
    );
    holds(
        "forget, retried",
        Scenario {
            owner: &[Deed::Forget, Deed::Create],
            requests: [1, 0],
            attempts: 2,
            ..CALM
        },
    );
    holds(
        "forget, create and forget, retried",
        Scenario {
            owner: &[Deed::Forget, Deed::Create, Deed::Forget, Deed::Create],
            requests: [0, 0],
            attempts: 2,
            ..CALM
        },
    );
    holds(
        "expired and renewed",
        Scenario {
            owner: &[Deed::Renew],
            ..CALM
        },
    );
}

#[test]
fn a_log_that_keeps_only_the_newest() {
    holds(
        "newest one only",
        Scenario {
            max_deliveries: 1,
            ..CALM
        },
    );
}

#[test]
fn a_cursor_that_passes_an_open_hole_is_noticed() {
    let rules = Rules {
        cursor_passes_an_open_hole: true,
        ..Rules::default()
    };
    // The reader went on without them, so it never has all that was acknowledged.
    breaks(NEVER_CAUGHT_UP, Scenario { rules, ..CALM });
}

#[test]
fn a_hole_that_is_passed_without_a_seal_is_noticed() {
    let rules = Rules {
        hole_passed_without_a_seal: true,
        ..Rules::default()
    };
    breaks(FALSELY_MISSING, Scenario { rules, ..CALM });
}

#[test]
fn a_refused_seal_that_counts_is_noticed() {
    let rules = Rules {
        refused_seal_counts: true,
        ..Rules::default()
    };
    breaks(FALSELY_MISSING, Scenario { rules, ..CALM });
}

#[test]
fn a_seal_over_a_delivery_is_noticed() {
    let rules = Rules {
        seal_overwrites: true,
        ..Rules::default()
    };
    breaks(LOST, Scenario { rules, ..CALM });
}

#[test]
fn a_record_without_its_nonce_is_noticed() {
    let rules = Rules {
        nonce_dropped: true,
        ..Rules::default()
    };
    breaks(
        REFUSED,
        Scenario {
            rules,
            attempts: 2,
            requests: [1, 0],
            ..CALM
        },
    );
}

#[test]
fn a_record_over_a_tombstone_is_noticed() {
    let rules = Rules {
        record_overwrites: true,
        ..Rules::default()
    };
    breaks(FALSELY_MISSING, Scenario { rules, ..CALM });
}

#[test]
fn an_endpoint_without_its_epoch_is_noticed() {
    let rules = Rules {
        epoch_dropped: true,
        ..Rules::default()
    };
    let owner = &[Deed::Forget, Deed::Create];
    let broken = explore(&Scenario {
        rules,
        owner,
        ..CALM
    })
    .unwrap_err()
    .0;
    // What the old log left behind is in the way of the new one; whichever trouble is nearest is found first.
    assert!(
        [REFUSED, LOST, FALSELY_MISSING, "a cursor went back"].contains(&broken),
        "{broken}"
    );
}

#[test]
fn an_answer_before_the_record_is_noticed() {
    let rules = Rules {
        answers_before_recording: true,
        ..Rules::default()
    };
    breaks(LOST, Scenario { rules, ..CALM });
}

#[test]
fn a_restart_by_a_stale_head_is_noticed() {
    let rules = Rules {
        stale_head_may_restart: true,
        ..Rules::default()
    };
    breaks(
        FALSE_RESTART,
        Scenario {
            rules,
            owner: &[Deed::Forget, Deed::Create],
            ..CALM
        },
    );
}

#[test]
fn a_stale_first_read_is_noticed() {
    let rules = Rules {
        first_read_may_be_stale: true,
        ..Rules::default()
    };
    breaks(
        CAME_BACK,
        Scenario {
            rules,
            owner: &[Deed::Clear],
            ..CALM
        },
    );
}

#[test]
fn a_clear_that_is_not_tied_to_what_was_seen_is_noticed() {
    let rules = Rules {
        clear_means_all_there_is_on_arrival: true,
        ..Rules::default()
    };
    breaks(
        LOST,
        Scenario {
            rules,
            owner: &[Deed::Clear],
            ..CALM
        },
    );
}

#[test]
fn a_forget_that_is_not_tied_to_its_epoch_is_noticed() {
    let rules = Rules {
        forget_means_whatever_is_there_on_arrival: true,
        ..Rules::default()
    };
    breaks(
        GONE,
        Scenario {
            rules,
            attempts: 2,
            owner: &[Deed::Forget, Deed::Create],
            requests: [1, 0],
            ..CALM
        },
    );
}

#[test]
fn a_forget_that_leaves_nothing_is_noticed() {
    let rules = Rules {
        forget_leaves_nothing: true,
        ..Rules::default()
    };
    breaks(
        RISEN,
        Scenario {
            rules,
            attempts: 2,
            owner: &[Deed::Forget, Deed::Create, Deed::Forget],
            requests: [0, 0],
            ..CALM
        },
    );
}
