//! The DynamoDB-compatible engine behind the local home: dynoxide, with its data in one SQLite file.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// How often expired items are deleted. On AWS that takes days and readers skip them meanwhile; so do ours.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    /// Where it answers, for the SDK.
    pub url: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), String>>,
    sweeping: JoinHandle<()>,
    /// Held for as long as the data is in use; the system gives it back whatever becomes of the process.
    _lock: File,
}

impl Engine {
    /// Opens the data folder, made if absent, and serves what is in it on a loopback port of the system's choice.
    ///
    /// # Errors
    /// If the folder can't be made, read or written, belongs to a running instance, or holds a file that this version
    /// can't read. Nothing in it is changed then.
    pub async fn start(data: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data)
            .with_context(|| format!("the data folder {} can't be made", data.display()))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(data.join("lock"))
            .with_context(|| format!("the data folder {} can't be written", data.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data folder {} is in use by another instance; stop that one, or choose another folder with --data",
                data.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!("the data folder {} can't be locked", data.display())
                });
            }
        }
        let file = data.join("log.db");
        let name = file
            .to_str()
            .context("the data folder's path is not UTF-8")?;
        let database = dynoxide::Database::new(name).map_err(|error| {
            anyhow::anyhow!("{name} can't be used: {error}. It was left as it is")
        })?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(dynoxide::server::serve_with_shutdown(
            listener,
            database.clone(),
            async {
                let _ = stopped.await;
            },
        ));
        let sweeping = tokio::spawn(async move {
            let mut every = tokio::time::interval(SWEEP_EVERY);
            loop {
                every.tick().await;
                let database = database.clone();
                // What could not be deleted now is tried again, and no reader is shown it meanwhile.
                let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
            }
        });
        Ok(Engine {
            url,
            stop,
            serving,
            sweeping,
            _lock: lock,
        })
    }

    /// Ends the engine; what it acknowledged is on disk.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.sweeping.abort();
        let _ = tokio::time::timeout(Duration::from_secs(3), self.serving).await;
    }
}
