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

use delivery::{cursor::Cursor, key::Endpoint, limits::Limits, millis::Millis};
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
const INSTANCES: usize = 60;
const FLOOD_MS: u64 = 20_000;
/// One call of the table.
const CALL_MS: u64 = 8;
const POLL_MS: u64 = 500;
const LIMITS: Limits = Limits {
    max_body_bytes: 262_144,
    max_deliveries: 10_000,
    delivery_ttl_s: 604_800,
    endpoint_ttl_s: 2_592_000,
    max_delay_ms: 0,
    endpoint_units_per_s: 40,
};
const BEGIN: Millis = Millis(1_800_000_000_000);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    /// Until the next of so many a second.
    fn pause_ms(&mut self, per_s: f64) -> f64 {
        let unit = ((self.next() >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        -unit.ln() * 1000.0 / per_s
    }
}

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

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Number(Webhook),
    Record(Webhook),
    Poll(usize),
}

#[derive(Default)]
struct Counts {
    sent: u64,
    acknowledged: u64,
    refused: u64,
    lost_numbers: u64,
}

struct Log {
    head: Head,
    items: BTreeMap<u64, Entry>,
    cursor: u64,
    complete_at: u64,
}

struct Outcome {
    streams: Vec<Counts>,
    polls: u64,
    failed_polls: u64,
    complete_after_ms: u64,
}

impl Outcome {
    fn acknowledged_per_s(&self, stream: usize) -> f64 {
        self.streams[stream].acknowledged as f64 * 1000.0 / FLOOD_MS as f64
    }
}

fn run(strict: bool, streams: &[Stream]) -> Outcome {
    let mut random = Random(SEED);
    let mut writes = Bucket::new(WRITE_UNITS, strict);
    let mut reads = Bucket::new(READ_UNITS, strict);
    let mut names: Vec<Names> = (0..INSTANCES).map(|_| Names::default()).collect();
    let name = |endpoint: usize| {
        let letters = (0..26)
            .map(|at| char::from(b'a' + (endpoint.checked_shr(4 * at).unwrap_or(0) & 15) as u8));
        Endpoint::parse(&letters.collect::<String>()).unwrap()
    };
    let mut logs: BTreeMap<usize, Log> = BTreeMap::new();
    let mut events: BinaryHeap<Reverse<(u64, u64, Event)>> = BinaryHeap::new();
    let mut order: u64 = 0;
    let mut push = |events: &mut BinaryHeap<_>, at: u64, event| {
        // No kind of event is always the first of its millisecond.
        order = order.wrapping_add(0x9e37_79b9_7f4a_7c15);
        events.push(Reverse((at, order, event)));
    };
    for (stream, sent) in streams.iter().enumerate() {
        let mut at = 0.0;
        loop {
            at += random.pause_ms(sent.per_s);
            if at >= FLOOD_MS as f64 {
                break;
            }
            let which = random.next() as usize % sent.endpoints;
            let webhook = Webhook {
                stream,
                endpoint: sent.first + which,
                instance: random.next() as usize % INSTANCES,
                seq: 0,
                attempts: 0,
                since: at as u64,
            };
            push(&mut events, at as u64, Event::Number(webhook));
        }
        for endpoint in (sent.first..sent.first + sent.endpoints).filter(|_| sent.exist) {
            let log = Log {
                head: Head::new(1, BEGIN, &LIMITS),
                items: BTreeMap::new(),
                cursor: 0,
                complete_at: 0,
            };
            logs.insert(endpoint, log);
            push(&mut events, random.next() % POLL_MS, Event::Poll(endpoint));
        }
    }
    let mut outcome = Outcome {
        streams: streams.iter().map(|_| Counts::default()).collect(),
        polls: 0,
        failed_polls: 0,
        complete_after_ms: 0,
    };
    while let Some(Reverse((at, _, event))) = events.pop() {
        let now = BEGIN.plus_ms(at);
        match event {
            Event::Number(mut webhook) => {
                let Webhook { stream, endpoint, instance, .. } = webhook;
                let counts = &mut outcome.streams[stream];
                counts.sent += u64::from(webhook.attempts == 0);
                let (names, name) = (&mut names[instance], name(endpoint));
                let seen = names.get(&name);
                if let Some(seen) = seen.filter(|seen| seen.refusal.applies(now)) {
                    names.refused(&name, seen.refusal);
                    counts.refused += 1;
                    continue;
                }
                // Who knows nothing of an endpoint, or that it was used up, reads its head first.
                let reads_first = seen.is_none_or(|seen| seen.refused > 0);
                if reads_first && (!reads.take(at, 1.0) || !logs.contains_key(&endpoint)) {
                    continue;
                }
                let units = 1 + streams[stream].units;
                let head = &mut logs.get_mut(&endpoint).unwrap().head;
                let what = next(head, units, now, &LIMITS);
                // A write as if nothing were to renew or to refuse fails where something is, and costs a unit.
                let fails_first = !reads_first && what != Next::Plain;
                let is_written = !matches!(what, Next::Refuse(_));
                if fails_first && !writes.take(at, 1.0) || is_written && !writes.take(at, 1.0) {
                    webhook.attempts += 1;
                    let Webhook { attempts, since, .. } = webhook;
                    let pause = pause_before_retry(Write::Number, true, attempts, at - since, 0);
                    if let Some(pause) = pause {
                        push(&mut events, at + pause, Event::Number(webhook));
                    }
                    continue;
                }
                match what {
                    Next::Plain => head.used += units,
                    Next::Renew(renewal) => renewal.apply(head),
                    Next::Refuse(refusal) => {
                        names.refused(&name, refusal);
                        counts.refused += 1;
                        continue;
                    }
                    Next::NotFound => panic!("every endpoint here exists"),
                }
                names.counted(&name);
                head.last_seq += 1;
                head.last_at = now;
                (webhook.seq, webhook.attempts, webhook.since) = (head.last_seq, 0, at);
                push(&mut events, at + CALL_MS, Event::Record(webhook));
            }
            Event::Record(mut webhook) => {
                let Webhook { stream, endpoint, seq, since, .. } = webhook;
                let log = logs.get_mut(&endpoint).unwrap();
                if log.items.contains_key(&seq) {
                    continue; // Closed meanwhile.
                }
                if writes.take(at, streams[stream].units as f64) {
                    log.items.insert(seq, Entry::Delivery(now));
                    outcome.streams[stream].acknowledged += u64::from(at < FLOOD_MS);
                    continue;
                }
                webhook.attempts += 1;
                let pause = pause_before_retry(
                    Write::Record,
                    true,
                    webhook.attempts,
                    at - since,
                    random.next(),
                );
                match pause {
                    Some(pause) => push(&mut events, at + pause, Event::Record(webhook)),
                    None => outcome.streams[stream].lost_numbers += 1,
                }
            }
            Event::Poll(endpoint) => {
                let log = logs.get_mut(&endpoint).unwrap();
                outcome.polls += 1;
                let request = ReadRequest::After(Cursor { epoch: 1, seq: log.cursor });
                let plan = Plan::new(request, &log.head, &LIMITS, now);
                let cost = if plan.is_empty() { 0.5 } else { 0.5 + 1.0 + 2.0 };
                if !reads.take(at, cost) {
                    outcome.failed_polls += 1;
                } else if !plan.is_empty() {
                    let entries = log.items.range(plan.lo..=plan.hi).map(|(n, e)| (*n, *e));
                    let range = QueriedRange { entries: entries.collect(), complete: true };
                    let mut closed = ClosedGaps::new();
                    let first = page(&plan, &log.head, now, &range, &closed);
                    for &seq in first.to_close.iter().take(CLOSED_AT_ONCE) {
                        let is_closed = writes.take(at, 1.0);
                        closed.insert(seq, is_closed);
                        if is_closed {
                            log.items.insert(seq, Entry::Tombstone);
                        }
                    }
                    let rest = first.to_close.iter().skip(CLOSED_AT_ONCE);
                    closed.extend(rest.map(|&seq| (seq, false)));
                    log.cursor = page(&plan, &log.head, now, &range, &closed).cursor;
                    log.complete_at = at;
                }
                let is_complete = log.cursor >= log.head.last_seq;
                if at < FLOOD_MS || !is_complete && at < 3 * FLOOD_MS {
                    push(&mut events, at + POLL_MS, Event::Poll(endpoint));
                }
            }
        }
    }
    let complete = logs.values().map(|log| log.complete_at).max().unwrap_or(0);
    outcome.complete_after_ms = complete.saturating_sub(FLOOD_MS);
    outcome
}

