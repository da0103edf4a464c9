//! A table that is overloaded, in virtual time and from a seed: sixty receivers and the pages' polls, by the product's own rules.
//!
//! How DynamoDB's token bucket treats a write that is larger than what is left is not published, so there are two tables: a
//! *kind* one, where a write passes while any unit is left, and a *strict* one, where all its units must be. What is not
//! modelled: how long functions take to start, and reads of large pages. `cargo test -p store --test overload -- --nocapture`
//! prints the figures of infra/aws/README.md.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test: it fails loudly and prints figures"
)]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use delivery::{
    cursor::Cursor,
    key::{Endpoint, OwnerKey},
    limits::Limits,
    millis::Millis,
};
use fastrand::Rng;
use store::{
    names::Names,
    protocol::{
        CLOSED_AT_ONCE, ClosedGaps, Entry, Head, Next, Plan, QueriedRange, ReadRequest, Write,
        next, page, pause_before_retry,
    },
};

const SEED: u64 = 16;
/// Units a second, and as many saved up: the template's default ceilings.
const WRITE_UNITS: f64 = 200.0;
const READ_UNITS: f64 = 1000.0;
/// The template's default for one endpoint.
const ENDPOINT_UNITS: u32 = 40;
const INSTANCES: usize = 60;
const FLOOD_MS: u64 = 20_000;
/// One call of the table.
const CALL_MS: u64 = 8;
const POLL_MS: u64 = 500;
const BEGIN: Millis = Millis(1_800_000_000_000);

struct Bucket {
    per_s: f64,
    strict: bool,
    left: f64,
    at: u64,
}

impl Bucket {
    fn new(per_s: f64, strict: bool) -> Self {
        Bucket { per_s, strict, left: per_s, at: 0 }
    }
    fn take(&mut self, at: u64, units: f64) -> bool {
        let saved = self.left + (at - self.at) as f64 * self.per_s / 1000.0;
        (self.left, self.at) = (saved.min(self.per_s), at);
        let passes = if self.strict { self.left >= units } else { self.left > 0.0 };
        self.left -= if passes { units } else { 0.0 };
        passes
    }
}

/// What is sent: so many webhooks a second, of so many units, to so many endpoints from `first` on.
#[derive(Clone, Copy)]
struct Stream {
    per_s: f64,
    units: u64,
    first: usize,
    endpoints: usize,
    exist: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Webhook {
    stream: usize,
    endpoint: usize,
    instance: usize,
    seq: u64,
    attempts: u32,
    since: u64,
}

impl Webhook {
    /// When a throttled write is tried again, if it is.
    fn again(&mut self, write: Write, at: u64, random: u64) -> Option<u64> {
        self.attempts += 1;
        let pause = pause_before_retry(write, true, self.attempts, at - self.since, random);
        pause.map(|pause| at + pause)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Number(Webhook),
    Record(Webhook),
    Poll(usize),
}

/// What is going to happen. Within a millisecond the order is random, so that no kind of event is always the first.
struct Agenda {
    rng: Rng,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
}

impl Agenda {
    fn push(&mut self, at: u64, event: Event) {
        self.events.push(Reverse((at, self.rng.u64(..), event)));
    }
}

struct Log {
    head: Head,
    items: BTreeMap<u64, Entry>,
    cursor: u64,
    complete_at: u64,
}

#[derive(Default)]
struct Outcome {
    /// Sent and acknowledged during the flood, by stream.
    streams: Vec<[u64; 2]>,
    failed_polls: u64,
    complete_after_ms: u64,
}

impl Outcome {
    /// Sent and acknowledged in a second.
    fn rates(&self, stream: usize) -> [f64; 2] {
        self.streams[stream].map(|n| n as f64 * 1000.0 / FLOOD_MS as f64)
    }
}

fn name(endpoint: usize) -> Endpoint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&endpoint.to_le_bytes());
    OwnerKey::from_bytes(&bytes).share_key().endpoint()
}

