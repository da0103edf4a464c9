//! A function that answers with its event; `{"fail":…}` fails it, `{"exit":…}` ends it, and with `START=no` it never starts.
#![allow(
    clippy::print_stdout,
    reason = "standard output is where Lambda takes log lines from"
)]

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
#[allow(
    clippy::disallowed_methods,
    reason = "the environment is read here, once"
)]
async fn main() -> Result<(), Error> {
    if std::env::var("START").is_ok_and(|start| start == "no") {
        return Err("told not to start".into());
    }
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        println!("answering {}", event.context.request_id);
        if event.payload.get("exit").is_some() {
            std::process::exit(3);
        }
        match event.payload.get("fail") {
            Some(why) => Err(Error::from(why.to_string())),
            None => Ok(event.payload),
        }
    }))
    .await
}
