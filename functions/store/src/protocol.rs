//! The rules that keep the log complete, in order and free of duplicates. Pure: no SDK, no clock, no waiting.
//!
//! A writer takes a number from the endpoint's *head*, builds the response, records the delivery under that number, and
//! only then answers. A number can stay empty because its writer died or is slow. An empty number below the head's is a
//! *gap*. Readers stop at the first open gap, so each of them sees every delivery once, in order.
//!
//! **A gap is closed by a write, not by a clock.** When a gap looks abandoned, a reader puts a *tombstone* there on the
//! condition that the number is still empty. If the write succeeds, nothing can be recorded under that number any more, so
//! it is `missing` for good. If the condition fails, a delivery arrived after all: the page ends before it, and the next
//! page shows it. Clocks decide only how long a reader waits, so a wrong clock delays a reader or refuses a writer; it
//! never hides a delivery.
//!
//! **Which reads may be stale.** A query: a delivery that it leaves out looks like a gap, and no gap is passed without a
//! conditional write. A head only to say that nothing is new. To conclude that a cursor's log or an endpoint is gone, and
//! to show anything (which may have been cleared just now), the head is read consistently. Head and deliveries are read
//! one after the other and need not match: only numbers up to the head's are queried.
//!
//! **Clear and forget.** A request belongs to the log in which it was numbered. If it is numbered before a clear and
//! recorded after it, its sender gets the truth (it was recorded), and the owner, who cleared after it had arrived, does
//! not see it. After a forget, such a delivery is recorded in the old epoch, which nobody reads. Each is one write, on the
//! head. A forgotten head remains for a while, with another epoch, so that a late copy of the write that created it cannot
//! create it again.
//!
//! **The table's time.** A writer's clock may be wrong, so it moves nothing by itself. The head has the end of an interval
//! ([`Head::interval_end`]), which only grows, and expiry follows from that end and not from the writer's clock. A writer
//! who is behind it changes nothing; one who is past it renews the head ([`next`]) in a write that also checks it. An
//! endpoint exists until its head is gone from the table, which deletes it by time to live and so up to days late, or until
//! it is forgotten.
//!
//! **Deleted, or never recorded?** The table deletes expired items one by one, up to days late, in any order, and a number
//! whose delivery was deleted looks just like a gap. So the head keeps [`Watermark`]s, each of which says when all numbers
//! up to one are gone; a delivery's own time to live ends [a margin](RETENTION_MARGIN_S) later than that. Numbers are
//! *hidden* when both the reader's clock and the table's time have passed that moment, and an empty number that by either
//! may have been deleted is never called missing: it is *gone*. DynamoDB refuses calls whose signature is 15 minutes off, so
//! who can read there has a clock within the margin of the one that deletes; the local home writes what it is going to delete into
//! the head first ([`Head::deleted_to`]).
//!
//! What still needs a sane clock: the times that are shown; how long a delivery is kept that a writer ahead numbered; a reader
//! that is ahead by more than a delivery's time to live, after a writer that was too, hides what is recent as long as it is;
//! an endpoint that only clocks more than a week behind create and number, which expires by them; and a local home whose clock
//! is wrong for more than an hour deletes by it.

use std::collections::BTreeMap;

use delivery::{
    ReplyUse,
    cursor::Cursor,
    limits::Limits,
    millis::Millis,
    settings::{Expectation, Expected, Settings, Verified},
};

