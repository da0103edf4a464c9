//! The lines between the virtual device and a firmware's process; `device-os/host.cpp` is the other end and lists them.
//!
//! A line is a word and its fields, separated by tabs. Names and data are bytes on a device; here they are text, and what
//! is not UTF-8 is replaced, because the cloud speaks JSON.

use device_link::{ContentType, VariableKind};

/// To the process. The clock does not move until [`HostMessage::Run`].
#[derive(Clone, Debug, PartialEq)]
pub enum HostMessage {
    /// The first message: runs `setup()`. Answered by [`FirmwareMessage::Done`].
    Boot {
        /// The device's ID.
        id: String,
        /// The clock at boot in milliseconds; 0 on a device, anything in a test.
        clock_ms: u64,
        /// What the random numbers begin with.
        seed: u32,
        /// The UTC time at clock 0, in seconds since 1970.
        epoch_s: i64,
        /// Whether the cloud is connected already.
        connected: bool,
        /// Where the power comes from, as Device OS numbers it.
        source: u8,
        /// The battery's charge in percent; none when it is not known.
        battery: Option<f64>,
    },
    /// Calls `loop()` at every `step_ms` of the clock until `until_ms`, and stops early after a publish. Answered by
    /// [`FirmwareMessage::Done`].
    Run {
        /// Where the clock is to be in the end.
        until_ms: u64,
        /// How far the clock moves between two calls of `loop()`, at least 1.
        step_ms: u64,
    },
    /// The cloud connection was made or lost.
    Connected(bool),
    /// The power changed.
    Power {
        /// As Device OS numbers it.
        source: u8,
        /// In percent; none when it is not known.
        battery: Option<f64>,
    },
    /// The MODE button went down or up, at the clock's present time.
    Button(bool),
    /// Calls a function between two calls of `loop()`. Answered by [`FirmwareMessage::Returned`].
    Call {
        /// Repeated in the result.
        request: u64,
        /// The function.
        name: String,
        /// Its one argument.
        argument: String,
    },
    /// Reads a variable between two calls of `loop()`. Answered by [`FirmwareMessage::Returned`].
    Read {
        /// Repeated in the result.
        request: u64,
        /// The variable.
        name: String,
    },
    /// An event arrived; handlers see it between two calls of `loop()`.
    Event {
        /// Its whole name.
        name: String,
        /// None and empty are the same: NULL.
        data: Option<String>,
        /// What the data is; bytes are in base64.
        content: ContentType,
    },
}

impl HostMessage {
    /// The message as a line, with its end.
    pub fn line(&self) -> String {
        let flag = |on: &bool| u8::from(*on).to_string();
        let percent =
            |battery: &Option<f64>| battery.map_or("-1".to_owned(), |percent| percent.to_string());
        let fields: Vec<String> = match self {
            Self::Boot { id, clock_ms, seed, epoch_s, connected, source, battery } => vec![
                "boot".into(),
                id.clone(),
                clock_ms.to_string(),
                seed.to_string(),
                epoch_s.to_string(),
                flag(connected),
                source.to_string(),
                percent(battery),
            ],
            Self::Run { until_ms, step_ms } => {
                vec!["run".into(), until_ms.to_string(), step_ms.to_string()]
            }
            Self::Connected(connected) => vec!["connected".into(), flag(connected)],
            Self::Power { source, battery } => {
                vec!["power".into(), source.to_string(), percent(battery)]
            }
            Self::Button(down) => vec!["button".into(), flag(down)],
            Self::Call { request, name, argument } => {
                vec!["call".into(), request.to_string(), name.clone(), argument.clone()]
            }
            Self::Read { request, name } => vec!["read".into(), request.to_string(), name.clone()],
            Self::Event { name, data: None, .. } => vec!["event".into(), name.clone()],
            Self::Event { name, data: Some(data), content } => {
                vec!["event".into(), name.clone(), data.clone(), word(*content)]
            }
        };
        fields.iter().map(|field| escape(field)).collect::<Vec<_>>().join("\t") + "\n"
    }
}

