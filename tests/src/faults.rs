//! The fault run: many writers and pollers while everything between them and the data fails, from a seed.
//!
//! A run has [two of the real programs](programs) on one engine: one with the engine in it, whose clock jumps by months and whose
//! disk is full at times, and one whose clock is minutes or days off. Both reach the engine through a [`proxy`] of their own
//! that throttles, delays, drops, repeats and refuses calls; both are killed and started again. Two people's endpoints are [written to and followed](people) meanwhile: one whose owner does nothing, and
//! one whose owner clears and forgets. At the end all is calm, and [`check`] compares [what everybody was told](history) with
//! the log. In every third run the database is damaged then, and what can be read of it must be what was there.
//!
//! The seed decides what is sent, what fails and when somebody is killed; what happens at the same time is left to the
//! machine, so a seed that found something finds it again most of the time.

pub mod actors;
pub mod check;
pub mod history;
pub mod process;
pub mod programs;
pub mod proxy;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;

use crate::faults::{
    actors::{EndpointRun, Run},
    history::Figures,
    programs::Programs,
};

/// Runs one seed. `program` is the built `local`.
///
/// # Errors
/// What the run could not be made for; not what it found.
///
/// # Panics
/// If one of its tasks did.
pub async fn run(seed: u64, program: PathBuf) -> anyhow::Result<(Figures, Vec<String>)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut programs = Programs::start(program, &mut rng).await?;
    let run = Run::of(programs.pages(), programs.far_ahead());
    let endpoints = [
        EndpointRun::begin(&run, false, &mut rng).await,
        EndpointRun::begin(&run, true, &mut rng).await,
    ];

    let done = programs.keep_killing(run.enough(), &mut rng).await?;
    let mut figures = Figures {
        kills: done.kills,
        jumps: done.jumps,
        full_disks: done.full_disks,
        ..Figures::default()
    };
    run.stop_failing();
    programs.stop_failing();
    let mut told = Vec::new();
    for endpoint in endpoints {
        told.push(endpoint.writers_end().await?);
    }
    programs.treat_gaps_as_abandoned().await?;

    let mut found = Vec::new();
    let mut histories = Vec::new();
    for endpoint in told {
        let history = endpoint.end(&run).await?;
        check::check(&history, &mut found);
        figures.count(&history);
        histories.push(history);
    }
    figures.faults = programs.faults();
    if rng.u8(0..3) == 0 {
        figures.damaged = 1;
        programs.damage(&mut rng).await?;
        for history in &histories {
            let pages = actors::read_damaged(&run, &history.person).await;
            figures.intact += pages.iter().map(|page| page.deliveries.len() as u64).sum::<u64>();
            check::check_damaged(history, &pages, &mut found);
        }
    }
    Ok((figures, found))
}

/// Runs seeds one after the other, so many at once, until both a time is over and a number of them is through; `say` is
/// told of each.
///
/// # Errors
/// With the seed, what could not be run, or all that was found.
pub async fn run_seeds(
    program: PathBuf,
    seeds: impl Iterator<Item = u64> + Send + 'static,
    at_once: usize,
    mut go_on: impl FnMut(u64) -> bool + Send + 'static,
    say: impl Fn(u64, &Figures) + Send + Sync + 'static,
) -> anyhow::Result<(u64, Figures)> {
    let mut begun = 0;
    let seeds = Arc::new(Mutex::new(seeds.take_while(move |_| {
        begun += 1;
        go_on(begun)
    })));
    let (say, total) = (Arc::new(say), Arc::new(Mutex::new((0, Figures::default()))));
    let at_once: Vec<_> = (0..at_once)
        .map(|_| {
            let (seeds, say, program) = (Arc::clone(&seeds), Arc::clone(&say), program.clone());
            let total = Arc::clone(&total);
            tokio::spawn(async move {
                loop {
                    let next = seeds.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(seed) = next else {
                        return anyhow::Ok(());
                    };
                    let (figures, found) =
                        run(seed, program.clone()).await.with_context(|| format!("seed {seed}"))?;
                    anyhow::ensure!(found.is_empty(), "seed {seed}:\n{}", found.join("\n"));
                    say(seed, &figures);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.0 += 1;
                    total.1.add(&figures);
                }
            })
        })
        .collect();
    for worker in at_once {
        worker.await??;
    }
    let total = total.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(total)
}