fn run(strict: bool, streams: &[Stream]) -> Outcome {
    let limits = Limits { endpoint_units_per_s: ENDPOINT_UNITS, ..Limits::default() };
    let mut rng = Rng::with_seed(SEED);
    let mut agenda = Agenda { rng: rng.fork(), events: BinaryHeap::new() };
    let mut writes = Bucket::new(WRITE_UNITS, strict);
    let mut reads = Bucket::new(READ_UNITS, strict);
    let mut names: Vec<Names> = (0..INSTANCES).map(|_| Names::default()).collect();
    let mut logs: BTreeMap<usize, Log> = BTreeMap::new();
    for (stream, sent) in streams.iter().enumerate() {
        let mut at = 0.0;
        loop {
            at -= (1.0 - rng.f64()).ln() * 1000.0 / sent.per_s;
            if at >= FLOOD_MS as f64 {
                break;
            }
            let endpoint = sent.first + rng.usize(0..sent.endpoints);
            let (instance, since) = (rng.usize(0..INSTANCES), at as u64);
            let webhook = Webhook { stream, endpoint, instance, seq: 0, attempts: 0, since };
            agenda.push(since, Event::Number(webhook));
        }
        for endpoint in (sent.first..sent.first + sent.endpoints).filter(|_| sent.exist) {
            let head = Head::new(1, BEGIN, &limits);
            logs.insert(endpoint, Log { head, items: BTreeMap::new(), cursor: 0, complete_at: 0 });
            agenda.push(rng.u64(0..POLL_MS), Event::Poll(endpoint));
        }
    }
    let mut outcome = Outcome { streams: vec![[0; 2]; streams.len()], ..Outcome::default() };
    while let Some(Reverse((at, _, event))) = agenda.events.pop() {
        let now = BEGIN.plus_ms(at);
        match event {
            Event::Number(mut webhook) => {
                outcome.streams[webhook.stream][0] += u64::from(webhook.attempts == 0);
                let (names, name) = (&mut names[webhook.instance], name(webhook.endpoint));
                let seen = names.get(&name);
                if let Some(seen) = seen.filter(|seen| seen.refusal.applies(now)) {
                    names.refused(&name, seen.refusal);
                    continue;
                }
                // An instance that knows nothing of an endpoint, or that it was used up, reads its head first.
                let reads_first = seen.is_none_or(|seen| seen.refused > 0);
                if reads_first && !reads.take(at, 1.0) {
                    continue;
                }
                let Some(Log { head, .. }) = logs.get_mut(&webhook.endpoint) else {
                    continue;
                };
                let units = 1 + streams[webhook.stream].units;
                let what = next(head, units, now, &limits);
                // A write as if nothing were to renew or to refuse fails where something is, and costs a unit.
                let fails_first = !reads_first && what != Next::Plain;
                let is_written = !matches!(what, Next::Refuse(_));
                if fails_first && !writes.take(at, 1.0) || is_written && !writes.take(at, 1.0) {
                    if let Some(again) = webhook.again(Write::Number, at, 0) {
                        agenda.push(again, Event::Number(webhook));
                    }
                    continue;
                }
                match what {
                    Next::Plain => head.used += units,
                    Next::Renew(renewal) => renewal.apply(head),
                    Next::Refuse(refusal) => {
                        names.refused(&name, refusal);
                        continue;
                    }
                    Next::NotFound => panic!("every endpoint here exists"),
                }
                names.counted(&name);
                (head.last_seq, head.last_at) = (head.last_seq + 1, now);
                (webhook.seq, webhook.attempts, webhook.since) = (head.last_seq, 0, at);
                agenda.push(at + CALL_MS, Event::Record(webhook));
            }
            Event::Record(mut webhook) => {
                let log = logs.get_mut(&webhook.endpoint).unwrap();
                if log.items.contains_key(&webhook.seq) {
                    continue; // Closed meanwhile.
                }
                if writes.take(at, streams[webhook.stream].units as f64) {
                    log.items.insert(webhook.seq, Entry::Delivery(now));
                    outcome.streams[webhook.stream][1] += u64::from(at < FLOOD_MS);
                } else if let Some(again) = webhook.again(Write::Record, at, rng.u64(..)) {
                    agenda.push(again, Event::Record(webhook));
                }
            }
            Event::Poll(endpoint) => {
                let log = logs.get_mut(&endpoint).unwrap();
                let request = ReadRequest::After(Cursor { epoch: 1, seq: log.cursor });
                let plan = Plan::new(request, &log.head, &limits, now);
                let cost = if plan.is_empty() { 0.5 } else { 0.5 + 1.0 + 2.0 };
                if !reads.take(at, cost) {
                    outcome.failed_polls += 1;
                } else if !plan.is_empty() {
                    let entries = log.items.range(plan.lo..=plan.hi).map(|(n, e)| (*n, *e));
                    let range = QueriedRange { entries: entries.collect(), complete: true };
                    let mut closed = ClosedGaps::new();
                    let first = page(&plan, &log.head, now, &range, &closed);
                    for (nth, &seq) in first.to_close.iter().enumerate() {
                        let is_closed = nth < CLOSED_AT_ONCE && writes.take(at, 1.0);
                        closed.insert(seq, is_closed);
                        if is_closed {
                            log.items.insert(seq, Entry::Tombstone);
                        }
                    }
                    log.cursor = page(&plan, &log.head, now, &range, &closed).cursor;
                    log.complete_at = at;
                }
                let is_complete = log.cursor >= log.head.last_seq;
                if at < FLOOD_MS || !is_complete && at < 3 * FLOOD_MS {
                    agenda.push(at + POLL_MS, Event::Poll(endpoint));
                }
            }
        }
    }
    let complete = logs.values().map(|log| log.complete_at).max().unwrap_or(0);
    outcome.complete_after_ms = complete.saturating_sub(FLOOD_MS);
    outcome
}