/// How long a gap stays open, by the reader's clock: longer than a receiver can take to record what it has numbered.
pub const GAP_OPEN_MS: u64 = 10_000;
/// Most gaps that one page closes; the next page closes more.
pub const MAX_CLOSED_GAPS: usize = 100;
/// So many of them at once.
pub const CLOSED_AT_ONCE: usize = 25;
/// How long deliveries stay in the table after they may be hidden, in seconds: more than clocks differ.
const RETENTION_MARGIN_S: u64 = 60 * 60;
/// A head gets this many watermarks within the time to live of a delivery, so it stays small…
const WATERMARKS_PER_TTL: u64 = 28;
/// …and at most one in this time, so that a time to live of seconds does not keep writers busy with them.
const MIN_WATERMARK_INTERVAL_MS: u64 = 500;
/// A delivery of the reader's future by more than this was recorded by a wrong clock, which tells nothing about a gap below.
const CLOCKS_DIFFER_MS: u64 = 60_000;
/// So many of an endpoint's newest numbers may still be recorded, whatever a clock says of their age: of those that are gone,
/// each gets a tombstone before a reader passes it.
const MAYBE_UNDER_WAY: u64 = 32;
/// An endpoint that used nothing for a while may use up this many seconds of its units at once. With the template's default
/// of 40 units a second: 120 webhooks, which is thirty devices with a burst of four each, Particle's most.
const QUOTA_BURST_S: u64 = 6;
/// The `until` of a reply that has no count.
pub const UNTIL_CHANGED: u64 = u64::MAX;

/// How long a record is tried, in milliseconds.
pub const RECORD_FOR_MS: u64 = 5000;

/// A receiver's writes, which are tried again in their own ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Takes a number. Throttled, it is not tried again: when a table is overloaded, each number that is given has to find
    /// room for its record too, so giving more of them only loses more of them.
    Number,
    /// Puts the record of a number, which is lost if this fails: tried as long as a sender waits.
    Record,
}

/// Milliseconds to wait before a failed write is tried again; `None` to give up. `attempts` were made since `elapsed_ms`
/// ago, and `random` spreads the writers that fail at the same time.
pub fn pause_before_retry(
    write: Write,
    throttled: bool,
    attempts: u32,
    elapsed_ms: u64,
    random: u64,
) -> Option<u64> {
    match write {
        Write::Number => (!throttled && attempts < 2).then_some(random % 50),
        Write::Record => {
            let pause = 25 + random % 100;
            (elapsed_ms + pause < RECORD_FOR_MS).then_some(pause)
        }
    }
}

/// The state of an endpoint: its numbers, and which part of its log is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Identifies the number sequence: 64 random bits, made when the endpoint was created.
    pub epoch: u64,
    /// By the clock of the API that created it.
    pub created_at: Millis,
    /// The highest number given; 0 before the first.
    pub last_seq: u64,
    /// When `last_seq` was given, by its writer's clock.
    pub last_at: Millis,
    /// Numbers up to and including this one were cleared.
    pub cleared_to: u64,
    /// Numbers up to and including this one may have been deleted, so that the empty ones are not called missing.
    pub deleted_to: u64,
    /// When the endpoint expires unless it is renewed, in whole seconds since 1970: the unit of DynamoDB's time to live.
    pub expires_at_s: u64,
    /// The end of the interval in which the endpoint was used last; 0 if it was forgotten.
    pub interval_end: Millis,
    /// Write units that were used since `used_from`.
    pub used: u64,
    pub used_from: Millis,
    /// Requests that were refused because the units were used up, as far as their receivers could say it.
    pub refused: u64,
    /// Oldest first.
    pub watermarks: Vec<Watermark>,
    /// Which deliveries get the reply that the owner set.
    pub reply: ReplyWindow,
    /// Who may call.
    pub access: Access,
}

/// Numbers up to and including `seq` are gone from `gone_at` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watermark {
    /// The highest number concerned.
    pub seq: u64,
    /// By the clock of the writer that took that number.
    pub gone_at: Millis,
}

/// The numbers that a set reply answers, and where it is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReplyWindow {
    /// Names the reply; fresh and random at each change, so that a late copy of an earlier change is recognised.
    pub key: u64,
    /// Its last number is [`UNTIL_CHANGED`] if the reply has no count, 0 if none is set.
    pub uses: Window,
}

/// Numbers in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first.
    pub from: u64,
    /// The last.
    pub until: u64,
}

