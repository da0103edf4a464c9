//! A simulated Particle cloud: the parts of it that webhooks need.
//!
//! What the real cloud does between a publish and a hook-response, in four facts:
//!
//! 1. An event whose name begins with an integration's `event` triggers it
//!    (<https://docs.particle.io/reference/cloud-apis/webhooks/>).
//! 2. The templates of the integration are filled from the event and sent; the event stream carries `hook-sent/…`.
//! 3. A 2xx response with a body is published as `hook-response/…/0`, `/1` and so on, 512 bytes each, possibly out of order.
//! 4. An error status, or no response within 20 s, becomes `hook-error/…/0`; a host that mostly fails is skipped for a while.
//!
//! What it does, does not do and guesses is in `README.md`. Continue with `router.rs` (which path leads to which handler), then
//! `hook/run.rs` (what an event triggers).

// In reading order; rustfmt sorts within a group only.
mod call;
mod response;
mod router;

mod console;
mod devices;
mod events;
mod functions;
mod integrations;
mod login_attempts;
mod secrets;
mod signin;
mod tokens;

mod hints;
mod hook;
mod json;
mod json_problem;
pub mod preview;
mod redact;
mod render;
mod template;

mod app_state;
mod event;
mod streams;

mod binaries;
mod controls;
mod device_messages;
mod flash;
mod link;
mod sessions;

mod config;
mod file;
mod state;

// For the fuzz targets only, hence not documented.
#[doc(hidden)]
pub mod fuzzing;

mod clock;
mod guesses;
mod rng;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};

use crate::{
    app_state::{AppState, Subscriber},
    hook::run::Hooks,
    rng::Rng,
    state::State,
};
pub use crate::{clock::Clock, config::Config, file::StartError, hints::Hint};

/// The tutorial's integration, as the real console takes it; `url` is empty.
pub const WEBHOOK_JSON: &str = include_str!("../../particle/webhook.json");

/// How to sign in to the account.
#[derive(Clone)]
pub struct Credentials {
    /// An e-mail address.
    pub username: String,
    /// Random, different for each data folder.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    /// Without the password, which must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A simulated cloud with its background tasks. It opens no port: its owner serves [`SimulatedCloud::router`].
/// Dropping it leaves the tasks running; [`SimulatedCloud::shutdown`] ends them.
pub struct SimulatedCloud {
    app: Arc<AppState>,
    saving: JoinHandle<()>,
}

/// Accepts links of devices of the account.
#[derive(Clone)]
pub struct DeviceLinks {
    app: Arc<AppState>,
}

impl DeviceLinks {
    /// Links a device: JSON lines over any stream of bytes. The task ends when the link does.
    pub fn connect(&self, io: impl AsyncRead + AsyncWrite + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(link::serve(Arc::clone(&self.app), io))
    }
}

impl SimulatedCloud {
    /// Reads or creates the account. `addr` is where the router will be served: requests must name its port and this computer
    /// in `Host`, and webhooks are not sent to it.
    ///
    /// # Errors
    /// If `addr` is not a loopback address and there is no [`Config::only_port`]: anyone who could reach it could flash
    /// linked devices and send requests to every program of this computer.
    /// If the data folder cannot be read or written, or holds something else; nothing in it is destroyed.
    pub async fn new(addr: SocketAddr, config: Config) -> Result<Self, StartError> {
        if !addr.ip().is_loopback() && config.only_port.is_none() {
            return Err(StartError::NotLoopback(addr));
        }
        let addr = match addr.ip().is_unspecified() {
            true => (Ipv4Addr::LOCALHOST, addr.port()).into(),
            false => addr,
        };
        let rng = Rng::new(config.seed);
        let known = config.data_dir.as_deref().map(file::read).transpose()?;
        let state = known.flatten().unwrap_or_else(|| State::new(&rng));
        let data_dir = config.data_dir.clone();
        let hooks = Arc::new(Hooks::default());
        let subscribers: Vec<Subscriber> = vec![
            Box::new(|app, event| device_messages::deliver(app, event)),
            Box::new(move |app, event| hooks.trigger(app, event)),
        ];
        let app = Arc::new(AppState::new(addr, config, rng, state, subscribers));
        // Written at once, so that an unwritable folder is reported now and not at the first change.
        app.save()
            .await
            .map_err(|error| StartError::Unwritable(data_dir.unwrap_or_default(), error))?;
        let saving = tokio::spawn(Arc::clone(&app).keep_saving());
        Ok(Self { app, saving })
    }

    /// The HTTP API. A server must support upgrades (device links), and bounds the number of connections and the size and
    /// time of request heads; bodies are bounded here.
    pub fn router(&self) -> axum::Router {
        router::routes(Arc::clone(&self.app))
    }

    /// Where this computer reaches it.
    pub fn addr(&self) -> SocketAddr {
        self.app.addr
    }

    /// How to sign in.
    pub fn credentials(&self) -> Credentials {
        let state = self.app.state();
        Credentials { username: state.username.clone(), password: state.password.clone() }
    }

    /// Accepts links of devices, also after the borrow of the cloud has ended.
    pub fn device_links(&self) -> DeviceLinks {
        DeviceLinks { app: Arc::clone(&self.app) }
    }

    /// Ends event streams, device links and webhook requests, so that a graceful shutdown of the router's server does not
    /// wait for them.
    pub fn close(&self) {
        self.app.stopping.send_replace(true);
    }

    /// Closes, ends the background tasks and writes the last changes. Call it after the server has stopped.
    ///
    /// # Errors
    /// If the last changes could not be written.
    pub async fn shutdown(self) -> std::io::Result<()> {
        self.close();
        let _ = self.saving.await;
        self.app.save().await
    }
}
