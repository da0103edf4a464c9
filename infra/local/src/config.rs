//! What a stack is started with.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use delivery::limits::Limits;
use function_url::{Clock, log::Log};

use crate::{ask::Ask, clouds::Cloud};

/// Changes the list of clouds that a page offers.
pub type Offer = Arc<dyn Fn(Vec<Cloud>) -> Vec<Cloud> + Send + Sync>;

/// The configuration of a stack. `cargo run` sets some of it by flags, tests the rest.
#[derive(Clone)]
pub struct Config {
    /// Where page, simulated cloud and hook listener listen. Another address than a loopback one takes a stack without devices.
    pub listen: IpAddr,
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
    /// The sources of the page.
    pub site: site::Options,
    /// Where the log is.
    pub engine: EngineAt,
    /// Looks up an environment variable: AWS credentials and region for [`EngineAt::Url`].
    pub env: fn(&str) -> Option<String>,
    /// Answers webhooks in place of their owners' replies.
    pub ask: Option<Ask>,
    /// The virtual devices of the simulated cloud's account; none for a stack without.
    pub devices: Vec<VirtualDevice>,
    /// Limits of the deployment.
    pub limits: Limits,
    /// Required to create an endpoint; `None` if anybody may.
    pub creation_code: Option<String>,
    /// What clients of the listeners may take of this machine.
    pub server: ServerLimits,
    pub clock: Clock,
    /// Receives the line about each response.
    pub log: Log,
    /// How the simulated cloud is set up; its folder and the page that may sign in are the stack's to say.
    pub particle: simulated_cloud::Config,
    /// Which clouds the page offers. `cargo run` offers the usual ones; a test takes some away, or names one of its own.
    pub clouds: Offer,
}

/// What clients may take of this machine.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections of one listener at once; more wait until one ends.
    pub connections: usize,
    /// How long a request head may take, from the end of the response before it: also how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long a request body may take.
    pub body_timeout: Duration,
    /// How long a request may take from its head to the head of its response: body, compiler and owner's delay included.
    pub request_timeout: Duration,
    /// How long a write may wait for the client to read.
    pub write_timeout: Duration,
    /// Bodies above `max_body_bytes`, or of unknown length, at once. A body is in memory several times over while a function
    /// reads it.
    pub large_bodies: usize,
    /// Requests that the functions handle at once; more wait. The engine writes one at a time, and the SDK's timeouts are
    /// short: of 200 requests at the same moment on a busy machine, 128 at once failed them all, 16 at once none.
    pub requests: usize,
    /// How long a request may wait and be handled before its sender gets a 503. The contract says 10 s.
    pub answer_timeout: Duration,
}

impl Default for ServerLimits {
    /// Three listeners stay below the 1,024 open files that a process has by default, the files of the calls that they make
    /// included.
    fn default() -> Self {
        ServerLimits {
            connections: 256,
            head_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(90),
            write_timeout: Duration::from_secs(30),
            large_bodies: 8,
            requests: 16,
            answer_timeout: Duration::from_secs(9),
        }
    }
}

/// Where the log is.
#[derive(Clone, Debug)]
pub enum EngineAt {
    /// In the data folder, by the embedded engine.
    Own,
    /// In the data folder, by the embedded engine, which the functions call through this URL: that of a test's proxy.
    OwnThrough(String),
    /// At the URL of another DynamoDB-compatible engine.
    Url(String),
}

/// A file of a virtual device's firmware.
pub use device_link::Source;
/// A virtual device to start. Its `work_dir` is the stack's to say.
pub use virtual_device::config::{CompilerAt, Config as VirtualDevice};

impl Config {
    /// The configuration of `cargo run` without flags, with the system's clock and a silent log.
    pub fn new(data: PathBuf) -> Self {
        Config {
            listen: Ipv4Addr::LOCALHOST.into(),
            port: 8787,
            particle_port: 8788,
            hook_port: 8789,
            public_url: None,
            site: site::Options::default(),
            engine: EngineAt::Own,
            env: |_| None,
            ask: None,
            data,
            devices: vec![VirtualDevice::default()],
            limits: Limits {
                // Past the 20 s after which Particle stops waiting, so that it can be seen.
                max_delay_ms: 30_000,
                ..Limits::default()
            },
            creation_code: None,
            server: ServerLimits::default(),
            clock: function_url::system_clock(),
            log: Arc::new(|_| {}),
            particle: simulated_cloud::Config::default(),
            clouds: Arc::new(|usual| usual),
        }
    }
}
