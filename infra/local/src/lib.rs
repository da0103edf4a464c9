//! The local home: the whole product in one process, on loopback unless it is told otherwise.
//!
//! Same as on AWS: the handlers, the store with the AWS SDK, the events between gateway and function, the page. Different,
//! and this is the complete list: an embedded engine instead of DynamoDB, a [`gateway`] instead of function URLs and CDN, one
//! process instead of one environment a request, delays up to 30 s because waiting costs nothing here, and a simulated
//! Particle cloud with a virtual device.
//!
//! - [`config`]: what a stack is started with; [`clouds`]: which Particle clouds its page offers
//! - this file: [`Stack`], which connects the parts
//! - [`listener`], [`home`], [`limits`], [`gateway`]: from a socket to a function's event and back
//! - [`engine`]: where the data is
//! - [`ask`]: a program of the owner's that answers webhooks
//! - [`device`]: the virtual devices
#![allow(
    missing_docs,
    reason = "the crates of this product are its only users; names that say everything need no sentence"
)]

pub mod ask;
pub mod clouds;
pub mod config;
pub mod device;
pub mod engine;
pub mod gateway;
mod home;
pub mod limits;
mod line_endings;
pub mod listener;
mod sweep;

use std::{
    collections::HashMap,
    fs::File,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use api::Api;
use function_url::service::Service;
use http::{HeaderMap, HeaderName, HeaderValue};
use receiver::Receiver;
use simulated_cloud::SimulatedCloud;
use store::{Connection, Store};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

use crate::{
    config::{Config, EngineAt, VirtualDevice},
    engine::Engine,
    home::Home,
    listener::Listener,
};

/// Everything that `cargo run` starts, running.
pub struct Stack {
    /// Where the page is, for a person.
    pub page_url: String,
    /// Where webhooks are sent to, with `{endpoint}` in it.
    pub hook_url: String,
    page: Listener,
    hook: Option<Listener>,
    particle: Listener,
    cloud: SimulatedCloud,
    devices: Vec<device::Running>,
    engine: Option<Engine>,
    /// Deletes what has expired, until it is dropped.
    sweep: JoinSet<()>,
    /// Of the data folder, where no engine of ours has it.
    _lock: Option<File>,
}

impl Stack {
    /// Starts everything and returns when it answers.
    ///
    /// # Errors
    /// In one line for a person: a port is taken, the data folder can't be used, or others could flash a device.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let is_reachable = !config.listen.is_loopback();
        if is_reachable && !config.devices.is_empty() {
            bail!(
                "other computers could flash the virtual device, which compiles and runs programs on this one; add --no-device, or leave out --listen {}",
                config.listen
            );
        }
        let listen = |port, flag| listen(config.listen, port, flag);
        let page = listen(config.port, "--port").await?;
        let particle = listen(config.particle_port, "--particle-port").await?;
        let hook = match config.public_url {
            Some(_) => Some(listen(config.hook_port, "--hook-port").await?),
            None => None,
        };
        let lock = match &config.engine {
            EngineAt::Url(_) => Some(engine::lock(&config.data)?),
            EngineAt::Own | EngineAt::OwnThrough(_) => None,
        };
        let (engine, store) = data(&config).await?;
        let sound = engine.as_ref().filter(|engine| engine.damage.is_none());
        let sweep = sound.map(|engine| {
            let store = engine.store(TABLE);
            sweep::sweep(store, config.clock.clone(), config.limits)
        });
        let sweep = JoinSet::from_iter(sweep);

        let port = page.local_addr()?.port();
        let page_url = format!("http://127.0.0.1:{port}");
        let hook_base = config.public_url.as_deref().unwrap_or(&page_url);
        let hook_url = format!("{}/hook/{{endpoint}}", hook_base.trim_end_matches('/'));
        let (receiver, api) = functions(&config, store, &hook_url);
        let cloud = simulated_cloud::Config {
            data_dir: Some(config.data.join("particle")),
            page_origins: vec![page_url.clone()],
            // Its other targets would be the engine, and whatever else listens on this computer alone.
            only_port: is_reachable.then_some(port),
            ..config.particle
        };
        let cloud = SimulatedCloud::new(particle.local_addr()?, cloud)
            .await
            .context("the simulated Particle cloud did not start")?;
        let particle = Listener::start(particle, config.server, cloud.router())?;
        let devices = devices(config.devices, &config.data, &cloud)?;
        let cloud_url = format!("http://{}", cloud.addr());
        let usual = clouds::usual(&cloud_url, &cloud.credentials(), config.public_url.is_some());
        let clouds = (config.clouds)(usual);
        let apis: Vec<&str> = clouds.iter().map(|cloud| cloud.api.as_str()).collect();
        let files = site::files(&config.site)?.into_iter();
        let files: HashMap<_, _> = files.map(|file| (format!("/{}", file.path), file)).collect();
        let hook_port = hook.as_ref().map(TcpListener::local_addr).transpose()?;
        let home = Arc::new(Home {
            page_port: port,
            hook_port: hook_port.map_or(port, |addr| addr.port()),
            receiver,
            api,
            files,
            page_headers: page_headers(&page_url, &apis)?,
            config: clouds::config_json(&clouds),
            clock: config.clock,
            limits: config.server,
            large_bodies: Arc::new(Semaphore::new(config.server.large_bodies)),
            small_body: config.limits.max_body_bytes as u64,
        });
        let page = Listener::start(page, config.server, home::page_routes(&home))?;
        let hook = hook
            .map(|hook| Listener::start(hook, config.server, home::hook_routes(&home)))
            .transpose()?;
        Ok(Stack {
            page_url,
            hook_url,
            page,
            hook,
            particle,
            cloud,
            devices,
            engine,
            sweep,
            _lock: lock,
        })
    }

    /// Where the page listens.
    pub fn page_addr(&self) -> SocketAddr {
        self.page.addr
    }

    /// The simulated Particle cloud.
    pub fn cloud(&self) -> &SimulatedCloud {
        &self.cloud
    }

    /// The virtual devices, in the order they were asked for.
    pub fn devices(&self) -> &[device::Running] {
        &self.devices
    }

    /// Where the engine answers, if it is this stack's own.
    pub fn engine_url(&self) -> Option<&str> {
        self.engine.as_ref().map(|engine| engine.url.as_str())
    }

    /// Where the tunnel's listener is, if there is one.
    pub fn hook_addr(&self) -> Option<SocketAddr> {
        self.hook.as_ref().map(|hook| hook.addr)
    }

    /// What is wrong with the data, for a person; none if nothing was found.
    pub fn damage(&self) -> Option<&str> {
        self.engine.as_ref()?.damage.as_deref()
    }

    /// Ends everything, the listeners first and the data last. A request under way has 2 s.
    ///
    /// # Errors
    /// If the simulated cloud's last changes could not be written.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.cloud.close();
        let listeners = [Some(self.page), self.hook, Some(self.particle)];
        let mut stopping: JoinSet<()> =
            listeners.into_iter().flatten().map(Listener::stop).collect();
        for device in self.devices {
            stopping.spawn(device.stop());
        }
        stopping.join_all().await;
        let saved = self.cloud.shutdown().await;
        // It uses the engine.
        drop(self.sweep);
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
        saved.context("the simulated cloud's last changes were not written")
    }
}