/// Runs it with both kinds of table, and prints what became of it. No poll may fail.
fn outcomes(what: &str, streams: &[Stream]) -> [Outcome; 2] {
    [("kind", false), ("strict", true)].map(|(rule, strict)| {
        let outcome = run(strict, streams);
        let rates: Vec<_> = (0..streams.len()).map(|stream| outcome.rates(stream)).collect();
        let after = outcome.complete_after_ms;
        println!(
            "{what}, {rule}: sent and acknowledged a second {rates:.1?}, log complete after {after} ms"
        );
        assert_eq!(outcome.failed_polls, 0);
        outcome
    })
}

const LEGITIMATE: Stream = Stream { per_s: 20.0, units: 1, first: 0, endpoints: 10, exist: true };

#[test]
fn overload_costs_only_what_is_over() {
    let capacity = WRITE_UNITS / 2.0;
    for times in [1.0, 2.0, 4.0, 6.0] {
        let all = Stream { per_s: capacity * times, endpoints: 60, ..LEGITIMATE };
        for outcome in outcomes(&format!("{times} times the capacity"), &[all]) {
            assert!(times < 2.0 || outcome.rates(0)[1] >= 0.9 * capacity);
            assert!(outcome.complete_after_ms <= 2000);
        }
    }
}

#[test]
fn others_floods_do_not_stop_a_legitimate_sender() {
    let flood = Stream { first: 1000, endpoints: 1, ..LEGITIMATE };
    let invented = Stream { per_s: 600.0, endpoints: 1 << 20, exist: false, ..flood };
    let largest = Stream { per_s: 4.0, units: 257, ..flood };
    let one_endpoint = Stream { per_s: 400.0, ..flood };
    for (what, flood) in [
        ("600/s to invented names", invented),
        ("4/s of the largest body", largest),
        ("400/s to one endpoint", one_endpoint),
    ] {
        for outcome in outcomes(what, &[LEGITIMATE, flood]) {
            let [sent, acknowledged] = outcome.rates(0);
            assert!(acknowledged >= sent * 19.0 / 20.0);
        }
    }
}
