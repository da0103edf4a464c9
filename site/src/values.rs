//! Values that prose takes by name, so that no sentence can say another number than the code does.
//!
//! `{{=webhook.event}}` is the field of that name in `infra/particle/webhook.json`, `{{=limits.…}}` what a deployment keeps
//! unless it is set otherwise, `{{=firmware.…}}` what follows from the constants of the firmware.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use delivery::{limits::Limits, reply};
use serde_json::{Value, value::RawValue};

use crate::firmware::Firmware;

const DAY_S: u64 = 24 * 60 * 60;

/// The values by their names.
#[derive(Clone, Debug, Default)]
pub struct Values {
    values: BTreeMap<String, String>,
    /// The fields of the webhook, each as it is written there; the name `all` is all of them.
    webhook: BTreeMap<String, String>,
}

impl Values {
    /// Reads what can be said.
    ///
    /// # Errors
    /// If the webhook is no JSON object, or the firmware lacks a constant that is said.
    pub fn read(webhook: &[u8], firmware: &Firmware) -> Result<Self> {
        let text = std::str::from_utf8(webhook).context("webhook.json is not text")?;
        let mut values = BTreeMap::new();
        let all: Value = serde_json::from_str(text).context("webhook.json is not JSON")?;
        scalars("webhook", &all, &mut values);
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text)?;
        let mut webhook: BTreeMap<_, _> = fields
            .iter()
            // What stands in it is indented once by the object around it.
            .map(|(name, value)| {
                (
                    name.clone(),
                    format!("\"{name}\": {}", value.get().replace("\n  ", "\n")),
                )
            })
            .collect();
        webhook.insert("all".to_owned(), text.trim_end().to_owned());

        let limits = Limits::default();
        let mut say = |name: &str, value: String| values.insert(name.to_owned(), value);
        say(
            "limits.body_kib",
            grouped(limits.max_body_bytes as u64 / 1024),
        );
        say("limits.deliveries", grouped(limits.max_deliveries));
        say(
            "limits.delivery_days",
            grouped(limits.delivery_ttl_s / DAY_S),
        );
        say(
            "limits.endpoint_days",
            grouped(limits.endpoint_ttl_s / DAY_S),
        );
        say("limits.reply_times", grouped(u64::from(reply::MAX_TIMES)));
        say(
            "limits.reply_times_delayed",
            grouped(u64::from(reply::MAX_TIMES_DELAYED)),
        );

        let period_ms = firmware.constant("publishPeriodMs")?;
        let part = firmware.constant("partSize")?;
        let parts = firmware.constant("maxParts")?;
        let publishes = 30 * DAY_S * 1000 / period_ms;
        say("firmware.period_s", grouped(period_ms / 1000));
        say("firmware.publishes_in_30_days", grouped(publishes));
        // One for the event and one for each part of the response that reaches the device; the default one is one part.
        say("firmware.operations_in_30_days", grouped(2 * publishes));
        say("firmware.part_bytes", grouped(part));
        say("firmware.max_parts", grouped(parts));
        say("firmware.max_response_bytes", grouped(part * parts));
        say(
            "firmware.timeout_s",
            grouped(firmware.constant("responseTimeoutMs")? / 1000),
        );
        Ok(Values { values, webhook })
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A field of the webhook as it stands in the console's custom template; `all` for all of it.
    pub fn webhook_json(&self, field: &str) -> Option<&str> {
        self.webhook.get(field).map(String::as_str)
    }
}

fn scalars(name: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                scalars(&format!("{name}.{field}"), value, into);
            }
        }
        Value::String(text) => {
            into.insert(name.to_owned(), text.clone());
        }
        other => {
            into.insert(name.to_owned(), other.to_string());
        }
    }
}

/// A number with a comma before each three digits.
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
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn numbers_follow_from_the_firmware_and_the_webhook() {
        let source = "const int publishPeriodMs = 60 * 1000;\nconst int partSize = 512;\nconst int maxParts = 10;\nconst int responseTimeoutMs = 10 * 1000;\n";
        let firmware = Firmware::parse(source).unwrap();
        let webhook = b"{\n  \"event\": \"E\",\n  \"headers\": {\n    \"A-B\": \"c\"\n  },\n  \"noDefaults\": true\n}\n";
        let values = Values::read(webhook, &firmware).unwrap();
        let check = |name: &str, expected: &str| assert_eq!(values.get(name), Some(expected));
        check("webhook.event", "E");
        check("webhook.headers.A-B", "c");
        check("webhook.noDefaults", "true");
        check("firmware.publishes_in_30_days", "43,200");
        check("firmware.operations_in_30_days", "86,400");
        check("firmware.max_response_bytes", "5,120");
        check("limits.delivery_days", "7");
        assert_eq!(values.get("webhook.evnt"), None);
        let json = values.webhook_json("headers").unwrap();
        assert_eq!(json, "\"headers\": {\n  \"A-B\": \"c\"\n}");
    }
}
