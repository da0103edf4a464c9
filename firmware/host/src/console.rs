//! What a person types beside the serial monitor.

use crate::link::FromCloud;

/// The commands, for a person.
pub const HELP: &str = "\
press [CLICKS]      click the MODE button
unplug, plug        take the power away, give it back
usb                 power from a computer
battery PERCENT     power from the battery
event NAME [DATA]   an event arrives, for those who subscribed
help, quit";

/// What one line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Something the device is to do.
    Do(FromCloud),
    /// The list of commands.
    Help,
    /// The end.
    Quit,
}

/// Reads one line; none if it is empty.
///
/// # Errors
/// One line for a person.
pub fn read(line: &str) -> Result<Option<Command>, String> {
    let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let rest = rest.trim();
    let order = match word {
        "" => return Ok(None),
        "help" => return Ok(Some(Command::Help)),
        "quit" | "exit" => return Ok(Some(Command::Quit)),
        "press" if rest.is_empty() => FromCloud::Press { clicks: 1 },
        "press" => {
            let clicks = rest.parse().ok().filter(|clicks| (1..=5).contains(clicks));
            FromCloud::Press {
                clicks: clicks.ok_or("press CLICKS: 1 to 5")?,
            }
        }
        "unplug" => FromCloud::Plug { plugged: false },
        "plug" => FromCloud::Plug { plugged: true },
        "usb" => FromCloud::Power {
            source: 2,
            battery: None,
        },
        "battery" => {
            let percent = rest
                .parse()
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent));
            FromCloud::Power {
                source: 5,
                battery: Some(percent.ok_or("battery PERCENT: 0 to 100")?),
            }
        }
        "event" if !rest.is_empty() => {
            let (name, data) = rest.split_once(' ').unwrap_or((rest, ""));
            FromCloud::Event {
                name: name.into(),
                data: (!data.is_empty()).then(|| data.trim().to_owned()),
            }
        }
        _ => return Err(format!("{word:?} is not a command; `help` lists them")),
    };
    Ok(Some(Command::Do(order)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_the_help_says() {
        let check = |line: &str, order: FromCloud| {
            assert_eq!(read(line), Ok(Some(Command::Do(order))), "{line}")
        };
        check("press", FromCloud::Press { clicks: 1 });
        check(" press 2 ", FromCloud::Press { clicks: 2 });
        check(
            "battery 50",
            FromCloud::Power {
                source: 5,
                battery: Some(50.0),
            },
        );
        check("unplug", FromCloud::Plug { plugged: false });
        check(
            "event a/b {\"x\": 1}",
            FromCloud::Event {
                name: "a/b".into(),
                data: Some("{\"x\": 1}".into()),
            },
        );
        check(
            "event a/b",
            FromCloud::Event {
                name: "a/b".into(),
                data: None,
            },
        );
        assert_eq!(read("  "), Ok(None));
        for wrong in [
            "press 0",
            "press 6",
            "press x",
            "battery",
            "battery 101",
            "event",
            "jump",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
