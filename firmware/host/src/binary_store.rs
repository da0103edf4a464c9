//! What a device keeps across a restart: the source it was last flashed with, and compiled programs.

use std::{
    io,
    path::{Path, PathBuf},
};

use device_link::Source;

use crate::{
    compiler::{Compiler, Failure},
    platform::Platform,
};

/// The folder of a device.
#[derive(Clone)]
pub(crate) struct BinaryStore {
    dir: PathBuf,
}

impl BinaryStore {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let store = Self { dir: std::path::absolute(dir)? };
        // A process that was killed left these behind.
        for entry in std::fs::read_dir(&store.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".tmp") {
                let path = entry.path();
                let _ = if path.is_dir() {
                    std::fs::remove_dir_all(path)
                } else {
                    std::fs::remove_file(path)
                };
            }
        }
        Ok(store)
    }

    /// The source that was flashed last; none if there is none, or if it cannot be read.
    pub(crate) fn flashed(&self) -> Option<Vec<Source>> {
        let text = std::fs::read(self.dir.join("flashed.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps `sources` as the flashed source.
    pub(crate) fn keep(&self, sources: &[Source]) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(sources).expect("strings are always JSON");
        let new = tempfile::NamedTempFile::new_in(&self.dir)?;
        std::fs::write(new.path(), text)?;
        new.as_file().sync_all()?;
        new.persist(self.dir.join("flashed.json")).map_err(|error| error.error)?;
        Ok(())
    }

    /// The program for `sources`, compiled unless it is here already, and its `size` table.
    pub(crate) async fn program(
        &self,
        compiler: &Compiler,
        sources: &[Source],
        platform: Platform,
    ) -> Result<(PathBuf, String), Failure> {
        let program = self.dir.join(format!("program-{}", compiler.key(sources, platform, &[])));
        let size = program.with_extension("size");
        if program.exists() {
            return Ok((program, std::fs::read_to_string(size).unwrap_or_default()));
        }
        let compiled = compiler.compile(sources, platform, &[], &self.dir).await?;
        std::fs::write(&size, &compiled.size)?;
        std::fs::rename(&compiled.path, &program)?;
        Ok((program, compiled.size))
    }

    /// Removes all other programs.
    pub(crate) fn retain(&self, keep: &[&Path]) {
        let Ok(entries) = std::fs::read_dir(&self.dir) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_program =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("program-"));
            if is_program && !keep.contains(&path.with_extension("").as_path()) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// An empty working directory for the firmware's process.
    pub(crate) fn run_dir(&self) -> io::Result<PathBuf> {
        let dir = self.dir.join("run");
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir(&dir)?;
        Ok(dir)
    }
}
