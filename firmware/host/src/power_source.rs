//! The power supply of a device.

use crate::platform::{Platform, Power};

pub(crate) struct PowerSource {
    pub(crate) plugged: bool,
    /// As Device OS numbers it.
    pub(crate) source: u8,
    /// In percent; none when it is not known.
    pub(crate) battery: Option<f64>,
    platform: Platform,
}

impl PowerSource {
    pub(crate) fn new(power: Power) -> Self {
        Self {
            plugged: true,
            source: power.source(),
            battery: power.battery(),
            platform: power.platform(),
        }
    }

    /// Changes the source. False, and nothing changed, if this hardware cannot have it.
    pub(crate) fn change(&mut self, source: u8, battery: Option<f64>) -> bool {
        let possible =
            source <= 5 && battery.is_none_or(|percent| (0.0..=100.0).contains(&percent));
        if !possible || !self.is_managed() {
            return false;
        }
        (self.source, self.battery) = (source, battery);
        true
    }

    /// Whether the hardware knows its power source.
    pub(crate) fn is_managed(&self) -> bool {
        self.platform == Platform::Boron
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impossible_power_source_changes_nothing() {
        let mut boron = PowerSource::new(Power::Usb);
        for (source, battery) in [(6, None), (5, Some(100.5)), (5, Some(f64::NAN))] {
            assert!(!boron.change(source, battery), "{source} {battery:?}");
        }
        assert_eq!((boron.source, boron.battery), (2, None));
        assert!(boron.change(5, Some(50.0)));
        assert_eq!((boron.source, boron.battery), (5, Some(50.0)));
        assert!(!PowerSource::new(Power::None).change(2, None));
    }
}
