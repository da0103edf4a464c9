//! What the receiver does for a webhook, with a stopwatch around its two calls of the store: how long they take as a function
//! experiences them, the SDK's own part included. The answer's body is that time in nanoseconds.
//!
//! It is `Receiver::receive` without refusals and delays; the benchmark compares the two.
#![allow(
    clippy::disallowed_methods,
    reason = "the environment is read here, once, and measuring is what this is for"
)]

use std::{sync::Arc, time::Instant};

use delivery::{Delivery, limits::Limits};
use function_url::{
    Inbound,
    answer::Answer,
    config::{BadVariable, Config},
    service::{Handler, Service},
};
use receiver::answer;
use store::{Connection, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let env = |name: &str| std::env::var(name).ok();
    let config = Config::from_env(env)?;
    let connection = Connection::from_env(&config.table, env).map_err(BadVariable)?;
    let (store, limits) = (Store::connect(&connection), config.limits);
    store.reach().await?;
    let handler: Handler = Arc::new(move |inbound| {
        let store = store.clone();
        Box::pin(async move { timed(&store, inbound, &limits).await })
    });
    Service::deployed("stopwatch", config, handler).run().await
}

async fn timed(store: &Store, inbound: Inbound, limits: &Limits) -> Answer {
    let received_at = function_url::system_clock()();
    let (endpoint, path) = answer::target(&inbound.path).expect("the benchmark sends webhooks");
    let began = Instant::now();
    let numbered = store.number(&endpoint, received_at, limits).await;
    let mut calls = began.elapsed();
    let numbered = numbered.expect("the benchmark has made the endpoint");
    let response = answer::answer(&inbound, None, limits);
    let delivery = Delivery {
        seq: numbered.seq,
        received_at,
        took_ms: 0,
        request: answer::recorded(inbound, path, limits),
        response,
    };
    let nonce = function_url::random();
    let began = Instant::now();
    let recorded = store
        .record(&endpoint, &numbered, &delivery, nonce, limits)
        .await;
    calls += began.elapsed();
    recorded.expect("nobody gave the number up");
    let mut sent = answer::to_http(delivery.response);
    *sent.body_mut() = calls.as_nanos().to_string();
    Answer {
        endpoint: Some(endpoint),
        seq: Some(numbered.seq),
        ..sent.into()
    }
}
