//! What hardware the device pretends to be, and where its power comes from.

use std::str::FromStr;

/// The hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Wi-Fi, without power management.
    Argon,
    /// Cellular, with power management.
    Boron,
}

impl Platform {
    /// As Device OS and the cloud number it.
    pub fn id(self) -> u32 {
        match self {
            Self::Argon => 12,
            Self::Boron => 13,
        }
    }

    pub(crate) fn defines(self) -> [String; 2] {
        let power = u8::from(self == Self::Boron);
        [format!("-DPLATFORM_ID={}", self.id()), format!("-DHAL_PLATFORM_POWER_MANAGEMENT={power}")]
    }
}

/// Where the power comes from at first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Power {
    /// The hardware has no power management, so the firmware can't ask: an Argon.
    None,
    /// A Boron on a computer's USB port, without a battery: its charge is not known.
    Usb,
    /// A Boron on its battery, charged to so many percent.
    Battery(f64),
}

impl Power {
    /// The hardware this power belongs to.
    pub fn platform(self) -> Platform {
        match self {
            Self::None => Platform::Argon,
            Self::Usb | Self::Battery(_) => Platform::Boron,
        }
    }

    pub(crate) fn source(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Usb => 2,
            Self::Battery(_) => 5,
        }
    }

    pub(crate) fn battery(self) -> Option<f64> {
        match self {
            Self::Battery(percent) => Some(percent),
            Self::None | Self::Usb => None,
        }
    }
}

impl FromStr for Power {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "usb" => Ok(Self::Usb),
            "battery" => Ok(Self::Battery(85.5)),
            _ => text
                .strip_prefix("battery:")
                .and_then(|percent| percent.parse().ok())
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(Self::Battery)
                .ok_or_else(|| "none, usb, battery or battery:PERCENT, 0 to 100".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_read_as_the_help_says() {
        assert_eq!("battery:12.5".parse(), Ok(Power::Battery(12.5)));
        assert_eq!("none".parse::<Power>().map(Power::platform), Ok(Platform::Argon));
        assert_eq!("usb".parse::<Power>().map(Power::source), Ok(2));
        for wrong in ["", "battery:", "battery:101", "battery:-1", "battery:NaN", "solar"] {
            assert!(wrong.parse::<Power>().is_err(), "{wrong}");
        }
    }
}
