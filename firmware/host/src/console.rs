//! The commands of a person in the terminal.

use device_link::{CloudMessage, ContentType};

/// The commands, for a person.
pub const HELP: &str = "\
press [CLICKS]      click the MODE button
unplug, plug        disconnect or connect the power
usb                 power from a computer's USB port
battery PERCENT     power from the battery
event NAME [DATA]   deliver an event, if the firmware subscribed to it
help, quit";

/// One line of input.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// For the device.
    Send(CloudMessage),
    /// Prints [`HELP`].
    Help,
    /// Ends the program.
    Quit,
}

/// Reads one line; none if it is empty.
///
/// # Errors
/// A line for a person that is not a command.
pub fn read(line: &str) -> Result<Option<Command>, String> {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let rest = rest.trim();
    let message = match word {
        "" => return Ok(None),
        "help" => return Ok(Some(Command::Help)),
        "quit" | "exit" => return Ok(Some(Command::Quit)),
        "press" if rest.is_empty() => CloudMessage::Press { clicks: 1 },
        "press" => {
            let clicks = rest.parse().ok().filter(|clicks| (1..=5).contains(clicks));
            CloudMessage::Press { clicks: clicks.ok_or("press CLICKS: 1 to 5")? }
        }
        "unplug" => CloudMessage::Plug { plugged: false },
        "plug" => CloudMessage::Plug { plugged: true },
        "usb" => CloudMessage::Power { source: 2, battery: None },
        "battery" => {
            let percent = rest.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
            CloudMessage::Power {
                source: 5,
                battery: Some(percent.ok_or("battery PERCENT: 0 to 100")?),
            }
        }
        "event" if !rest.is_empty() => {
            let (name, data) = rest.split_once(' ').unwrap_or((rest, ""));
            CloudMessage::Event {
                name: name.into(),
                data: (!data.is_empty()).then(|| data.trim().to_owned()),
                content: ContentType::Text,
            }
        }
        _ => return Err(format!("{word:?} is not a command; `help` lists them")),
    };
    Ok(Some(Command::Send(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_the_help_says() {
        let event = |data: Option<&str>| CloudMessage::Event {
            name: "a/b".into(),
            data: data.map(Into::into),
            content: ContentType::Text,
        };
        let battery = CloudMessage::Power { source: 5, battery: Some(50.0) };
        for (line, message) in [
            ("press", CloudMessage::Press { clicks: 1 }),
            (" press 2 ", CloudMessage::Press { clicks: 2 }),
            ("battery 50", battery),
            ("unplug", CloudMessage::Plug { plugged: false }),
            ("event a/b {\"x\": 1}", event(Some("{\"x\": 1}"))),
            ("event a/b", event(None)),
        ] {
            assert_eq!(read(line), Ok(Some(Command::Send(message))), "{line}");
        }
        assert_eq!(read("  "), Ok(None));
        for wrong in ["press 0", "press x", "battery", "battery 101", "event", "jump"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
