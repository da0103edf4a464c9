//! The DynamoDB-compatible engine behind the local home: dynoxide, with its data in one SQLite file.
//!
//! dynoxide's own server lets any web page in the same browser use the table: it allows all origins and verifies no
//! signature. So its operations are served here, and requests from web pages are refused.
//!
//! A damaged database is read as far as it can be, and not written: what is acknowledged must be in it.

use std::{
    fs::{File, Metadata, TryLockError},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, Method, Request, StatusCode, header};
use rusqlite::{Connection as Sqlite, ErrorCode, OpenFlags};
use serde::{Serialize, de::DeserializeOwned};
use store::{Connection, Store};
use tokio::net::TcpListener;

use crate::{config::ServerLimits, listener::Listener};

/// The SDK keeps idle connections, and should not meet one that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// An item has at most 400 KB and a call one item, but JSON can take several times the bytes.
const MAX_CALL_BYTES: usize = 4 * 1024 * 1024;
/// How long the database is checked at the start; a large one is checked in part.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// What keeps the engine from its work until a person does something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Damaged,
    DiskFull,
}

impl Fault {
    const ALL: [Self; 2] = [Self::Damaged, Self::DiskFull];

    /// The code of the engine's error, which the SDK does not retry and the store passes on.
    fn code(self) -> &'static str {
        match self {
            Self::Damaged => "DatabaseDamaged",
            Self::DiskFull => "DiskFull",
        }
    }

    /// What happened and what to do, for senders, for the page and for the terminal.
    pub(crate) fn explanation(self) -> &'static str {
        match self {
            Self::Damaged => {
                "the log's database is damaged, so nothing is recorded; what is intact can still be read, and the README says how to export it"
            }
            Self::DiskFull => {
                "the disk with the data folder is full or can't be written, so this was not stored; make room and try again"
            }
        }
    }

    /// The fault that the store's error names.
    pub(crate) fn of_error(error: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|fault| error.ends_with(fault.code()))
    }

    /// dynoxide 3.2 gives SQLite's errors as text, in several variants. Tests with a damaged file and a full disk fail when
    /// these texts change.
    fn of_engine(error: &DynoxideError) -> Option<Self> {
        if error.status_code() < 500 {
            return None;
        }
        let text = error.to_string();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["malformed", "not a database", "not a valid database", "Bad item JSON"]) {
            Some(Self::Damaged)
        } else if says(&["disk is full", "I/O error", "readonly database"]) {
            Some(Self::DiskFull)
        } else {
            None
        }
    }
}

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    /// Where it answers, for the SDK.
    pub url: String,
    /// What is wrong with the database, for a person; none if nothing was found.
    pub damage: Option<String>,
    listener: Listener,
    /// Held while the data is in use. The system releases it however the process ends.
    _lock: File,
}

/// A store on the engine at a URL, whether or not its table exists.
pub fn store_at(engine_url: &str, table: &str) -> Store {
    Store::connect(&Connection::to_engine(engine_url, table))
}

impl Engine {
    /// A store on this engine, whether or not its table exists.
    pub fn store(&self, table: &str) -> Store {
        store_at(&self.url, table)
    }

    /// Opens the data folder, made if absent, and serves what is in it on a loopback port of the system's choice.
    ///
    /// # Errors
    /// If the folder can't be made, read or written, belongs to a running instance, or holds a file that this version
    /// can't read. Nothing in it is changed then.
    pub async fn start(data: &Path) -> anyhow::Result<Self> {
        let lock = lock(data)?;
        let file = data.join("log.db");
        let damage = found_damage(&file).map(|found| {
            let (file, explanation) = (file.display(), Fault::Damaged.explanation());
            format!("{file}: {explanation} ({found})")
        });
        let database = open(&file)?;
        let is_damaged = Arc::new(AtomicBool::new(damage.is_some()));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state((database, Arc::clone(&is_damaged)));
        let limits = ServerLimits { head_timeout: IDLE_TIMEOUT, ..ServerLimits::default() };
        Ok(Engine {
            url,
            damage,
            listener: Listener::start(listener, limits, router)?,
            _lock: lock,
        })
    }

    /// Ends the engine; what it acknowledged is on disk.
    pub async fn stop(self) {
        self.listener.stop().await;
    }
}

/// Creates the data folder if it is absent, and locks it for this process until the file is closed.
pub(crate) fn lock(data: &Path) -> anyhow::Result<File> {
    let folder = data.display();
    make_folder(data).with_context(|| format!("the data folder {folder} can't be made"))?;
    check_files(data, 0).with_context(|| format!("the data folder {folder} can't be used"))?;
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

/// Opens the database in a file, created if absent. A file that can't be used is left as it is.
fn open(file: &Path) -> anyhow::Result<Database> {
    // A relative path that begins with `file:` would be a URI to SQLite, whose options can keep the database in memory.
    let file = &std::path::absolute(file)?;
    let name = file.to_str().context("the data folder's path is not UTF-8")?;
    let unusable = |error: &dyn std::fmt::Display| {
        anyhow::anyhow!(
            "{name} can't be used: {error}. It was left as it is: see whether its disk has room and whether you may write it, or move it away to begin with an empty log"
        )
    };
    // SQLite deletes a write-ahead log without its database, and with it what was acknowledged.
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let wal = file.with_extension("db-wal");
    if length(file) == 0 && length(&wal) > 0 {
        return Err(unusable(&format_args!(
            "it is empty or missing, but {} is not",
            wal.display()
        )));
    }
    // SQLite would open what may only be read, and refuse the first webhook.
    match File::options().write(true).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unusable(&error)),
        _ => Database::new(name).map_err(|error| unusable(&error)),
    }
}

