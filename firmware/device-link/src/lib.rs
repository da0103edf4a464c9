//! The device link: what a device and the simulated Particle cloud send each other, as lines of JSON over any byte stream.
//!
//! A real device speaks CoAP over DTLS or TCP. To a webhook only the content matters, and that is here.
//! Neither side trusts the other: a line is at most [`MAX_LINE_BYTES`] long, a line that is not a message ends the link,
//! a message of an unknown `type` is ignored, and a peer that does not read loses the link.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::mpsc,
    task::JoinHandle,
};

/// The longest line, including its end. The source files of a firmware must fit.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// From a device to its cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum DeviceMessage {
    /// The first message of a link.
    Hello(Hello),
    /// The cloud connection was made.
    Online,
    /// The cloud connection was lost, and with it the subscriptions.
    Offline,
    /// Asks for events whose names begin with `prefix`; follows each [`DeviceMessage::Online`].
    Subscribe {
        /// At most 64 bytes.
        prefix: String,
    },
    /// The firmware published an event.
    Publish {
        /// At most 64 bytes.
        name: String,
        /// At most 1024 bytes of text; else as [`ContentType`] says.
        data: Option<String>,
        /// What the data is.
        #[serde(default, skip_serializing_if = "ContentType::is_text")]
        content: ContentType,
        /// The bytes that structured data takes on the air.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
    },
    /// The firmware has a function that can be called; follows each [`DeviceMessage::Online`].
    Function {
        /// At most 64 bytes.
        name: String,
    },
    /// The firmware has a variable that can be read; follows each [`DeviceMessage::Online`].
    Variable {
        /// At most 64 bytes.
        name: String,
        /// What its values are.
        kind: VariableKind,
    },
    /// The result of [`CloudMessage::Call`] or [`CloudMessage::Read`].
    Returned {
        /// That of the request.
        request: u64,
        /// The value as text; none if there is no such function or variable.
        value: Option<String>,
    },
    /// A line on the serial port.
    Serial {
        /// Without the line end.
        line: String,
    },
    /// Follows [`DeviceMessage::Hello`] and every change.
    State(DeviceState),
    /// The result of [`CloudMessage::Compile`].
    Compiled {
        /// That of the request.
        request: u64,
        /// Whether there is a program now.
        ok: bool,
        /// The output of `size`.
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
        /// The output of the compiler.
        #[serde(skip_serializing_if = "Option::is_none")]
        errors: Option<String>,
    },
    /// The result of [`CloudMessage::Flash`].
    Flashed {
        /// That of the request.
        request: u64,
        /// Whether the new program runs.
        ok: bool,
    },
    /// A message of a newer version.
    #[serde(other)]
    Unknown,
}

/// A device introduces itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// 24 lower-case hexadecimal digits.
    pub id: String,
    /// The name its owner gave it.
    pub name: String,
    /// The number Device OS gives the hardware.
    pub platform_id: u32,
    /// The version of Device OS.
    pub system_version: String,
    /// The name of the firmware's main file.
    pub firmware: Option<String>,
    /// The first line of the compiler's `--version`; none if there is no compiler.
    pub compiler: Option<String>,
}

/// What the data of an event is
/// (<https://docs.particle.io/reference/device-os/typed-publish/>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentType {
    /// Text, as it is.
    #[default]
    Text,
    /// A JPEG picture, in base64 on the link.
    Jpeg,
    /// A PNG picture, in base64 on the link.
    Png,
    /// Any bytes, in base64 on the link.
    Binary,
    /// A value, as JSON on the link; CBOR on the air.
    Structured,
}

impl ContentType {
    /// Whether it is the type that is not written.
    pub fn is_text(&self) -> bool {
        *self == Self::Text
    }

    /// Its media type; none for structured data.
    pub fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Text => Some("text/plain; charset=utf-8"),
            Self::Jpeg => Some("image/jpeg"),
            Self::Png => Some("image/png"),
            Self::Binary => Some("application/octet-stream"),
            Self::Structured => None,
        }
    }

    /// What a device is told of bytes of this media type.
    pub fn of(media_type: &str) -> Self {
        let name = media_type.split(';').next().unwrap_or_default().trim();
        match name.to_ascii_lowercase().as_str() {
            "image/jpeg" => Self::Jpeg,
            "image/png" => Self::Png,
            text if text.starts_with("text/") => Self::Text,
            _ => Self::Binary,
        }
    }
}

/// The type of a variable, by the name it has in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableKind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int32,
    /// A number.
    Double,
    /// Text.
    String,
}

/// What a device's owner can see of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Whether the firmware runs.
    pub running: bool,
    /// Whether it has power.
    pub plugged: bool,
    /// The number Device OS gives the power source; none on hardware without power management.
    pub power_source: Option<u8>,
    /// In percent; none if unknown.
    pub battery: Option<f64>,
    /// One line for a person, if there is something to say.
    pub message: Option<String>,
}

