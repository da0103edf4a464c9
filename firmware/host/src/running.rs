//! A running firmware and the clock that drives it. Device time is the time since boot, multiplied by the device's speed.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use device_link::DeviceMessage;
use tokio::time::Instant;

use crate::{
    limits,
    process::Process,
    wire::{FirmwareMessage, HostMessage},
};

/// How often `loop()` is called, in device time. Real hardware calls it more often; a firmware must not care.
const STEP_MS: u64 = 10;

/// How long `setup()` or one call of `loop()` may take in real time. Real hardware would hang.
const PASS_LIMIT: Duration = Duration::from_secs(10);

/// After this machine slept or was too busy, device time continues from where it was instead of catching up.
const MAX_BEHIND: Duration = Duration::from_secs(2);

/// The most device time in one message, so that a busy firmware is not mistaken for one that hangs.
const RUN_MS: u64 = 500;

/// One click: pressed this long, then released this long, well inside 30..499 ms and the second that ends a series.
const HELD_MS: u64 = 100;
const PAUSE_MS: u64 = 150;

/// Happens at a time of the device's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    Button(bool),
    Connect,
}

/// A firmware's process and its clock.
pub(crate) struct Running {
    process: Process,
    /// When the clock was 0.
    started: Instant,
    booted: Instant,
    speed: u32,
    clock_ms: u64,
    /// The time at which the firmware stops and waits. Actions are planned after it; earlier ones would be missed.
    runs_until_ms: u64,
    /// Since when it runs.
    busy_since: Option<Instant>,
    /// By time, then in the order they were planned.
    due: BTreeMap<(u64, u32), Due>,
    planned: u32,
    /// `setup()` has returned.
    pub(crate) set_up: bool,
    /// Whether it wants to be connected.
    pub(crate) wants_cloud: bool,
    /// The prefixes it subscribed to, its functions and its variables: what the cloud is told at each connection.
    pub(crate) registered: Vec<DeviceMessage>,
}

/// What the supervisor must do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    None,
    Connect,
    /// `loop()` does not return.
    End,
}

impl Running {
    pub(crate) fn boot(
        program: &Path,
        dir: &Path,
        boot: &HostMessage,
        speed: u32,
        now: Instant,
    ) -> io::Result<Self> {
        let process = Process::start(program, dir, limits::FIRMWARE)?;
        process.send(boot);
        Ok(Self {
            process,
            started: now,
            booted: now,
            speed: speed.max(1),
            clock_ms: 0,
            runs_until_ms: 0,
            busy_since: Some(now),
            due: BTreeMap::new(),
            planned: 0,
            set_up: false,
            wants_cloud: true,
            registered: Vec::new(),
        })
    }

    pub(crate) async fn receive(&mut self) -> Option<FirmwareMessage> {
        let message = self.process.receive().await?;
        if let FirmwareMessage::Done(clock_ms) = message {
            self.clock_ms = clock_ms;
            self.busy_since = None;
        }
        Some(message)
    }

    pub(crate) fn send(&self, message: &HostMessage) {
        // A firmware that reads no messages misses this one, and is soon found to hang.
        self.process.send(message);
    }

    pub(crate) fn ran_for(&self, now: Instant) -> Duration {
        now - self.booted
    }

    pub(crate) fn into_process(self) -> Process {
        self.process
    }

    pub(crate) fn press(&mut self, clicks: u8) {
        let planned = self.due.keys().map(|(at, _)| *at).max();
        let mut at = planned.unwrap_or_default().max(self.runs_until_ms);
        for _ in 0..clicks.clamp(1, 5) {
            at += PAUSE_MS;
            self.plan(at, Due::Button(true));
            at += HELD_MS;
            self.plan(at, Due::Button(false));
        }
    }

    pub(crate) fn connect_after(&mut self, ms: u64) {
        self.due.retain(|_, due| *due != Due::Connect);
        self.plan(self.runs_until_ms + ms, Due::Connect);
    }

    fn plan(&mut self, at: u64, due: Due) {
        // A bound on memory; clicks beyond it are lost.
        if self.due.len() < 100 {
            self.due.insert((at, self.planned), due);
            self.planned += 1;
        }
    }

    /// Runs the firmware up to the present, or to the next action that is due.
    pub(crate) fn advance(&mut self, now: Instant) -> Action {
        if let Some(since) = self.busy_since {
            return if now - since > PASS_LIMIT { Action::End } else { Action::None };
        }
        let mut to_do = Action::None;
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > self.clock_ms {
                break;
            }
            match entry.remove() {
                Due::Button(down) => self.send(&HostMessage::Button(down)),
                Due::Connect => to_do = Action::Connect,
            }
        }
        let until_ms =
            self.due.keys().next().map_or(u64::MAX, |(at, _)| *at).min(self.present_ms(now));
        if until_ms > self.clock_ms {
            let until_ms = until_ms.min(self.clock_ms + RUN_MS);
            self.send(&HostMessage::Run { until_ms, step_ms: STEP_MS });
            self.runs_until_ms = until_ms;
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
