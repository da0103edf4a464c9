//! Compiles a firmware against `device-os/Particle.h` with the C++ compiler found on this machine.
//!
//! It runs in a folder of its own with relative names, so that its messages name the files as their author did, and no
//! folder of this machine.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};

/// A file of a firmware: `.cpp`, `.ino` and `.c` are compiled, others can be included.
pub use device_link::Source;
use device_link::is_compiled;

use crate::{
    limits::{self, Lifeline, Pipes},
    platform::Platform,
    sandbox::{self, Access},
    sketch,
};

const PARTICLE_H: &str = include_str!("../device-os/Particle.h");
const HOST_CPP: &str = include_str!("../device-os/host.cpp");

/// How long a compilation may take on a busy machine. What it may cost is bounded by the compiler's processor time,
/// [`limits::COMPILER`]. The simulated cloud waits a little longer for the answer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The most output of the compiler that is kept. A template error can fill a disk.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// All files of one program together. The largest known firmware of one file is a tenth of this.
const SOURCE_LIMIT: usize = 1024 * 1024;

/// How to get a compiler, in one line for a person.
pub const INSTALL_A_COMPILER: &str = if cfg!(target_os = "macos") {
    "No C++ compiler found: install one with `xcode-select --install`, then start again."
} else {
    "No C++ compiler found: install one (on Debian or Ubuntu `apt install g++`), then start again."
};

/// A C++ compiler of this machine.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The program and the arguments that always come first.
    pub command: Vec<String>,
    /// The first line of its `--version`.
    pub version: String,
    /// How long one program may take; 60 s by default.
    pub time_limit: Duration,
    path: OsString,
}

