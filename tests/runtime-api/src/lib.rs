//! Lambda's Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>) on loopback, so that the very
//! binaries that are deployed can be tested and measured. As on Lambda, one environment answers one event at a time. It
//! leaves out freezing between events, extensions, streamed responses, and limits of time and memory.

mod server;
pub mod usage;

use std::{
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::server::Queue;

/// One function's process with its own Runtime API. Dropping it kills the process.
#[derive(Debug)]
pub struct Environment {
    child: Child,
    queue: Arc<Queue>,
    serving: JoinHandle<()>,
    lines: Arc<Mutex<Vec<String>>>,
    started: Instant,
    /// Where its Runtime API listens.
    pub addr: SocketAddr,
}

/// The result of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The function's response or, if `ok` is false, its error; JSON.
    pub json: String,
    pub ok: bool,
    /// From handing out the event to receiving the whole response.
    pub took: Duration,
}

impl Environment {
    /// Starts a function's binary with these variables and those that Lambda sets; none of this process's own are passed on.
    ///
    /// # Errors
    /// If there is no such program, or no port.
    #[allow(
        clippy::disallowed_methods,
        reason = "the time from start to readiness is what is measured here"
    )]
    pub async fn start(binary: &Path, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let queue = Arc::new(Queue::default());
        let router = server::router(Arc::clone(&queue));
        let serving = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let started = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", addr.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", &name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "local"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("TZ", ":UTC"),
            ])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let lines = Arc::default();
        keep(child.stdout.take(), &lines);
        keep(child.stderr.take(), &lines);
        Ok(Environment { child, queue, serving, lines, started, addr })
    }

    /// Waits until the function asks for its first event: the end of Lambda's INIT. Returns how long that took from the
    /// start of the process.
    ///
    /// # Errors
    /// If it ends, reports that it can't start, or does not get there in time.
    pub async fn ready(&mut self, within: Duration) -> anyhow::Result<Duration> {
        let queue = Arc::clone(&self.queue);
        let asked = self.or_end("start", within, queue.initialised()).await?;
        Ok(asked?.duration_since(self.started))
    }

    /// Hands the function one event, which is JSON, and waits for what it makes of it.
    ///
    /// # Errors
    /// If the function ends before it answered, or does not answer in time.
    pub async fn invoke(&mut self, event: &str, within: Duration) -> anyhow::Result<Invocation> {
        let queue = Arc::clone(&self.queue);
        self.or_end("answer", within, queue.invoke(event.to_owned(), within)).await?
    }

    /// Ends the process at once, as a kill -9 does, and waits until it is gone.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn kill(&mut self) -> std::io::Result<ExitStatus> {
        self.child.start_kill()?;
        self.child.wait().await
    }

    /// The lines that the function wrote so far, to standard output and error.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("nobody panics with the lines in hand").clone()
    }

    /// The process's id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The result of `doing`, unless the process ends or time is up before it.
    async fn or_end<T>(
        &mut self,
        what: &str,
        within: Duration,
        doing: impl Future<Output = T>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            done = doing => Ok(done),
            status = self.child.wait() => {
                // What it wrote last may still be in the pipes; their readers drop the lines at the end.
                let read = async {
                    while Arc::strong_count(&self.lines) > 1 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                let _ = tokio::time::timeout(within, read).await;
                let lines = self.lines().join("\n");
                anyhow::bail!("the function did not {what}: it ended with {}\n{lines}", status?)
            }
            () = tokio::time::sleep(within) => anyhow::bail!("the function did not {what} within {within:?}"),
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn keep(output: Option<impl AsyncRead + Unpin + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    let Some(output) = output else { return };
    tokio::spawn(async move {
        let mut read = BufReader::new(output).lines();
        while let Ok(Some(line)) = read.next_line().await {
            lines.lock().expect("nobody panics with the lines in hand").push(line);
        }
    });
}