/// From the cloud to a device. A person at the device's console can send the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CloudMessage {
    /// An event that may match a subscription; the device decides.
    Event {
        /// The whole name.
        name: String,
        /// None and empty are the same to a device.
        data: Option<String>,
        /// What the data is.
        #[serde(default, skip_serializing_if = "ContentType::is_text")]
        content: ContentType,
    },
    /// Calls a function of the firmware.
    Call {
        /// Repeated in the result.
        request: u64,
        /// The function.
        name: String,
        /// Its one argument.
        argument: String,
    },
    /// Reads a variable of the firmware.
    Read {
        /// Repeated in the result.
        request: u64,
        /// The variable.
        name: String,
    },
    /// Clicks the MODE button.
    Press {
        /// 1 to 5.
        clicks: u8,
    },
    /// Changes the power source.
    Power {
        /// 0 to 5, the number Device OS gives it.
        source: u8,
        /// 0 to 100; none if unknown.
        battery: Option<f64>,
    },
    /// Unplugs the device, or plugs it in.
    Plug {
        /// Whether it has power from now on.
        plugged: bool,
    },
    /// The owner renamed it.
    Rename {
        /// The new name.
        name: String,
    },
    /// Asks it to compile files and keep the program.
    Compile {
        /// Repeated in the result.
        request: u64,
        /// All files of the firmware.
        files: Vec<Source>,
    },
    /// Asks it to run what it compiled for `request`.
    Flash {
        /// That of the compilation.
        request: u64,
    },
    /// A message of a newer version.
    #[serde(other)]
    Unknown,
}

/// A source file of a firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// A relative path, such as `blink.cpp`.
    pub name: String,
    /// The contents.
    pub text: String,
}

/// Whether a file of this name is compiled; others can be included.
pub fn is_compiled(name: &str) -> bool {
    [".cpp", ".ino", ".c"].iter().any(|end| name.ends_with(end))
}

/// Whether a text is a device ID: 24 lower-case hexadecimal digits.
pub fn is_device_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A message as a line, including its end.
pub fn line(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("text and numbers always serialise") + "\n"
}

/// One end of a link.
pub struct Link<M> {
    /// Messages to send. A full queue means that the peer does not read.
    pub sender: mpsc::Sender<M>,
    /// Received messages.
    pub receiver: Receiver,
    /// Writes what is queued, and ends when the last sender is dropped.
    pub writer: JoinHandle<()>,
}

impl<M: Serialize + Send + 'static> Link<M> {
    /// Opens an end whose queue holds `capacity` messages.
    pub fn open(io: impl AsyncRead + AsyncWrite + Send + 'static, capacity: usize) -> Self {
        let (read, mut write) = tokio::io::split(io);
        let (sender, mut queue) = mpsc::channel::<M>(capacity);
        let writer = tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                let line = line(&message);
                if write.write_all(line.as_bytes()).await.is_err() || write.flush().await.is_err() {
                    return;
                }
            }
            let _ = write.shutdown().await;
        });
        let receiver = Receiver { read: BufReader::new(Box::new(read)), line: Vec::new() };
        Self { sender, receiver, writer }
    }
}

/// Reads messages from a link.
pub struct Receiver {
    read: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// What has arrived of the next line.
    line: Vec<u8>,
}

impl Receiver {
    /// The next message; none when the link has ended or the line is too long or not a message.
    ///
    /// Cancel safe: a line that has arrived in part is kept.
    pub async fn receive<M: DeserializeOwned>(&mut self) -> Option<M> {
        loop {
            let available = self.read.fill_buf().await.ok()?;
            if available.is_empty() {
                return None;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            self.line.extend_from_slice(&available[..taken]);
            self.read.consume(taken);
            if self.line.len() > MAX_LINE_BYTES {
                return None;
            }
            if end.is_some() {
                return serde_json::from_slice(&std::mem::take(&mut self.line)).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_their_documented_form() {
        let check = |message: DeviceMessage, expected: &str| {
            assert_eq!(line(&message).trim_end(), expected);
        };
        check(DeviceMessage::Online, r#"{"type":"online"}"#);
        check(
            DeviceMessage::Publish {
                name: "e".into(),
                data: None,
                content: ContentType::Text,
                size: None,
            },
            r#"{"type":"publish","name":"e","data":null}"#,
        );
        check(
            DeviceMessage::Publish {
                name: "e".into(),
                data: Some("[1]".into()),
                content: ContentType::Structured,
                size: Some(2),
            },
            r#"{"type":"publish","name":"e","data":"[1]","content":"structured","size":2}"#,
        );
        check(
            DeviceMessage::State(DeviceState {
                running: true,
                plugged: true,
                power_source: Some(2),
                ..DeviceState::default()
            }),
            r#"{"type":"state","running":true,"plugged":true,"power_source":2,"battery":null,"message":null}"#,
        );
        check(
            DeviceMessage::Compiled {
                request: 7,
                ok: false,
                size: None,
                errors: Some("no".into()),
            },
            r#"{"type":"compiled","request":7,"ok":false,"errors":"no"}"#,
        );
    }

    #[test]
    fn an_unknown_type_is_no_error_and_a_missing_field_is() {
        let later: CloudMessage = serde_json::from_str(r#"{"type":"later","more":[1]}"#).unwrap();
        assert_eq!(later, CloudMessage::Unknown);
        assert!(serde_json::from_str::<CloudMessage>(r#"{"type":"press"}"#).is_err());
    }
}
