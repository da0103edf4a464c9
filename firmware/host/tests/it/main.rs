//! The firmware and the device around it, from outside.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod device;
#[allow(
    dead_code,
    reason = "the bench of scenarios; not each of them uses all of it"
)]
mod scenario;
mod tutorial;
