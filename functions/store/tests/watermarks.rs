//! An empty number is either a gap or a delivery that was deleted when its time was over, and watermarks tell which.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use delivery::{limits::Limits, millis::Millis};
use proptest::prelude::*;
use store::protocol::{Head, Next, expires_at_s, first_seq, interval_ms, next};

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * 3_600_000;
/// How far the clocks of DynamoDB and of who may call it are apart at most.
const SKEW_MS: u64 = HOUR_MS / 4;

/// Takes a number as `Store::number` does, without a table. When the delivery expires.
fn number(head: &mut Head, now: Millis, limits: &Limits) -> u64 {
    if let Next::Renew(renewal) = next(head, 2, now, limits) {
        renewal.apply(head);
    }
    head.last_seq += 1;
    head.last_at = now;
    expires_at_s(head.interval_end, limits)
}

proptest! {
    #[test]
    fn deleted_items_are_gone_first_and_nothing_is_gone_early(
        // Hours of silence between two arrivals; how many arrive; how wrong the writer's and the reader's clocks are.
        steps in prop::collection::vec((prop_oneof![0u64..3, 0u64..24, 100u64..400], 1u64..4, 0..SKEW_MS, 0..SKEW_MS), 1..60),
        ttl_hours in prop_oneof![Just(1u64), Just(24), Just(168)],
    ) {
        let limits = Limits { delivery_ttl_s: ttl_hours * 3600, max_deliveries: u64::MAX, ..Limits::default() };
        let ttl_ms = limits.delivery_ttl_s * 1000;
        let mut now = Millis(1_800_000_000_000);
        let mut head = Head::new(1, now, &limits);
        let mut taken = vec![];
        for (silence, arrivals, writer_ahead, reader_ahead) in steps {
            now = now.plus_ms(silence * HOUR_MS);
            for _ in 0..arrivals {
                let at = now.plus_ms(writer_ahead);
                taken.push((at, number(&mut head, at, &limits)));
            }
            let mut before = 0;
            for later in [0, 1, 12, 300] {
                let at = now.plus_ms(later * HOUR_MS);
                let reader = at.plus_ms(reader_ahead);
                let first = first_seq(&head, &limits, reader);
                prop_assert!(first >= before, "the log's beginning went back");
                before = first;
                for (seq, (taken, expires_at_s)) in (1u64..).zip(&taken) {
                    let deleted = expires_at_s * 1000 <= at.0;
                    let gone = seq <= head.maybe_deleted_to(&limits, reader);
                    prop_assert!(!deleted || gone, "{seq} is deleted and would be called missing");
                    let fresh = at.0 + 2 * SKEW_MS < taken.0 + ttl_ms;
                    prop_assert!(!fresh || seq >= first, "{seq} is hidden before its time");
                }
            }
            prop_assert!(head.watermarks.len() <= 31, "{} watermarks", head.watermarks.len());
        }
    }

    /// Whatever clocks the writers and the owner have, an expiry never goes back, and a reader whose clock is right finds all
    /// that is new.
    #[test]
    fn no_writers_clock_expires_or_hides_anything(
        steps in prop::collection::vec((-400i64..400, any::<bool>()), 1..40),
    ) {
        let limits = Limits::default();
        let now = Millis(1_800_000_000_000);
        let mut head = Head::new(1, now, &limits);
        let mut expiries = (head.expires_at_s, 0);
        for (days, is_owner) in steps {
            let clock = Millis(now.0.saturating_add_signed(days * DAY_MS));
            if is_owner {
                // As `Store::create` does.
                head.expires_at_s = head.expires_at_s.max(Head::new(1, clock, &limits).expires_at_s);
                expiries.0 = head.expires_at_s;
                continue;
            }
            let delivery = number(&mut head, clock, &limits);
            let grown = (head.expires_at_s, delivery);
            prop_assert!(grown.0 >= expiries.0 && grown.1 >= expiries.1);
            expiries = grown;
            prop_assert!(!head.is_forgotten());
            prop_assert!(delivery >= now.plus_s(limits.delivery_ttl_s).0 / 1000);
            prop_assert_eq!(first_seq(&head, &limits, now), 1);
            prop_assert!(head.interval_end.0 >= now.0 + interval_ms(&limits));
        }
    }

    /// Among writers whose clocks are right, one that is wrong makes no number look deleted.
    #[test]
    fn one_wrong_clock_makes_no_number_look_deleted(hours in 0u64..100, days in -400i64..400) {
        let limits = Limits::default();
        let mut now = Millis(1_800_000_000_000);
        let mut head = Head::new(1, now, &limits);
        for nth in 0..20 {
            let wrong = Millis(now.0.saturating_add_signed(days * DAY_MS));
            number(&mut head, if nth == 10 { wrong } else { now }, &limits);
            now = now.plus_ms(hours * HOUR_MS / 15);
            prop_assert_eq!(head.maybe_deleted_to(&limits, now), 0, "{:?}", head);
        }
    }
}
