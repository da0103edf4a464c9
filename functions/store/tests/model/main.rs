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

mod arrivals;
mod owner;
mod pollers;
mod world;
mod writers;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use self::world::*;

/// One request of each writer, one reader, nothing broken.
const CALM: Scenario = Scenario {
    flaw: None,
    requests: [1, 1],
    attempts: 1,
    pollers: &[First::Beginning],
    owner: &[],
    max_deliveries: 100,
};

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
        let broken =
            world.check(scenario, &mut calm).and_then(|()| world.next(scenario, &mut to)).err();
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

/// A scenario that must hold, by name. Each is a test of its own, so that they run in parallel.
fn holds(name: &str, scenario: Scenario) {
    match explore(&scenario) {
        Ok(worlds) => {
            println!("{name}: {worlds} worlds");
            assert!(worlds > 1000, "{name}: only {worlds} worlds");
        }
        Err((broken, way)) => panic!("{name}: {broken}, after:\n{}", way.join("\n")),
    }
}

/// Makes a scenario from the fields in which it differs from [`CALM`].
macro_rules! scenario {
    ($($field:ident: $value:expr),*) => { Scenario { $($field: $value,)* ..CALM } };
}

#[test]
fn two_writers_and_two_pollers() {
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
    holds("expired and renewed", scenario!(owner: &[OwnerAction::Renew]));
}

#[test]
fn a_log_that_keeps_only_the_newest() {
    holds("newest one only", scenario!(max_deliveries: 1));
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
