//! What a stack is started with.

use std::{path::PathBuf, sync::Arc};

use delivery::limits::Limits;
use function_url::{Clock, log::Log};
use virtual_device::{compiler::Source, platform::Power};

use crate::{clouds::Cloud, server::Bounds};

/// What a stack makes of the clouds that its page would usually offer.
pub type Offer = Arc<dyn Fn(Vec<Cloud>) -> Vec<Cloud> + Send + Sync>;

/// Everything that differs between `cargo run`, its flags, and the tests.
#[derive(Clone)]
pub struct Config {
    /// The page's port; 0 for one of the system's choice.
    pub port: u16,
    /// The port of the simulated Particle cloud; 0 for one of the system's choice.
    pub particle_port: u16,
    /// The port of the listener that a tunnel points at; used only with `public_url`.
    pub hook_port: u16,
    /// Where the world reaches that listener, if it does.
    pub public_url: Option<String>,
    /// The folder for the data: the log's, the simulated cloud's, the virtual devices'.
    pub data: PathBuf,
    /// Where the log is.
    pub engine: EngineAt,
    /// The virtual devices of the simulated cloud's account; none for a stack without.
    pub devices: Vec<VirtualDevice>,
    /// What is kept and allowed.
    pub limits: Limits,
    /// What must be presented to make an endpoint, as a deployment may ask for; none here, usually.
    pub creation_code: Option<String>,
    /// How much of each listener strangers may take.
    pub bounds: Bounds,
    /// The time.
    pub clock: Clock,
    /// Where the line about each answer goes.
    pub log: Log,
    /// How the simulated cloud is set up; its folder and the page that may sign in are the stack's to say.
    pub particle: simulated_cloud::Config,
    /// Which clouds the page offers. `cargo run` offers the usual ones; a test takes some away, or names one of its own.
    pub clouds: Offer,
}

/// Where the log is.
#[derive(Clone, Debug)]
pub enum EngineAt {
    /// In the data folder, served by an engine of our own.
    Own,
    /// In the data folder, served by an engine of our own and asked through this URL, where a test's proxy is.
    OwnThrough(String),
    /// With an engine that runs already.
    Url(String),
}

/// A virtual device to start.
#[derive(Clone, Debug)]
pub struct VirtualDevice {
    /// 24 lower-case hexadecimal digits; none for one that is made at the first start and kept in the data folder.
    pub id: Option<String>,
    /// What its owner calls it.
    pub name: String,
    /// The hardware, and its power at first.
    pub power: Power,
    /// How many seconds of the device go by in one of ours: 1, or 60 for a minute in a second.
    pub speed: u32,
    /// Makes the firmware's random numbers, and so the ids in its events, the same at every boot; none for chance.
    pub seed: Option<u32>,
    /// What to flash at the start; none for what was flashed last, at first the tutorial's firmware.
    pub firmware: Option<Vec<Source>>,
    /// What compiles its firmware.
    pub compiler: CompilerAt,
}

/// What compiles firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompilerAt {
    /// The C++ compiler of this machine, if it has one.
    ThisMachine,
    /// None, whatever this machine has: the device says what to install.
    Nowhere,
}

impl Default for VirtualDevice {
    /// The one of `cargo run`: a Boron on its battery, in real time.
    fn default() -> Self {
        VirtualDevice {
            id: None,
            name: "virtual-device".into(),
            power: Power::Battery(85.5),
            speed: 1,
            seed: None,
            firmware: None,
            compiler: CompilerAt::ThisMachine,
        }
    }
}

impl Config {
    /// The configuration of `cargo run` without flags, with the system's clock and a silent log.
    pub fn new(data: PathBuf) -> Self {
        Config {
            port: 8787,
            particle_port: 8788,
            hook_port: 8789,
            public_url: None,
            engine: EngineAt::Own,
            data,
            devices: vec![VirtualDevice::default()],
            limits: Limits {
                // Past the 20 s after which Particle stops waiting, so that it can be seen.
                max_delay_ms: 30_000,
                ..Limits::default()
            },
            creation_code: None,
            bounds: Bounds::default(),
            clock: function_url::system_clock(),
            log: Arc::new(|_| {}),
            particle: simulated_cloud::Config::default(),
            clouds: Arc::new(|usual| usual),
        }
    }
}
