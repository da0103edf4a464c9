//! A working stand-in for the parts of the Particle cloud that webhooks need.
//!
//! What the real cloud does between a publish and a hook-response, in four facts:
//!
//! 1. An event whose name begins with an integration's `event` triggers it
//!    (<https://docs.particle.io/reference/cloud-apis/webhooks/>).
//! 2. The templates of the integration are filled from the event and sent; `hook-sent/…` says so on the event stream.
//! 3. A 2xx answer with a body comes back as `hook-response/…/0`, `/1` and so on, 512 bytes each, possibly out of order.
//! 4. Any other answer, or none within 20 s, becomes `hook-error/…/0`; hosts that mostly fail are left in peace for a while.
//!
//! It speaks to particle-api-js and particle-cli as they are. What nobody outside Particle knows is chosen in `guesses.rs`,
//! and every event that rests on such a choice says so.
//!
//! It leaves out: organisations, customers, the limit of 10,000 calls, ready-made applications, other integrations than webhooks, TLS, and every
//! address that is not this computer. It has one account and one product, and knows a device only while it is attached or
//! was once. Tokens are kept as hashes, so a list of tokens shows their last digits only.
//!
//! Whoever opens it from a browser: a page needs a token for everything but the console page, whose address holds 96
//! random bits and which shows no secrets; a token is given to the pages of [`Config::page_origins`] and to programs
//! that are no page. Another program of the same user can read all of it. That is accepted.
//!
//! The reader goes on to `front.rs` (what path leads where), then `hook/run.rs` (what an event sets off).

// In reading order; rustfmt sorts within a group only.
mod call;
mod front;
mod reply;

mod console;
mod devices;
mod events;
mod integrations;
mod signin;
mod tokens;

mod hook;
mod json;
mod render;
mod template;

mod core;
mod event;
mod streams;

mod attached;
mod bench;
mod binaries;
mod flash;
mod link;
mod reports;

mod file;
mod state;

pub mod untrusted;

mod chance;
mod clock;
mod guesses;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{
    chance::Chance,
    core::{Core, Parts},
    state::State,
};
pub use crate::{clock::Clock, file::StartError};

/// The integration of the tutorial, as the real console takes it; whoever uses it fills in `url`.
pub const WEBHOOK_JSON: &str = include_str!("../../particle/webhook.json");

/// How a stand-in is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the account, devices and integrations are kept; none = in memory only. Created if absent.
    pub data_dir: Option<PathBuf>,
    /// The exact origins of the pages that may sign in, flash and use the bench, such as `http://127.0.0.1:8787`.
    pub page_origins: Vec<String>,
    /// Where it takes its time from.
    pub clock: Clock,
    /// The one-time code that a sign-in must show after the password; none = the account has no second factor.
    pub mfa: Option<String>,
    /// Publishes the parts of long responses in a wrong order, which the real cloud may do at any time.
    pub reorder_parts: bool,
    /// How much of its listener strangers may take.
    pub bounds: door::Bounds,
    /// Makes ids, tokens and the password repeat from run to run. For tests: they can then be
    /// foreseen, and a data folder used twice with one seed would see the same ids twice.
    pub seed: Option<u64>,
}

impl Default for Config {
    /// In memory, on the real clock, no page, no second factor.
    fn default() -> Self {
        Self {
            data_dir: None,
            page_origins: Vec::new(),
            clock: Clock::real(),
            mfa: None,
            reorder_parts: false,
            bounds: door::Bounds {
                // Who closes its half of an event stream has left.
                half_close: false,
                ..door::Bounds::default()
            },
            seed: None,
        }
    }
}

/// The demo account.
#[derive(Clone)]
pub struct Demo {
    /// What to sign in with.
    pub username: String,
    /// Random, one for each data folder.
    pub password: String,
}

impl std::fmt::Debug for Demo {
    /// Without the password, which has no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demo")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// A running stand-in. Dropping it leaves it running; [`Cloud::shutdown`] ends it.
pub struct Cloud {
    core: Arc<Core>,
    serving: JoinHandle<()>,
    saving: JoinHandle<()>,
}

/// Where devices of the demo account attach.
#[derive(Clone)]
pub struct DeviceDoor {
    core: Arc<Core>,
}

impl DeviceDoor {
    /// Attaches a device: JSON lines over any stream of bytes. What comes back ends when the link does.
    pub fn attach(&self, io: impl AsyncRead + AsyncWrite + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(link::serve(Arc::clone(&self.core), io))
    }
}

impl Cloud {
    /// Starts on a listener of a loopback address. From any other, whoever reached this computer could have programs
    /// compiled and run here, so there it does not start.
    ///
    /// # Errors
    /// If others could reach the listener; if the data folder cannot be read or written, or holds something else.
    /// Nothing in it is destroyed.
    pub async fn start(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        let addr = listener.local_addr().map_err(StartError::Listener)?;
        if !addr.ip().is_loopback() {
            return Err(StartError::NotLoopback(addr));
        }
        let chance = Chance::new(config.seed);
        let known = config
            .data_dir
            .as_deref()
            .map(file::read)
            .transpose()?
            .flatten();
        let state = known.unwrap_or_else(|| State::fresh(&chance));
        let core = Arc::new(Core::new(Parts {
            clock: config.clock,
            chance,
            addr,
            page_origins: config.page_origins,
            mfa: config.mfa,
            reorder_parts: config.reorder_parts,
            state,
            folder: config.data_dir.clone(),
        }));
        // Written at once, so that a folder that cannot be written is known now and not at the first change.
        core.save()
            .await
            .map_err(|error| StartError::Unwritable(config.data_dir.unwrap_or_default(), error))?;
        let serving = tokio::spawn(front::serve(Arc::clone(&core), listener, config.bounds));
        let saving = tokio::spawn(Arc::clone(&core).keep_saving());
        Ok(Self {
            core,
            serving,
            saving,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.core.addr
    }

    /// How to sign in.
    pub fn demo(&self) -> Demo {
        let state = self.core.state();
        Demo {
            username: state.username.clone(),
            password: state.password.clone(),
        }
    }

    /// Attaches a device of the demo account: JSON lines over any stream of bytes, until one side ends it.
    pub fn attach_device(&self, io: impl AsyncRead + AsyncWrite + Send + 'static) {
        self.device_door().attach(io);
    }

    /// Where devices attach, for whoever outlives a borrow of the cloud.
    pub fn device_door(&self) -> DeviceDoor {
        DeviceDoor {
            core: Arc::clone(&self.core),
        }
    }

    /// Ends streams, links and connections, and writes what is not written yet.
    ///
    /// # Errors
    /// If the last changes could not be written.
    pub async fn shutdown(self) -> std::io::Result<()> {
        self.core.stopping.send_replace(true);
        // A task that panicked is over as well; what it held is not needed any more.
        let _ = self.serving.await;
        let _ = self.saving.await;
        self.core.save().await
    }
}
