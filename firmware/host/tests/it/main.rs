//! The firmware and the device around it, from outside.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod device;
mod scenario;
mod tutorial;
