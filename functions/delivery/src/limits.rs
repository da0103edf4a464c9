//! The limits of one deployment, as the API tells them.

use serde::{Deserialize, Serialize};

/// What one deployment keeps and allows. Its JSON is part of the outside contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest body that is answered as usual and kept whole, in bytes.
    pub max_body_bytes: usize,
    /// How many deliveries a log keeps; the oldest go first.
    pub max_deliveries: u64,
    /// How long a delivery is kept, in seconds.
    pub delivery_ttl_s: u64,
    /// How long an endpoint lives after its last delivery or `PUT /api/endpoint`, in seconds.
    pub endpoint_ttl_s: u64,
    /// Longest delay that a reply may ask for, in milliseconds; 0 where a waiting function costs money.
    pub max_delay_ms: u32,
    /// Write units of the table that one endpoint may use in a second, over some seconds; 0 for no limit of its own.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub endpoint_units_per_s: u32,
}

impl Default for Limits {
    /// 256 KiB, because a DynamoDB item may have 400 KB in all
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>); 10,000 deliveries; 7 and
    /// 30 days; no delay.
    fn default() -> Self {
        const DAY_S: u64 = 24 * 60 * 60;
        Limits {
            max_body_bytes: 256 * 1024,
            max_deliveries: 10_000,
            delivery_ttl_s: 7 * DAY_S,
            endpoint_ttl_s: 30 * DAY_S,
            max_delay_ms: 0,
            endpoint_units_per_s: 0,
        }
    }
}
