//! A home for the functions: an engine in memory with the table in it, reached with TLS and without.

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use runtime_api::{Environment, Invocation};
use serde_json::{Value, json};
use store::{Connection, Store};
use tokio::net::TcpListener;

use crate::meter::{self, Calls, Meter};

const TABLE: &str = "bench";
/// Longer than anything here takes; a function that needs it is broken.
const WITHIN: Duration = Duration::from_secs(30);
/// The engine and the two ways to it.
pub(crate) struct Home {
    /// Measures what the engine takes.
    pub(crate) meter: Arc<Meter>,
    plain: SocketAddr,
    tls: SocketAddr,
    bundle: String,
}

/// When a function connects to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connect {
    /// While it starts.
    AtStart,
    /// With its first event.
    Later,
}

/// How a function reaches the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// HTTP.
    Plain,
    /// HTTPS.
    Tls,
}

impl Home {
    /// Starts the engine and makes the table; `folder` gets the certificates.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let database = dynoxide::Database::memory().map_err(|error| anyhow::anyhow!("{error}"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let engine = listener.local_addr()?;
        tokio::spawn(dynoxide::server::serve_with_shutdown(
            listener,
            database,
            std::future::pending(),
        ));
        let meter = Arc::new(Meter::default());
        let plain = meter::start(engine, None, &meter).await?;
        let (acceptor, ours) = meter::certificate()?;
        let tls = meter::start(engine, Some(acceptor), &meter).await?;
        let bundle = folder.join("bundle.pem");
        fs::write(&bundle, ours)?;
        let store = Store::connect(&Connection::to_engine(&format!("http://{engine}"), TABLE));
        store::table::create_if_absent(&store).await?;
        Ok(Home { meter, plain, tls, bundle: name(&bundle)? })
    }

    /// Starts a function that connects while it starts, or does not, and waits until it is ready; how long that took.
    pub(crate) async fn function(
        &self,
        binary: &Path,
        way: Way,
        connect: Connect,
    ) -> anyhow::Result<(Environment, Duration)> {
        let url = match way {
            Way::Plain => format!("http://{}", self.plain),
            Way::Tls => format!("https://localhost:{}", self.tls.port()),
        };
        let variables = [
            ("TABLE_NAME", TABLE),
            ("HOOK_URL", "https://{host}/hook/{endpoint}"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &url),
            ("AWS_CA_BUNDLE", &self.bundle),
            ("CONNECT_AT_START", if connect == Connect::AtStart { "yes" } else { "no" }),
        ];
        let mut function = Environment::start(binary, &variables).await?;
        let init = function.ready(WITHIN).await?;
        Ok((function, init))
    }

    /// One event to a function: its answer, and the engine's part in it.
    pub(crate) async fn call(
        &self,
        function: &mut Environment,
        event: &Value,
    ) -> anyhow::Result<(Invocation, Calls)> {
        self.meter.take();
        let answer = function.invoke(&event.to_string(), WITHIN).await?;
        let calls = self.meter.take();
        ensure!(answer.ok, "the function failed: {}", answer.json);
        let status = serde_json::from_str::<Value>(&answer.json)?["statusCode"].clone();
        ensure!(status == json!(200), "the function answered {}", answer.json);
        Ok((answer, calls))
    }
}

fn name(path: &Path) -> anyhow::Result<String> {
    let name = path.to_str().context("the folder's name is not UTF-8")?;
    Ok(name.to_owned())
}

/// The events in infra/aws/events, which are such as CloudFront and a function URL make.
pub(crate) fn event(name: &str) -> anyhow::Result<Value> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../infra/aws/events/{name}.json"));
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// Particle's webhook with a body of 1 KiB.
pub(crate) fn webhook_of_1_kib() -> anyhow::Result<Value> {
    let mut event = event("webhook")?;
    let mut body: Value =
        serde_json::from_str(event["body"].as_str().context("a webhook has a body")?)?;
    body["padding"] = "".into();
    let missing = 1024_usize.saturating_sub(body.to_string().len());
    body["padding"] = "x".repeat(missing).into();
    event["body"] = body.to_string().into();
    Ok(event)
}
