//! An empty number is either a gap or a delivery that was deleted when its time was over, and watermarks tell which.
#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use delivery::{limits::Limits, millis::Millis};
use proptest::prelude::*;
use store::protocol::{
    Head, ReplyWindow, expires_at_s, first_seq, next_watermarks, watermark_interval_ms,
};

const HOUR_MS: u64 = 60 * 60 * 1000;
/// How far two clocks may be apart: well below what deliveries are kept longer.
const SKEW_MS: u64 = HOUR_MS / 4;

/// A head under a writer: what `Store::number` does to it, without a table.
struct Line {
    head: Head,
    next_watermark_at: Millis,
    /// When each number was taken, by its writer's clock.
    taken: Vec<Millis>,
}

impl Line {
    fn new(now: Millis, limits: &Limits) -> Self {
        Line {
            head: Head {
                epoch: 1,
                created_at: now,
                last_seq: 0,
                last_at: now,
                gone_at: now,
                cleared_to: 0,
                expires_at_s: u64::MAX,
                watermarks: vec![],
                reply: ReplyWindow::default(),
            },
            next_watermark_at: now.plus_ms(watermark_interval_ms(limits)),
            taken: vec![],
        }
    }

    fn number(&mut self, now: Millis, limits: &Limits) {
        if self.next_watermark_at <= now {
            self.head.watermarks = next_watermarks(&self.head, now);
            self.next_watermark_at = now.plus_ms(watermark_interval_ms(limits));
        }
        self.head.last_seq += 1;
        self.head.last_at = now;
        self.head.gone_at = now.plus_s(limits.delivery_ttl_s);
        self.taken.push(now);
    }
}

#[test]
fn a_fast_clock_keeps_the_watermarks_that_readers_need() {
    let day = Limits { delivery_ttl_s: 24 * 3600, ..Limits::default() };
    let begin = Millis(1_800_000_000_000);
    let ahead_ms = 78_000;
    let mut line = Line::new(begin, &day);
    for (hours, ahead_ms) in [(0, 0), (2, ahead_ms), (4, 0), (26, ahead_ms)] {
        line.number(begin.plus_ms(hours * HOUR_MS + ahead_ms), &day);
    }
    // By the reader's clock only the first has gone, whose item may be deleted by now.
    assert_eq!(first_seq(&line.head, &day, begin.plus_ms(26 * HOUR_MS)), 2);
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
        let mut line = Line::new(now, &limits);
        for (silence, arrivals, writer_ahead, reader_ahead) in steps {
            now = now.plus_ms(silence * HOUR_MS);
            for _ in 0..arrivals {
                line.number(now.plus_ms(writer_ahead), &limits);
            }
            let mut before = 0;
            for later in [0, 1, 12, 300] {
                let at = now.plus_ms(later * HOUR_MS);
                let first = first_seq(&line.head, &limits, at.plus_ms(reader_ahead));
                prop_assert!(first >= before, "the log's beginning went back");
                before = first;
                for (seq, taken) in (1u64..).zip(&line.taken) {
                    let deleted = expires_at_s(*taken, &limits) * 1000 <= at.0;
                    prop_assert!(!deleted || seq < first, "{seq} is deleted and would be called missing");
                    let fresh = at.0 + 2 * SKEW_MS < taken.0 + ttl_ms;
                    prop_assert!(!fresh || seq >= first, "{seq} is hidden before its time");
                }
            }
            prop_assert!(line.head.watermarks.len() <= 31, "{} watermarks", line.head.watermarks.len());
        }
    }
}
