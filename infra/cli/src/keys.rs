//! Whose log: the home, the key, and what this program remembers about them in the user's data folder.
//!
//! A key that this program makes is in a file that only its user can read, one for each home, so that no home gets the key of
//! another.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use delivery::{
    cursor::Cursor,
    endpoint_info::EndpointInfo,
    key::{Key, OwnerKey},
};
use local::config::Config;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::{
    client::{HOME, Http, Log, Via, web_url},
    warn,
};

#[derive(Args)]
pub(crate) struct Source {
    /// The home whose log is read
    #[arg(long, value_name = "URL", value_parser = web_url, default_value = HOME)]
    home: String,
    /// File with the owner key or share key of an existing endpoint; `-` is standard input [default: a key of this program's
    /// own, made at the first use]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Source {
    /// Finds or makes the key, finds or makes the endpoint, and says on standard error where it is.
    pub(crate) async fn open(self) -> anyhow::Result<(Log, Memory)> {
        let home = self.home.to_ascii_lowercase();
        check_encrypted(&home)?;
        let memory = Memory::of(&home)?;
        let (key, is_own) = match &self.key_file {
            Some(file) => (read_key(file)?, false),
            None => (Key::Owner(memory.key()?), true),
        };
        let http = Box::new(Http::new(&home)?);
        let log = Log { via: Via::Http(http), home, key };
        let info = match is_own {
            true => log.create(std::env::var("CREATION_CODE").ok().as_deref()).await?,
            false => log.show().await?,
        };
        greet(&log, &info);
        Ok((log, memory))
    }

    /// Opens the log in the data folder of a local home that does not run.
    pub(crate) async fn open_data(self, data: PathBuf) -> anyhow::Result<Log> {
        let folder = data.display().to_string();
        // A local home would make one.
        if !data.join("log.db").is_file() {
            bail!("{folder} is no data folder of a local home: it has no file log.db");
        }
        let key = match &self.key_file {
            Some(file) => read_key(file)?,
            None => {
                let key = Memory::of(&self.home.to_ascii_lowercase())?.kept_key()?;
                let home = &self.home;
                Key::Owner(key.with_context(|| {
                    format!("this program has no key of its own for {home}; use --key-file")
                })?)
            }
        };
        let (engine, api) = local::api_on_data(Config::new(data)).await?;
        if let Some(damage) = engine.as_ref().and_then(|engine| engine.damage.as_ref()) {
            warn(damage);
        }
        Ok(Log { via: Via::Data { api, _engine: engine }, home: folder, key })
    }
}

fn greet(log: &Log, info: &EndpointInfo) {
    // The owner key is printed nowhere; who has this link can read the log and nothing else.
    let share = match &log.key {
        Key::Owner(key) => key.share_key(),
        Key::Share(key) => key.clone(),
    };
    warn(&format_args!("Hook URL  {}", info.hook_url));
    warn(&format_args!("Log       {}/log#{} (for readers)", log.home, share.reveal()));
}

/// A key may cross a network only under TLS.
fn check_encrypted(home: &str) -> anyhow::Result<()> {
    let uri: http::Uri = home.parse().context("the home is not a URL")?;
    let host = uri.host().unwrap_or_default();
    let is_here = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
    if uri.scheme_str() == Some("http") && !is_here {
        bail!(
            "the key would cross the network in clear text to {host}; use https for a home on another machine"
        );
    }
    Ok(())
}

fn read_key(file: &Path) -> anyhow::Result<Key> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().take(1024).read_to_string(&mut text),
        false => File::open(file).and_then(|file| file.take(1024).read_to_string(&mut text)),
    };
    read.with_context(|| format!("the key can't be read from {}", file.display()))?;
    Key::parse(text.trim()).map_err(|_| {
        let file = file.display();
        anyhow::anyhow!("{file} has no key; it has to hold an owner key (own_…) or a share key (read_…), and nothing else")
    })
}

/// Where programs of this system keep what their user's work depends on.
fn data_folder() -> anyhow::Result<PathBuf> {
    let variable =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = variable("XDG_DATA_HOME").or_else(|| {
        let below =
            if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
        Some(variable("HOME")?.join(below))
    });
    let folder = folder
        .context("there is no place for keys: set HOME or XDG_DATA_HOME, or use --key-file")?;
    Ok(folder.join("webhook-tutorial"))
}