/// The API alone, on a data folder that no local home is using. It answers for as long as the engine is kept.
///
/// # Errors
/// As [`Stack::start`], for the data folder.
pub async fn api_on_data(config: Config) -> anyhow::Result<(Option<Engine>, Service)> {
    let (engine, store) = data(&config).await?;
    let (_, api) = functions(&config, store, "");
    Ok((engine, api))
}

const TABLE: &str = "webhook-tutorial";

/// The engine, if it is this stack's own, and the store with its table.
async fn data(config: &Config) -> anyhow::Result<(Option<Engine>, Store)> {
    let (engine, store) = match &config.engine {
        EngineAt::Own | EngineAt::OwnThrough(_) => {
            let engine = Engine::start(&config.data).await?;
            let store = engine.store(TABLE);
            (Some(engine), store)
        }
        EngineAt::Url(url) => {
            let connection = Connection::to_url(url, TABLE, config.env);
            (None, Store::connect(&connection))
        }
    };
    store::table::create_if_absent(&store)
        .await
        .with_context(|| match &config.engine {
            EngineAt::Url(url) => format!(
                "the table {TABLE} can't be used at {url}; is a DynamoDB-compatible engine running there?"
            ),
            EngineAt::Own | EngineAt::OwnThrough(_) => "the engine did not create its table".into(),
        })?;
    let store = match &config.engine {
        // The proxy gets the engine's address only when this stack is running.
        EngineAt::OwnThrough(url) => engine::store_at(url, TABLE),
        EngineAt::Own | EngineAt::Url(_) => store,
    };
    Ok((engine, store))
}

/// Receiver and api, as the gateway calls them.
fn functions(config: &Config, store: Store, hook_url: &str) -> (Service, Service) {
    let receiver =
        Receiver { store: store.clone(), limits: config.limits, clock: config.clock.clone() };
    let api = Api {
        store,
        limits: config.limits,
        config: api::config::Config {
            hook_url: hook_url.to_owned(),
            creation_code: config.creation_code.clone(),
        },
        clock: config.clock.clone(),
    };
    let permits = Arc::new(Semaphore::new(config.server.requests));
    let time = config.server.answer_timeout;
    let limited = move |handler| home::limited(handler, Arc::clone(&permits), time);
    let service = |name, handler| Service {
        name,
        origin_secret: None,
        handler,
        clock: config.clock.clone(),
        log: config.log.clone(),
    };
    let api = service("api", limited(api.into_handler()));
    let receiver = match &config.ask {
        None => limited(receiver.into_handler()),
        Some(ask) => ask::asking(receiver, Arc::clone(ask), limited),
    };
    (service("receiver", receiver), api)
}

/// Starts the virtual devices, each with its own folder, linked to the simulated cloud.
fn devices(
    devices: Vec<VirtualDevice>,
    data: &Path,
    cloud: &SimulatedCloud,
) -> anyhow::Result<Vec<device::Running>> {
    let start = |(index, device)| {
        let folder = match index {
            0 => "device".to_owned(),
            more => format!("device-{}", more + 1),
        };
        let work_dir = data.join(folder);
        device::Running::start(VirtualDevice { work_dir, ..device }, cloud.device_links())
    };
    devices.into_iter().enumerate().map(start).collect()
}

/// The headers of the deployed page, which the site's code defines and `infra/aws/check` compares the template with.
fn page_headers(page_url: &str, apis: &[&str]) -> anyhow::Result<HeaderMap> {
    site::policy::headers(page_url, apis)
        .into_iter()
        .map(|(name, value)| Ok((HeaderName::from_static(name), HeaderValue::try_from(value)?)))
        .collect()
}

async fn listen(address: IpAddr, port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((address, port)).await;
    listener.with_context(|| {
        format!("port {port} on {address} can't be used, perhaps because the product is already running; choose another with {flag}")
    })
}
