//! The protocol as a small model, explored exhaustively.
//!
//! A world has one endpoint, two writers, two pollers, an owner, and a network that may lose an answer, deliver a request
//! late, and therefore twice. Each world leads to every next one that some order of events allows: a crash after any step,
//! reads that leave out any deliveries, clocks that differ by minutes or jump by months, a table that deletes what has expired at any time
//! and in any order. In every world that can be reached the properties of [`World::check`] hold. What a reader makes of what it reads is not
//! modelled: it is the product's own code, [`store::protocol`].
//!
//! The second half breaks the rules one by one and sees that the model notices.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: it fails loudly, and says how many worlds it saw"
)]

mod pollers;
mod world;

use std::{
    collections::{HashMap, VecDeque},
    hash::BuildHasher as _,
};

use self::world::*;

const QUARTER: u64 = 15 * 60 * 1000;

/// One request of each writer, one reader, nothing broken.
const CALM: Scenario = Scenario {
    flaw: None,
    requests: [1, 1],
    // The second writer is two minutes ahead.
    clocks: [[NOW; 3], [NOW + 120_000; 3]],
    // So early that all gaps look fresh, such that the first writer's look abandoned, and such that all do.
    reader_clocks: &[NOW + 1, NOW + 15_000, LATE],
    deletes: None,
    stale_heads: false,
    attempts: 1,
    pollers: &[First::Beginning],
    owner: &[],
    max_deliveries: 100,
};

/// The same for readers whose clocks find all gaps fresh, or all abandoned.
const EXTREMES: Scenario = Scenario { reader_clocks: &[NOW + 1, LATE], ..CALM };

/// Goes through every world. The number of them; or what is broken, and the shortest way there.
fn explore(scenario: &Scenario) -> Result<usize, (Broken, Vec<String>)> {
    let key = |world: &World| Hasher::default().hash_one(world);
    let first = World::new(scenario);
    let mut calm = Hashes::default();
    // A world is remembered by 64 bits of its hash: at a million worlds, two of one hash are unlikely by 10^-7.
    let mut came_from: HashMap<u64, (u64, Label), Hasher> = HashMap::default();
    came_from.insert(key(&first), (0, ("", 0)));
    let mut queue = VecDeque::from([(key(&first), first)]);
    let mut to = Vec::new();
    while let Some((here, world)) = queue.pop_front() {
        let broken =
            world.check(scenario, &mut calm).and_then(|()| world.next(scenario, &mut to)).err();
        if let Some(broken) = broken {
            let mut way = vec![];
            let mut at = here;
            while let Some((from, how)) = came_from.get(&at).filter(|(from, _)| *from != 0) {
                way.push(format!("{} {}", how.0, how.1));
                at = *from;
            }
            way.reverse();
            return Err((broken, way));
        }
        for (how, next) in to.drain(..) {
            let there = key(&next);
            came_from.entry(there).or_insert_with(|| {
                queue.push_back((there, next));
                (here, how)
            });
        }
    }
    Ok(came_from.len())
}

/// A scenario that must hold, by name. Each is a test of its own, so that they run in parallel.
fn holds(name: &str, scenario: Scenario) {
    match explore(&scenario) {
        Ok(worlds) => {
            println!("{name}: {worlds} worlds");
            assert!(worlds > 500, "{name}: only {worlds} worlds");
        }
        Err((broken, way)) => panic!("{name}: {broken}, after:\n{}", way.join("\n")),
    }
}

/// Makes a scenario from the fields in which it differs from [`EXTREMES`].
macro_rules! scenario {
    ($($field:ident: $value:expr),*) => { Scenario { $($field: $value,)* ..EXTREMES } };
}

#[test]
fn two_writers_and_two_pollers() {
    holds("one poller", CALM);
    holds("two pollers", scenario!(pollers: &[First::Beginning, First::Newest]));
}

#[test]
fn lost_responses_and_late_copies() {
    holds("retries", scenario!(attempts: 2, requests: [1, 0]));
}

#[test]
fn several_requests_and_pages() {
    holds("three requests", scenario!(requests: [2, 1]));
}

#[test]
fn clear_among_writers() {
    let owner = &[OwnerAction::Clear];
    holds("clear", scenario!(owner: owner));
    holds("clear, retried", scenario!(owner: owner, requests: [1, 0], attempts: 2));
    holds("clear, stale heads", scenario!(owner: owner, requests: [1, 0], stale_heads: true));
    holds("clear, newest", scenario!(owner: owner, pollers: &[First::Newest]));
}

#[test]
fn forget_and_create_among_writers() {
    const TWICE: &[OwnerAction] =
        &[OwnerAction::Forget, OwnerAction::Create, OwnerAction::Forget, OwnerAction::Create];
    let owner = &TWICE[..2];
    holds("forget", scenario!(owner: owner));
    holds("forget, retried", scenario!(owner: owner, requests: [1, 0], attempts: 2));
    holds("forget twice, retried", scenario!(owner: TWICE, requests: [0, 0], attempts: 2));
}