/// From the process.
#[derive(Clone, Debug, PartialEq)]
pub enum FirmwareMessage {
    /// The run, or `setup()`, is over; the clock shows this.
    Done(u64),
    /// A line on the serial port, without its end.
    Serial(String),
    /// The firmware published.
    Publish {
        /// At most 64 bytes.
        name: String,
        /// At most 1024 bytes of text; bytes are in base64, structured data is JSON.
        data: Option<String>,
        /// What the data is.
        content: ContentType,
        /// The bytes that structured data takes on the air.
        size: Option<usize>,
    },
    /// The firmware subscribed to names that begin with this.
    Subscribe(String),
    /// The firmware registered a function.
    Function(String),
    /// The firmware registered a variable.
    Variable {
        /// At most 64 bytes.
        name: String,
        /// What its values are.
        kind: VariableKind,
    },
    /// What a function returned, or the value of a variable.
    Returned {
        /// That of the request.
        request: u64,
        /// As text; none if there is no such function or variable.
        value: Option<String>,
    },
    /// The firmware gave up all its subscriptions.
    Unsubscribe,
    /// The firmware asked to be connected, or not to be.
    Connect(bool),
}

impl FirmwareMessage {
    /// Reads one line without its end. None if `host.cpp` does not write such a line: the firmware wrote to its descriptor.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let fields: Vec<String> = line.split(|byte| *byte == b'\t').map(unescape).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let text = |field: &&str| (*field).to_owned();
        match fields.as_slice() {
            [".", clock] => clock.parse().ok().map(Self::Done),
            ["serial", line] => Some(Self::Serial(text(line))),
            ["publish", name, data @ ..] if data.len() < 4 => Some(Self::Publish {
                name: text(name),
                data: data.first().map(text),
                content: data.get(1).map_or(Some(ContentType::Text), |content| {
                    serde_json::from_value((*content).into()).ok()
                })?,
                size: data.get(2).and_then(|size| size.parse().ok()),
            }),
            ["subscribe", prefix] => Some(Self::Subscribe(text(prefix))),
            ["unsubscribe"] => Some(Self::Unsubscribe),
            ["function", name] => Some(Self::Function(text(name))),
            ["variable", name, kind] => {
                let kind = serde_json::from_value((*kind).into()).ok()?;
                Some(Self::Variable { name: text(name), kind })
            }
            ["returned", request, value @ ..] if value.len() < 2 => Some(Self::Returned {
                request: request.parse().ok()?,
                value: value.first().map(text),
            }),
            ["connect", wanted] => Some(Self::Connect(*wanted == "1")),
            _ => None,
        }
    }
}

/// As the link spells it.
fn word(content: ContentType) -> String {
    let word = serde_json::to_value(content).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

fn escape(field: &str) -> String {
    field.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(field: &[u8]) -> String {
    let mut text = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(&byte) = bytes.next() {
        text.push(match byte {
            b'\\' => match bytes.next() {
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(&other) => other,
                None => b'\\',
            },
            byte => byte,
        });
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: Option<&str>) -> String {
        let (name, data) = (name.into(), data.map(Into::into));
        HostMessage::Event { name, data, content: ContentType::Text }.line()
    }

    #[test]
    fn a_field_may_hold_separators_be_empty_or_absent() {
        let data = "one\\\r\ntwo\t";
        let line = event("a\tb", Some(data));
        assert_eq!(line, "event\ta\\tb\tone\\\\\\r\\ntwo\\t\ttext\n");
        assert_eq!(event("e", None), "event\te\n");
        for (name, data) in [("a\tb", Some(data)), ("e", None), ("e", Some(""))] {
            let line = event(name, data).replacen("event", "publish", 1);
            let message = FirmwareMessage::parse(line.trim_end_matches('\n').as_bytes());
            let (name, data) = (name.into(), data.map(Into::into));
            let content = ContentType::Text;
            assert_eq!(message, Some(FirmwareMessage::Publish { name, data, content, size: None }));
        }
    }

    #[test]
    fn a_line_that_is_not_ours_is_refused() {
        for line in [
            "",
            "hello",
            ".",
            ".\tx",
            "serial",
            "serial\ta\tb",
            "connect",
            "variable\tx\tint",
            "publish\tx\ty\tnone",
            "returned\tx",
        ] {
            assert_eq!(FirmwareMessage::parse(line.as_bytes()), None, "{line}");
        }
    }
}
