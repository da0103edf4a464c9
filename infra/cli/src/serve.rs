//! The local home, until the program is told to end.

use std::{
    io::{self, Read as _, Write as _},
    net::IpAddr,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use delivery::millis::Millis;
use device_link::DeviceState;
use function_url::{
    Clock,
    log::{Level, Line, Log},
};
use local::{
    Stack,
    config::{Config, EngineAt},
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};

use crate::{ask, client::web_url, warn};

/// How long the program takes to end. The promise is 5 s.
const STOP_LIMIT: Duration = Duration::from_millis(4_800);

#[derive(Args)]
pub(crate) struct Flags {
    /// Address to listen on; 0.0.0.0 is every address of this machine, for a container, and requires --no-device
    // All of it is called 127.0.0.1, by browsers and by the simulated cloud, so the address has to include that.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = PossibleValuesParser::new(["127.0.0.1", "0.0.0.0"]).map(|text| text.parse::<IpAddr>().expect("an address")))]
    listen: IpAddr,
    /// Port of the page and of the hook URLs
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Port of the simulated Particle cloud
    #[arg(long, default_value_t = 8788)]
    particle_port: u16,
    /// Folder for the data; the log survives a restart
    #[arg(long, value_name = "FOLDER", default_value = ".data")]
    data: PathBuf,
    /// Do not start the virtual device
    #[arg(long)]
    no_device: bool,
    /// Public URL of a tunnel to --hook-port, for hook URLs
    #[arg(long, value_name = "URL", value_parser = web_url)]
    public_url: Option<String>,
    /// Keep the log in another DynamoDB-compatible engine, such as DynamoDB Local, or in DynamoDB itself with the credentials
    /// of the environment
    #[arg(long, value_name = "URL", value_parser = web_url)]
    dynamodb_url: Option<String>,
    /// File with the code that is required to create an endpoint; `-` is standard input
    #[arg(long, value_name = "FILE")]
    creation_code_file: Option<PathBuf>,
    /// What it was before the code was kept off the command line
    #[arg(long, hide = true, num_args = 0..=1)]
    creation_code: Option<Option<String>>,
    /// Ask the program at this URL what each webhook is answered, and record and send its answer
    #[arg(long, value_name = "URL", value_parser = web_url)]
    to: Option<String>,
    /// Seconds in which that program has to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=60))]
    to_timeout: u64,
    /// Port for webhooks alone; opened only with --public-url
    #[arg(long, default_value_t = 8789)]
    hook_port: u16,
    /// Format of the log on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// For tests with faults: call the embedded engine through this URL, and print its own
    #[arg(long, hide = true, value_name = "URL", conflicts_with = "dynamodb_url")]
    engine_through: Option<String>,
    /// For tests with faults: a clock that is wrong by so many milliseconds
    #[arg(long, hide = true, value_name = "MS", default_value_t = 0, allow_hyphen_values = true)]
    clock_ahead_ms: i64,
}

impl Flags {
    fn engine(&self) -> EngineAt {
        match (&self.engine_through, &self.dynamodb_url) {
            (Some(url), _) => EngineAt::OwnThrough(url.clone()),
            (None, Some(url)) => EngineAt::Url(url.clone()),
            (None, None) => EngineAt::Own,
        }
    }

    fn clock(&self) -> Clock {
        let (clock, ahead) = (function_url::system_clock(), self.clock_ahead_ms);
        Arc::new(move || Millis(clock().0.saturating_add_signed(ahead)))
    }

    /// The code that is required to create an endpoint. It is a secret, so it is in no message.
    fn creation_code(&self) -> anyhow::Result<Option<String>> {
        if self.creation_code.is_some() {
            bail!(
                "--creation-code shows the code to every user of this machine; put it in the environment variable CREATION_CODE, or in a file for --creation-code-file FILE (`-` is standard input)"
            );
        }
        let code = match &self.creation_code_file {
            None => match std::env::var_os("CREATION_CODE") {
                None => return Ok(None),
                Some(code) => code.into_encoded_bytes(),
            },
            Some(file) if file.as_os_str() == "-" => {
                let mut code = Vec::new();
                let read = io::stdin().take(1024).read_to_end(&mut code);
                read.context("the creation code can't be read from standard input")?;
                code
            }
            Some(file) => std::fs::read(file).with_context(|| {
                format!("the creation code can't be read from {}", file.display())
            })?,
        };
        let code = code.strip_suffix(b"\n").unwrap_or(&code);
        let code = code.strip_suffix(b"\r").unwrap_or(code);
        // As on AWS. A header carries it, and the ends of a header are trimmed.
        let is_printable = code.iter().all(|byte| (b' '..=b'~').contains(byte));
        if !(8..=128).contains(&code.len()) || !is_printable || code.trim_ascii() != code {
            bail!(
                "a creation code has 8 to 128 printable ASCII characters, and no blank at either end"
            );
        }
        Ok(Some(String::from_utf8_lossy(code).into_owned()))
    }
}

/// Runs the local home until the program is told to end.
pub(crate) fn run(flags: Flags) -> anyhow::Result<ExitCode> {
    let prints_engine = flags.engine_through.is_some();
    let mut config = Config {
        site: include!(concat!(env!("OUT_DIR"), "/page.rs")),
        engine: flags.engine(),
        env: |name| std::env::var(name).ok(),
        clock: flags.clock(),
        listen: flags.listen,
        port: flags.port,
        particle_port: flags.particle_port,
        hook_port: flags.hook_port,
        creation_code: flags.creation_code()?,
        ask: match flags.to {
            None => None,
            Some(to) => Some(ask::program(to, Duration::from_secs(flags.to_timeout))?),
        },
        public_url: flags.public_url,
        log: log(flags.log_format),
        ..Config::new(flags.data)
    };
    if flags.no_device {
        config.devices.clear();
    }
    let workers = runtime::Runtime::new()?;
    // Signals have a runtime of their own, so that they end the program whatever its workers are doing.
    let signals = runtime::Builder::new_current_thread().enable_all().build()?;
    let result = signals.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let stack = tokio::select! {
            stack = workers.spawn(Stack::start(config)) => stack??,
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        };
        if let Some(damage) = stack.damage() {
            warn(&damage);
        }
        let device = stack.devices().first().map(|device| device.state());
        // When standard output is closed, nobody is left to say anything to.
        if greet(&stack, prints_engine).is_ok() {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = print_messages(device) => {}
            }
            let _ = writeln!(io::stdout(), "stopping");
        }
        // The timer is here because no worker can delay it.
        let stopped = timeout(STOP_LIMIT, workers.spawn(stack.stop())).await;
        stopped.context("not everything ended in time; what was acknowledged is stored")??
    });
    workers.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

