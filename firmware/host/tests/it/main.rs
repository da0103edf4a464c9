//! The firmware and the device around it, from outside.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that can't go on has failed; millis() has 32 bits"
)]

mod device;
mod functions;
mod hostile;
mod own;
mod projects;
mod responses;
#[allow(dead_code, reason = "a set of tools for scenarios; not each of them uses all of it")]
mod scenario;
mod timing;
mod tutorial;
mod typed;
