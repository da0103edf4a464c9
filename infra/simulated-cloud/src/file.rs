//! The file of the state: read once at the start, replaced as a whole at every change.

use std::{
    fmt,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::state::{State, VERSION};

const NAME: &str = "particle.json";

/// Why the simulated cloud did not start.
#[derive(Debug)]
pub enum StartError {
    /// The file of the state cannot be read, or its folder cannot be created.
    Unreadable(PathBuf, std::io::Error),
    /// The file of the state is not what this program writes. It is left as it is.
    Corrupt(PathBuf, String),
    /// The state cannot be written.
    Unwritable(PathBuf, std::io::Error),
    /// Other computers could reach the listener.
    NotLoopback(SocketAddr),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "cannot read {}: {error}", path.display())
            }
            Self::Corrupt(path, detail) => write!(
                f,
                "{} is not a state file of the simulated cloud ({detail}); it was left untouched: move it away to start afresh",
                path.display()
            ),
            Self::Unwritable(path, error) => {
                write!(f, "cannot write {}: {error}", path.display())
            }
            Self::NotLoopback(addr) => write!(
                f,
                "the simulated cloud compiles and runs programs, so it listens on a loopback address only, not on {addr}"
            ),
        }
    }
}

impl std::error::Error for StartError {}

/// The file of a data folder; none on the first start.
pub(crate) fn read(folder: &Path) -> Result<Option<State>, StartError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| StartError::Unreadable(folder.to_owned(), error))?;
    let path = folder.join(NAME);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StartError::Unreadable(path, error)),
    };
    let state: State = serde_json::from_slice(&text)
        .map_err(|error| StartError::Corrupt(path.clone(), error.to_string()))?;
    if state.version != VERSION {
        let detail = format!("it has version {}, this program writes {VERSION}", state.version);
        return Err(StartError::Corrupt(path, detail));
    }
    Ok(Some(state))
}

/// Replaces the file. If interrupted, one of the two is there in full.
pub(crate) fn write(folder: &Path, text: &[u8]) -> std::io::Result<()> {
    let path = folder.join(NAME);
    let draft = folder.join(format!("{NAME}.new"));
    // What is there was left by a process that was killed, or is a link that must not be followed.
    let _ = std::fs::remove_file(&draft);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&draft, &path)?;
    // The new name is on disk only once the folder is.
    std::fs::File::open(folder)?.sync_all()
}
