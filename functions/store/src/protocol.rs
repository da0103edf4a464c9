//! The rules by which nothing is lost, nothing comes twice and nothing is out of order. Pure: no SDK, no clock, no waiting.
//!
//! A writer takes a number from the endpoint's *head*, builds the response, records the delivery under that number, and
//! only then answers. A number can stay empty: its writer may have died, or be slow. An empty number that was given is a
//! *hole*. Readers go up to the first open hole and stop there, so each of them sees every delivery once, in order.
//!
//! **A hole is closed by a write, not by a clock.** When it looks abandoned a reader puts a *tombstone* there, under the
//! condition that the number is still empty. If it goes in, nothing can be recorded under that number any more, so it is
//! `missing` for good. If it does not, there is a delivery after all: stop, and read it next time. Clocks decide only how
//! long a reader waits, so clocks that are wrong by any amount delay a reader or refuse a writer, and hide nothing.
//!
//! **Which reads may be stale.** All that a poll makes: a delivery that a stale read leaves out looks like a hole, and no
//! hole is passed without a write that must succeed; a stale head only ends the page earlier. Two things must not be
//! believed of a stale head: that a cursor's log is gone, and that an endpoint is. Then, and when there is no cursor to
//! compare with (so that what was just cleared does not come back), the head is read consistently. Head and deliveries
//! are read one after the other and need not fit together: only numbers up to the head's are asked for.
//!
//! **What is cleared or forgotten.** A request belongs to the log in which it was numbered. Numbered before a clear and
//! recorded after it: its sender is told the truth (it was recorded) and the owner, who cleared after it had arrived, does
//! not see it. Likewise with forget: the delivery goes to the number line that it was numbered in, which nobody reads.
//! Both are decided by one write, on the head. A forgotten head stays for a while, expired and with another epoch, so that
//! a late copy of the write that made it does not make it again.
//!
//! **What is too old.** DynamoDB deletes expired items one by one, up to days late, in any order; a number whose delivery
//! was deleted looks just like a hole. So the items never decide: the head keeps [`Mark`]s, which say up to which number
//! everything is gone at which time, and a delivery's own time to live ends later than that. Whatever is at or above
//! [`first_seq`] and empty was therefore never recorded, or is being recorded now.

use std::collections::BTreeMap;

use delivery::{ReplyUse, cursor::Cursor, limits::Limits, millis::Millis};

/// How long a hole stays open, by the reader's clock: longer than a receiver can take to record what it has numbered.
pub const HOLE_OPEN_MS: u64 = 10_000;
/// Most holes that one page closes; what is left is for the next one.
pub const MAX_SEALED: usize = 100;
/// How much longer than they are shown deliveries are kept, in seconds: more than clocks differ.
const KEPT_LONGER_S: u64 = 60 * 60;
/// A head is marked this often within the life of a delivery, so its marks stay few…
const MARKS_A_LIFE: u64 = 28;
/// …and no more often than this where a life is a matter of seconds, or writers would do little else.
const LEAST_MARK_MS: u64 = 500;
/// The `until` of a reply that has no count.
pub const UNTIL_CHANGED: u64 = u64::MAX;

/// The state of an endpoint: where its numbers stand and what of its log is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Which number line: 64 random bits, made when the endpoint was created.
    pub epoch: u64,
    /// When it was created.
    pub created_at: Millis,
    /// The highest number given; 0 before the first.
    pub last_seq: u64,
    /// When that was, by its writer's clock.
    pub last_at: Millis,
    /// When the delivery of that number is gone.
    pub gone_at: Millis,
    /// Numbers up to this one were cleared.
    pub cleared_to: u64,
    /// When the endpoint goes, in whole seconds since the epoch: the unit of DynamoDB's time to live.
    pub expires_at_s: u64,
    /// What is gone when, in the order of their making.
    pub marks: Vec<Mark>,
    /// Which deliveries are answered by a set reply.
    pub reply: ReplyWindow,
}

/// "Numbers up to `seq` are gone at `gone_at`."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The last number that it speaks of.
    pub seq: u64,
    /// From when on.
    pub gone_at: Millis,
}

