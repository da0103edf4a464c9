//! Time: milliseconds since the Unix epoch, and RFC 3339 in JSON.

use serde::{Deserialize, Serialize};
use time::{
    OffsetDateTime, UtcDateTime, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// Milliseconds since 1970-01-01T00:00:00Z. Times come in as values; nothing here reads a clock.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This time and `ms` milliseconds.
    pub fn plus_ms(self, ms: u64) -> Self {
        Millis(self.0.saturating_add(ms))
    }

    /// This time and `s` seconds.
    pub fn plus_s(self, s: u64) -> Self {
        self.plus_ms(s.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to this; 0 if `earlier` is later.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds since the epoch, rounded up: the unit of DynamoDB's time to live.
    pub fn epoch_s_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// `2026-11-23T11:00:00.123Z`. A time after the year 9999 is shown as its last millisecond.
    pub fn to_rfc3339(self) -> String {
        // 9999-12-31T23:59:59.999Z, the last time that RFC 3339's four digits can say.
        const LAST: u64 = 253_402_300_799_999;
        let nanos = i128::from(self.0.min(LAST)) * 1_000_000;
        UtcDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|at| {
                at.format(format_description!(
                    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
                ))
                .ok()
            })
            .expect("a time between 1970 and 9999 has an RFC 3339 form")
    }

    /// The time that an RFC 3339 text says, in whole milliseconds; `None` if it says none since 1970.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Millis)
    }
}

/// For `#[serde(with = …)]`: RFC 3339 with milliseconds, in UTC.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use super::Millis;

    /// Writes the time as text.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn serialize<S: Serializer>(at: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&at.to_rfc3339())
    }

    /// Reads the time from text.
    ///
    /// # Errors
    /// If the text is not an RFC 3339 time since 1970.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
        let text = String::deserialize(deserializer)?;
        Millis::from_rfc3339(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_gives_back_the_millisecond(ms in 0u64..253_402_300_800_000) {
            let text = Millis(ms).to_rfc3339();
            prop_assert_eq!(text.len(), 24);
            prop_assert_eq!(Millis::from_rfc3339(&text), Some(Millis(ms)));
        }

        #[test]
        fn any_time_has_a_text(ms: u64) {
            prop_assert!(Millis(ms).to_rfc3339().ends_with('Z'));
        }
    }
}
