//! How a simulated cloud is set up.

use std::path::PathBuf;

use crate::clock::Clock;

/// How a simulated cloud is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the account, devices and integrations are kept; created if absent. None keeps them in memory.
    pub data_dir: Option<PathBuf>,
    /// The exact origins of the pages that may sign in, flash and use a device's controls, such as `http://127.0.0.1:8787`.
    pub page_origins: Vec<String>,
    /// The only port of this computer that webhooks are sent to; none for any. A cloud that other computers can reach has to
    /// have one, and no device is linked to it over the network, because its computer would compile and run what is flashed.
    pub only_port: Option<u16>,
    /// The time.
    pub clock: Clock,
    /// The one-time code that a sign-in must present after the password. None turns the second factor off.
    pub mfa: Option<String>,
    /// Publishes the parts of long responses out of order, which the real cloud may do at any time.
    pub reorder_parts: bool,
    /// Makes ids, tokens and the password repeatable. For tests only: they can then be foreseen, and a data folder that is
    /// used twice with one seed would see the same ids twice.
    pub seed: Option<u64>,
}

impl Default for Config {
    /// In memory, on the real clock, no page, any port of this computer, no second factor.
    fn default() -> Self {
        Self {
            data_dir: None,
            page_origins: Vec::new(),
            only_port: None,
            clock: Clock::real(),
            mfa: None,
            reorder_parts: false,
            seed: None,
        }
    }
}
