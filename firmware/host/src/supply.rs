//! The power that a device has.

use crate::platform::{Platform, Power};

/// Whether it has any, and where it comes from.
pub(crate) struct Supply {
    pub(crate) plugged: bool,
    /// As Device OS numbers it.
    pub(crate) source: u8,
    /// In percent; none when it is not known.
    pub(crate) battery: Option<f64>,
    platform: Platform,
}

impl Supply {
    pub(crate) fn new(power: Power) -> Self {
        Self {
            plugged: true,
            source: power.source(),
            battery: power.battery(),
            platform: power.platform(),
        }
    }

    /// Has it come from elsewhere. False, and nothing changed, where this hardware can't have that.
    pub(crate) fn change(&mut self, source: u8, battery: Option<f64>) -> bool {
        let possible =
            source <= 5 && battery.is_none_or(|percent| (0.0..=100.0).contains(&percent));
        if !possible || !self.is_managed() {
            return false;
        }
        (self.source, self.battery) = (source, battery);
        true
    }

    /// Whether the hardware can tell where its power comes from.
    pub(crate) fn is_managed(&self) -> bool {
        self.platform == Platform::Boron
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_hardware_can_not_have_changes_nothing() {
        let mut boron = Supply::new(Power::Usb);
        for (source, battery) in [(6, None), (5, Some(100.5)), (5, Some(f64::NAN))] {
            assert!(!boron.change(source, battery), "{source} {battery:?}");
        }
        assert_eq!((boron.source, boron.battery), (2, None));
        assert!(boron.change(5, Some(50.0)));
        assert_eq!((boron.source, boron.battery), (5, Some(50.0)));
        assert!(!Supply::new(Power::None).change(2, None));
    }
}
