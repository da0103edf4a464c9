//! The product, checked from outside: one binary, so that it links once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are read by their names and fail loudly"
)]

mod bursts;
mod creation_code;
mod data_path;
mod device;
mod device_endings;
mod device_page;
mod endings;
mod examples;
mod faults;
mod hostile;
mod keys;
mod kill;
mod local_home;
mod log_tools;
mod page;
mod parity;
mod particle_changes;
mod particle_cuts;
mod particle_page;
mod replies;
mod secrets;
mod spelling;
mod start;
mod tidy;
mod walk;
