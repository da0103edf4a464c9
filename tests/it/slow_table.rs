//! A table that is slow: who asks is told so in time.

use std::{sync::Arc, time::Duration};

use delivery::{
    Request, body::Body, headers::Headers, limits::Limits, log_page::LogPage, millis::Millis,
};
use function_url::Clock;
use local::engine::{self, Engine};
use tests::{
    client::Client,
    home::Person,
    proxy::{Mood, Proxy},
};

/// What a caller is promised, and a busy machine's slack. Without a bound it would be a second for each of the holes.
const TOLD_WITHIN: Duration = Duration::from_secs(20);
/// Abandoned numbers, each of which a reader seals by a call of its own.
const HOLES: u64 = 30;
const NOW: Millis = Millis(1_795_431_600_000);

#[tokio::test]
async fn too_many_gaps_for_one_call_give_503_and_then_a_page() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let store = engine.store("slow");
    store::table::create_if_absent(&store).await.unwrap();
    let person = Person::new("unused", &Client::default());
    let (endpoint, limits) = (&person.endpoint, Limits::default());
    store.create(endpoint, NOW, 1, &limits).await.unwrap();
    for _ in 0..HOLES {
        store.number(endpoint, NOW, &limits).await.unwrap();
    }

    let proxy = Proxy::before(&engine.url).await;
    let later: Clock = Arc::new(|| NOW.plus_s(60));
    let api = api::Api {
        store: engine::store_at(&proxy.url, "slow"),
        limits,
        config: api::config::Config {
            hook_url: "http://{host}/hook/{endpoint}".into(),
            creation_code: None,
        },
        clock: later,
    };
    let read = async || {
        let key = format!("Bearer {}", person.owner.reveal());
        let request = Request {
            method: "GET".into(),
            path: "/api/log".into(),
            query: String::new(),
            source: String::new(),
            headers: Headers::from([("authorization", key.as_str())]),
            added: vec![],
            body: Body::whole(vec![]),
        };
        api.call(request).await.response
    };
    proxy.set(Mood::Slow);
    let refused = tokio::time::timeout(TOLD_WITHIN, read());
    let refused = refused.await.expect("the caller is told in time");
    assert_eq!(refused.status(), 503, "{}", refused.body());
    proxy.set(Mood::Well);
    let page = read().await;
    let page: LogPage = serde_json::from_str(page.body()).unwrap();
    let holes: Vec<u64> = (1..=HOLES).collect();
    assert_eq!(page.missing, holes);
    engine.stop().await;
}
