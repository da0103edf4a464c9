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

fn holds(name: &str, scenario: Scenario) {
    match explore(&scenario) {
        Ok(worlds) => {
            println!("{name}: {worlds} worlds");
            assert!(worlds > 1000, "{name}: only {worlds} worlds");
        }
        Err((broken, way)) => panic!("{name}: {broken}, after:\n{}", way.join("\n")),
    }
}

fn breaks(expected: Broken, flaw: Flaw, scenario: Scenario) {
    let scenario = Scenario {
        flaw: Some(flaw),
        ..scenario
    };
    match explore(&scenario) {
        Ok(worlds) => panic!("{flaw:?} was not noticed in {worlds} worlds"),
        Err((broken, _)) => assert_eq!(broken, expected, "{flaw:?}"),
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
            owner: &[OwnerAction::Clear],
            ..CALM
        },
    );
    holds(
        "clear, retried",
        Scenario {
            owner: &[OwnerAction::Clear],
            requests: [1, 0],
            attempts: 2,
            ..CALM
        },
    );
    holds(
        "clear, newest",
        Scenario {
            owner: &[OwnerAction::Clear],
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
            owner: &[OwnerAction::Forget, OwnerAction::Create],
            ..CALM
        },
    );
    holds(
        "forget, retried",
        Scenario {
            owner: &[OwnerAction::Forget, OwnerAction::Create],
            requests: [1, 0],
            attempts: 2,
            ..CALM
        },
    );
    holds(
        "forget, create and forget, retried",
        Scenario {
            owner: &[
                OwnerAction::Forget,
                OwnerAction::Create,
                OwnerAction::Forget,
                OwnerAction::Create,
            ],
            requests: [0, 0],
            attempts: 2,
            ..CALM
        },
    );
    holds(
        "expired and renewed",
        Scenario {
            owner: &[OwnerAction::Renew],
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
    // The reader went on without them, so it never has all that was acknowledged.
    breaks(NEVER_CAUGHT_UP, Flaw::CursorPassesOpenGap, CALM);
}

#[test]
fn a_hole_that_is_passed_without_a_seal_is_noticed() {
    breaks(FALSELY_MISSING, Flaw::GapPassedWithoutASeal, CALM);
}

#[test]
fn a_refused_seal_that_counts_is_noticed() {
    breaks(FALSELY_MISSING, Flaw::RefusedCloseCounts, CALM);
}

#[test]
fn a_seal_over_a_delivery_is_noticed() {
    breaks(LOST, Flaw::CloseOverwrites, CALM);
}

#[test]
fn a_record_without_its_nonce_is_noticed() {
    breaks(
        REFUSED,
        Flaw::NonceDropped,
        Scenario {
            attempts: 2,
            requests: [1, 0],
            ..CALM
        },
    );
}

#[test]
fn a_record_over_a_tombstone_is_noticed() {
    breaks(FALSELY_MISSING, Flaw::RecordOverwrites, CALM);
}

#[test]
fn an_endpoint_without_its_epoch_is_noticed() {
    let flaw = Some(Flaw::EpochDropped);
    let owner = &[OwnerAction::Forget, OwnerAction::Create];
    let broken = explore(&Scenario {
        flaw,
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
    breaks(LOST, Flaw::AnswersBeforeRecording, CALM);
}

#[test]
fn a_restart_by_a_stale_head_is_noticed() {
    breaks(
        FALSE_RESTART,
        Flaw::StaleHeadMayRestart,
        Scenario {
            owner: &[OwnerAction::Forget, OwnerAction::Create],
            ..CALM
        },
    );
}

#[test]
fn a_stale_first_read_is_noticed() {
    breaks(
        CAME_BACK,
        Flaw::FirstReadMayBeStale,
        Scenario {
            owner: &[OwnerAction::Clear],
            ..CALM
        },
    );
}

#[test]
fn a_clear_that_is_not_tied_to_what_was_seen_is_noticed() {
    breaks(
        LOST,
        Flaw::ClearMeansAllThereIsOnArrival,
        Scenario {
            owner: &[OwnerAction::Clear],
            ..CALM
        },
    );
}

#[test]
fn a_forget_that_is_not_tied_to_its_epoch_is_noticed() {
    breaks(
        GONE,
        Flaw::ForgetMeansWhateverIsThereOnArrival,
        Scenario {
            attempts: 2,
            owner: &[OwnerAction::Forget, OwnerAction::Create],
            requests: [1, 0],
            ..CALM
        },
    );
}

#[test]
fn a_forget_that_leaves_nothing_is_noticed() {
    breaks(
        RISEN,
        Flaw::ForgetLeavesNothing,
        Scenario {
            attempts: 2,
            owner: &[
                OwnerAction::Forget,
                OwnerAction::Create,
                OwnerAction::Forget,
            ],
            requests: [0, 0],
            ..CALM
        },
    );
}
