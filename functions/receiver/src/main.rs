//! The AWS home of [`receiver`]: wiring only.

use function_url::{
    config::{BadVariable, Config},
    service::Service,
};
use receiver::Receiver;
use store::{Connection, Store};

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::disallowed_methods, reason = "the environment is read here, once")]
async fn main() -> Result<(), lambda_http::Error> {
    let env = |name: &str| std::env::var(name).ok();
    let config = Config::from_env(env)?;
    let connection = Connection::from_env(&config.table, env).map_err(BadVariable)?;
    let store = Store::connect(&connection);
    if config.connect_at_start {
        // While it starts a function has more of a processor than later. If it does not work, the first event will say so.
        let _ = store.warm_up().await;
    }
    let receiver = Receiver { store, limits: config.limits, clock: function_url::system_clock() };
    let service = Service::deployed("receiver", config, receiver.into_handler());
    service.run().await
}