/// The numbers that a set reply answers, and where it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReplyWindow {
    /// Names the reply; fresh and random at each change, so that a late copy of an earlier change is recognised.
    pub key: u64,
    /// The first number.
    pub from: u64,
    /// The last number; [`UNTIL_CHANGED`] if the reply has no count, 0 if none is set.
    pub until: u64,
}

impl ReplyWindow {
    /// Whether the delivery with this number gets the set reply.
    pub fn holds(&self, seq: u64) -> bool {
        (self.from..=self.until).contains(&seq)
    }

    /// Which use of how many a delivery is; `None` if the reply has no count.
    pub fn use_of(&self, seq: u64) -> Option<ReplyUse> {
        if !self.holds(seq) || self.until == UNTIL_CHANGED {
            return None;
        }
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Some(ReplyUse {
            n: small(seq - self.from + 1),
            of: small(self.until - self.from + 1),
        })
    }

    /// Uses left after the number `last_seq`; `None` if the reply has no count.
    pub fn times_left(&self, last_seq: u64) -> Option<u32> {
        let next = self.from.max(last_seq.saturating_add(1));
        (self.until != UNTIL_CHANGED).then(|| {
            u32::try_from(self.until.saturating_add(1).saturating_sub(next)).unwrap_or(u32::MAX)
        })
    }
}

impl Head {
    /// Whether the endpoint is expired; then it is as if it did not exist, whether or not its bytes are still there.
    pub fn expired(&self, now: Millis) -> bool {
        self.expires_at_s.saturating_mul(1000) <= now.0
    }
}

/// The lowest number that a log may still hold. Lower ones are gone: cleared, too old, or more than the log keeps.
pub fn first_seq(head: &Head, limits: &Limits, now: Millis) -> u64 {
    let all = Mark {
        seq: head.last_seq,
        gone_at: head.gone_at,
    };
    let too_old = head.marks.iter().chain([&all]);
    let too_old = too_old.filter(|mark| mark.gone_at <= now);
    let too_old = too_old.map(|mark| mark.seq).max().unwrap_or(0);
    let too_many = head.last_seq.saturating_sub(limits.max_deliveries);
    head.cleared_to.max(too_old).max(too_many) + 1
}

/// How long after a mark the next one is due.
pub fn mark_every_ms(limits: &Limits) -> u64 {
    (limits.delivery_ttl_s.saturating_mul(1000) / MARKS_A_LIFE).max(LEAST_MARK_MS)
}

/// When DynamoDB may delete what arrived at a time: later than the last mark that speaks of it comes due.
pub fn expires_at_s(received_at: Millis, limits: &Limits) -> u64 {
    let shown = received_at
        .plus_s(limits.delivery_ttl_s)
        .plus_ms(mark_every_ms(limits));
    shown.plus_s(KEPT_LONGER_S).epoch_s_ceil()
}

/// The marks of a head when a new one is made, before a number is given that would cover up how old the last one is.
pub fn marked(head: &Head, now: Millis) -> Vec<Mark> {
    // Of the marks whose time has come, the highest says it all; but come by everybody's clock, not by this writer's alone,
    // or a reader whose clock is behind would find neither that one nor those below it.
    let has_come = |mark: &Mark| mark.gone_at.plus_s(KEPT_LONGER_S) <= now;
    let come = head.marks.iter().filter(|mark| has_come(mark));
    let come = come.max_by_key(|mark| mark.seq).copied();
    let mut marks = head.marks.clone();
    marks.retain(|mark| !has_come(mark) || Some(*mark) == come);
    marks.push(Mark {
        seq: head.last_seq,
        gone_at: head.gone_at,
    });
    marks
}

/// When a forgotten head expired: long enough ago for every clock, and not the five years after which DynamoDB does not
/// delete by time to live any more
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html>).
pub fn buried_at_s(now: Millis) -> u64 {
    (now.0 / 1000).saturating_sub(30 * 24 * 60 * 60)
}

/// What a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadRequest {
    /// From the beginning.
    First,
    /// What came since.
    After(Cursor),
    /// The newest.
    Last,
    /// What is older.
    Before(Cursor),
}