const LEGITIMATE: Stream = Stream { per_s: 20.0, units: 1, first: 0, endpoints: 10, exist: true };

fn print(what: &str, strict: bool, outcome: &Outcome) {
    let rule = if strict { "strict" } else { "kind" };
    let per_s = |n: u64| n as f64 * 1000.0 / FLOOD_MS as f64;
    for (stream, counts) in outcome.streams.iter().enumerate() {
        println!(
            "{what:34} {rule:6} stream {stream}: {:6.1} sent, {:5.1} acknowledged, {:5.1} refused by quota, {:4.1} numbers lost a second; polls {} of {} failed, complete {} ms after",
            per_s(counts.sent),
            per_s(counts.acknowledged),
            per_s(counts.refused),
            per_s(counts.lost_numbers),
            outcome.failed_polls,
            outcome.polls,
            outcome.complete_after_ms,
        );
    }
}

#[test]
fn overload_costs_only_what_is_over() {
    println!("seed {SEED}");
    for strict in [false, true] {
        for times in [1.0, 2.0, 4.0, 6.0] {
            let capacity = WRITE_UNITS / 2.0;
            let all = Stream { per_s: capacity * times, endpoints: 60, ..LEGITIMATE };
            let outcome = run(strict, &[all]);
            print(&format!("{times} times the capacity"), strict, &outcome);
            if times >= 2.0 {
                assert!(outcome.acknowledged_per_s(0) >= 0.9 * capacity);
            }
            assert_eq!(outcome.failed_polls, 0);
            assert!(outcome.complete_after_ms <= 2000);
        }
    }
}

#[test]
fn others_floods_do_not_stop_a_legitimate_sender() {
    for strict in [false, true] {
        for (what, flood) in [
            (
                "600/s to invented names",
                Stream {
                    per_s: 600.0,
                    first: 1000,
                    endpoints: 1 << 20,
                    exist: false,
                    ..LEGITIMATE
                },
            ),
            (
                "4/s of the largest body",
                Stream { per_s: 4.0, units: 257, first: 1000, endpoints: 1, ..LEGITIMATE },
            ),
            (
                "400/s to one endpoint",
                Stream { per_s: 400.0, first: 1000, endpoints: 1, ..LEGITIMATE },
            ),
        ] {
            let outcome = run(strict, &[LEGITIMATE, flood]);
            print(what, strict, &outcome);
            let sent = outcome.streams[0].sent as f64 * 1000.0 / FLOOD_MS as f64;
            assert!(outcome.acknowledged_per_s(0) >= sent * 19.0 / 20.0);
            assert_eq!(outcome.failed_polls, 0);
        }
    }
}
