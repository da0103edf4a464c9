//! The product, checked from outside: one binary, so that it links once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are read by their names and fail loudly"
)]

mod bounds;
mod bursts;
mod creation_code;
mod data_folder;
mod data_path;
mod device;
mod device_endings;
mod device_page;
mod endings;
mod examples;
mod expiry;
mod faults;
mod flood;
mod focus;
mod hostile;
mod keys;
mod kill;
mod local_home;
mod log_tools;
mod other_sites;
mod page;
mod parity;
mod particle_account;
mod particle_changes;
mod particle_cuts;
mod particle_rounds;
mod pictures;
mod plain;
mod planted;
mod presses;
mod replies;
mod secrets;
mod share;
mod spelling;
mod start;
mod supply;
mod tidy;
mod walk;
mod weight;

/// Both functions' real binaries, receiver and api, with the same variables.
async fn both_functions(
    variables: &[(&str, &str)],
) -> (runtime_api::Environment, runtime_api::Environment) {
    let start = async |name| {
        let program = tests::program(name);
        runtime_api::Environment::start(&program, variables)
            .await
            .unwrap()
    };
    (start("receiver").await, start("api").await)
}
