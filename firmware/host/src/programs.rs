//! The programs of a device: the one that it runs, those that may yet be flashed, and those that are being compiled.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    path::{Path, PathBuf},
};

use tokio::task::JoinSet;

use crate::{
    compiler::{Compiler, Failure, INSTALL_A_COMPILER, Source, main_file},
    device::{Config, tutorial_firmware},
    link::ToCloud,
    platform::Platform,
    shelf::Shelf,
};

/// Compilations at the same time.
const MAX_JOBS: usize = 2;

/// Programs that were compiled and may yet be flashed.
const MAX_COMPILED: usize = 4;

/// A compilation's end: for which request (none for the boot), of what, and what came of it.
type Job = (Option<u64>, Vec<Source>, Result<(PathBuf, String), Failure>);

/// What came of a compilation.
pub(crate) enum Built {
    /// The flashed source can be booted now; an error says why not, to a person.
    Flashed(Result<(), String>),
    /// The cloud asked for it, and gets this answer.
    Asked(ToCloud),
}

/// What was flashed, and what was compiled since.
pub(crate) struct Programs {
    shelf: Shelf,
    compiler: Option<Compiler>,
    platform: Platform,
    flashed: Vec<Source>,
    /// Of the flashed source; none until it is compiled.
    program: Option<PathBuf>,
    jobs: JoinSet<Job>,
    /// For which requests, the newest last: whoever asked for one of them may want it flashed.
    compiled: VecDeque<(u64, Vec<Source>, PathBuf)>,
}

impl Programs {
    /// Finds what was flashed last, unless something else is to be.
    pub(crate) fn open(config: &Config) -> io::Result<Self> {
        let shelf = Shelf::open(&config.work_dir)?;
        if let Some(sources) = &config.firmware {
            shelf.keep(sources)?;
        }
        Ok(Self {
            flashed: shelf.flashed().unwrap_or_else(|| vec![tutorial_firmware()]),
            shelf,
            compiler: config.compiler.clone(),
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

    /// What boots; none until the flashed source is compiled.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// An empty folder for the program to run in.
    pub(crate) fn run_dir(&self) -> io::Result<PathBuf> {
        self.shelf.run_dir()
    }

    /// Begins to compile what was flashed. An error says why not, to a person.
    pub(crate) fn compile_flashed(&mut self) -> Result<(), &'static str> {
        self.begin(None, self.flashed.clone())
    }

    /// Begins to compile what the cloud sent. An error says why not, to a person.
    pub(crate) fn compile(&mut self, request: u64, files: Vec<Source>) -> Result<(), &'static str> {
        self.begin(Some(request), files)
    }

    fn begin(&mut self, request: Option<u64>, files: Vec<Source>) -> Result<(), &'static str> {
        let compiler = self.compiler.clone().ok_or(INSTALL_A_COMPILER)?;
        if self.jobs.len() >= MAX_JOBS {
            return Err("This device is compiling something else; try again.");
        }
        let (shelf, platform) = (self.shelf.clone(), self.platform);
        self.jobs.spawn(async move {
            let result = shelf.program(&compiler, &files, platform).await;
            (request, files, result)
        });
        Ok(())
    }

    /// The next compilation that ends. Can be dropped and called again without losing one.
    pub(crate) async fn built(&mut self) -> Built {
        loop {
            match self.jobs.join_next().await {
                Some(Ok((Some(request), sources, result))) => {
                    return Built::Asked(self.answer(request, sources, result));
                }
                // Something else was flashed in the meantime.
                Some(Ok((None, _, Ok(_)))) if self.program.is_some() => {}
                Some(Ok((None, _, result))) => return Built::Flashed(self.take(result)),
                // It panicked, which ends nothing else.
                Some(Err(_)) => {}
                None => pending().await,
            }
        }
    }

    /// Takes the program of the flashed source. An error says to a person why there is none.
    fn take(&mut self, result: Result<(PathBuf, String), Failure>) -> Result<(), String> {
        match result {
            Ok((program, _)) => {
                self.program = Some(program);
                self.tidy();
                Ok(())
            }
            Err(Failure::Source(said)) => {
                let first = said
                    .lines()
                    .find(|line| line.contains("error"))
                    .or(said.lines().next())
                    .unwrap_or_default();
                Err(format!(
                    "The firmware does not compile; flash another one. {first}"
                ))
            }
            Err(Failure::Machine(error)) => Err(not_run(&error)),
        }
    }

    /// Keeps a program until it is flashed, and answers who asked for it.
    fn answer(
        &mut self,
        request: u64,
        sources: Vec<Source>,
        result: Result<(PathBuf, String), Failure>,
    ) -> ToCloud {
        let (size, errors) = match result {
            Ok((program, size)) => {
                if self.compiled.len() >= MAX_COMPILED {
                    self.compiled.pop_front();
                }
                self.compiled.push_back((request, sources, program));
                self.tidy();
                (Some(size), None)
            }
            Err(Failure::Source(said)) => (None, Some(said)),
            Err(Failure::Machine(error)) => (None, Some(not_run(&error))),
        };
        ToCloud::Compiled {
            request,
            ok: errors.is_none(),
            size,
            errors,
        }
    }

    /// Has what was compiled for a request run from now on. False if nothing was.
    ///
    /// # Errors
    /// If it can't be kept.
    pub(crate) fn flash(&mut self, request: u64) -> io::Result<bool> {
        let known = self.compiled.iter().position(|(of, _, _)| *of == request);
        let Some((_, sources, program)) = known.and_then(|at| self.compiled.remove(at)) else {
            return Ok(false);
        };
        self.shelf.keep(&sources)?;
        (self.flashed, self.program) = (sources, Some(program));
        Ok(true)
    }

    fn tidy(&self) {
        let compiled = self.compiled.iter().map(|(_, _, program)| program);
        let keep: Vec<_> = self
            .program
            .iter()
            .chain(compiled)
            .map(PathBuf::as_path)
            .collect();
        self.shelf.tidy(&keep);
    }
}

fn not_run(error: &io::Error) -> String {
    format!("The compiler could not be run: {error}.")
}
