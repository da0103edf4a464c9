//! The local home: the whole product in one process on loopback.
//!
//! The same as on AWS: the handlers, the store with the AWS SDK under it, the events between gateway and function, the
//! page. Not the same, and this is the complete list: an embedded engine instead of DynamoDB, a [`gateway`] instead of
//! function URLs and CDN, one process instead of one environment a request, delays up to 30 s because waiting costs
//! nothing here, and a simulated Particle cloud with a virtual device next door.
//!
//! - [`config`]: what a stack is started with; [`clouds`]: which Particle clouds its page offers
//! - this file: [`Stack`], which puts it together; [`home`]: the routes; [`packed`]: the page's files, compressed
//! - [`server`], [`limits`], [`gateway`]: from a socket to a function's event and back
//! - [`engine`]: where the data is
//! - [`device`]: the device on the desk

pub mod clouds;
pub mod config;
pub mod device;
pub mod engine;
pub mod gateway;
mod home;
pub mod limits;
mod packed;
pub mod server;
mod turns;

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use api::Api;
use function_url::service::Service;
use http::{HeaderMap, HeaderName, HeaderValue};
use receiver::Receiver;
use simulated_cloud::SimulatedCloud;
use store::Store;
use tokio::net::TcpListener;

use crate::{
    config::{Config, EngineAt, VirtualDevice},
    engine::Engine,
    home::Home,
    server::{Handler, Server},
};

/// Everything that `cargo run` starts, running.
pub struct Stack {
    /// Where the page is, for a person.
    pub page_url: String,
    /// Where webhooks are sent to, with `{endpoint}` in it.
    pub hook_url: String,
    page: Server,
    hook: Option<Server>,
    cloud: SimulatedCloud,
    devices: Vec<device::Running>,
    engine: Option<Engine>,
}

impl Stack {
    /// Starts everything on loopback and returns when it answers.
    ///
    /// # Errors
    /// In one line for a person: a port is taken, or the data folder can't be used.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let page = listen(config.port, "--port").await?;
        let particle = listen(config.particle_port, "--particle-port").await?;
        let hook = match config.public_url {
            Some(_) => Some(listen(config.hook_port, "--hook-port").await?),
            None => None,
        };
        let (engine, store) = data(&config).await?;

        let port = page.local_addr()?.port();
        let page_url = format!("http://127.0.0.1:{port}");
        let hook_base = config.public_url.as_deref().unwrap_or(&page_url);
        let hook_url = format!("{}/hook/{{endpoint}}", hook_base.trim_end_matches('/'));
        let (receiver, api) = functions(&config, store, &hook_url);
        let cloud = simulated_cloud::Config {
            data_dir: Some(config.data.join("particle")),
            page_origins: vec![page_url.clone()],
            ..config.particle
        };
        let cloud = SimulatedCloud::start(particle, cloud)
            .await
            .context("the simulated Particle cloud did not start")?;
        let devices = devices(config.devices, &config.data, &cloud)?;
        let cloud_url = format!("http://{}", cloud.addr());
        let usual = clouds::usual(&cloud_url, &cloud.demo(), config.public_url.is_some());
        let clouds = (config.clouds)(usual);
        let apis: Vec<&str> = clouds.iter().map(|cloud| cloud.api.as_str()).collect();
        let files = site::files(&site::Options::default())?;
        let home = Arc::new(Home {
            port,
            receiver,
            api,
            files: files
                .into_iter()
                .map(|file| (format!("/{}", file.path), file.into()))
                .collect(),
            page_headers: page_headers(&page_url, &apis)?,
            config: clouds::config_json(&clouds),
            clock: config.clock,
        });
        let page = Server::start(page, config.bounds, page_handler(&home))?;
        let hook = hook
            .map(|hook| Server::start(hook, config.bounds, hook_handler(&home)))
            .transpose()?;
        Ok(Stack {
            page_url,
            hook_url,
            page,
            hook,
            cloud,
            devices,
            engine,
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

    /// Ends everything, the listeners first and the data last.
    ///
    /// # Errors
    /// If the simulated cloud's last changes could not be written.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.page.stop().await;
        if let Some(hook) = self.hook {
            hook.stop().await;
        }
        for device in self.devices {
            device.stop().await;
        }
        let saved = self.cloud.shutdown().await;
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
        saved.context("the simulated cloud's last changes were not written")
    }
}

/// The table of a home.
const TABLE: &str = "webhook-tutorial";

/// The engine, if it is this stack's own, and the store on it with its table made.
async fn data(config: &Config) -> anyhow::Result<(Option<Engine>, Store)> {
    let (engine, url) = match &config.engine {
        EngineAt::Own => {
            let engine = Engine::start(&config.data).await?;
            let url = engine.url.clone();
            (Some(engine), url)
        }
        EngineAt::OwnThrough(url) => (Some(Engine::start(&config.data).await?), url.clone()),
        EngineAt::Url(url) => (None, url.clone()),
    };
    // What stands between is told where the engine is only when this stack runs.
    let made_at = engine.as_ref().map_or(&url, |engine| &engine.url);
    store::table::create_if_absent(&engine::store_at(made_at, TABLE))
        .await
        .context("the engine did not make the table")?;
    let store = engine::store_at(&url, TABLE);
    Ok((engine, store))
}

/// Both functions as the gateway calls them.
fn functions(config: &Config, store: Store, hook_url: &str) -> (Service, Service) {
    let receiver = Receiver {
        store: store.clone(),
        limits: config.limits,
        clock: config.clock.clone(),
    };
    let api = Api {
        store,
        limits: config.limits,
        config: api::config::Config {
            hook_url: hook_url.to_owned(),
            creation_code: config.creation_code.clone(),
        },
        clock: config.clock.clone(),
    };
    let service = |name, handler| Service {
        name,
        origin_secret: None,
        handler,
        clock: config.clock.clone(),
        log: config.log.clone(),
    };
    (
        service("receiver", receiver.into_handler()),
        service("api", api.into_handler()),
    )
}

/// The virtual devices, each with a folder of its own, on their way to the simulated cloud.
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
        device::Running::start(device, data.join(folder), cloud.device_links())
    };
    devices.into_iter().enumerate().map(start).collect()
}

/// The headers that the deployed page has too: the site's code says them, and `infra/aws/check` holds the template against it.
fn page_headers(page_url: &str, apis: &[&str]) -> anyhow::Result<HeaderMap> {
    site::policy::headers(page_url, apis)
        .into_iter()
        .map(|(name, value)| Ok((HeaderName::from_static(name), HeaderValue::try_from(value)?)))
        .collect()
}

async fn listen(port: u16, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.with_context(|| {
        format!("port {port} on 127.0.0.1 can't be used; is the product running already? Choose another with {flag}")
    })
}

fn page_handler(home: &Arc<Home>) -> Handler {
    let home = Arc::clone(home);
    Arc::new(move |request, caller| Box::pin(Arc::clone(&home).answer(request, caller)))
}

fn hook_handler(home: &Arc<Home>) -> Handler {
    let home = Arc::clone(home);
    Arc::new(move |request, caller| Box::pin(Arc::clone(&home).answer_hook(request, caller)))
}
