//! The AWS home of [`receiver`]: wiring only.

use front::{config::Config, log, service::Service};
use receiver::Receiver;
use store::{Connection, Store};

#[tokio::main(flavor = "current_thread")]
#[allow(
    clippy::disallowed_methods,
    reason = "the environment is read here, once"
)]
async fn main() -> Result<(), lambda_http::Error> {
    let env = |name: &str| std::env::var(name).ok();
    let config = Config::from_env(env)?;
    let receiver = Receiver {
        store: Store::connect(&Connection::from_env(config.table, env)?),
        limits: config.limits,
        clock: front::system_clock(),
    };
    let service = Service {
        name: "receiver",
        origin_secret: config.origin_secret.map(Into::into),
        handler: receiver.into_handler(),
        clock: front::system_clock(),
        log: log::to_stdout(config.level),
    };
    service.run().await
}
