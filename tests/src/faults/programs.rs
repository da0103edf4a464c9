//! The two programs of a run, the engine that both are on, and what fails between.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    process::Process,
    proxy::{Fault, FaultProxy},
};

/// How long everything fails at least.
const CHAOS: Duration = Duration::from_millis(2500);
/// How long at most, where little comes through because the machine is busy with other things.
const LONGEST_CHAOS: Duration = Duration::from_secs(20);

/// Two of the real programs on the engine of the first.
pub struct Programs {
    own: Process,
    other: Process,
    proxies: [FaultProxy; 2],
    /// How far the clock of the second is ahead, in milliseconds; negative if it is behind.
    ahead_ms: i64,
    data: tempfile::TempDir,
    engine_is_told: JoinHandle<()>,
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.engine_is_told.abort();
    }
}

impl Programs {
    /// Starts both.
    ///
    /// # Errors
    /// If they don't start.
    pub async fn start(program: PathBuf, rng: &mut fastrand::Rng) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        // Never in step: one of the two finds the other's writers late.
        let ahead_ms = rng.i64(60_000..600_000) * if rng.bool() { 1 } else { -1 };
        let engine_at = watch::Sender::new(None);
        let proxies = [
            FaultProxy::before(engine_at.subscribe(), rng.u64(..)).await?,
            FaultProxy::before(engine_at.subscribe(), rng.u64(..)).await?,
        ];
        let through = ["--engine-through".to_owned(), proxies[0].url.clone()];
        let mut own_args = crate::flags_of_local(&data.path().join("own"));
        own_args.extend(through);
        let own = Process::new(program.clone(), own_args);
        let other = Process::new(program, other_args(data.path(), &proxies[1], ahead_ms));
        let mut engine = own.engine();
        let engine_is_told = tokio::spawn(async move {
            while engine.changed().await.is_ok() {
                engine_at.send_replace(engine.borrow_and_update().clone());
            }
        });
        let mut programs = Programs { own, other, proxies, ahead_ms, data, engine_is_told };
        programs.own.start().await?;
        programs.other.start().await?;
        Ok(programs)
    }

    /// Where the pages of both are, while they are up.
    pub fn pages(&self) -> [watch::Receiver<Option<String>>; 2] {
        [self.own.page(), self.other.page()]
    }

    /// Kills both at random times and starts them again, until there was enough of it. Gives back how often.
    ///
    /// # Errors
    /// If one does not start again.
    pub async fn keep_killing(
        &mut self,
        enough: impl Future<Output = ()>,
        rng: &mut fastrand::Rng,
    ) -> anyhow::Result<u64> {
        let seeds = [rng.u64(..), rng.u64(..)].map(fastrand::Rng::with_seed);
        let [own, other] = seeds;
        let long_enough = async {
            sleep(CHAOS).await;
            let _ = timeout(LONGEST_CHAOS, enough).await;
            Ok(0)
        };
        let (_, one, two) = tokio::try_join!(
            long_enough,
            keep_killing(&mut self.own, own),
            keep_killing(&mut self.other, other),
        )?;
        Ok(one + two)
    }

    /// Lets everything work from now on.
    pub fn stop_failing(&self) {
        for proxy in &self.proxies {
            proxy.stop_failing();
        }
    }

    /// Waits until every call that was held back has arrived. From then on the second program finds every gap abandoned, so
    /// that nobody waits ten seconds for it.
    ///
    /// # Errors
    /// If that program does not start again.
    ///
    /// # Panics
    /// If a call never arrives.
    pub async fn treat_gaps_as_abandoned(&mut self) -> anyhow::Result<()> {
        crate::eventually("every call that was held back has arrived", || async {
            self.proxies.iter().all(FaultProxy::is_idle).then_some(())
        })
        .await;
        self.other.kill().await;
        let ahead_ms = self.ahead_ms.max(0) + 3_600_000;
        let args = other_args(self.data.path(), &self.proxies[1], ahead_ms);
        self.other.set_args(args);
        self.other.start().await
    }

    /// Calls that failed, by how.
    pub fn faults(&self) -> BTreeMap<Fault, u64> {
        let mut faults = BTreeMap::new();
        for (fault, count) in self.proxies.iter().flat_map(FaultProxy::counts) {
            *faults.entry(fault).or_default() += count;
        }
        faults
    }
}

fn other_args(data: &Path, proxy: &FaultProxy, ahead_ms: i64) -> Vec<String> {
    let mut args = crate::flags_of_local(&data.join("other"));
    args.extend(["--dynamodb-url".to_owned(), proxy.url.clone()]);
    args.push(format!("--clock-ahead-ms={ahead_ms}"));
    args
}

/// Kills and starts a program a few times, and leaves it running. Gives back how often.
async fn keep_killing(program: &mut Process, mut rng: fastrand::Rng) -> anyhow::Result<u64> {
    let kills = rng.u64(1..4);
    let mut left = u64::try_from(CHAOS.as_millis())?;
    for _ in 0..kills {
        let wait = rng.u64(0..left.max(1));
        left -= wait.min(left);
        sleep(Duration::from_millis(wait)).await;
        program.kill().await;
        sleep(Duration::from_millis(rng.u64(0..200))).await;
        program.start().await?;
    }
    Ok(kills)
}