impl Window {
    pub fn contains(&self, seq: u64) -> bool {
        (self.from..=self.until).contains(&seq)
    }

    /// Whether it has an end.
    pub fn is_counted(&self) -> bool {
        self.until != UNTIL_CHANGED
    }

    /// Which use of how many a delivery is; `None` if there is no count.
    pub fn use_of(&self, seq: u64) -> Option<ReplyUse> {
        if !self.contains(seq) || !self.is_counted() {
            return None;
        }
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Some(ReplyUse { n: small(seq - self.from + 1), of: small(self.until - self.from + 1) })
    }

    /// Uses left after the number `last_seq`; `None` if there is no count.
    pub fn times_left(&self, last_seq: u64) -> Option<u32> {
        let next = self.from.max(last_seq.saturating_add(1));
        self.is_counted().then(|| {
            u32::try_from(self.until.saturating_add(1).saturating_sub(next)).unwrap_or(u32::MAX)
        })
    }
}

/// What the owner set about who may call. It is in the head, so a webhook learns it from the write that numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// Random at each change, so that a late copy of an earlier change is recognised; 0 before the first.
    pub key: u64,
    /// Whether pages of other sites may read the answers.
    pub cors: bool,
    pub expect: Option<Expected>,
    /// Of these numbers, those without the expected credential are refused. It is a window and not a count of refusals,
    /// because counting them would take a write for each.
    pub refuse: Window,
}

impl Access {
    /// Whether a delivery is refused for its credential.
    pub fn refuses(&self, seq: u64, verified: Option<Verified>) -> bool {
        verified.is_some_and(|verified| verified != Verified::Ok) && self.refuse.contains(seq)
    }

    /// As its owner may see it, after the number `last_seq`.
    pub fn settings(&self, last_seq: u64) -> Settings {
        let Window { from, until } = self.refuse;
        let refuse = u32::try_from(until.saturating_add(1).saturating_sub(from));
        let expect = self.expect.map(|expected| Expectation {
            scheme: expected.scheme,
            refuse: refuse.unwrap_or(u32::MAX),
            refuse_left: self.refuse.times_left(last_seq).unwrap_or(u32::MAX),
        });
        Settings { cors: self.cors, expect }
    }
}

impl Head {
    /// The head of a new endpoint.
    pub fn new(epoch: u64, now: Millis, limits: &Limits) -> Self {
        let interval_end = now.plus_ms(interval_ms(limits));
        Head {
            epoch,
            created_at: now,
            last_seq: 0,
            last_at: now,
            cleared_to: 0,
            deleted_to: 0,
            expires_at_s: interval_end.plus_s(limits.endpoint_ttl_s).epoch_s_ceil(),
            interval_end,
            used: 0,
            used_from: now,
            refused: 0,
            watermarks: vec![],
            reply: ReplyWindow::default(),
            access: Access::default(),
        }
    }

    /// Whether the endpoint was forgotten. An earlier version said so by an expiry in the past.
    pub fn is_forgotten(&self) -> bool {
        self.interval_end.0 == 0 || self.expires_at_s.saturating_mul(1000) <= self.last_at.0
    }

    /// When all numbers up to `last_seq` are gone. A time that is not of the interval was a wrong clock's.
    fn gone_at(&self, limits: &Limits) -> Millis {
        let is_of_interval = self.last_at <= self.interval_end
            && self.interval_end.since(self.last_at) <= interval_ms(limits);
        let last = match is_of_interval {
            true => self.last_at,
            false => self.interval_end,
        };
        last.plus_s(limits.delivery_ttl_s)
    }

    /// The highest number that is gone at a time, by the watermarks.
    fn gone_to(&self, limits: &Limits, at: Millis) -> u64 {
        let all = Watermark { seq: self.last_seq, gone_at: self.gone_at(limits) };
        let gone = self.watermarks.iter().chain([&all]);
        let gone = gone.filter(|watermark| watermark.gone_at <= at);
        gone.map(|watermark| watermark.seq).max().unwrap_or(0)
    }

