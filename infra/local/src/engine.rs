//! The DynamoDB-compatible engine behind the local home: dynoxide, with its data in one SQLite file.
//!
//! dynoxide's own server lets any web page in the same browser use the table: it answers the preflights of all origins and
//! verifies no signature. So it is served here, to programs that are no page.

use std::{
    convert::Infallible,
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::service::service_fn;
use serde::{Serialize, de::DeserializeOwned};
use store::{Connection, Store};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// How often expired items are deleted. On AWS that takes days and readers skip them meanwhile; so do ours.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The callers are our own, who keep their connections for as long as they like.
const BOUNDS: door::Bounds = door::Bounds {
    connections: 256,
    grace: Duration::from_millis(200),
    head_within: Duration::from_secs(24 * 3600),
    whole_within: Duration::from_secs(24 * 3600),
    head_bytes: 64 * 1024,
    head_lines: 64,
    half_close: false,
    end_within: Duration::from_secs(3),
};
/// An item has at most 400 KB, and a call one item; as JSON it may be some times that.
const MAX_CALL: usize = 4 * 1024 * 1024;

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    /// Where it answers, for the SDK.
    pub url: String,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// Held for as long as the data is in use; the system gives it back whatever becomes of the process.
    _lock: File,
}

/// A table of the engine at a URL, made or not.
pub fn store_at(engine_url: &str, table: &str) -> Store {
    Store::connect(&Connection::to_engine(engine_url, table))
}

impl Engine {
    /// A table of this engine, made or not.
    pub fn store(&self, table: &str) -> Store {
        store_at(&self.url, table)
    }

    /// Opens the data folder, made if absent, and serves what is in it on a loopback port of the system's choice.
    ///
    /// # Errors
    /// If the folder can't be made, read or written, belongs to a running instance, or holds a file that this version
    /// can't read. Nothing in it is changed then.
    pub async fn start(data: &Path) -> anyhow::Result<Self> {
        let lock = locked(data)?;
        let database = opened(&data.join("log.db"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let served = database.clone();
        let service = move |_| {
            let database = served.clone();
            service_fn(move |request| {
                let database = database.clone();
                async move { Ok::<_, Infallible>(answer(database, request).await.map(Full::new)) }
            })
        };
        let serving = tokio::spawn(door::serve(listener, BOUNDS, service, stopped.clone()));
        tokio::spawn(sweep(database, stopped));
        Ok(Engine {
            url,
            stop,
            serving,
            _lock: lock,
        })
    }

    /// Ends the engine; what it acknowledged is on disk.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
    }
}

/// The data folder, made if absent, for this process alone for as long as the file is open.
fn locked(data: &Path) -> anyhow::Result<File> {
    let folder = data.display();
    make_folder(data).with_context(|| format!("the data folder {folder} can't be made"))?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("lock"))
        .with_context(|| format!("the data folder {folder} can't be written"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!(
            "the data folder {folder} is in use by another instance; stop that one, or choose another folder with --data"
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("the data folder {folder} can't be locked"))
        }
    }
}

/// The database in a file, made if absent. One that can't be used is left as it is.
fn opened(file: &Path) -> anyhow::Result<Database> {
    let name = file
        .to_str()
        .context("the data folder's path is not UTF-8")?;
    let unusable = |error: &dyn std::fmt::Display| {
        anyhow::anyhow!(
            "{name} can't be used: {error}. It was left as it is: see whether its disk has room and whether you may write it, or move it away to begin with an empty log"
        )
    };
    // SQLite would open what may only be read, and refuse the first webhook.
    match File::options().write(true).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unusable(&error)),
        _ => Database::new(name).map_err(|error| unusable(&error)),
    }
}

/// Deletes what is expired, again and again until the engine is stopped or dropped.
async fn sweep(database: Database, mut stopped: watch::Receiver<bool>) {
    let sweeping = async {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        loop {
            every.tick().await;
            let database = database.clone();
            // What could not be deleted now is tried again, and no reader is shown it meanwhile.
            let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        }
    };
    tokio::select! {
        () = sweeping => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// Makes the folder, if it is not there, for nobody else on this machine to look into.
fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.recursive(true).create(path)
}

async fn answer(database: Database, request: Request<door::Incoming>) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST || !is_from_a_program(&parts.headers) {
        let detail = "the engine answers programs on this computer only";
        return json(
            StatusCode::FORBIDDEN,
            serde_json::json!({ "message": detail }).to_string(),
        );
    }
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|target| target.strip_prefix("DynamoDB_20120810."))
        .unwrap_or_default()
        .to_owned();
    let Ok(body) = Limited::new(body, MAX_CALL).collect().await else {
        let error = DynoxideError::SerializationException("the call is not whole".into());
        return json(StatusCode::BAD_REQUEST, error.to_json());
    };
    let body = body.to_bytes();
    // The engine waits for the disk, and nobody else should wait for it.
    let called = tokio::task::spawn_blocking(move || call(&database, &operation, &body)).await;
    match called {
        Ok(Ok(answer)) => json(StatusCode::OK, answer),
        Ok(Err(error)) => {
            let status = StatusCode::from_u16(error.status_code());
            json(status.unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
        Err(_) => {
            let error = DynoxideError::InternalServerError("the engine gave up".into());
            json(StatusCode::INTERNAL_SERVER_ERROR, error.to_json())
        }
    }
}

/// Whether a request is from no page of any site: browsers name the page's origin in every request of this method, and a name
/// that was pointed to this computer is in `Host`.
fn is_from_a_program(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    !headers.contains_key(header::ORIGIN) && ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// The operations that the store and its tests use.
fn call(database: &Database, operation: &str, body: &[u8]) -> dynoxide::Result<String> {
    fn read<T: DeserializeOwned>(body: &[u8]) -> dynoxide::Result<T> {
        serde_json::from_slice(body)
            .map_err(|error| DynoxideError::SerializationException(error.to_string()))
    }
    fn written(answer: impl Serialize) -> dynoxide::Result<String> {
        serde_json::to_string(&answer)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
    match operation {
        "CreateTable" => written(database.create_table(read(body)?)?),
        "DescribeTable" => written(database.describe_table(read(body)?)?),
        "DescribeTimeToLive" => written(database.describe_time_to_live(read(body)?)?),
        "UpdateTimeToLive" => written(database.update_time_to_live(read(body)?)?),
        "GetItem" => written(database.get_item(read(body)?)?),
        "PutItem" => written(database.put_item(read(body)?)?),
        "UpdateItem" => written(database.update_item(read(body)?)?),
        "DeleteItem" => written(database.delete_item(read(body)?)?),
        "Query" => written(database.query(read(body)?)?),
        "Scan" => written(database.scan(read(body)?)?),
        other => Err(DynoxideError::UnsupportedCapability(other.to_owned())),
    }
}

fn json(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    response
}