/// Prints where everything is.
fn greet(stack: &Stack, with_engine: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Webhook tutorial   {}", stack.page_url)?;
    writeln!(out, "Log                {}/log", stack.page_url)?;
    writeln!(out, "Hook URLs          {}", stack.hook_url)?;
    if let (true, Some(url)) = (with_engine, stack.engine_url()) {
        writeln!(out, "Engine             {url}")?;
    }
    let account = stack.cloud().credentials();
    writeln!(
        out,
        "Simulated cloud    http://{} (user {}, password {})",
        stack.cloud().addr(),
        account.username,
        account.password
    )?;
    for device in stack.devices() {
        writeln!(out, "Virtual device     {} ({})", device.name, device.id)?;
    }
    if let Some(addr) = stack.hook_addr() {
        writeln!(out, "For the tunnel     {addr}, webhooks alone")?;
    }
    let (page, cloud) = (stack.page_addr(), stack.cloud().addr().port());
    if !page.ip().is_loopback() {
        writeln!(
            out,
            "Listening on {}: whoever reaches port {} or {cloud} can create endpoints, fill the disk, and use the simulated account with all that is in it, but read no log without its key. Publish these ports on 127.0.0.1 only.",
            page.ip(),
            page.port(),
        )?;
    }
    writeln!(out, "Open the first URL in a browser. Ctrl-C stops the program; the log is kept.")
}

/// Prints the virtual device's messages, until standard output is closed.
async fn print_messages(device: Option<watch::Receiver<DeviceState>>) -> io::Result<()> {
    let Some(mut state) = device else {
        return std::future::pending().await;
    };
    let mut printed = None;
    while state.changed().await.is_ok() {
        let message = state.borrow_and_update().message.clone();
        if message != printed
            && let Some(message) = &message
        {
            writeln!(io::stdout(), "Virtual device     {message}")?;
        }
        printed = message;
    }
    std::future::pending().await
}

/// How the functions' responses are logged.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// Failures, as text
    Text,
    /// Every response, as one JSON object on a line
    Json,
}

/// Prints on standard error. As text, a failure is not printed again if it was the last one.
fn log(format: LogFormat) -> Log {
    let printed = Mutex::new(String::new());
    let text = move |line: &Line<'_>| {
        if let Some(error) = line.error
            && Level::Error.writes(line)
        {
            let mut printed = printed.lock().expect("printing does not panic");
            if *printed != error {
                let (function, status) = (line.function, line.status);
                warn(&format_args!("{function}: {status} ({error})"));
                *printed = error.to_owned();
            }
        }
    };
    let json = |line: &Line<'_>| {
        if Level::Info.writes(line)
            && let Ok(json) = serde_json::to_string(line)
        {
            warn(&json);
        }
    };
    match format {
        LogFormat::Text => Arc::new(text),
        LogFormat::Json => Arc::new(json),
    }
}