#[test]
fn a_log_that_keeps_only_the_newest() {
    holds("newest one only", scenario!(max_deliveries: 1));
}

/// One writer, whose clock is another at each of its requests, and a reader whose clock may be another at each reading.
const JUMPS: Scenario = Scenario {
    requests: [3, 0],
    clocks: [[NOW, NOW + 60 * DAY, NOW]; 2],
    // The last is the one by which everybody catches up.
    reader_clocks: &[NOW - 60 * DAY, NOW + 61 * DAY, LATE],
    ..CALM
};

/// The local home's sweep deletes with a clock that is eight days ahead.
const SWEEPS: Scenario =
    Scenario { deletes: Some(Deletes { at: NOW + 8 * DAY, announced: true }), ..JUMPS };

/// `DynamoDB` deletes, eight days later. The clocks of all who may call it are at most 15 minutes off by then.
const EXPIRES: Scenario = Scenario {
    clocks: [[NOW, NOW + QUARTER, NOW + 8 * DAY - QUARTER]; 2],
    reader_clocks: &[NOW + 8 * DAY - QUARTER, NOW + 8 * DAY + QUARTER],
    deletes: Some(Deletes { at: NOW + 8 * DAY, announced: false }),
    ..JUMPS
};

const fn clocks(scenario: Scenario, [first, second, third]: [u64; 3]) -> Scenario {
    Scenario { clocks: [[first, second, third]; 2], ..scenario }
}

#[test]
fn clocks_that_jump_by_months() {
    holds("ahead and back", JUMPS);
    holds("behind and back", clocks(JUMPS, [NOW, NOW - 60 * DAY, NOW]));
    holds("from ahead to behind", clocks(JUMPS, [NOW + 60 * DAY, NOW - 60 * DAY, NOW]));
}

#[test]
fn deleted_deliveries_are_never_called_missing() {
    holds("a sweep ahead", SWEEPS);
    holds("a sweep and a writer ahead", clocks(SWEEPS, [NOW + 60 * DAY, NOW, NOW]));
    holds("DynamoDB deletes", EXPIRES);
}

/// Each rule is broken in turn, and the model finds what goes wrong.
#[test]
fn every_broken_rule_is_noticed() {
    const CLEAR: &[OwnerAction] = &[OwnerAction::Clear];
    const FORGET: &[OwnerAction] = &[OwnerAction::Forget, OwnerAction::Create];
    const FORGET_TWICE: &[OwnerAction] =
        &[OwnerAction::Forget, OwnerAction::Create, OwnerAction::Forget];
    for (flaw, expected, scenario) in [
        // The reader went on without them, so it never has all that was acknowledged.
        (Flaw::CursorPassesOpenGap, &[NEVER_CAUGHT_UP][..], CALM),
        (Flaw::GapPassedUnclosed, &[FALSELY_MISSING], CALM),
        (Flaw::RefusedCloseCounts, &[FALSELY_MISSING], CALM),
        (Flaw::CloseOverwrites, &[LOST], CALM),
        (Flaw::NonceDropped, &[REFUSED], scenario!(attempts: 2, requests: [1, 0])),
        (Flaw::RecordOverwrites, &[FALSELY_MISSING], CALM),
        // What the old log left behind is in the way of the new one; the nearest trouble is found first.
        (
            Flaw::EpochDropped,
            &[REFUSED, LOST, FALSELY_MISSING, "a cursor went back"],
            scenario!(owner: FORGET),
        ),
        (Flaw::AnswersBeforeRecording, &[LOST], CALM),
        (Flaw::StaleHeadMayRestart, &[FALSE_RESTART], scenario!(owner: FORGET)),
        (Flaw::FirstReadMayBeStale, &[CAME_BACK], scenario!(owner: CLEAR)),
        (Flaw::StaleHeadShowsNews, &[CAME_BACK], scenario!(owner: CLEAR)),
        (Flaw::ClearMeansAllThereIsOnArrival, &[LOST], scenario!(owner: CLEAR)),
        (
            Flaw::ForgetMeansWhateverIsThereOnArrival,
            &[GONE],
            scenario!(attempts: 2, owner: FORGET, requests: [1, 0]),
        ),
        (Flaw::DeletesUnannounced, &[FALSELY_MISSING], SWEEPS),
        (Flaw::ExpiryByTheWritersClock, &[EXPIRED_EARLY], JUMPS),
        (
            Flaw::ForgetLeavesNothing,
            &[RISEN],
            scenario!(attempts: 2, owner: FORGET_TWICE, requests: [0, 0]),
        ),
    ] {
        let flaw_in = Scenario { flaw: Some(flaw), ..scenario };
        match explore(&flaw_in) {
            Ok(worlds) => panic!("{flaw:?} was not noticed in {worlds} worlds"),
            Err((broken, _)) => assert!(expected.contains(&broken), "{flaw:?}: {broken}"),
        }
    }
}
