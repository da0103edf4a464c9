//! Numbers that the prose takes by name, so that no sentence can say another number than the code does.

use anyhow::Result;
use delivery::limits::Limits;

use crate::firmware::Firmware;

const DAY_S: u64 = 24 * 60 * 60;

/// What a deployment keeps unless it is configured otherwise. Whole numbers with a comma before each three digits.
#[derive(Clone, Debug)]
pub struct LimitNumbers {
    pub body_kib: String,
    pub deliveries: String,
    pub delivery_days: String,
    pub endpoint_days: String,
}

/// What follows from the constants of the firmware. Whole numbers with a comma before each three digits.
#[derive(Clone, Debug)]
pub struct FirmwareNumbers {
    pub period_s: String,
    pub publishes_in_30_days: String,
    /// One for each publish and one for the one part of each response.
    pub operations_in_30_days: String,
    pub part_bytes: String,
    pub max_parts: String,
    pub max_response_bytes: String,
}

impl Default for LimitNumbers {
    fn default() -> Self {
        let limits = Limits::default();
        LimitNumbers {
            body_kib: grouped(limits.max_body_bytes as u64 / 1024),
            deliveries: grouped(limits.max_deliveries),
            delivery_days: grouped(limits.delivery_ttl_s / DAY_S),
            endpoint_days: grouped(limits.endpoint_ttl_s / DAY_S),
        }
    }
}

impl FirmwareNumbers {
    /// # Errors
    /// If the firmware lacks a constant.
    pub fn new(firmware: &Firmware) -> Result<Self> {
        let period_ms = firmware.constant("publishPeriodMs")?;
        let part = firmware.constant("partSize")?;
        let parts = firmware.constant("maxParts")?;
        let publishes = 30 * DAY_S * 1000 / period_ms;
        Ok(FirmwareNumbers {
            period_s: grouped(period_ms / 1000),
            publishes_in_30_days: grouped(publishes),
            operations_in_30_days: grouped(2 * publishes),
            part_bytes: grouped(part),
            max_parts: grouped(parts),
            max_response_bytes: grouped(part * parts),
        })
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_number_has_a_comma_before_each_three_digits() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn numbers_follow_from_the_firmware() {
        let firmware = Firmware::parse(include_str!("../../firmware/src/webhook-tutorial.cpp"));
        let numbers = FirmwareNumbers::new(&firmware.unwrap()).unwrap();
        assert_eq!(numbers.operations_in_30_days, "86,400");
        assert_eq!(numbers.max_response_bytes, "5,120");
    }
}
