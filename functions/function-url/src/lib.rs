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
//! - [`event`]: the event, and the request in it
//! - [`response`]: what a handler gives back
//! - [`service`]: from event to answer; [`log`]: the one line written for each
//! - [`config`]: the environment, read once
#![allow(
    missing_docs,
    reason = "the crates of this product are its only users; names that say everything need no sentence"
)]

pub mod config;
pub mod event;
pub mod log;
pub mod problem;
pub mod response;
pub mod service;

use std::sync::Arc;

use delivery::millis::Millis;
use sha2::{Digest, Sha256};

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
        Millis(since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
    })
}

/// 64 unpredictable bits from the operating system.
pub fn random() -> u64 {
    getrandom::u64().expect("the operating system gives random bytes")
}