    /// The highest number whose delivery may have been deleted, as far as a clock at `now` and the table know.
    pub fn maybe_deleted_to(&self, limits: &Limits, now: Millis) -> u64 {
        self.deleted_to.max(self.gone_to(limits, now))
    }

    /// Whether the next number needs no more than to be counted; the condition of that write.
    pub fn takes_plain_number(&self, now: Millis, limits: &Limits) -> bool {
        self.interval_end > now && self.used < quota(limits)
    }
}

/// The lowest number that a log may still hold. Lower ones are gone: cleared, too old, or more than the log keeps.
pub fn first_seq(head: &Head, limits: &Limits, now: Millis) -> u64 {
    // A clock that is ahead hides nothing as long as the table has not seen its time.
    let too_old = head.gone_to(limits, now.min(head.interval_end));
    let too_many = head.last_seq.saturating_sub(limits.max_deliveries);
    head.cleared_to.max(too_old).max(too_many) + 1
}

/// Milliseconds of an interval, and so from one watermark to the next.
pub fn interval_ms(limits: &Limits) -> u64 {
    (limits.delivery_ttl_s.saturating_mul(1000) / WATERMARKS_PER_TTL).max(MIN_WATERMARK_INTERVAL_MS)
}

/// When the table may delete what was numbered in the interval that ends then, in seconds since 1970: a margin after it is
/// gone.
pub fn expires_at_s(interval_end: Millis, limits: &Limits) -> u64 {
    let gone = interval_end.plus_s(limits.delivery_ttl_s);
    gone.plus_s(RETENTION_MARGIN_S).epoch_s_ceil()
}

/// Units that an endpoint may use before a window must have passed.
pub fn quota(limits: &Limits) -> u64 {
    match limits.endpoint_units_per_s {
        0 => u64::MAX,
        per_s => u64::from(per_s) * QUOTA_BURST_S,
    }
}

/// What a receiver does when the next number is not plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The head has been renewed meanwhile: try the plain number again.
    Plain,
    /// Take the number in a write that renews the head, on condition that it is as it was.
    Renew(Renewal),
    /// The endpoint's units are used up.
    Refuse(Refusal),
    /// It was forgotten.
    NotFound,
}

/// What a renewal sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    pub watermarks: Vec<Watermark>,
    pub deleted_to: u64,
    pub interval_end: Millis,
    pub expires_at_s: u64,
    pub used: u64,
    pub used_from: Millis,
}

impl Renewal {
    /// The head as it is then, but for the number.
    pub fn apply(self, head: &mut Head) {
        head.watermarks = self.watermarks;
        head.deleted_to = self.deleted_to;
        head.interval_end = self.interval_end;
        head.expires_at_s = self.expires_at_s;
        head.used = self.used;
        head.used_from = self.used_from;
    }
}

/// Until when an endpoint's units are used up, by the clock of who found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub since: Millis,
    pub until: Millis,
}

impl Refusal {
    /// Whether it is still so. A clock that was set back does not make it longer.
    pub fn applies(&self, now: Millis) -> bool {
        (self.since..self.until).contains(&now)
    }
}

