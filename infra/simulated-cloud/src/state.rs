//! What the cloud keeps across a restart: one account with its tokens, devices and integrations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{clock::iso, hook::config::HookConfig, rng::Rng};

pub(crate) const USERNAME: &str = "learner@simulated.example";
/// Beyond this, a new token replaces the one that expires first.
pub(crate) const MAX_TOKENS: usize = 200;
/// The 100 devices of a free account.
pub(crate) const MAX_DEVICES: usize = 100;
/// How many successes, and how many errors, an integration keeps.
const LOGGED_ATTEMPTS: usize = 10;
/// How many days of counters an integration keeps.
const COUNTED_DAYS: usize = 30;

/// The content of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// A file of another version is refused.
    #[serde(rename = "form")]
    pub(crate) version: u32,
    pub(crate) username: String,
    /// In clear, because it is printed at every start. The file is readable by its owner alone.
    pub(crate) password: String,
    pub(crate) user_id: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) devices: Vec<Device>,
    pub(crate) products: Vec<Product>,
    pub(crate) hooks: Vec<Hook>,
    #[serde(default)]
    pub(crate) secrets: Vec<Secret>,
}

/// A value that templates can use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// In clear, as the password is.
    pub(crate) value: String,
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) last_accessed_at: Option<i64>,
}

/// An access token, by its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) hash: String,
    pub(crate) refresh_hash: String,
    /// The last four digits, so that the tokens in a list can be distinguished.
    pub(crate) tail: String,
    pub(crate) client_id: String,
    /// Milliseconds since 1970; none = never.
    pub(crate) expires_at: Option<i64>,
}

/// A device of the account, attached or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) platform_id: u32,
    pub(crate) system_version: String,
    pub(crate) last_app: Option<String>,
    pub(crate) notes: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) last_heard: Option<i64>,
    pub(crate) last_handshake_at: Option<i64>,
    /// The product it was added to.
    pub(crate) product: Option<i64>,
    pub(crate) development: bool,
}

/// A product of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: i64,
    pub(crate) slug: String,
    pub(crate) name: String,
}

/// An integration and its log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) id: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// None = the account's own devices (the sandbox).
    pub(crate) product: Option<i64>,
    pub(crate) config: HookConfig,
    /// By UTC day, `2026-11-23`.
    pub(crate) days: BTreeMap<String, Counters>,
    /// Newest first.
    pub(crate) successes: Vec<HookAttempt>,
    /// Newest first.
    pub(crate) errors: Vec<HookAttempt>,
}

/// How often a hook succeeded, failed, or was skipped because its host was asleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) success: u64,
    pub(crate) error: u64,
    pub(crate) sleep: u64,
}

/// One attempt, as the console shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HookAttempt {
    pub(crate) at: i64,
    pub(crate) event: String,
    pub(crate) coreid: String,
    pub(crate) request: Option<AttemptRequest>,
    pub(crate) response: Option<AttemptResponse>,
    /// The text of the hook-error, if it was one.
    pub(crate) error: Option<String>,
}

/// The request of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AttemptRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The start of it, as text.
    pub(crate) body: String,
}

/// The response of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AttemptResponse {
    pub(crate) status: u16,
    /// The start of it, as text.
    pub(crate) body: String,
}

/// The version this program writes.
pub(crate) const VERSION: u32 = 1;

impl State {
    pub(crate) fn new(rng: &Rng) -> Self {
        Self {
            version: VERSION,
            username: USERNAME.to_owned(),
            password: rng.password(),
            user_id: rng.id(),
            tokens: Vec::new(),
            devices: Vec::new(),
            products: vec![Product {
                id: 30301,
                slug: "simulated-product".to_owned(),
                name: "Simulated product".to_owned(),
            }],
            hooks: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// By id, or by name without regard to case, as the real routes take both.
    pub(crate) fn device(&self, id_or_name: &str) -> Option<&Device> {
        let id = id_or_name.to_ascii_lowercase();
        let by_id = self.devices.iter().find(|device| device.id == id);
        let mut devices = self.devices.iter();
        by_id.or_else(|| devices.find(|device| device.name.eq_ignore_ascii_case(id_or_name)))
    }

    pub(crate) fn device_mut(&mut self, id: &str) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.id == id)
    }

    pub(crate) fn product(&self, id_or_slug: &str) -> Option<&Product> {
        self.products
            .iter()
            .find(|product| product.slug == id_or_slug || product.id.to_string() == id_or_slug)
    }

    pub(crate) fn hook_mut(&mut self, id: &str) -> Option<&mut Hook> {
        self.hooks.iter_mut().find(|hook| hook.id == id)
    }
}

impl Hook {
    pub(crate) fn total(&self) -> Counters {
        let mut total = Counters::default();
        for day in self.days.values() {
            total.success += day.success;
            total.error += day.error;
            total.sleep += day.sleep;
        }
        total
    }

    /// The counters of the day of a moment such as `2026-11-23T11:03:14.111Z`.
    pub(crate) fn day(&mut self, moment: &str) -> &mut Counters {
        let day = moment[..10].to_owned();
        while self.days.len() >= COUNTED_DAYS && !self.days.contains_key(&day) {
            self.days.pop_first();
        }
        self.days.entry(day).or_default()
    }

    /// Counts an attempt and keeps it as the newest.
    pub(crate) fn record(&mut self, attempt: HookAttempt) {
        let is_error = attempt.error.is_some();
        let day = self.day(&iso(attempt.at));
        day.error += u64::from(is_error);
        day.success += u64::from(!is_error);
        let attempts = match is_error {
            true => &mut self.errors,
            false => &mut self.successes,
        };
        attempts.insert(0, attempt);
        attempts.truncate(LOGGED_ATTEMPTS);
    }
}
