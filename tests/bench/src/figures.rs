//! Many measurements of one thing, and the few numbers that say what they were.

use std::time::Duration;

use serde_json::{Value, json};

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(Vec<Duration>);

impl Figures {
    /// One more.
    pub(crate) fn push(&mut self, measured: Duration) {
        self.0.push(measured);
    }

    /// The measurement that this part of all, from 0 to 1, does not exceed.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index among some thousands"
    )]
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1);
        sorted.get(index).copied().unwrap_or_default()
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    /// In microseconds, for a program to read.
    pub(crate) fn to_json(&self) -> Value {
        let us = |part| self.quantile(part).as_secs_f64() * 1e6;
        json!({"n": self.0.len(), "p50_us": us(0.5), "p95_us": us(0.95), "p99_us": us(0.99)})
    }
}

/// In milliseconds, for a person to read.
pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// In microseconds, for a person to read.
pub(crate) fn us(duration: Duration) -> String {
    format!("{:.0} µs", duration.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measurements_that_were_made() {
        let mut figures = Figures::default();
        assert_eq!(figures.median(), Duration::ZERO);
        for ms in [4, 1, 3, 2] {
            figures.push(Duration::from_millis(ms));
        }
        assert_eq!(figures.median(), Duration::from_millis(2));
        assert_eq!(figures.quantile(0.99), Duration::from_millis(4));
        assert_eq!(figures.quantile(0.0), Duration::from_millis(1));
    }
}
