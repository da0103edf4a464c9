//! The programs of a device: the one that runs, those that can be flashed, and those that are being compiled.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    path::{Path, PathBuf},
};

use device_link::{DeviceMessage, Source};
use tokio::task::JoinSet;

use crate::{
    binary_store::BinaryStore,
    compiler::{Compiler, Failure, INSTALL_A_COMPILER, main_file},
    config::Config,
    platform::Platform,
};

/// The firmware that a device runs until another one is flashed. It publishes nothing.
fn idle_firmware() -> Source {
    Source { name: "idle.cpp".into(), text: include_str!("../idle.cpp").into() }
}

/// Compilations at the same time.
const MAX_JOBS: usize = 2;

/// Compiled programs that can be flashed.
const MAX_COMPILED: usize = 4;

/// A finished compilation: its request (none for the boot), the sources and the result.
type Job = (Option<u64>, Vec<Source>, Result<(PathBuf, String), Failure>);

/// The result of a compilation.
pub(crate) enum Built {
    /// The flashed source can be booted now, or why not, for a person.
    Flashed(Result<(), String>),
    /// The message for the cloud, which requested it.
    Requested(DeviceMessage),
}

pub(crate) struct Programs {
    store: BinaryStore,
    /// `None` until it is found, and on a machine without one.
    pub(crate) compiler: Option<Compiler>,
    platform: Platform,
    flashed: Vec<Source>,
    /// Of the flashed source; none until it is compiled.
    program: Option<PathBuf>,
    jobs: JoinSet<Job>,
    /// By request, the newest last.
    compiled: VecDeque<(u64, Vec<Source>, PathBuf)>,
}

impl Programs {
    /// Opens what was flashed last, unless the configuration has another firmware.
    pub(crate) fn open(config: &Config) -> io::Result<Self> {
        let store = BinaryStore::open(&config.work_dir)?;
        if let Some(sources) = &config.firmware {
            store.keep(sources)?;
        }
        Ok(Self {
            flashed: store.flashed().unwrap_or_else(|| vec![idle_firmware()]),
            store,
            compiler: None,
            platform: config.power.platform(),
            program: None,
            jobs: JoinSet::new(),
            compiled: VecDeque::new(),
        })
    }

    /// The name of the flashed source's main file.
    pub(crate) fn firmware(&self) -> String {
        main_file(&self.flashed).unwrap_or_default().to_owned()
    }

    /// Whether it is the firmware that publishes nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.flashed == [idle_firmware()]
    }

    /// None until the flashed source is compiled.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// An empty folder for the program to run in.
    pub(crate) fn run_dir(&self) -> io::Result<PathBuf> {
        self.store.run_dir()
    }

    /// Begins to compile what was flashed. The error is for a person.
    pub(crate) fn compile_flashed(&mut self) -> Result<(), &'static str> {
        self.begin(None, self.flashed.clone())
    }

    /// Begins to compile what the cloud sent. The error is for a person.
    pub(crate) fn compile(&mut self, request: u64, files: Vec<Source>) -> Result<(), &'static str> {
        self.begin(Some(request), files)
    }

    fn begin(&mut self, request: Option<u64>, files: Vec<Source>) -> Result<(), &'static str> {
        let compiler = self.compiler.clone().ok_or(INSTALL_A_COMPILER)?;
        if self.jobs.len() >= MAX_JOBS {
            return Err(
                "This device is already compiling two programs; try again when one is done.",
            );
        }
        let (store, platform) = (self.store.clone(), self.platform);
        self.jobs.spawn(async move {
            let result = store.program(&compiler, &files, platform).await;
            (request, files, result)
        });
        Ok(())
    }

    /// The next compilation that ends. Cancel safe.
    pub(crate) async fn built(&mut self) -> Built {
        loop {
            match self.jobs.join_next().await {
                Some(Ok((Some(request), sources, result))) => {
                    return Built::Requested(self.result(request, sources, result));
                }
                // Another program was flashed in the meantime.
                Some(Ok((None, _, Ok(_)))) if self.program.is_some() => {}
                Some(Ok((None, _, result))) => return Built::Flashed(self.take(result)),
                // It panicked.
                Some(Err(_)) => {}
                None => pending().await,
            }
        }
    }

    /// Takes the program of the flashed source. The error is for a person.
    fn take(&mut self, result: Result<(PathBuf, String), Failure>) -> Result<(), String> {
        match result {
            Ok((program, _)) => {
                self.program = Some(program);
                self.remove_unused();
                Ok(())
            }
            Err(Failure::Source(said)) => {
                let first = said
                    .lines()
                    .find(|line| line.contains("error"))
                    .or(said.lines().next())
                    .unwrap_or_default();
                Err(format!("The firmware does not compile; flash another one. {first}"))
            }
            Err(Failure::Machine(error)) => Err(not_run(&error)),
        }
    }

    /// Keeps a program until it is flashed.
    fn result(
        &mut self,
        request: u64,
        sources: Vec<Source>,
        result: Result<(PathBuf, String), Failure>,
    ) -> DeviceMessage {
        let (size, errors) = match result {
            Ok((program, size)) => {
                if self.compiled.len() >= MAX_COMPILED {
                    self.compiled.pop_front();
                }
                self.compiled.push_back((request, sources, program));
                self.remove_unused();
                (Some(size), None)
            }
            Err(Failure::Source(said)) => (None, Some(said)),
            Err(Failure::Machine(error)) => (None, Some(not_run(&error))),
        };
        DeviceMessage::Compiled { request, ok: errors.is_none(), size, errors }
    }

    /// Makes the program compiled for a request the one that runs. False if there is none.
    pub(crate) fn flash(&mut self, request: u64) -> io::Result<bool> {
        let known = self.compiled.iter().position(|(of, _, _)| *of == request);
        let Some((_, sources, program)) = known.and_then(|at| self.compiled.remove(at)) else {
            return Ok(false);
        };
        self.store.keep(&sources)?;
        (self.flashed, self.program) = (sources, Some(program));
        Ok(true)
    }

    fn remove_unused(&self) {
        let compiled = self.compiled.iter().map(|(_, _, program)| program);
        let keep: Vec<_> = self.program.iter().chain(compiled).map(PathBuf::as_path).collect();
        self.store.retain(&keep);
    }
}

fn not_run(error: &io::Error) -> String {
    format!("The compiler could not be run: {error}.")
}