/// Why there is no program.
#[derive(Debug)]
pub enum Failure {
    /// The source does not compile: the compiler's output, or one line in its place.
    Source(String),
    /// The compiler cannot be run.
    Machine(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

/// A compiled firmware.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable file.
    pub path: PathBuf,
    /// The output of `size`: a line of headings and a line of numbers. Empty if there is no `size`.
    pub size: String,
}

impl Compiler {
    /// The compiler that `CXX` names, else `c++`, `g++` or `clang++` on the `PATH`, whichever runs first.
    #[allow(
        clippy::disallowed_methods,
        reason = "which compiler this machine has is a matter of its environment"
    )]
    pub async fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = std::env::var("CXX").ok();
        Self::find_in(named.as_deref(), path).await
    }

    /// The same with both given.
    pub async fn find_in(cxx: Option<&str>, path: OsString) -> Option<Self> {
        for candidate in cxx.into_iter().chain(["c++", "g++", "clang++"]) {
            let command: Vec<String> = candidate.split_whitespace().map(str::to_owned).collect();
            let Some((program, arguments)) = command.split_first() else {
                continue;
            };
            let answer = Command::new(program)
                .args(arguments)
                .arg("--version")
                .env("PATH", &path)
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output();
            // On a Mac without its tools, `c++` exists and asks a person a question instead.
            let Ok(Ok(answer)) = timeout(Duration::from_secs(10), answer).await else {
                continue;
            };
            let said = String::from_utf8_lossy(&answer.stdout);
            if let (true, Some(version)) = (answer.status.success(), said.lines().next()) {
                return Some(Self {
                    version: version.to_owned(),
                    time_limit: TIME_LIMIT,
                    command,
                    path,
                });
            }
        }
        None
    }

    /// Compiles `sources` for `platform`. `extra` flags come after our own, `dir` keeps what can be used again.
    ///
    /// # Errors
    /// [`Failure::Source`] if the compiler refuses the files or gives up; [`Failure::Machine`] if it can't be run.
    pub async fn compile(
        &self,
        sources: &[Source],
        platform: Platform,
        extra: &[&str],
        dir: &Path,
    ) -> Result<Program, Failure> {
        check(sources).map_err(Failure::Source)?;
        let build = tempfile::tempdir_in(dir)?;
        match timeout(self.time_limit, self.build(sources, platform, extra, build.path(), dir))
            .await
        {
            Ok(Ok(program)) => {
                let size = self.size(build.path(), sources).await?;
                // The folder is deleted; the program is kept beside it.
                let path = build.path().with_extension("program");
                std::fs::rename(program, &path)?;
                Ok(Program { path, size })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Source("Compiler timed out or encountered an error".into())),
        }
    }

    /// A name for the program: another compiler, header, flag or source gives another key.
    pub fn key(&self, sources: &[Source], platform: Platform, extra: &[&str]) -> String {
        let defines = platform.defines();
        let sources =
            sources.iter().flat_map(|source| [source.name.as_str(), source.text.as_str()]);
        let rest = [self.version.as_str(), PARTICLE_H, HOST_CPP];
        fingerprint(
            rest.into_iter()
                .chain(defines.iter().map(String::as_str))
                .chain(extra.iter().copied())
                .chain(sources),
        )
    }

    async fn build(
        &self,
        sources: &[Source],
        platform: Platform,
        extra: &[&str],
        build: &Path,
        dir: &Path,
    ) -> Result<PathBuf, Failure> {
        std::fs::create_dir(build.join("device-os"))?;
        std::fs::write(build.join("device-os/Particle.h"), PARTICLE_H)?;
        std::fs::write(build.join("device-os/host.cpp"), HOST_CPP)?;
        for source in sources {
            let file = build.join(&source.name);
            std::fs::create_dir_all(file.parent().expect("a file in a folder has a parent"))?;
            std::fs::write(file, &source.text)?;
            if source.name.ends_with(".ino") {
                let text = sketch::preprocessed(&source.name, &source.text);
                std::fs::write(build.join(sketch::file_name(&source.name)), text)?;
            }
        }

        let mut flags: Vec<String> =
            ["-std=gnu++17", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Idevice-os"]
                .map(str::to_owned)
                .into();
        flags.extend(include_folders(sources).iter().map(|folder| format!("-I{folder}")));
        flags.extend(platform.defines());
        flags.extend(extra.iter().map(|flag| (*flag).to_owned()));

        let mut objects = vec![self.host_object(&flags, build, dir).await?];
        for source in sources.iter().filter(|source| is_compiled(&source.name)) {
            let object = format!("{}.o", source.name);
            let mut arguments = flags.clone();
            let (language, name) = match source.name.ends_with(".c") {
                true => ("c", source.name.clone()),
                false if source.name.ends_with(".ino") => ("c++", sketch::file_name(&source.name)),
                false => ("c++", source.name.clone()),
            };
            if language == "c" {
                arguments[0] = "-std=gnu11".to_owned();
            }
            arguments.extend(["-x", language, "-c", &name, "-o", &object].map(str::to_owned));
            self.run(&arguments, build).await?;
            objects.push(object.into());
        }

        let mut arguments: Vec<OsString> = flags.iter().map(OsString::from).collect();
        arguments.extend(objects);
        arguments.extend(["-o", "firmware"].map(OsString::from));
        self.run(&arguments, build).await?;
        Ok(build.join("firmware"))
    }

    /// The host's own half, compiled once for each set of flags.
    async fn host_object(
        &self,
        flags: &[String],
        build: &Path,
        dir: &Path,
    ) -> Result<OsString, Failure> {
        let key = fingerprint(
            [self.version.as_str(), PARTICLE_H, HOST_CPP]
                .into_iter()
                .chain(flags.iter().map(String::as_str)),
        );
        let kept = std::path::absolute(dir)?.join(format!("host-{key}.o"));
        if !kept.exists() {
            let mut arguments = flags.to_vec();
            arguments.extend(["-c", "device-os/host.cpp", "-o", "host.o"].map(str::to_owned));
            self.run(&arguments, build).await?;
            std::fs::rename(build.join("host.o"), &kept)?;
        }
        // Under a name of the build's own: the linker says it when setup() or loop() is missing.
        std::fs::copy(kept, build.join("device-os/host.o"))?;
        Ok("device-os/host.o".into())
    }

    async fn run<S: AsRef<OsStr>>(&self, arguments: &[S], build: &Path) -> Result<(), Failure> {
        let (program, first) =
            self.command.split_first().expect("a compiler's command is not empty");
        let (mut command, lifeline) = self.command(program, build)?;
        command.args(first).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = Group { child: self.spawn(command, program, build)? };
        let (status, said) = child.output(OUTPUT_LIMIT, lifeline).await?;
        if status.success() {
            return Ok(());
        }
        let mut said = String::from_utf8_lossy(&said).into_owned();
        if said.trim().is_empty() {
            said = "Compiler timed out or encountered an error".into();
        }
        Err(Failure::Source(said))
    }

    /// The folder that holds the compiler with its headers and libraries: what is around `bin`, if it is there.
    fn folder_of(&self, program: &str) -> PathBuf {
        let places = std::env::split_paths(&self.path).map(|place| place.join(program));
        let found = places.filter_map(|place| place.canonicalize().ok()).next();
        let bin = found.as_deref().and_then(Path::parent).unwrap_or(Path::new("/bin"));
        match bin.parent() {
            Some(around) if bin.ends_with("bin") && around != Path::new("/") => around.to_owned(),
            _ => bin.to_owned(),
        }
    }

    /// What `size` of this machine prints of the program; nothing if there is no `size`. It reads what a stranger's source
    /// made, so it is in the sandbox too.
    async fn size(&self, build: &Path, sources: &[Source]) -> io::Result<String> {
        let (mut command, _lifeline) = self.command("size", build)?;
        command.args(["-B", "firmware"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let output = self.spawn(command, "size", build)?.wait_with_output();
        let Ok(Ok(output)) = timeout(Duration::from_secs(3), output).await else {
            return Ok(String::new());
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let name = main_file(sources).unwrap_or("firmware");
        Ok(said.replace("\tfirmware\n", &format!("\t{name}\n")))
    }

    /// A command for a program of the tool chain, whose scratch files go with the folder of the build.
    fn command(
        &self,
        program: &str,
        build: &Path,
    ) -> io::Result<(std::process::Command, Lifeline)> {
        let (mut command, lifeline) =
            limits::command(limits::COMPILER, Pipes::AsTheyAre, OsStr::new(program), build)?;
        command
            .env("PATH", &self.path)
            // Messages in English and ASCII quotes.
            .env("LC_ALL", "C")
            .env("TMPDIR", build)
            // Some systems put this cache of compilations in the compiler's place; its folder can't be reached.
            .env("CCACHE_DISABLE", "1");
        Ok((command, lifeline))
    }

    fn spawn(
        &self,
        command: std::process::Command,
        program: &str,
        build: &Path,
    ) -> io::Result<tokio::process::Child> {
        let program = self.folder_of(program);
        let access = Access { program: &program, folder: Some(build) };
        sandbox::spawn(command, access)
    }
}

/// A running process whose whole group ends with this value.
struct Group {
    child: tokio::process::Child,
}

impl Group {
    /// Its exit status and the first `limit` bytes of its output. All output is read, so that it never blocks; processes that
    /// it left behind are ended.
    async fn output(
        &mut self,
        limit: usize,
        mut lifeline: Lifeline,
    ) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        let mut keep = |bytes: &[u8]| {
            let room = limit.saturating_sub(said.len());
            said.extend_from_slice(&bytes[..bytes.len().min(room)]);
        };
        let status = loop {
            tokio::select! {
                size = lifeline.read(&mut buffer) => match size? {
                    0 => break self.child.wait().await?,
                    size => keep(&buffer[..size]),
                },
                status = self.child.wait() => break status?,
            }
        };
        // The end of its output may still be in the socket.
        while let Ok(size @ 1..) = lifeline.try_read(&mut buffer) {
            keep(&buffer[..size]);
        }
        Ok((status, said))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.child.id() {
            limits::end_group(pid);
        }
    }
}

/// The name of the firmware: its first file that is compiled.
pub fn main_file(sources: &[Source]) -> Option<&str> {
    sources.iter().map(|source| source.name.as_str()).find(|name| is_compiled(name))
}

/// A hash over all of `parts`, in hexadecimal.
fn fingerprint<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

/// Where a project's files are included from by their names alone: `src`, and `src` of each library in `lib`.
fn include_folders(sources: &[Source]) -> BTreeSet<String> {
    let folders = sources.iter().filter_map(|source| {
        let parts: Vec<&str> = source.name.split('/').collect();
        match parts.as_slice() {
            ["src", _, ..] => Some("src".to_owned()),
            ["lib", library, "src", _, ..] => Some(format!("lib/{library}/src")),
            _ => None,
        }
    });
    folders.collect()
}

/// Names decide where files are written, so they are checked and never repaired.
fn check(sources: &[Source]) -> Result<(), String> {
    if main_file(sources).is_none() {
        return Err("there is no .cpp, .ino or .c file in what was sent".into());
    }
    if sources.len() > 64
        || sources.iter().map(|source| source.text.len()).sum::<usize>() > SOURCE_LIMIT
    {
        return Err("more than 64 files or 1 MiB of source is not compiled here".into());
    }
    for (index, Source { name, .. }) in sources.iter().enumerate() {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && part.len() <= 100
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
        };
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 5
            || !parts.iter().all(|part| plain(part))
            || parts[0].eq_ignore_ascii_case("device-os")
        {
            return Err(format!(
                "the file name {name:?} can't be used: letters, digits, `.`, `_`, `-`, folders with `/`"
            ));
        }
        let is_made = sources.iter().any(|source| {
            source.name.ends_with(".ino") && *name == sketch::file_name(&source.name)
        });
        if name.ends_with(".o")
            || *name == "firmware"
            || is_made
            || sources[..index].iter().any(|other| other.name == *name)
        {
            return Err(format!("the file name {name:?} is taken"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Source {
        Source { name: name.into(), text: String::new() }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in [
            "../x.cpp",
            "/x.cpp",
            "a/../x.cpp",
            "-x.cpp",
            ".x.cpp",
            "a//x.cpp",
            "device-os/Particle.h.cpp",
            "Device-OS/host.cpp",
            "a b.cpp",
            "x\".cpp",
            "x\n.cpp",
            "a\\x.cpp",
        ] {
            assert!(check(&[file(name)]).is_err(), "{name}");
        }
        assert_eq!(check(&[file("webhook-tutorial.cpp"), file("lib/util/src/util.h")]), Ok(()));
    }

    #[test]
    fn repeated_names_and_missing_programs_are_refused() {
        assert!(check(&[file("a.cpp"), file("a.cpp")]).is_err());
        assert!(check(&[file("a.ino.cpp"), file("a.ino")]).is_err());
        assert!(check(&[file("a.h")]).is_err());
        assert!(check(&[]).is_err());
    }
}