/// What comes next for a webhook of so many units, given the head.
pub fn next(head: &Head, units: u64, now: Millis, limits: &Limits) -> Next {
    if head.is_forgotten() {
        return Next::NotFound;
    }
    if head.takes_plain_number(now, limits) {
        return Next::Plain;
    }
    let is_used_up = head.used >= quota(limits);
    if is_used_up {
        let per_s = u64::from(limits.endpoint_units_per_s).max(1);
        let window_ms = head.used.saturating_mul(1000) / per_s;
        // A wrong clock gives too much and never too little.
        let passed = now.0.abs_diff(head.used_from.0);
        if passed < window_ms {
            let until = now.plus_ms(window_ms - passed);
            return Next::Refuse(Refusal { since: now, until });
        }
    }
    let (used, used_from) = match is_used_up {
        true => (units, now),
        false => (head.used.saturating_add(units), head.used_from),
    };
    let mut renewal = Renewal {
        watermarks: head.watermarks.clone(),
        deleted_to: head.deleted_to,
        interval_end: head.interval_end,
        expires_at_s: head.expires_at_s,
        used,
        used_from,
    };
    if head.interval_end <= now {
        let interval_end = now.plus_ms(interval_ms(limits));
        let expires = interval_end.plus_s(limits.endpoint_ttl_s).epoch_s_ceil();
        (renewal.watermarks, renewal.deleted_to) = next_watermarks(head, now, limits);
        renewal.interval_end = interval_end;
        renewal.expires_at_s = head.expires_at_s.max(expires);
    }
    Next::Renew(renewal)
}

/// A head's watermarks with a new one for its last number, made before the next number is given, and up to where its numbers
/// may have been deleted.
fn next_watermarks(head: &Head, now: Millis, limits: &Limits) -> (Vec<Watermark>, u64) {
    // Of the watermarks that have passed, only the highest is still needed. "Passed" means by every clock and not by this
    // writer's alone, or a reader whose clock is behind would hide neither that one nor those below it.
    let seen = now.min(head.interval_end);
    let has_passed = |watermark: &Watermark| watermark.gone_at.plus_s(RETENTION_MARGIN_S) <= seen;
    let passed = head.watermarks.iter().filter(|watermark| has_passed(watermark));
    let passed = passed.max_by_key(|watermark| watermark.seq).copied();
    let mut watermarks = head.watermarks.clone();
    watermarks.retain(|watermark| !has_passed(watermark) || Some(*watermark) == passed);
    watermarks.push(Watermark { seq: head.last_seq, gone_at: head.gone_at(limits) });
    let deleted_to = passed.map_or(0, |watermark| watermark.seq);
    (watermarks, head.deleted_to.max(deleted_to))
}

/// The expiry of a forgotten head, in seconds since 1970: past, and less than the five years after which DynamoDB no longer
/// deletes by time to live
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html>).
pub fn tombstone_expires_at_s(now: Millis) -> u64 {
    (now.0 / 1000).saturating_sub(30 * 24 * 60 * 60)
}

/// Which part of the log a reader requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadRequest {
    /// From the beginning.
    First,
    /// Deliveries after the cursor.
    After(Cursor),
    /// The newest.
    Last,
    /// Deliveries before the cursor, newest first.
    Before(Cursor),
}

impl ReadRequest {
    /// The cursor it continues from.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            ReadRequest::After(cursor) | ReadRequest::Before(cursor) => Some(*cursor),
            ReadRequest::First | ReadRequest::Last => None,
        }
    }

    /// Whether a head that may be stale is enough to answer by: only that nothing came after the cursor.
    pub fn accepts_stale_head(&self, head: &Head, limits: &Limits, now: Millis) -> bool {
        matches!(self, ReadRequest::After(cursor) if head.epoch == cursor.epoch)
            && !head.is_forgotten()
            && Plan::new(*self, head, limits, now).is_empty()
    }
}

/// What to query for a [`ReadRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The request, or [`ReadRequest::First`] if its cursor belongs to another log.
    pub request: ReadRequest,
    /// Whether its cursor belongs to another log.
    pub restarted: bool,
    /// See [`first_seq`].
    pub first_seq: u64,
    /// Empty numbers up to this one are gone and not missing.
    pub gone_to: u64,
    /// The numbers to query. Nothing, if `lo` is above `hi`.
    pub lo: u64,
    /// See `lo`. For [`ReadRequest::Before`] the cursor's own number is among them: it tells how old the one below it is.
    pub hi: u64,
}

