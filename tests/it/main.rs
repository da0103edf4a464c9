//! The product, checked from outside: one binary, so that it links once.
#![allow(clippy::unwrap_used, reason = "tests are read by their names and fail loudly")]

mod api;
mod bounds;
mod browsers;
mod bursts;
mod creation_code;
mod data_folder;
mod data_path;
mod device;
mod device_endings;
mod device_page;
mod endings;
mod examples;
mod faults;
mod focus;
mod forward;
mod handshakes;
mod hostile;
mod keys;
mod listen;
mod local_home;
mod log_page;
mod log_tools;
mod other_sites;
mod own_program;
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
mod senders;
mod share;
mod slow_table;
mod start;
mod tidy;
mod walk;
mod weight;

/// Where a deployment without a domain of its own is reached.
const HOOK_URL: &str = "https://{host}/hook/{endpoint}";

/// Both functions' real binaries, receiver and api: with the variables that both are given, and with those of the api alone,
/// of which it can't do without [`HOOK_URL`].
async fn both_functions(
    shared: &[(&str, &str)],
    for_api: &[(&str, &str)],
) -> (runtime_api::Environment, runtime_api::Environment) {
    let start = async |name, variables: &[(&str, &str)]| {
        let program = tests::program(name);
        let started = runtime_api::Environment::start(&program, variables).await;
        started.unwrap()
    };
    let for_api = [shared, &[("HOOK_URL", HOOK_URL)], for_api].concat();
    (start("receiver", shared).await, start("api", &for_api).await)
}
