//! A firmware under a virtual clock: messages at exact milliseconds, and everything it did with the time it did it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use device_link::ContentType;
use virtual_device::{
    compiler::{Compiler, Failure, INSTALL_A_COMPILER, Source},
    limits::{FIRMWARE, Limits},
    platform::Platform,
    process::Process,
    wire::{FirmwareMessage, HostMessage},
};

pub(crate) const ID: &str = "e00fce68f0f0f0f0f0f0f0f0";
pub(crate) const TUTORIAL: &str = include_str!("../../../src/webhook-tutorial.cpp");

/// `text` with its one `part` changed to `other`.
pub(crate) fn changed(text: &str, part: &str, other: &str) -> String {
    assert_eq!(text.matches(part).count(), 1, "{part}");
    text.replace(part, other)
}

/// How a firmware is compiled for a test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Build {
    /// As the virtual device does it, with warnings allowed.
    Plain,
    /// Warnings are errors; bad memory and undefined behaviour end the program.
    Sanitized,
}

/// What the firmware did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) at_ms: u64,
    pub(crate) message: FirmwareMessage,
}

pub(crate) struct Scenario {
    process: Option<Process>,
    start_ms: u64,
    pub(crate) clock_ms: u64,
    /// How far the clock moves between two calls of `loop()`.
    pub(crate) step_ms: u64,
    pub(crate) done: Vec<Done>,
    pub(crate) subscriptions: Vec<String>,
    _dir: tempfile::TempDir,
}

pub(crate) async fn compiler() -> Compiler {
    let mut compiler = Compiler::find().await.expect(INSTALL_A_COMPILER);
    // A sanitized compilation takes a multiple of a usual one, on a machine that does more at the same time.
    compiler.time_limit = Duration::from_secs(300);
    compiler
}

