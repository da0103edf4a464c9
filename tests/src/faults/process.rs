//! The real program, killed and started again.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    time::{sleep, timeout},
};

use crate::DEADLINE;

/// A program that is there most of the time.
#[derive(Debug)]
pub struct Process {
    program: PathBuf,
    args: Vec<String>,
    child: Option<Child>,
    page: watch::Sender<Option<String>>,
    engine: watch::Sender<Option<String>>,
}

impl Process {
    /// A program that was not started yet.
    pub fn new(program: PathBuf, args: Vec<String>) -> Self {
        Process {
            program,
            args,
            child: None,
            page: watch::Sender::new(None),
            engine: watch::Sender::new(None),
        }
    }

    /// Where its page is, when it is up.
    pub fn page(&self) -> watch::Receiver<Option<String>> {
        self.page.subscribe()
    }

    /// Where its engine is, when it is up and has one.
    pub fn engine(&self) -> watch::Receiver<Option<String>> {
        self.engine.subscribe()
    }

    /// Its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Changes how it is started the next time.
    pub fn set_command(&mut self, (program, args): (PathBuf, Vec<String>)) {
        (self.program, self.args) = (program, args);
    }

    /// Starts it, again and again if it can't start (the engine that it depends on may be gone at this moment).
    ///
    /// # Errors
    /// If it does not start within the deadline.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let starting = async {
            loop {
                if self.try_start().await.is_ok() {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(DEADLINE, starting).await.context("the program does not start")
    }

    async fn try_start(&mut self) -> anyhow::Result<()> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let (mut page, mut engine) = (None, None);
        loop {
            let line = lines.next_line().await?.context("it ended")?;
            let url = line.split_once("http://").map(|(_, url)| format!("http://{}", url.trim()));
            match line.split("  ").next() {
                Some("Webhook tutorial") => page = url,
                Some("Engine") => engine = url,
                // The last line of its greeting.
                _ if line.contains("Ctrl-C") => break,
                _ => {}
            }
        }
        // Read on, so that it never waits for room in the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.child = Some(child);
        self.engine.send_replace(engine);
        self.page.send_replace(page);
        Ok(())
    }

    /// Ends it as `kill -9` does, with whatever it is doing.
    pub async fn kill(&mut self) {
        self.page.send_replace(None);
        self.engine.send_replace(None);
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().await;
        }
    }
}