impl ReadRequest {
    /// The cursor it goes on from.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            ReadRequest::After(cursor) | ReadRequest::Before(cursor) => Some(*cursor),
            ReadRequest::First | ReadRequest::Last => None,
        }
    }

    /// Whether a head that may be stale is enough to answer by: only if it belongs to the log of the cursor.
    pub fn may_use_stale(&self, head: Option<&Head>, now: Millis) -> bool {
        match (self, head) {
            (ReadRequest::After(cursor), Some(head)) => {
                head.epoch == cursor.epoch && !head.expired(now)
            }
            _ => false,
        }
    }
}

/// What to query for an [`ReadRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The ask, which is [`ReadRequest::First`] if its cursor was into another log.
    pub ask: ReadRequest,
    /// Whether it was.
    pub restarted: bool,
    /// See [`first_seq`].
    pub first_seq: u64,
    /// The numbers to query. Nothing, if `lo` is above `hi`.
    pub lo: u64,
    /// See `lo`. For [`ReadRequest::Before`] the cursor's own number is among them: it tells how old the one below it is.
    pub hi: u64,
}

impl Plan {
    /// What to query, given the head.
    pub fn new(ask: ReadRequest, head: &Head, limits: &Limits, now: Millis) -> Self {
        let restarted = ask.cursor().is_some_and(|c| c.epoch != head.epoch);
        let ask = if restarted { ReadRequest::First } else { ask };
        let first_seq = first_seq(head, limits, now);
        let (lo, hi) = match ask {
            ReadRequest::First | ReadRequest::Last => (first_seq, head.last_seq),
            ReadRequest::After(cursor) => {
                (first_seq.max(cursor.seq.saturating_add(1)), head.last_seq)
            }
            ReadRequest::Before(cursor) => (first_seq, head.last_seq.min(cursor.seq)),
        };
        Plan {
            ask,
            restarted,
            first_seq,
            lo,
            hi,
        }
    }

    /// Whether there is nothing to query for.
    pub fn is_empty(&self) -> bool {
        self.lo > self.hi
            || matches!(self.ask, ReadRequest::Before(cursor) if self.lo >= cursor.seq)
    }

    /// Whether to query from the high end.
    pub fn newest_first(&self) -> bool {
        matches!(self.ask, ReadRequest::Last | ReadRequest::Before(_))
    }
}

/// What lies under a number, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A delivery, and when it came.
    Delivery(Millis),
    /// Proof that nothing will ever be there.
    Tombstone,
    /// Something that can't be read.
    Unreadable,
}

/// What a query found: numbers without an entry were not there when it looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Run {
    /// What is where.
    pub entries: BTreeMap<u64, Entry>,
    /// Whether the query went through all of `lo..=hi`; if not, it ended with the entry furthest from where it began.
    pub whole: bool,
}

/// What came of trying to close holes: `true` if the tombstone went in, `false` if there was something after all.
pub type Sealed = BTreeMap<u64, bool>;

/// What to show of a run, and where the reader goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// The first number that this page accounts for. It shows the deliveries from here…
    pub from: u64,
    /// …to here; nothing, if this is below `from`.
    pub to: u64,
    /// Numbers among them under which nothing was acknowledged, and never will be.
    pub missing: Vec<u64>,
    /// Everything up to here is accounted for.
    pub cursor: u64,
    /// Where older ones are read `before`; only from a page that was read from the newest end.
    pub older: Option<u64>,
    /// The lowest number that the log may still hold.
    pub first_seq: u64,
    /// The highest number given.
    pub last_seq: u64,
    /// Holes that look abandoned. To be closed, and the page to be made again with what came of it.
    pub to_seal: Vec<u64>,
}

