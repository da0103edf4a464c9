//! How a device is set up.

use std::path::PathBuf;

use device_link::Source;

use crate::platform::Power;

/// How a device is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// 24 lower-case hexadecimal digits; none for a random one that is kept in `work_dir`.
    pub id: Option<String>,
    /// The name its owner gave it.
    pub name: String,
    /// The hardware, and its power at first.
    pub power: Power,
    /// Seconds of device time per second: 1, or 60 for a minute in a second.
    pub speed: u32,
    /// Makes the firmware's random numbers the same at every boot.
    pub seed: Option<u32>,
    /// Keeps what was flashed and compiled. One folder per device.
    pub work_dir: PathBuf,
    /// What to flash at the start. None boots what was flashed last, at first the idle firmware.
    pub firmware: Option<Vec<Source>>,
    /// What compiles its firmware.
    pub compiler: CompilerAt,
}

/// What compiles firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompilerAt {
    /// This machine's C++ compiler. If there is none, the device says what to install.
    ThisMachine,
    /// None, whatever this machine has.
    Nowhere,
}

impl Default for Config {
    /// A Boron on its battery, in real time.
    fn default() -> Self {
        Self {
            id: None,
            name: "virtual-device".into(),
            power: Power::Battery(85.5),
            speed: 1,
            seed: None,
            work_dir: PathBuf::new(),
            firmware: None,
            compiler: CompilerAt::ThisMachine,
        }
    }
}
