//! The Lambda function-URL adapter of both functions: an event (payload 2.0) in, plain values out, and the response back.
//!
//! Both homes come through here with the same JSON, so a request looks the same to the handlers whether Lambda or the
//! local gateway brought it.
//!
//! The event has a type of its own here, and lambda_http's adapter is not used, because a stranger must not be able to
//! stop the function: in lambda_http 1.3.2 a header value that is not ASCII fails the whole event before any handler
//! runs, and a query string or host that is not a URI's panics. Here neither is parsed: they are shown as they came.
//! The runtime and the answer's type are lambda_http's.
//!
//! - [`event`]: the event, and the [`Inbound`] request in it
//! - [`response`]: what a handler gives back
//! - [`service`]: from event to answer; [`log`]: the one line written for each
//! - [`config`]: the environment, read once

pub mod config;
pub mod event;
pub mod log;
pub mod response;
pub mod service;

use std::sync::Arc;

use delivery::{headers::Headers, millis::Millis};
use sha2::{Digest, Sha256};

/// A request as it came to the function, in plain values.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// The method, as sent.
    pub method: String,
    /// The raw path, percent-encoding and all.
    pub path: String,
    /// The raw query without its `?`.
    pub query: String,
    /// The sender's address, from the outermost hop that can be trusted.
    pub source: String,
    /// All headers but those in which the CDN tells the function something.
    pub headers: Headers,
    /// Names of those headers that a gateway or CDN put on the way.
    pub added: Vec<String>,
    /// The body's exact bytes.
    pub body: Vec<u8>,
}

impl Inbound {
    /// The decoded value of a query parameter; the first, if it is repeated.
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// Whether what was presented is the secret. Both are hashed before they are compared, so that the time it takes says nothing
/// of how much was right.
pub fn same_secret(secret: &str, presented: &str) -> bool {
    Sha256::digest(secret) == Sha256::digest(presented)
}

/// Where the time comes from: the system's clock in the shells, a hand-driven one in tests.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The system's clock.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place where the functions' shells read it"
)]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Millis(since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        }))
    })
}

/// 64 bits that nobody can guess, from the operating system.
pub fn random() -> u64 {
    getrandom::u64().expect("the operating system gives random bytes")
}