/// Compiles a firmware of one file; the error is what the compiler wrote.
///
/// Every test is a process of its own, and a sanitized compilation takes seconds, so programs are kept between runs under a
/// hash of all that made them.
pub(crate) async fn compile(
    text: &str,
    platform: Platform,
    build: Build,
) -> Result<PathBuf, String> {
    let flags: &[&str] = match build {
        Build::Plain => &[],
        Build::Sanitized => {
            &["-Werror", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        }
    };
    let compiler = compiler().await;
    let sources = [Source { name: "webhook-tutorial.cpp".into(), text: text.to_owned() }];
    let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware");
    std::fs::create_dir_all(&store).unwrap();
    let kept = store.join(compiler.key(&sources, platform, flags));
    let lock = File::create(kept.with_extension("lock")).unwrap();
    tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.unwrap().unwrap();
    if kept.exists() {
        return Ok(kept);
    }
    match compiler.compile(&sources, platform, flags, &store).await {
        Ok(program) => {
            std::fs::rename(program.path, &kept).unwrap();
            Ok(kept)
        }
        Err(Failure::Source(said)) => Err(said),
        Err(Failure::Machine(error)) => panic!("{error}"),
    }
}

impl Scenario {
    /// The tutorial's firmware on a Boron, connected, with setup() behind it.
    pub(crate) async fn new() -> Self {
        Self::of(TUTORIAL, Build::Sanitized, 0).await
    }

    pub(crate) async fn of(text: &str, build: Build, clock_ms: u64) -> Self {
        let program =
            compile(text, Platform::Boron, build).await.unwrap_or_else(|said| panic!("{said}"));
        Self::run_program(&program, build, clock_ms).await
    }

    pub(crate) async fn run_program(program: &Path, build: Build, clock_ms: u64) -> Self {
        // The address sanitizer reserves terabytes.
        let memory_mib = FIRMWARE.memory_mib.filter(|_| build == Build::Plain);
        let limits = Limits { memory_mib, ..FIRMWARE };
        Self::run_within(program, limits, clock_ms).await
    }

    pub(crate) async fn run_within(program: &Path, limits: Limits, clock_ms: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let process = Process::start(program, dir.path(), limits).unwrap();
        let mut scenario = Self {
            process: Some(process),
            start_ms: clock_ms,
            clock_ms,
            step_ms: 10,
            done: Vec::new(),
            subscriptions: Vec::new(),
            _dir: dir,
        };
        scenario.send(&HostMessage::Boot {
            id: ID.into(),
            clock_ms,
            seed: 1,
            epoch_s: 1_700_000_000,
            connected: true,
            source: 2,
            battery: None,
        });
        scenario.settle().await;
        scenario
    }

    pub(crate) fn send(&self, message: &HostMessage) {
        assert!(
            self.process.as_ref().expect("it runs").send(message),
            "the firmware takes no more messages"
        );
    }

    /// Runs until the clock shows `until_ms`, collecting what happens on the way.
    pub(crate) async fn run_until(&mut self, until_ms: u64) {
        while self.clock_ms < until_ms {
            self.run(until_ms).await;
        }
    }

    pub(crate) async fn run_for(&mut self, ms: u64) {
        self.run_until(self.clock_ms + ms).await;
    }

    /// Runs until the next publish, at most until `until_ms`; true if there was one.
    pub(crate) async fn run_until_publish(&mut self, until_ms: u64) -> bool {
        let before = self.published().len();
        while self.clock_ms < until_ms && self.published().len() == before {
            self.run(until_ms).await;
        }
        self.published().len() > before
    }

    /// Runs once; it ends early after a publish.
    async fn run(&mut self, until_ms: u64) {
        let step_ms = self.step_ms;
        self.send(&HostMessage::Run { until_ms, step_ms });
        self.settle().await;
    }

    async fn settle(&mut self) {
        let mut messages = Vec::new();
        loop {
            match self.process.as_mut().expect("it runs").receive().await {
                Some(FirmwareMessage::Done(clock_ms)) => {
                    self.clock_ms = clock_ms;
                    break;
                }
                Some(FirmwareMessage::Subscribe(prefix)) => self.subscriptions.push(prefix),
                Some(message) => messages.push(message),
                None => panic!(
                    "the firmware ended: {:#?}",
                    self.process.take().expect("it is taken here only").end().await
                ),
            }
        }
        self.done
            .extend(messages.into_iter().map(|message| Done { at_ms: self.clock_ms, message }));
    }

    /// Runs until the process ends or so much time is over; how it ended, or nothing.
    pub(crate) async fn run_to_its_end(&mut self, ms: u64) -> String {
        self.send(&HostMessage::Run { until_ms: self.clock_ms + ms, step_ms: self.step_ms });
        let mut process = self.process.take().unwrap();
        loop {
            match process.receive().await {
                Some(FirmwareMessage::Done(_)) => return String::new(),
                Some(_) => {}
                None => return format!("{:?}", process.end().await),
            }
        }
    }

    /// Holds the MODE button down for so long, and runs as long.
    pub(crate) async fn hold_button(&mut self, ms: u64) {
        self.send(&HostMessage::Button(true));
        self.run_for(ms).await;
        self.send(&HostMessage::Button(false));
    }

    pub(crate) fn connected(&self, connected: bool) {
        self.send(&HostMessage::Connected(connected));
    }

    pub(crate) fn event(&self, name: &str, data: Option<&str>) {
        let (name, data) = (name.into(), data.map(str::to_owned));
        self.send(&HostMessage::Event { name, data, content: ContentType::Text });
    }

    /// A part of a response to this device.
    pub(crate) fn part(&self, number: usize, data: &str) {
        self.event(&format!("{ID}/hook-response/WebhookTutorial01/{number}"), Some(data));
    }

    /// When it published, and which of the tutorial's operations, or the data.
    pub(crate) fn published(&self) -> Vec<(u64, &str)> {
        let done = self.done.iter();
        done.filter_map(|done| match &done.message {
            FirmwareMessage::Publish { data, .. } => {
                let data = data.as_deref().unwrap_or_default();
                let mut operations = ["button", "periodic"].into_iter();
                let operation = operations.find(|operation| data.contains(operation));
                Some((done.at_ms, operation.unwrap_or(data)))
            }
            _ => None,
        })
        .collect()
    }

    /// The serial log.
    pub(crate) fn serial(&self) -> Vec<&str> {
        self.done
            .iter()
            .filter_map(|done| match &done.message {
                FirmwareMessage::Serial(line) => Some(line.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The log: when, and what, without category and level. The time is the log's own, on a clock that does not wrap.
    pub(crate) fn log(&self) -> Vec<(u64, &str)> {
        let read = |line: &'_ str| {
            let (stamp, text) = line.split_at_checked(10)?;
            let (_, text) = text.split_once(": ")?;
            let since_start = stamp.parse::<u32>().ok()?.wrapping_sub(self.start_ms as u32);
            Some((self.start_ms + u64::from(since_start), line.len() - text.len()))
        };
        let lines = self.serial().into_iter();
        lines.filter_map(|line| read(line).map(|(at, text)| (at, &line[text..]))).collect()
    }

    /// The log's messages that begin with `start`.
    pub(crate) fn logged(&self, start: &str) -> Vec<&str> {
        self.log()
            .into_iter()
            .map(|(_, text)| text)
            .filter(|text| text.starts_with(start))
            .collect()
    }
}
