//! A device from outside: how to start one, what can be done to it, and what can be seen of it.

use std::{io, path::PathBuf};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    compiler::{Compiler, Source},
    link::{FromCloud, Link, State},
    platform::Power,
    supervisor::Supervisor,
};

/// The firmware that a device runs when nothing else was ever flashed: the tutorial's.
pub fn tutorial_firmware() -> Source {
    Source {
        name: "webhook-tutorial.cpp".into(),
        text: include_str!("../../src/webhook-tutorial.cpp").into(),
    }
}

/// Whether a text is a device ID: 24 lower-case hexadecimal digits.
pub fn is_id(text: &str) -> bool {
    text.len() == 24
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Another device ID each time.
///
/// # Panics
/// If the system gives no random bytes.
pub fn random_id() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has chance");
    // Hardware of this generation has IDs that begin so.
    format!("e00fce68{}", data_encoding::HEXLOWER.encode(&bytes))
}

/// What a device is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// 24 lower-case hexadecimal digits.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The hardware, and its power at first.
    pub power: Power,
    /// How many seconds of the device go by in one of ours: 1, or 60 for a minute in a second.
    pub speed: u32,
    /// Makes the firmware's random numbers the same at every boot; none for chance.
    pub seed: Option<u32>,
    /// Keeps what was flashed, and compiled programs. One device a folder.
    pub work_dir: PathBuf,
    /// What to flash at the start. None boots what was flashed last, at first the tutorial's firmware.
    pub firmware: Option<Vec<Source>>,
    /// None: the device is there, and says what to install.
    pub compiler: Option<Compiler>,
}

/// A device with power, until it is dropped.
pub struct Device {
    orders: mpsc::Sender<ToDevice>,
    serial: broadcast::Sender<String>,
    state: watch::Receiver<State>,
    task: JoinHandle<()>,
}

/// What reaches the supervisor from this side.
pub(crate) enum ToDevice {
    Do(FromCloud),
    Attach(Link),
    Stop,
}

impl Device {
    /// Starts a device whose cloud is at the other end of `io`, which speaks the lines of [`crate::link`].
    /// It compiles and boots by itself; when the link ends it is offline and goes on.
    ///
    /// # Errors
    /// If the ID is not one, or `work_dir` can't be used.
    pub fn start(
        config: Config,
        io: impl AsyncRead + AsyncWrite + Send + 'static,
    ) -> io::Result<Self> {
        Self::new(config, Some(Link::new(io)))
    }

    /// Starts a device without any cloud. It believes that it is connected, and nobody answers but who calls
    /// [`Device::order`].
    ///
    /// # Errors
    /// As for [`Device::start`].
    pub fn start_alone(config: Config) -> io::Result<Self> {
        Self::new(config, None)
    }

    fn new(config: Config, link: Option<Link>) -> io::Result<Self> {
        if !is_id(&config.id) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a device ID is 24 lower-case hexadecimal digits",
            ));
        }
        let (orders, from_here) = mpsc::channel(64);
        let (serial, _) = broadcast::channel(1024);
        let (state_now, state) = watch::channel(State {
            plugged: true,
            ..State::default()
        });
        let supervisor = Supervisor::new(config, link, from_here, serial.clone(), state_now)?;
        Ok(Self {
            orders,
            serial,
            state,
            task: tokio::spawn(supervisor.run()),
        })
    }

    /// Gives the device another link, in place of the one it has.
    pub async fn attach(&self, io: impl AsyncRead + AsyncWrite + Send + 'static) {
        // A device that is stopping needs no link.
        let _ = self.orders.send(ToDevice::Attach(Link::new(io))).await;
    }

    /// Does what the cloud could ask for.
    pub async fn order(&self, order: FromCloud) {
        let _ = self.orders.send(ToDevice::Do(order)).await;
    }

    /// The lines on the serial port from now on, without their ends. Who reads too slowly misses some.
    pub fn serial(&self) -> broadcast::Receiver<String> {
        self.serial.subscribe()
    }

    /// How the device is, now and at every change.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends the device and its firmware, and waits until both are gone.
    pub async fn shutdown(mut self) {
        let _ = self.orders.send(ToDevice::Stop).await;
        let _ = (&mut self.task).await;
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.task.abort();
    }
}