impl Plan {
    /// What to query, given the head.
    pub fn new(request: ReadRequest, head: &Head, limits: &Limits, now: Millis) -> Self {
        let restarted = request.cursor().is_some_and(|c| c.epoch != head.epoch);
        let request = if restarted { ReadRequest::First } else { request };
        let first_seq = first_seq(head, limits, now);
        let (lo, hi) = match request {
            ReadRequest::First | ReadRequest::Last => (first_seq, head.last_seq),
            ReadRequest::After(cursor) => {
                (first_seq.max(cursor.seq.saturating_add(1)), head.last_seq)
            }
            ReadRequest::Before(cursor) => (first_seq, head.last_seq.min(cursor.seq)),
        };
        Plan { request, restarted, first_seq, gone_to: head.maybe_deleted_to(limits, now), lo, hi }
    }

    /// Whether there is nothing to query for.
    pub fn is_empty(&self) -> bool {
        self.lo > self.hi
            || matches!(self.request, ReadRequest::Before(cursor) if self.lo >= cursor.seq)
    }

    /// Whether to query from the high end.
    pub fn newest_first(&self) -> bool {
        matches!(self.request, ReadRequest::Last | ReadRequest::Before(_))
    }
}

/// The item under a number, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A delivery, and when it was received.
    Delivery(Millis),
    /// Proof that nothing will ever be there, and never was.
    Tombstone,
    /// Proof that nothing will ever be there; what was there may have been deleted.
    Gone,
    /// An item that can't be read.
    Unreadable,
}

/// The result of a query. Numbers without an entry had no item when it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueriedRange {
    /// By number.
    pub entries: BTreeMap<u64, Entry>,
    /// Whether the query covered all of `lo..=hi`; if not, it ended with the entry furthest from where it began.
    pub complete: bool,
}

/// The outcome of closing gaps, by number: `true` if the tombstone was written, `false` if an item was there or the write
/// failed, which ends the page before that number.
pub type ClosedGaps = BTreeMap<u64, bool>;

/// Which part of a queried range to show, and where the reader continues.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// The first number that this page accounts for. It shows the deliveries from here…
    pub from: u64,
    /// …to here; nothing, if this is below `from`.
    pub to: u64,
    /// Numbers among them under which nothing was acknowledged, and never will be.
    pub missing: Vec<u64>,
    /// Everything up to this number is shown, missing or gone.
    pub cursor: u64,
    /// Numbers among them that may have been deleted, or never recorded; those below the first that is shown are not listed.
    pub gone: Vec<u64>,
    /// The number `before` which older deliveries continue; only in a page that was read from the newest end.
    pub older: Option<u64>,
    /// The lowest number that the log may still hold.
    pub first_seq: u64,
    /// The highest number given.
    pub last_seq: u64,
    /// Gaps that look abandoned. The caller closes them and makes the page again with the outcome.
    pub to_close: Vec<u64>,
}