/// Any text as the name of a file; another text has another name.
fn file_name(text: &str) -> String {
    const LEFT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-');
    utf8_percent_encode(text, LEFT).to_string()
}

/// What is kept about a home.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    fn of(home: &str) -> anyhow::Result<Self> {
        Ok(Memory { folder: data_folder()?.join(file_name(home)) })
    }

    /// The key that this program keeps for this home. Makes one if there is none.
    fn key(&self) -> anyhow::Result<OwnerKey> {
        if let Some(key) = self.kept_key()? {
            return Ok(key);
        }
        self.make_folder()?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
        let key = OwnerKey::from_bytes(&bytes);
        // Another process may be making one: the first that is there is the one.
        let (new, file) = (write_new(&self.folder, key.reveal())?, self.key_file());
        let made = fs::hard_link(&new, &file);
        fs::remove_file(&new).ok();
        if let Err(error) = made
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error).with_context(|| format!("{} can't be made", file.display()));
        }
        self.kept_key()?.with_context(|| format!("{} was removed", file.display()))
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("owner-key")
    }

    /// The key as it was kept, if it was.
    fn kept_key(&self) -> anyhow::Result<Option<OwnerKey>> {
        let file = self.key_file();
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("{} can't be read", file.display()))?,
        };
        match Key::parse(text.trim()) {
            Ok(Key::Owner(key)) => Ok(Some(key)),
            _ => bail!("{} has no owner key; move it away, and a new one is made", file.display()),
        }
    }

    fn make_folder(&self) -> anyhow::Result<()> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.with_context(|| format!("{} can't be made", self.folder.display()))
    }

    /// The place in a log from which `to` is served, for this process alone.
    pub(crate) fn position(&self, log: &Log, to: &str) -> anyhow::Result<Position> {
        self.make_folder()?;
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(to)[..8]);
        let name = format!("{}-{hash}", log.key.endpoint());
        let lock = self.folder.join(format!("{name}.lock"));
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&lock)
            .with_context(|| format!("{} can't be made", lock.display()))?;
        if lock.try_lock().is_err() {
            bail!(
                "another process forwards this log to {to}; end that one, or choose another --to"
            );
        }
        Ok(Position { file: self.folder.join(name), folder: self.folder.clone(), _lock: lock })
    }
}

/// A cursor that outlives the process.
#[derive(Debug)]
pub(crate) struct Position {
    file: PathBuf,
    folder: PathBuf,
    _lock: File,
}

impl Position {
    /// The cursor that was kept last.
    pub(crate) fn load(&self) -> Option<Cursor> {
        Cursor::parse(fs::read_to_string(&self.file).ok()?.trim()).ok()
    }

    /// Keeps a cursor, whole or not at all.
    pub(crate) fn keep(&self, cursor: Cursor) -> anyhow::Result<()> {
        let new = write_new(&self.folder, &cursor.encode())?;
        fs::rename(&new, &self.file).with_context(|| {
            format!("{} can't be written, so a restart would forward again", self.file.display())
        })
    }
}

/// A new file that only this user can read.
fn write_new(folder: &Path, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(true).write(true).mode(0o600).open(&path);
    file.and_then(|mut file| writeln!(file, "{text}"))
        .with_context(|| format!("{} can't be written", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_crosses_a_network_under_tls_only() {
        for home in
            ["http://127.0.0.1:8787", "http://localhost:1", "http://[::1]:1", "https://a.example"]
        {
            assert!(check_encrypted(home).is_ok(), "{home}");
        }
        for home in ["http://a.example", "http://127.0.0.1.a.example", "http://10.0.0.1:8787"] {
            assert!(check_encrypted(home).is_err(), "{home}");
        }
    }

    #[test]
    fn no_two_homes_share_a_key() {
        let names = ["http://a:80", "http://a_80", "http://a/80", "https://a-80"].map(file_name);
        let folder = tempfile::tempdir().unwrap();
        let memories = names.map(|name| Memory { folder: folder.path().join(name) });
        let keys: Vec<String> =
            memories.iter().map(|memory| memory.key().unwrap().reveal().to_owned()).collect();
        let unique: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(unique.len(), 4);
        assert_eq!(memories[0].key().unwrap().reveal(), keys[0]);
    }
}
