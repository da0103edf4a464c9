//! The two programs of a run, the engine that both are on, and what fails between.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Two of the real programs on the engine of the first.
pub struct Programs {
    program: PathBuf,
    own: Process,
    other: Process,
    proxies: [FaultProxy; 2],
    /// Whether the first program's clock is so far ahead that it hides what is recent.
    far_ahead: Arc<AtomicBool>,
    data: tempfile::TempDir,
    engine_is_told: JoinHandle<()>,
}

/// What a run did to its programs.
#[derive(Debug, Default)]
pub struct Done {
    pub kills: u64,
    pub jumps: u64,
    pub full_disks: u64,
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
        let engine_at = watch::Sender::new(None);
        let proxies = [
            FaultProxy::before(engine_at.subscribe(), rng.u64(..)).await?,
            FaultProxy::before(engine_at.subscribe(), rng.u64(..)).await?,
        ];
        let own = Process::new(program.clone(), own_args(data.path(), &proxies[0].url, 0));
        let ahead_ms = minutes_off(rng);
        let other =
            Process::new(program.clone(), other_args(data.path(), &proxies[1].url, ahead_ms));
        let mut engine = own.engine();
        let engine_is_told = tokio::spawn(async move {
            while engine.changed().await.is_ok() {
                engine_at.send_replace(engine.borrow_and_update().clone());
            }
        });
        let far_ahead = Arc::default();
        let mut programs =
            Programs { program, own, other, proxies, far_ahead, data, engine_is_told };
        programs.own.start().await?;
        programs.other.start().await?;
        Ok(programs)
    }

    /// Where the pages of both are, while they are up.
    pub fn pages(&self) -> [watch::Receiver<Option<String>>; 2] {
        [self.own.page(), self.other.page()]
    }

    /// Whether the first program's clock is so far ahead that it hides what is recent.
    pub fn far_ahead(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.far_ahead)
    }

    /// Kills both at random times and starts them again, with other clocks and sometimes on a disk that is nearly full, until
    /// there was enough of it.
    ///
    /// # Errors
    /// If one does not start again.
    pub async fn keep_killing(
        &mut self,
        enough: impl Future<Output = ()>,
        rng: &mut fastrand::Rng,
    ) -> anyhow::Result<Done> {
        let seeds = [rng.u64(..), rng.u64(..)].map(fastrand::Rng::with_seed);
        let [own, other] = seeds;
        let Programs { program, proxies, data, far_ahead, .. } = &*self;
        let (program, data) = (program.clone(), data.path().to_owned());
        let urls = [0, 1].map(|nth: usize| proxies[nth].url.clone());
        let far_ahead = Arc::clone(far_ahead);
        let long_enough = async {
            sleep(CHAOS).await;
            let _ = timeout(LONGEST_CHAOS, enough).await;
            Ok(Done::default())
        };
        let restart_own = |rng: &mut fastrand::Rng, is_last: bool, done: &mut Done| {
            // Months ahead or behind, and back again.
            let jump = [0, 60 * DAY_MS, -60 * DAY_MS][rng.usize(0..3)];
            let args = own_args(&data, &urls[0], jump + minutes_off(rng));
            far_ahead.store(jump > 0, Ordering::SeqCst);
            done.jumps += u64::from(jump != 0);
            if is_last || rng.u8(0..3) > 0 {
                return (program.clone(), args);
            }
            done.full_disks += 1;
            let used = ["log.db", "log.db-wal"].map(|file| {
                std::fs::metadata(data.join("own").join(file)).map_or(0, |file| file.len())
            });
            let blocks = used[0].max(used[1]) / 512 + rng.u64(100..600);
            crate::on_a_small_disk(blocks, &program, args)
        };
        let restart_other = |rng: &mut fastrand::Rng, _: bool, _: &mut Done| {
            // Days ahead, but not by a delivery's time to live.
            let ahead_ms = minutes_off(rng) + if rng.bool() { 5 * DAY_MS } else { 0 };
            (program.clone(), other_args(&data, &urls[1], ahead_ms))
        };
        let (_, one, two) = tokio::try_join!(
            long_enough,
            keep_killing(&mut self.own, own, restart_own),
            keep_killing(&mut self.other, other, restart_other),
        )?;
        Ok(Done { kills: one.kills + two.kills, ..one })
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
        let args = other_args(self.data.path(), &self.proxies[1].url, 3_600_000);
        self.other.set_command((self.program.clone(), args));
        self.other.start().await
    }

    /// Overwrites pages of the database and starts the program that has it.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn damage(&mut self, rng: &mut fastrand::Rng) -> anyhow::Result<()> {
        self.other.kill().await;
        self.own.kill().await;
        let file = self.data.path().join("own/log.db");
        let mut bytes = std::fs::read(&file)?;
        // Not the first page: without it the file is no database.
        for page in bytes.chunks_mut(4096).skip(1).filter(|_| rng.u8(0..20) == 0) {
            page.fill(0xa5);
        }
        std::fs::write(&file, bytes)?;
        self.far_ahead.store(false, Ordering::SeqCst);
        let args = own_args(self.data.path(), &self.proxies[0].url, 3_600_000);
        self.own.set_command((self.program.clone(), args));
        self.own.start().await
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

/// Never in step: one of the two finds the other's writers late.
fn minutes_off(rng: &mut fastrand::Rng) -> i64 {
    rng.i64(60_000..600_000) * if rng.bool() { 1 } else { -1 }
}

fn own_args(data: &Path, proxy: &str, ahead_ms: i64) -> Vec<String> {
    let mut args = crate::flags_of_home(&data.join("own"));
    args.extend(["--engine-through".to_owned(), proxy.to_owned()]);
    args.push(format!("--clock-ahead-ms={ahead_ms}"));
    args
}

fn other_args(data: &Path, proxy: &str, ahead_ms: i64) -> Vec<String> {
    let mut args = crate::flags_of_home(&data.join("other"));
    args.extend(["--dynamodb-url".to_owned(), proxy.to_owned()]);
    args.push(format!("--clock-ahead-ms={ahead_ms}"));
    args
}

/// Kills and starts a program a few times, and leaves it running.
async fn keep_killing(
    process: &mut Process,
    mut rng: fastrand::Rng,
    restart: impl Fn(&mut fastrand::Rng, bool, &mut Done) -> (PathBuf, Vec<String>),
) -> anyhow::Result<Done> {
    let mut done = Done { kills: rng.u64(1..4), ..Done::default() };
    let mut left = u64::try_from(CHAOS.as_millis())?;
    for nth in 1..=done.kills {
        let wait = rng.u64(0..left.max(1));
        left -= wait.min(left);
        sleep(Duration::from_millis(wait)).await;
        process.kill().await;
        sleep(Duration::from_millis(rng.u64(0..200))).await;
        let is_last = nth == done.kills;
        process.set_command(restart(&mut rng, is_last, &mut done));
        process.start().await?;
    }
    Ok(done)
}
