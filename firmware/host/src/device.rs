//! A device from outside: how to start one, what can be done to it, and what can be seen of it.

use std::{
    io::{self, Write as _},
    path::Path,
};

use device_link::{CloudMessage, DeviceMessage, DeviceState, Link, is_device_id};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    config::Config,
    supervisor::{Command, Supervisor},
};

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

/// A device with power, until it is dropped.
pub struct Device {
    /// Its ID.
    pub id: String,
    commands: mpsc::Sender<Command>,
    serial: broadcast::Sender<String>,
    state: watch::Receiver<DeviceState>,
    task: JoinHandle<()>,
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
