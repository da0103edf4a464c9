//! The fewest rights that the platform easily gives to a foreign program: the compiler and the firmware.
//!
//! A process gets an empty environment, a folder of its own to be in, a process group of its own that ends as a whole,
//! and the limits below. The shell sets them, because that needs no `unsafe` code between fork and exec. What else it may
//! reach, `sandbox` decides. Few of the limits bind root, so root's firmware runs as a user of its own, if this machine has
//! the means ([`AS_OWN_USER`]).
//!
//! Its standard error is one end of a socket whose other end, the [`Lifeline`], is held here. A second process of the
//! group does nothing but wait until that other end is closed, and then ends the group. The system closes it however
//! this program ends, so nothing is left running even after it was killed.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as StdUnixStream, process::CommandExt as _},
    },
    path::Path,
    process::Command,
};

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tokio::net::UnixStream;

/// What one process may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Seconds of processor time of one process.
    pub cpu_s: u32,
    /// Address space in MiB; none for a program under the address sanitizer, which reserves terabytes.
    pub memory_mib: Option<u32>,
    /// The largest file it may write, in MiB; 0 lets it write to pipes only.
    pub file_mib: u32,
    /// Open files, its pipes among them.
    pub files: u32,
    /// Whether it may start other processes. Taken away per user, so root is not bound by it, and runs it as another user.
    pub may_fork: bool,
}

/// A compiler: what a large C++ file needs.
pub const COMPILER: Limits =
    Limits { cpu_s: 25, memory_mib: Some(1024), file_mib: 64, files: 256, may_fork: true };

/// A firmware. At one part in a hundred of a processor, an hour of processor time is four days; then it boots again.
pub const FIRMWARE: Limits =
    Limits { cpu_s: 3600, memory_mib: Some(128), file_mib: 0, files: 32, may_fork: false };

/// Has the shell run the program as a user of its own, of those that systemd gives to services for as long as they run
/// (<https://systemd.io/UIDS-GIDS/>): only a user with no other process can be held to one. The program is opened before, by
/// a user who may enter its folder, and its name is an argument so that the list of processes shows it. That is tried with
/// another program first: where `setpriv` of util-linux is not there, or may not do it, the firmware runs as root.
const AS_OWN_USER: &str = "exec 9<\"$0\"; other=$((61184 + $$ % 4336)); \
     as=\"setpriv --reuid $other --regid $other --clear-groups --no-new-privs --\"; \
     if [ -e /proc/self/fd/9 ] && (ulimit -u 1 || ulimit -p 1; exec $as /bin/true) 2>>/dev/null; \
     then set -- $as /proc/self/fd/9 \"$0\" \"$@\"; else set -- \"$0\" \"$@\"; fi; ";

/// The other end of a process's standard error: what it prints can be read here, and its whole group ends when this does.
pub type Lifeline = UnixStream;

/// How the new process's descriptors lie; both leave standard output to whatever the program prints.
#[derive(Clone, Copy, Debug)]
pub enum Pipes {
    /// As the caller sets them.
    AsTheyAre,
    /// The caller's pipe to standard input is descriptor 4, standard output is descriptor 3; what the program prints goes to
    /// standard error, and its standard input is empty.
    Messages,
}

/// A command for `program` under `limits`, in `dir`, with an empty environment, and what its life hangs on. The command
/// holds the process's end of it, so it has to be dropped once it was spawned.
///
/// # Errors
/// If there is no socket to be had.
pub fn command(
    limits: Limits,
    pipes: Pipes,
    program: &OsStr,
    dir: &Path,
) -> io::Result<(Command, Lifeline)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    // It must not hold the pipes open, and names the program besides its group, which a program can leave.
    let mut script = format!(
        "(read -r _ <&2; kill -KILL $$ 0 2>>/dev/null) </dev/null >>/dev/null & \
         ulimit -c 0; ulimit -S -t {}; ulimit -H -t {}; ulimit -f {}; ulimit -n {}; ",
        limits.cpu_s,
        // A second later it is killed, if it ignores the signal that says why.
        limits.cpu_s + 1,
        limits.file_mib * 2048,
        limits.files
    );
    // Some systems refuse to limit these; the rest still holds there.
    if let Some(mib) = limits.memory_mib {
        script += &format!("ulimit -v {} 2>>/dev/null || :; ", mib * 1024);
    }
    script += match !limits.may_fork && geteuid().is_root() {
        true => AS_OWN_USER,
        false => "set -- \"$0\" \"$@\"; ",
    };
    if !limits.may_fork {
        script += "ulimit -u 1 2>>/dev/null || ulimit -p 1 2>>/dev/null || :; ";
    }
    script += match pipes {
        Pipes::AsTheyAre => "exec \"$@\"",
        Pipes::Messages => "exec \"$@\" 3>&1 4<&0 1>&2 0</dev/null",
    };
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(script)
        .arg(program)
        .current_dir(dir)
        .env_clear()
        .process_group(0)
        .stderr(OwnedFd::from(theirs));
    Ok((command, UnixStream::from_std(ours)?))
}

/// Ends every process of the group that `pid` leads, at once. Nothing happens when it is gone already.
pub fn end_group(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
