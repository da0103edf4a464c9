//! `cargo run`: the whole product on this machine.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "this program talks to a person, and reads the environment once"
)]

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use delivery::millis::Millis;
use function_url::{Clock, log::Level};
use local::{
    Stack,
    config::{Config, EngineAt},
};

/// The webhook tutorial on this machine: page, functions and data, with nothing to sign up for.
#[derive(Parser)]
#[command(version, args_override_self = true)]
struct Flags {
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
    /// Code required to create an endpoint, as a deployment can have
    #[arg(long, value_name = "CODE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    creation_code: Option<String>,
    /// Port for webhooks alone; opened only with --public-url
    #[arg(long, default_value_t = 8789)]
    hook_port: u16,
    /// For tests with faults: call the embedded engine through this URL, and print its own
    #[arg(long, hide = true, value_name = "URL", conflicts_with = "dynamodb_url")]
    engine_through: Option<String>,
    /// For tests with faults: a clock that is wrong by so many milliseconds
    #[arg(
        long,
        hide = true,
        value_name = "MS",
        default_value_t = 0,
        allow_hyphen_values = true
    )]
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
}

fn web_url(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    match uri.query() {
        None if is_web => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("use http://host:port or https://host, without a query".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let prints_engine = flags.engine_through.is_some();
    let mut config = Config {
        engine: flags.engine(),
        env: |name| std::env::var(name).ok(),
        clock: flags.clock(),
        port: flags.port,
        particle_port: flags.particle_port,
        hook_port: flags.hook_port,
        public_url: flags.public_url,
        creation_code: flags.creation_code,
        log: Arc::new(|line| {
            if let Some(error) = line.error
                && Level::Error.writes(line)
            {
                eprintln!("{}: {} ({error})", line.function, line.status);
            }
        }),
        ..Config::new(flags.data)
    };
    if flags.no_device {
        config.devices.clear();
    }
    let stack = match Stack::start(config).await {
        Ok(stack) => stack,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    println!("Webhook tutorial   {}", stack.page_url);
    println!("Hook URLs          {}", stack.hook_url);
    if let (true, Some(url)) = (prints_engine, stack.engine_url()) {
        println!("Engine             {url}");
    }
    let demo = stack.cloud().demo();
    println!(
        "Simulated cloud    http://{} (user {}, password {})",
        stack.cloud().addr(),
        demo.username,
        demo.password
    );
    for device in stack.devices() {
        println!("Virtual device     {} ({})", device.name, device.id);
    }
    println!("Open the first URL in a browser. Ctrl-C stops the program; the log is kept.");
    tokio::select! {
        ended = ended() => if let Err(error) = ended {
            eprintln!("error: signals can't be handled: {error}");
        },
        () = print_messages(&stack) => {}
    }
    println!("stopping");
    match stack.stop().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the virtual device's messages, for ever.
async fn print_messages(stack: &Stack) {
    let Some(mut message) = stack.devices().first().map(|device| device.message()) else {
        return std::future::pending().await;
    };
    while message.changed().await.is_ok() {
        if let Some(message) = &*message.borrow_and_update() {
            println!("Virtual device     {message}");
        }
    }
    std::future::pending().await
}

/// Waits for Ctrl-C or, where there is one, a request to terminate.
async fn ended() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            ended = tokio::signal::ctrl_c() => ended,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
