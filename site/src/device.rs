//! What the page shows of the firmware as a whole: the code box, the lines for a firmware of one's own, what it costs.

use anyhow::{Context, Result};

use crate::{
    firmware::{self, Firmware},
    highlight::{self, Language},
    numbers::FirmwareNumbers,
};

/// The file whose parts are offered for a firmware of one's own, seen from the root of the repository.
pub const OWN_FILE: &str = "firmware/examples/own-firmware.cpp";

/// Its parts, in reading order: where each goes, and how its first line begins. A part without a place is not shown.
const OWN_PARTS: [(&str, &str); 5] = [
    ("Anywhere before setup()", "// What the server answered"),
    ("", "void setup()"),
    ("In setup()", "Particle.subscribe("),
    ("", "system_tick_t lastMs"),
    ("Wherever there is something to report", "if (Particle.connected()"),
];

/// What the templates of the device's side take.
#[derive(Clone, Debug)]
pub struct DeviceSide {
    /// What the firmware's file is called wherever it goes: on the page, in a download, in a flash.
    pub file_name: &'static str,
    /// The firmware as HTML.
    pub firmware_html: String,
    /// The lines for a firmware of one's own.
    pub own_parts: Vec<OwnPart>,
    /// One publish and one part of response a period, for 30 days, with commas.
    pub operations_a_month: String,
}

/// Lines for a firmware of one's own.
#[derive(Clone, Debug)]
pub struct OwnPart {
    /// Where they go.
    pub place: &'static str,
    /// They, as HTML.
    pub html: String,
}

impl DeviceSide {
    /// From the firmware and the text of [`OWN_FILE`].
    ///
    /// # Errors
    /// If a part is not there.
    pub fn new(firmware: &Firmware, numbers: &FirmwareNumbers, own: &str) -> Result<Self> {
        let own = firmware::parts(own, &OWN_PARTS).context(OWN_FILE)?;
        let part = |(place, _): (&'static str, _)| {
            let lines = without_margin(&own[place].lines).join("\n");
            OwnPart { place, html: highlight::html(Language::Cpp, &lines) }
        };
        let shown = OWN_PARTS.into_iter().filter(|(place, _)| !place.is_empty());
        Ok(DeviceSide {
            file_name: firmware::FILE.rsplit('/').next().unwrap_or(firmware::FILE),
            firmware_html: firmware.html(),
            own_parts: shown.map(part).collect(),
            operations_a_month: numbers.operations_in_30_days.clone(),
        })
    }
}

/// Lines without the spaces that all of them begin with.
fn without_margin(lines: &[String]) -> Vec<&str> {
    let margin = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    lines.iter().map(|line| line.get(margin..).unwrap_or("")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_minutes_is_counted_from_the_firmware_itself() {
        let firmware = Firmware::parse(include_str!("../../firmware/src/webhook-tutorial.cpp"));
        let firmware = firmware.unwrap();
        let numbers = FirmwareNumbers::new(&firmware).unwrap();
        let own = include_str!("../../firmware/examples/own-firmware.cpp");
        let pages = DeviceSide::new(&firmware, &numbers, own).unwrap();
        assert_eq!(pages.operations_a_month, "86,400");
        assert_eq!(pages.file_name, "webhook-tutorial.cpp");
        let parts: Vec<_> = pages.own_parts.iter().map(|part| part.html.lines().count()).collect();
        assert_eq!(parts, [4, 1, 7]);
        let missing = DeviceSide::new(&firmware, &numbers, "").unwrap_err();
        assert!(format!("{missing:#}").contains("begins with // What the server answered"));
    }
}
