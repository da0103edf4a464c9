//! One answer of the log API.

use serde::{Deserialize, Serialize};

use crate::{Delivery, key::Endpoint};

/// A run of the log, in order. Its JSON is part of the outside contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Whose log.
    pub endpoint: Endpoint,
    /// Deliveries in the order of their numbers.
    pub deliveries: Vec<Delivery>,
    /// Where to go on: everything up to here is in this page, in an earlier one, or gone.
    pub cursor: String,
    /// Where older deliveries are read `before`; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
    /// The lowest number that the log may still hold; lower ones are gone, not missing.
    pub first_seq: u64,
    /// The highest number given.
    pub last_seq: u64,
    /// Numbers of this page's range under which nothing was acknowledged, and never will be.
    pub missing: Vec<u64>,
    /// Numbers of this page's range whose delivery was deleted when its time was over, if there was one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<u64>,
    /// Requests that were refused because the endpoint had used up its write units; at least so many, and absent for none.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub refused: u64,
    /// Numbers of this page's range whose item is there and can't be read; says so instead of hiding them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<u64>,
    /// True if the cursor was one into a log that was forgotten since: this page begins from the beginning.
    pub restarted: bool,
}