/// What SQLite's own check finds wrong with a database, within [`CHECK_LIMIT`].
fn found_damage(file: &Path) -> Option<String> {
    let database = Sqlite::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let interrupt = database.get_interrupt_handle();
    let (checked, checking) = mpsc::channel::<()>();
    let watching = thread::spawn(move || {
        if checking.recv_timeout(CHECK_LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let found = database.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    drop(checked);
    let _ = watching.join();
    match found {
        Ok(text) if text == "ok" => None,
        Ok(text) => Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Err(rusqlite::Error::SqliteFailure(error, _))
            if error.code == ErrorCode::DatabaseCorrupt =>
        {
            Some(error.to_string())
        }
        // Interrupted, or what opening the database for use will report.
        Err(_) => None,
    }
}

/// Refuses a data folder with anything but folders and files of this user: a link leads elsewhere, a named pipe waits for
/// ever, and another user could change the rest.
fn check_files(folder: &Path, depth: u32) -> anyhow::Result<()> {
    check_owner(folder, &std::fs::metadata(folder)?)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(found) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        check_owner(&path, &found)?;
        if found.is_dir() && depth == 0 {
            check_files(&path, depth + 1)?;
        } else if !found.is_dir() && !found.is_file() {
            let shown = path.display();
            bail!("{shown} is no regular file; remove it, or choose another folder with --data");
        }
    }
    Ok(())
}

fn check_owner(path: &Path, found: &Metadata) -> anyhow::Result<()> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        let shown = path.display();
        bail!("{shown} belongs to another user; remove it, or choose another folder with --data");
    }
    Ok(())
}

/// Creates the folder if it is absent, readable by this user only.
fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.recursive(true).create(path)
}

async fn answer(
    State((database, is_damaged)): State<(Database, Arc<AtomicBool>)>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST || !is_from_program(&parts.headers) {
        let detail = "the engine answers to programs on this computer only";
        let detail = serde_json::json!({ "message": detail }).to_string();
        return json(StatusCode::FORBIDDEN, detail);
    }
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|target| target.strip_prefix("DynamoDB_20120810."))
        .unwrap_or_default()
        .to_owned();
    let writes = ["PutItem", "UpdateItem", "DeleteItem"].contains(&operation.as_str());
    if writes && is_damaged.load(Ordering::SeqCst) {
        return faulty(Fault::Damaged);
    }
    let Ok(body) = to_bytes(body, MAX_CALL_BYTES).await else {
        let error = DynoxideError::SerializationException("the call is incomplete".into());
        return json(StatusCode::BAD_REQUEST, error.to_json());
    };
    // The engine blocks on the disk.
    let called = tokio::task::spawn_blocking(move || call(&database, &operation, &body)).await;
    match called {
        Ok(Ok(answer)) => json(StatusCode::OK, answer),
        Ok(Err(error)) => {
            if let Some(fault) = Fault::of_engine(&error) {
                is_damaged.fetch_or(fault == Fault::Damaged, Ordering::SeqCst);
                return faulty(fault);
            }
            let status = StatusCode::from_u16(error.status_code());
            json(status.unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
        Err(_) => {
            let error = DynoxideError::InternalServerError("the engine panicked".into());
            json(StatusCode::INTERNAL_SERVER_ERROR, error.to_json())
        }
    }
}

/// As a fault of the caller's, so that the SDK does not try again.
fn faulty(fault: Fault) -> Response {
    let error = serde_json::json!({ "__type": fault.code(), "message": fault.explanation() });
    json(StatusCode::BAD_REQUEST, error.to_string())
}

/// Whether a request is from a program and not from a web page: browsers send `Origin` with every request of this method, and
/// a host name that resolves to this computer (DNS rebinding) shows in `Host`.
fn is_from_program(headers: &HeaderMap) -> bool {
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

fn json(status: StatusCode, body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, kind, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_recognized_by_the_engines_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        drop(open(&file).unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[4096..].fill(0xa5);
        std::fs::write(&file, bytes).unwrap();
        let error = Database::new(file.to_str().unwrap()).err().unwrap();
        assert_eq!(Fault::of_engine(&error), Some(Fault::Damaged), "{error}");
    }

    #[test]
    fn a_write_ahead_log_without_its_database_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (file, wal) = (folder.path().join("log.db"), folder.path().join("log.db-wal"));
        std::fs::write(&wal, "acknowledged").unwrap();
        for is_there in [false, true] {
            if is_there {
                std::fs::write(&file, "").unwrap();
            }
            let error = open(&file).err().unwrap().to_string();
            assert!(error.contains("log.db-wal is not"), "{error}");
            assert_eq!(std::fs::read(&wal).unwrap(), b"acknowledged");
        }
    }
}
