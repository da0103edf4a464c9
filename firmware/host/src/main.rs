//! A virtual device in a terminal: its serial monitor and typed commands, with or without a simulated cloud.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to a person")]

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::Parser;
use device_link::Source;
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream, stdin};
use virtual_device::{
    attach,
    compiler::{Compiler, INSTALL_A_COMPILER},
    config::{CompilerAt, Config},
    console::{self, Command},
    device::Device,
    platform::Power,
};

/// Runs a firmware file on this machine, as a Particle device would.
///
/// Prints what `particle serial monitor` prints. Type `help` for the commands.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Device ID: 24 hexadecimal digits [default: a random one, kept in --data]
    #[arg(long)]
    id: Option<String>,
    /// Name of the device
    #[arg(long, default_value = "virtual-device")]
    name: String,
    /// Power source: none (an Argon), usb, battery or battery:PERCENT
    #[arg(long, default_value = "usb")]
    power: Power,
    /// Run a minute of device time per second
    #[arg(long)]
    fast: bool,
    /// Seed of the firmware's random numbers, so that they repeat [default: random]
    #[arg(long)]
    seed: Option<u32>,
    /// Firmware, a .cpp or .ino file [default: the last one flashed, at first one that is idle]
    #[arg(long)]
    firmware: Option<PathBuf>,
    /// Folder that keeps the flashed firmware [default: it is not kept]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Simulated cloud to connect to, such as http://127.0.0.1:8788
    #[arg(long, requires = "token_file")]
    cloud: Option<String>,
    /// File with an access token of that cloud
    #[arg(long, requires = "cloud")]
    token_file: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> anyhow::Result<()> {
    if Compiler::find().await.is_none() {
        bail!(INSTALL_A_COMPILER)
    }
    let scratch = tempfile::tempdir()?;
    let firmware = flags.firmware.as_ref().map(source).transpose()?;
    let config = Config {
        id: flags.id,
        name: flags.name,
        power: flags.power,
        speed: if flags.fast { 60 } else { 1 },
        seed: flags.seed,
        work_dir: flags.data.unwrap_or_else(|| scratch.path().to_owned()),
        firmware: firmware.map(|source| vec![source]),
        compiler: CompilerAt::ThisMachine,
    };
    let name = config.name.clone();
    let (device, link) = match (flags.cloud, flags.token_file) {
        (Some(cloud), Some(file)) => {
            let token =
                std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
            let link = Reconnecting { cloud, token: token.trim().to_owned() };
            let (stream, io) = link.connect().await.with_context(|| link.cloud.clone())?;
            (Device::start(config, io)?, Some((link, stream)))
        }
        _ => (Device::start_alone(config)?, None),
    };
    eprintln!("Device {} ({name}). Type `help` for the commands.", device.id);
    tokio::select! {
        () = watch(&device) => {}
        result = type_commands(&device) => result?,
        () = keep_attached(&device, link) => {}
    }
    device.shutdown().await;
    Ok(())
}

fn source(file: &PathBuf) -> anyhow::Result<Source> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { name, text })
}

/// Prints the serial port to standard output, until that is closed, and messages to standard error.
async fn watch(device: &Device) {
    let (mut serial, mut state) = (device.serial(), device.state());
    loop {
        tokio::select! {
            line = serial.recv() => match line {
                Ok(line) => if writeln!(std::io::stdout(), "{line}").is_err() {
                    return;
                },
                Err(tokio::sync::broadcast::error::RecvError::Lagged(lines)) => eprintln!("({lines} lines were lost)"),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                if let Some(message) = &state.borrow_and_update().message {
                    eprintln!("{message}");
                }
            }
        }
    }
}

async fn type_commands(device: &Device) -> anyhow::Result<()> {
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match console::read(&line) {
            Ok(None) => {}
            Ok(Some(Command::Send(message))) => device.send(message).await,
            Ok(Some(Command::Help)) => eprintln!("{}", console::HELP),
            Ok(Some(Command::Quit)) => return Ok(()),
            Err(error) => eprintln!("{error}"),
        }
    }
    // Without a terminal the device keeps running.
    std::future::pending().await
}

struct Reconnecting {
    cloud: String,
    token: String,
}

impl Reconnecting {
    async fn connect(&self) -> std::io::Result<(tokio::task::JoinHandle<()>, DuplexStream)> {
        let mut stream = attach::connect(&self.cloud, &self.token).await?;
        let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
        let copying = tokio::spawn(async move {
            // How it ended makes no difference: the link is over.
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut ours).await;
        });
        Ok((copying, theirs))
    }
}

async fn keep_attached(device: &Device, link: Option<(Reconnecting, tokio::task::JoinHandle<()>)>) {
    let Some((link, mut copying)) = link else {
        return std::future::pending().await;
    };
    loop {
        let _ = copying.await;
        eprintln!("The connection to the cloud is lost; trying again.");
        let mut pause = Duration::from_secs(1);
        copying = loop {
            tokio::time::sleep(pause).await;
            match link.connect().await {
                Ok((copying, io)) => {
                    device.attach(io).await;
                    break copying;
                }
                Err(_) => pause = (pause * 2).min(Duration::from_secs(30)),
            }
        };
    }
}
