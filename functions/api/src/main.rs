//! The AWS home of [`api`]: wiring only.

use api::Api;
use front::{config::Config, log, service::Service};
use store::{Connection, Store};

#[tokio::main(flavor = "current_thread")]
#[allow(
    clippy::disallowed_methods,
    reason = "the environment is read here, once"
)]
async fn main() -> Result<(), lambda_http::Error> {
    let env = |name: &str| std::env::var(name).ok();
    let config = Config::from_env(env)?;
    let store = Store::connect(&Connection::from_env(config.table, env)?);
    if config.connect_at_start {
        // While it starts a function has more of a processor than later. If it does not work, the first event will say so.
        let _ = store.reach().await;
    }
    let api = Api {
        store,
        limits: config.limits,
        hook_url: config.hook_url,
        creation_code: config.creation_code,
        clock: front::system_clock(),
    };
    let service = Service {
        name: "api",
        origin_secret: config.origin_secret.map(Into::into),
        handler: api.into_handler(),
        clock: front::system_clock(),
        log: log::to_stdout(config.level),
    };
    service.run().await
}
