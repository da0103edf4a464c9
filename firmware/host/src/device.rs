//! A device from outside: how to start one, what can be done to it, and what can be seen of it.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use device_link::{CloudMessage, DeviceMessage, DeviceState, Link, Source, is_device_id};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{platform::Power, supervisor::Supervisor};

/// The firmware that a device runs until another one is flashed. It publishes nothing.
pub(crate) fn idle_firmware() -> Source {
    Source { name: "idle.cpp".into(), text: include_str!("../idle.cpp").into() }
}

/// Messages that may wait for a cloud that reads slowly.
const MAX_WAITING: usize = 4096;

/// A random device ID.
fn random_id() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // Hardware of this generation has IDs that begin so.
    Ok(format!("e00fce68{}", data_encoding::HEXLOWER.encode(&bytes)))
}

/// The ID that the device of this folder has had since its first start.
fn kept_id(folder: &Path) -> io::Result<String> {
    let file = folder.join("id");
    if let Ok(known) = std::fs::read_to_string(&file)
        && is_device_id(known.trim())
    {
        return Ok(known.trim().to_owned());
    }
    let id = random_id()?;
    let mut new = std::fs::File::create(&file)?;
    writeln!(new, "{id}")?;
    new.sync_all()?;
    Ok(id)
}

/// How a device is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// 24 lower-case hexadecimal digits; none for a random one that is kept in `work_dir`.
    pub id: Option<String>,
    /// The name its owner gave it.
    pub name: String,
    /// The hardware, and its power at first.
    pub power: Power,
    /// Seconds of device time per second: 1, or 60 for a minute in a second.
    pub speed: u32,
    /// Makes the firmware's random numbers the same at every boot.
    pub seed: Option<u32>,
    /// Keeps what was flashed and compiled. One folder per device.
    pub work_dir: PathBuf,
    /// What to flash at the start. None boots what was flashed last, at first the idle firmware.
    pub firmware: Option<Vec<Source>>,
    /// What compiles its firmware.
    pub compiler: CompilerAt,
}

/// What compiles firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompilerAt {
    /// The C++ compiler of this machine. Where there is none, the device reports what to install.
    ThisMachine,
    /// None, whatever this machine has.
    Nowhere,
}

impl Default for Config {
    /// A Boron on its battery, in real time.
    fn default() -> Self {
        Self {
            id: None,
            name: "virtual-device".into(),
            power: Power::Battery(85.5),
            speed: 1,
            seed: None,
            work_dir: PathBuf::new(),
            firmware: None,
            compiler: CompilerAt::ThisMachine,
        }
    }
}

/// A device with power, until it is dropped.
pub struct Device {
    /// Its ID.
    pub id: String,
    commands: mpsc::Sender<Command>,
    serial: broadcast::Sender<String>,
    state: watch::Receiver<DeviceState>,
    task: JoinHandle<()>,
}

/// From a [`Device`] to its supervisor.
pub(crate) enum Command {
    /// As if the cloud had sent it.
    Message(CloudMessage),
    Attach(Link<DeviceMessage>),
}

impl Device {
    /// Starts a device whose cloud is at the other end of `io`, a device link.
    /// It compiles and boots by itself; when the link ends it is offline and keeps running.
    ///
    /// # Errors
    /// If the ID is not one, or `work_dir`, which is created if absent, can't be used.
    pub fn start(
        config: Config,
        io: impl AsyncRead + AsyncWrite + Send + 'static,
    ) -> io::Result<Self> {
        Self::new(config, Some(Link::open(io, MAX_WAITING)))
    }

    /// Starts a device without a cloud. The firmware believes that it is connected; only [`Device::send`] sends events.
    ///
    /// # Errors
    /// As for [`Device::start`].
    pub fn start_alone(config: Config) -> io::Result<Self> {
        Self::new(config, None)
    }

    fn new(config: Config, link: Option<Link<DeviceMessage>>) -> io::Result<Self> {
        std::fs::create_dir_all(&config.work_dir)?;
        let id = match &config.id {
            Some(id) => id.clone(),
            None => kept_id(&config.work_dir)?,
        };
        if !is_device_id(&id) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a device ID is 24 lower-case hexadecimal digits",
            ));
        }
        let (commands, received) = mpsc::channel(64);
        let (serial, _) = broadcast::channel(1024);
        let (state_now, state) =
            watch::channel(DeviceState { plugged: true, ..DeviceState::default() });
        let supervisor =
            Supervisor::new(id.clone(), config, link, received, serial.clone(), state_now)?;
        Ok(Self { id, commands, serial, state, task: tokio::spawn(supervisor.run()) })
    }

    /// Replaces the device's link.
    pub async fn attach(&self, io: impl AsyncRead + AsyncWrite + Send + 'static) {
        // A device that is stopping needs no link.
        let link = Link::open(io, MAX_WAITING);
        let _ = self.commands.send(Command::Attach(link)).await;
    }

    /// Sends the device what its cloud could send.
    pub async fn send(&self, message: CloudMessage) {
        let _ = self.commands.send(Command::Message(message)).await;
    }

    /// The lines on the serial port from now on, without their ends. A slow reader misses some.
    pub fn serial(&self) -> broadcast::Receiver<String> {
        self.serial.subscribe()
    }

    /// The device's state, now and at every change.
    pub fn state(&self) -> watch::Receiver<DeviceState> {
        self.state.clone()
    }

    /// Ends the device and its firmware, and waits until both are gone.
    pub async fn shutdown(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.task.abort();
    }
}