/// Makes the page of a run.
pub fn page(
    plan: &Plan,
    head: &Head,
    limits: &Limits,
    now: Millis,
    run: &Run,
    sealed: &Sealed,
) -> Page {
    // Whatever is below a delivery that is too old is too old itself. (Never the other way round: a clock that was a
    // minute ahead must not hide its neighbours.)
    let ttl_ms = limits.delivery_ttl_s.saturating_mul(1000);
    let received = run.entries.iter().filter_map(|(seq, entry)| match entry {
        Entry::Delivery(at) => Some((seq, at)),
        Entry::Tombstone | Entry::Unreadable => None,
    });
    let too_old = received.take_while(|(_, at)| at.plus_ms(ttl_ms) <= now);
    let first_seq = too_old.last().map_or(plan.first_seq, |(seq, _)| seq + 1);

    let lowest = *run
        .entries
        .first_key_value()
        .map_or(&plan.lo, |(seq, _)| seq);
    let highest = *run
        .entries
        .last_key_value()
        .map_or(&plan.hi, |(seq, _)| seq);
    let (lo, hi) = match (run.whole, plan.newest_first()) {
        (true, _) => (plan.lo, plan.hi),
        (false, false) => (plan.lo, highest),
        (false, true) => (lowest, plan.hi),
    };
    let lo = lo.max(first_seq);
    let last_seq = head.last_seq.max(plan.ask.cursor().map_or(0, |c| c.seq));
    let holes = Holes { head, now, run };
    let seen = |from, to, cursor, older, found: Walk| Page {
        from,
        to,
        missing: found.missing,
        cursor,
        older,
        first_seq,
        last_seq,
        to_seal: found.to_seal,
    };
    if let ReadRequest::Before(cursor) = plan.ask {
        let top = cursor.seq.saturating_sub(1).min(hi);
        let mut found = holes.walk((lo..=top).rev(), sealed);
        found.missing.reverse();
        let from = found.stopped_at.map_or(lo, |open| open + 1);
        let older = (from > first_seq).then_some(from.min(cursor.seq));
        return seen(from, top, top, older, found);
    }
    let found = holes.walk(lo..=hi, sealed);
    let to = found.stopped_at.map_or(hi, |open| open - 1);
    let behind = match plan.ask {
        ReadRequest::After(cursor) => cursor.seq.max(first_seq - 1),
        _ => lo - 1,
    };
    let older = (plan.ask == ReadRequest::Last && lo > first_seq).then_some(lo);
    seen(lo, to, behind.max(to), older, found)
}

/// What is needed to tell an open hole from an abandoned one.
struct Holes<'a> {
    head: &'a Head,
    now: Millis,
    run: &'a Run,
}

/// What a walk over numbers found until it stopped.
#[derive(Default)]
struct Walk {
    missing: Vec<u64>,
    stopped_at: Option<u64>,
    to_seal: Vec<u64>,
}

impl Holes<'_> {
    fn walk(&self, numbers: impl Iterator<Item = u64>, sealed: &Sealed) -> Walk {
        let mut found = Walk::default();
        for seq in numbers {
            let is_missing = match (self.run.entries.get(&seq), sealed.get(&seq)) {
                (Some(Entry::Delivery(_) | Entry::Unreadable), _) => continue,
                (Some(Entry::Tombstone), _) | (None, Some(true)) => true,
                (None, Some(false)) => false,
                (None, None) if !self.abandoned(seq) => false,
                (None, None) => {
                    // Looks further, so that one page closes many; but nothing from here on is shown yet.
                    found.to_seal.push(seq);
                    found.stopped_at.get_or_insert(seq);
                    if found.to_seal.len() == MAX_SEALED {
                        break;
                    }
                    continue;
                }
            };
            match (is_missing, found.stopped_at) {
                (true, None) => found.missing.push(seq),
                (true, Some(_)) => {}
                (false, _) => {
                    found.stopped_at.get_or_insert(seq);
                    break;
                }
            }
        }
        found
    }

    /// Whether the next higher number was given so long ago that the writer of this one must have given up.
    fn abandoned(&self, seq: u64) -> bool {
        let above = self.run.entries.range(seq + 1..);
        let next = above.filter_map(|(_, entry)| match entry {
            Entry::Delivery(at) => Some(Some(*at)),
            // Somebody has found a higher number abandoned already.
            Entry::Tombstone => Some(None),
            // Its time can't be read; the one above it came later still.
            Entry::Unreadable => None,
        });
        match next.into_iter().next() {
            Some(Some(at)) => self.now.since(at) >= HOLE_OPEN_MS,
            Some(None) => true,
            None => self.now.since(self.head.last_at) >= HOLE_OPEN_MS,
        }
    }
}
