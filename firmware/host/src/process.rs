//! A firmware as a process of its own: messages in and out, and it can always be ended.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use rustix::process::Signal;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::unix::OwnedWriteHalf,
    process::{Child, ChildStdout},
    sync::mpsc,
};

use crate::{
    limits::{self, Limits, Pipes},
    sandbox::{self, Access},
    wire::{FirmwareMessage, HostMessage},
};

/// `host.cpp` writes no longer line: 8 KiB of serial text, escaped.
const LINE_LIMIT: u64 = 32 * 1024;

/// Messages that wait for a firmware that does not return from `loop()`. Then it gets no more, as a device would not.
const MAX_WAITING: usize = 256;

/// How much of a crashed program's output is kept; a sanitizer's first lines matter.
const MAX_PRINTED: usize = 4096;

/// The exit status of a firmware that resets: `exit_reset` of `device-os/host.cpp`.
const EXIT_RESET: i32 = 100;

/// A running firmware. It ends when this is dropped.
pub struct Process {
    child: Child,
    to_firmware: mpsc::Sender<String>,
    from_firmware: mpsc::Receiver<FirmwareMessage>,
    printed: Arc<Mutex<Vec<u8>>>,
    /// Its group ends when this is dropped.
    _life: OwnedWriteHalf,
}

/// How a firmware's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It asked for a reset.
    Reset,
    /// It crashed: why, in a few words, and what the program printed, if anything.
    Crash {
        /// Such as "segmentation fault".
        why: String,
        /// At most 4 KiB.
        printed: String,
    },
}

impl Process {
    /// Starts `program` in the folder `dir`. It waits for [`HostMessage::Boot`].
    ///
    /// # Errors
    /// If the process can't be started.
    pub fn start(program: &Path, dir: &Path, limits: Limits) -> io::Result<Self> {
        let program = std::path::absolute(program)?;
        let (mut command, lifeline) =
            limits::command(limits, Pipes::Messages, OsStr::new(&program), dir)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (mut stderr, life) = lifeline.into_split();
        let access = Access { program: &program, folder: None };
        let mut child = sandbox::spawn(command, access)?;

        let (to_firmware, mut to_send) = mpsc::channel::<String>(MAX_WAITING);
        let mut stdin = child.stdin.take().expect("it was piped");
        tokio::spawn(async move {
            while let Some(line) = to_send.recv().await {
                if stdin.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        });

        let (parsed, from_firmware) = mpsc::channel(256);
        let stdout = child.stdout.take().expect("it was piped");
        tokio::spawn(read_messages(stdout, parsed));

        let printed = Arc::new(Mutex::new(Vec::new()));
        let words = Arc::clone(&printed);
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(size @ 1..) = stderr.read(&mut buffer).await {
                let mut words = words.lock().expect("no holder panics");
                let room = MAX_PRINTED.saturating_sub(words.len());
                words.extend_from_slice(&buffer[..size.min(room)]);
            }
        });
        Ok(Self { child, to_firmware, from_firmware, printed, _life: life })
    }

    /// Sends a message. False if the firmware is too far behind or has ended.
    pub fn send(&self, message: &HostMessage) -> bool {
        self.to_firmware.try_send(message.line()).is_ok()
    }

    /// The next message; none when the process has ended. Cancel safe.
    pub async fn receive(&mut self) -> Option<FirmwareMessage> {
        self.from_firmware.recv().await
    }

    /// Waits for the end of a process that sends no more messages, and ends it if it still runs.
    pub async fn end(mut self) -> End {
        // It may have closed its pipe and gone on.
        let wait = tokio::time::timeout(std::time::Duration::from_secs(2), self.child.wait()).await;
        let Ok(Ok(status)) = wait else {
            return End::Crash { why: "it closed its pipe".into(), printed: String::new() };
        };
        if status.code() == Some(EXIT_RESET) {
            return End::Reset;
        }
        let printed =
            String::from_utf8_lossy(&self.printed.lock().expect("no holder panics")).into_owned();
        End::Crash { why: why(status), printed }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = self.child.id() {
            limits::end_group(pid);
        }
    }
}

async fn read_messages(stdout: ChildStdout, received: mpsc::Sender<FirmwareMessage>) {
    let mut lines = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines).take(LINE_LIMIT).read_until(b'\n', &mut line).await;
        if !matches!(read, Ok(1..)) || line.pop() != Some(b'\n') {
            return;
        }
        let Some(parsed) = FirmwareMessage::parse(&line) else {
            return;
        };
        if received.send(parsed).await.is_err() {
            return;
        }
    }
}

/// Signals have different numbers on different systems, hence the names.
fn why(status: ExitStatus) -> String {
    let Some(number) = status.signal() else {
        let code = status.code().unwrap_or_default();
        return format!("it exited with status {code}");
    };
    match Signal::from_named_raw(number) {
        Some(Signal::ILL) => "illegal instruction".into(),
        Some(Signal::ABORT) => "it gave up: abort".into(),
        Some(Signal::BUS) => "bus error".into(),
        Some(Signal::FPE) => "arithmetic error, such as a division by zero".into(),
        Some(Signal::SEGV) => "segmentation fault".into(),
        Some(Signal::ALARM) => "loop() did not return".into(),
        Some(Signal::XCPU) => "it used up its processor time".into(),
        Some(Signal::XFSZ) => "it wrote to a file".into(),
        _ => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named_as_on_this_system() {
        let killed_by = |signal: Signal| why(ExitStatus::from_raw(signal.as_raw()));
        assert_eq!(killed_by(Signal::BUS), "bus error");
        assert_eq!(killed_by(Signal::XFSZ), "it wrote to a file");
        let number = Signal::USR1.as_raw();
        assert_eq!(killed_by(Signal::USR1), format!("signal {number}"));
    }
}
