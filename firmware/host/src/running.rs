//! A firmware that runs, and the clock that drives it: device time is the time since boot, as fast as was asked for.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use tokio::time::Instant;

use crate::{
    limits,
    process::Process,
    wire::{Order, Report},
};

/// How often `loop()` is called, in device time. Real hardware calls it more often; a firmware must not care.
const STEP_MS: u64 = 10;

/// A pass of `loop()`, or `setup()`, that takes longer in real time is ended. Real hardware would hang.
const PASS_LIMIT: Duration = Duration::from_secs(10);

/// When this machine slept, or was too busy, device time goes on from where it was rather than hurry after.
const MAX_BEHIND: Duration = Duration::from_secs(2);

/// The most device time in one order, so that a firmware with much to do is not taken for one that hangs.
const RUN_MS: u64 = 500;

/// One click: held this long, then let go for this long, well inside 30..499 ms and the second that ends a series.
const HELD_MS: u64 = 100;
const PAUSE_MS: u64 = 150;

/// What is to happen at a time of the device's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    Button(bool),
    Connect,
}

/// A firmware's process and its clock.
pub(crate) struct Running {
    process: Process,
    /// The clock has been at 0 then.
    started: Instant,
    booted: Instant,
    speed: u32,
    clock_ms: u64,
    /// Where the order it works on leads to. What is planned is planned after that: earlier is past when it comes to it.
    ordered_ms: u64,
    /// Since when it works on an order that moves its clock.
    busy_since: Option<Instant>,
    /// By time, then in the order they were asked for.
    due: BTreeMap<(u64, u32), Due>,
    asked: u32,
    /// `setup()` has returned.
    pub(crate) set_up: bool,
    /// It has not asked to be left alone by the cloud.
    pub(crate) wants_cloud: bool,
    /// What the names of events begin with that it asked for.
    pub(crate) subscriptions: Vec<String>,
}

/// What the supervisor has to do now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Now {
    Nothing,
    Connect,
    Hung,
}

impl Running {
    pub(crate) fn boot(
        program: &Path,
        dir: &Path,
        boot: &Order,
        speed: u32,
        now: Instant,
    ) -> io::Result<Self> {
        let process = Process::start(program, dir, limits::FIRMWARE)?;
        process.order(boot);
        Ok(Self {
            process,
            started: now,
            booted: now,
            speed: speed.max(1),
            clock_ms: 0,
            ordered_ms: 0,
            busy_since: Some(now),
            due: BTreeMap::new(),
            asked: 0,
            set_up: false,
            wants_cloud: true,
            subscriptions: Vec::new(),
        })
    }

    pub(crate) async fn report(&mut self) -> Option<Report> {
        let report = self.process.report().await?;
        if let Report::Done(clock_ms) = report {
            self.clock_ms = clock_ms;
            self.busy_since = None;
        }
        Some(report)
    }

    pub(crate) fn order(&self, order: &Order) {
        // A firmware that takes no orders misses this one, and is found to hang soon.
        self.process.order(order);
    }

    pub(crate) fn ran_for(&self, now: Instant) -> Duration {
        now - self.booted
    }

    pub(crate) fn into_process(self) -> Process {
        self.process
    }

    pub(crate) fn press(&mut self, clicks: u8) {
        let planned = self.due.keys().map(|(at, _)| *at).max();
        let mut at = planned.unwrap_or_default().max(self.ordered_ms);
        for _ in 0..clicks.clamp(1, 5) {
            at += PAUSE_MS;
            self.plan(at, Due::Button(true));
            at += HELD_MS;
            self.plan(at, Due::Button(false));
        }
    }

    pub(crate) fn connect_after(&mut self, ms: u64) {
        self.due.retain(|_, due| *due != Due::Connect);
        self.plan(self.ordered_ms + ms, Due::Connect);
    }

    fn plan(&mut self, at: u64, due: Due) {
        // Nobody clicks this often; a page that does loses clicks.
        if self.due.len() < 100 {
            self.due.insert((at, self.asked), due);
            self.asked += 1;
        }
    }

    /// Lets the firmware go on to the present, or to the next thing that is due.
    pub(crate) fn go_on(&mut self, now: Instant) -> Now {
        if let Some(since) = self.busy_since {
            return if now - since > PASS_LIMIT {
                Now::Hung
            } else {
                Now::Nothing
            };
        }
        let mut to_do = Now::Nothing;
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > self.clock_ms {
                break;
            }
            match entry.remove() {
                Due::Button(down) => self.order(&Order::Button(down)),
                Due::Connect => to_do = Now::Connect,
            }
        }
        let until_ms = self
            .due
            .keys()
            .next()
            .map_or(u64::MAX, |(at, _)| *at)
            .min(self.present_ms(now));
        if until_ms > self.clock_ms {
            let until_ms = until_ms.min(self.clock_ms + RUN_MS);
            self.order(&Order::Run {
                until_ms,
                step_ms: STEP_MS,
            });
            self.ordered_ms = until_ms;
            self.busy_since = Some(now);
        }
        to_do
    }

    fn present_ms(&mut self, now: Instant) -> u64 {
        let device_time = |real: Duration| {
            u64::try_from(real.as_millis()).unwrap_or(u64::MAX) * u64::from(self.speed)
        };
        let present = device_time(now - self.started);
        let behind = present.saturating_sub(self.clock_ms);
        if behind <= device_time(MAX_BEHIND) {
            return present;
        }
        self.started += Duration::from_millis(behind / u64::from(self.speed));
        self.clock_ms + STEP_MS
    }
}
