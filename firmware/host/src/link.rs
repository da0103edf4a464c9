//! The device link: what a device and its cloud say to each other, as lines of JSON over any stream of bytes.
//!
//! Neither side trusts the other. A line is bounded, one that is not JSON of a known shape ends the link, one of an unknown
//! `type` is passed over, and a reader that falls too far behind loses the link rather than hold up the device.

use serde::{Deserialize, Serialize};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    sync::mpsc,
    task::JoinHandle,
};

use crate::compiler::Source;

/// The longest line, with its end: a firmware's files have to fit.
const LINE_LIMIT: u64 = 1024 * 1024;

/// Lines that may wait for a slow reader.
const LINES_WAITING: usize = 4096;

/// From the device to its cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToCloud {
    /// The first line: who is there.
    Hello {
        /// 24 lower-case hexadecimal digits.
        id: String,
        /// What its owner calls it.
        name: String,
        /// As Device OS numbers it.
        platform_id: u32,
        /// Of Device OS.
        system_version: String,
        /// The main file of the firmware.
        firmware: String,
        /// The first line of what the compiler says about itself; none if there is no compiler.
        compiler: Option<String>,
    },
    /// The cloud connection was made.
    Online,
    /// The cloud connection was lost, and with it the subscriptions.
    Offline,
    /// Events whose names begin with this are wanted. Follows every [`ToCloud::Online`].
    Subscribe {
        /// At most 64 bytes.
        prefix: String,
    },
    /// The firmware published.
    Publish {
        /// At most 64 bytes.
        name: String,
        /// At most 1024 bytes.
        data: Option<String>,
    },
    /// A line on the serial port, without its end.
    Serial {
        /// The text.
        line: String,
    },
    /// How the device is; follows hello and every change.
    State(State),
    /// The answer to [`FromCloud::Compile`].
    Compiled {
        /// Of which request.
        request: u64,
        /// Whether there is a program now.
        ok: bool,
        /// What `size` says about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
        /// What the compiler wrote.
        #[serde(skip_serializing_if = "Option::is_none")]
        errors: Option<String>,
    },
    /// The answer to [`FromCloud::Flash`].
    Flashed {
        /// Of which request.
        request: u64,
        /// Whether the new program runs.
        ok: bool,
    },
}

/// How the device is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Its firmware runs.
    pub running: bool,
    /// It has power.
    pub plugged: bool,
    /// As Device OS numbers it; none where the hardware has no power management.
    pub power_source: Option<u8>,
    /// In percent; none when it is not known.
    pub battery: Option<f64>,
    /// One line for a person, when there is something to say.
    pub message: Option<String>,
}

/// From the cloud to its device. A person at the device's own console may say the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromCloud {
    /// An event that may match a subscription; the device looks itself.
    Event {
        /// Its whole name.
        name: String,
        /// None and empty are the same to a device.
        data: Option<String>,
    },
    /// Somebody clicks the MODE button.
    Press {
        /// How many times, 1 to 5.
        clicks: u8,
    },
    /// The power changed.
    Power {
        /// As Device OS numbers it, 0 to 5.
        source: u8,
        /// 0 to 100; none when it is not known.
        battery: Option<f64>,
    },
    /// The device is unplugged or plugged in again.
    Plug {
        /// Whether it has power from now on.
        plugged: bool,
    },
    /// Its owner calls it something else.
    Rename {
        /// The new name.
        name: String,
    },
    /// Compile these files, and keep the program.
    Compile {
        /// What the answer is to carry.
        request: u64,
        /// All files of the firmware.
        files: Vec<Source>,
    },
    /// Run what was compiled under that request.
    Flash {
        /// Which.
        request: u64,
    },
    /// Something that a later cloud says.
    #[serde(other)]
    Unknown,
}

/// The device's end of a link.
pub(crate) struct Link {
    lines: mpsc::Sender<String>,
    from: mpsc::Receiver<FromCloud>,
    reader: JoinHandle<()>,
}

impl Link {
    pub(crate) fn new(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (read, mut write) = tokio::io::split(io);
        let (lines, mut to_write) = mpsc::channel::<String>(LINES_WAITING);
        let (arrived, from) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Some(line) = to_write.recv().await {
                if write.write_all(line.as_bytes()).await.is_err() || write.flush().await.is_err() {
                    return;
                }
            }
            let _ = write.shutdown().await;
        });
        let reader = tokio::spawn(async move {
            let mut read = BufReader::new(read);
            let mut line = Vec::new();
            loop {
                line.clear();
                let size = (&mut read)
                    .take(LINE_LIMIT)
                    .read_until(b'\n', &mut line)
                    .await;
                if !matches!(size, Ok(1..)) || line.last() != Some(&b'\n') {
                    return;
                }
                match serde_json::from_slice(&line) {
                    Ok(FromCloud::Unknown) => {}
                    Ok(message) => {
                        if arrived.send(message).await.is_err() {
                            return;
                        }
                    }
                    Err(_) => return,
                }
            }
        });
        Self {
            lines,
            from,
            reader,
        }
    }

    /// False when the link is at its end.
    pub(crate) fn say(&self, message: &ToCloud) -> bool {
        let line =
            serde_json::to_string(message).expect("strings and numbers are always JSON") + "\n";
        self.lines.try_send(line).is_ok()
    }

    /// The next message; none when the link is at its end.
    pub(crate) async fn hear(&mut self) -> Option<FromCloud> {
        self.from.recv().await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The writer still sends what is waiting, and ends with its channel.
        self.reader.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_the_ones_of_the_contract() {
        let check = |message: ToCloud, line: &str| {
            assert_eq!(serde_json::to_string(&message).unwrap(), line)
        };
        check(ToCloud::Online, r#"{"type":"online"}"#);
        check(
            ToCloud::Publish {
                name: "e".into(),
                data: None,
            },
            r#"{"type":"publish","name":"e","data":null}"#,
        );
        let state = State {
            running: true,
            plugged: true,
            power_source: Some(2),
            battery: None,
            message: None,
        };
        check(
            ToCloud::State(state),
            r#"{"type":"state","running":true,"plugged":true,"power_source":2,"battery":null,"message":null}"#,
        );
        check(
            ToCloud::Compiled {
                request: 7,
                ok: false,
                size: None,
                errors: Some("no".into()),
            },
            r#"{"type":"compiled","request":7,"ok":false,"errors":"no"}"#,
        );
    }

    #[test]
    fn a_message_of_an_unknown_type_is_passed_over() {
        let message: FromCloud = serde_json::from_str(r#"{"type":"later","more":[1]}"#).unwrap();
        assert_eq!(message, FromCloud::Unknown);
        assert!(serde_json::from_str::<FromCloud>(r#"{"type":"press"}"#).is_err());
    }
}