/// Makes the page for a queried range.
pub fn page(
    plan: &Plan,
    head: &Head,
    now: Millis,
    range: &QueriedRange,
    closed: &ClosedGaps,
) -> Page {
    let first_seq = plan.first_seq;
    let lowest = *range.entries.first_key_value().map_or(&plan.lo, |(seq, _)| seq);
    let highest = *range.entries.last_key_value().map_or(&plan.hi, |(seq, _)| seq);
    let (lo, hi) = match (range.complete, plan.newest_first()) {
        (true, _) => (plan.lo, plan.hi),
        (false, false) => (plan.lo, highest),
        (false, true) => (lowest, plan.hi),
    };
    let lo = lo.max(first_seq);
    let last_seq = head.last_seq.max(plan.request.cursor().map_or(0, |c| c.seq));
    let gaps = Gaps { head, gone_to: plan.gone_to, now, range };
    let seen = |from, to, cursor, older, mut found: Scan| {
        // What is gone at the beginning of a log, or from where a reader was, is below its beginning.
        let begin = if plan.newest_first() { first_seq } else { lo };
        let leading = found.gone.iter().zip(begin..);
        let leading = leading.take_while(|(gone, seq)| **gone == *seq).count();
        found.gone.drain(..leading);
        let first_seq = match leading {
            0 => first_seq,
            some => begin + some as u64,
        };
        Page {
            from,
            to,
            missing: found.missing,
            gone: found.gone,
            cursor,
            older,
            first_seq,
            last_seq,
            to_close: found.to_close,
        }
    };
    if let ReadRequest::Before(cursor) = plan.request {
        let top = cursor.seq.saturating_sub(1).min(hi);
        let mut found = gaps.scan((lo..=top).rev(), closed);
        found.missing.reverse();
        found.gone.reverse();
        let from = found.stopped_at.map_or(lo, |open| open + 1);
        let older = (from > first_seq).then_some(from.min(cursor.seq));
        return seen(from, top, top, older, found);
    }
    let found = gaps.scan(lo..=hi, closed);
    let to = found.stopped_at.map_or(hi, |open| open - 1);
    let behind = match plan.request {
        ReadRequest::After(cursor) => cursor.seq.max(first_seq - 1),
        _ => lo - 1,
    };
    let older = (plan.request == ReadRequest::Last && lo > first_seq).then_some(lo);
    seen(lo, to, behind.max(to), older, found)
}

/// Tells open gaps from abandoned ones.
struct Gaps<'a> {
    head: &'a Head,
    /// See [`Plan`].
    gone_to: u64,
    now: Millis,
    range: &'a QueriedRange,
}

/// The result of a scan over numbers, up to where it stopped.
#[derive(Default)]
struct Scan {
    missing: Vec<u64>,
    gone: Vec<u64>,
    stopped_at: Option<u64>,
    to_close: Vec<u64>,
}

impl Gaps<'_> {
    fn scan(&self, numbers: impl Iterator<Item = u64>, closed: &ClosedGaps) -> Scan {
        let mut found = Scan::default();
        for seq in numbers {
            let is_gone = seq <= self.gone_to;
            let is_over = match (self.range.entries.get(&seq), closed.get(&seq)) {
                (Some(Entry::Delivery(_) | Entry::Unreadable), _) => continue,
                (Some(Entry::Tombstone | Entry::Gone), _) | (None, Some(true)) => true,
                (None, Some(false)) => false,
                (None, None) if is_gone && seq + MAYBE_UNDER_WAY <= self.head.last_seq => true,
                (None, None) if !self.abandoned(seq) => false,
                (None, None) => {
                    // Looks further, so that one page closes many; but nothing from here on is shown yet.
                    found.to_close.push(seq);
                    found.stopped_at.get_or_insert(seq);
                    if found.to_close.len() == MAX_CLOSED_GAPS {
                        break;
                    }
                    continue;
                }
            };
            let says_gone = self.range.entries.get(&seq) == Some(&Entry::Gone);
            let never_was = self.range.entries.get(&seq) == Some(&Entry::Tombstone);
            match (is_over, found.stopped_at) {
                (true, None) if says_gone || is_gone && !never_was => found.gone.push(seq),
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

    /// Whether the next higher number was given so long ago that this number's writer must have given up.
    fn abandoned(&self, seq: u64) -> bool {
        let above = self.range.entries.range(seq + 1..);
        let next = above.filter_map(|(_, entry)| match entry {
            Entry::Delivery(at) => Some(Some(*at)),
            // Another reader has found a higher number abandoned already.
            Entry::Tombstone | Entry::Gone => Some(None),
            // Its time can't be read; the one above it came later still.
            Entry::Unreadable => None,
        });
        let is_old =
            |at: Millis| self.now.since(at) >= GAP_OPEN_MS || at.since(self.now) > CLOCKS_DIFFER_MS;
        match next.into_iter().next() {
            Some(Some(at)) => is_old(at),
            Some(None) => true,
            None => is_old(self.head.last_at),
        }
    }
}
