//! `runtime-api BINARY EVENT.json...` starts a function, hands it the events in order and prints a line for each answer.
//!
//! Variables of this process whose names begin with `FN_` reach the function without that; `{name}` in an event is replaced
//! by the value of `FN_EVENT_name`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a person or a script"
)]

use std::{env, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use runtime_api::Environment;

const WITHIN: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let binary = arguments.next().context("usage: runtime-api BINARY EVENT.json...")?;
    let given: Vec<(String, String)> = env::vars()
        .filter_map(|(name, value)| Some((name.strip_prefix("FN_")?.to_owned(), value)))
        .collect();
    let variables: Vec<(&str, &str)> =
        given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut function = Environment::start(Path::new(&binary), &variables).await?;
    function.ready(WITHIN).await?;
    let mut all_ok = true;
    for file in arguments {
        let mut event = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
        for (name, value) in &given {
            if let Some(name) = name.strip_prefix("EVENT_") {
                event = event.replace(&format!("{{{name}}}"), value);
            }
        }
        let answer = function.invoke(&event, WITHIN).await?;
        println!("{}", answer.json);
        all_ok &= answer.ok;
    }
    function.kill().await?;
    for line in function.lines() {
        eprintln!("{line}");
    }
    Ok(if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
