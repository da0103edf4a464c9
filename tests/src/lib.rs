//! The product from outside: start it, talk to it as strangers do, look at it in a browser.
//!
//! - [`home`]: a stack of its own for a test, and a person's key to it
//! - [`account`]: the account of the simulated cloud, as a program uses it
//! - [`client`]: HTTP as others send it, bytes and all
//! - [`recorder`]: a Particle cloud that writes down what it is asked
//! - [`cutter`]: a proxy before the simulated cloud that cuts event streams
//! - [`faults`]: a proxy before the data that fails, and the fault run, which checks what everybody was told
//! - [`started`]: the real program
//! - [`target`]: a program to which webhooks are forwarded
//! - [`device`]: a device of the simulated cloud
//! - [`browser`]: the page in Chromium
//! - [`visit`]: what a person does on the page, and sees
//! - [`network`]: what a test does to the connections of a page
//! - [`learner`]: the same of somebody who has a cloud
//! - [`eventually`]: waits for what will be true, and says what was not

pub mod account;
pub mod browser;
pub mod client;
pub mod cutter;
pub mod device;
pub mod faults;
pub mod home;
pub mod learner;
pub mod network;
pub mod recorder;
pub mod started;
pub mod target;
pub mod visit;

use std::{fmt::Debug, future::Future, time::Duration};

/// How long anything may take that is expected to happen at all. Far above what it takes, because a test that fails
/// when its machine is busy says nothing.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Asks until there is an answer, and fails with `what` if there is none within [`DEADLINE`].
///
/// # Panics
/// If the deadline passes.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let answer = || {
        let asked = ask();
        async { asked.await.ok_or("no answer") }
    };
    eventually_or(what, answer).await
}

/// The same with what there is instead, which the failure shows as it was last.
///
/// # Panics
/// If the deadline passes.
pub async fn eventually_or<T, E: Debug, F: Future<Output = Result<T, E>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let mut instead = None;
    let asking = async {
        // Soon at first, and then more rarely: each question to a browser costs processor time that its page needs.
        let mut pause = Duration::from_millis(10);
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(other) => instead = Some(other),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(160));
        }
    };
    let answer = tokio::time::timeout(DEADLINE, asking).await;
    answer
        .unwrap_or_else(|_| panic!("timed out after {DEADLINE:?}: {what}; last seen: {instead:#?}"))
}

/// Does something until it is done or this program is told to end, by Ctrl-C or a request to terminate; then what it was doing
/// is dropped, and with it the programs that it started. `None` if it was told to end.
///
/// # Errors
/// If no signal can be waited for.
pub async fn unless_told_to_end<T>(done: impl Future<Output = T>) -> std::io::Result<Option<T>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = done => Ok(Some(done)),
        told = tokio::signal::ctrl_c() => told.map(|()| None),
        _ = terminate.recv() => Ok(None),
    }
}

/// How the real program is started in tests: without a device, on ports of the system's choice, with its data here.
pub fn flags_of_home(data: &std::path::Path) -> Vec<String> {
    let flags = ["--no-device", "--port", "0", "--particle-port", "0"];
    let mut flags: Vec<String> = flags.map(str::to_owned).into();
    flags.extend(["--data".to_owned(), data.display().to_string()]);
    flags
}

/// The command of a program in a shell that lets it write files of at most so many blocks of 512 bytes, as if the disk were
/// full.
pub fn on_a_small_disk(
    blocks: u64,
    program: &std::path::Path,
    args: Vec<String>,
) -> (std::path::PathBuf, Vec<String>) {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let shell = ["-c".to_owned(), script, program.display().to_string()];
    ("/bin/sh".into(), shell.into_iter().chain(args).collect())
}

/// A program built by this workspace, next to the tests.
///
/// # Panics
/// If it was not built; says how.
#[allow(clippy::missing_panics_doc, reason = "documented above")]
pub fn program(name: &str) -> std::path::PathBuf {
    let me = std::env::current_exe().expect("a test knows its own path");
    // A test lies in target/PROFILE/deps, a program in target/PROFILE.
    let folders = || me.ancestors().skip(1).take(2);
    let found = folders().map(|folder| folder.join(name)).find(|path| path.exists());
    let path = found.unwrap_or_else(|| folders().last().expect("two of them").join(name));
    assert!(path.exists(), "{} is not built: cargo build --workspace --bins", path.display());
    path
}
