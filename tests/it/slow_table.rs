//! Gaps of a table that throttles: a reader gets a page all the same.

use std::sync::Arc;

use delivery::{Request, headers::Headers, limits::Limits, log_page::LogPage, millis::Millis};
use function_url::Clock;
use local::engine::{self, Engine};
use store::protocol::CLOSED_AT_ONCE;
use tests::{
    client::Client,
    eventually,
    faults::proxy::{Fault, FaultProxy},
    home::Person,
};

/// Abandoned numbers, each of which a reader closes by a call of its own.
const GAPS: u64 = 90;
const NOW: Millis = Millis(1_795_431_600_000);

#[tokio::test]
async fn gaps_of_a_throttled_or_slow_table_do_not_fail_a_page() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let store = engine.store("slow");
    store::table::create_if_absent(&store).await.unwrap();
    let person = Person::new("unused", &Client::default());
    let (endpoint, limits) = (&person.endpoint, Limits::default());
    store.create(endpoint, NOW, 1, &limits).await.unwrap();
    for _ in 0..GAPS {
        store.number(endpoint, 2, NOW, &limits).await.unwrap();
    }

    let proxy = FaultProxy::passive(&engine.url).await.unwrap();
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
    let key = format!("Bearer {}", person.owner.reveal());
    let request = Request {
        method: "GET".into(),
        path: "/api/log".into(),
        headers: Headers::from([("authorization", key.as_str())]),
        ..Request::default()
    };
    let missing = async || {
        let answer = api.call(request.clone()).await.response;
        assert_eq!(answer.status(), 200, "{}", answer.body());
        let page: LogPage = serde_json::from_str(answer.body()).unwrap();
        page.missing
    };
    const ALL: usize = 1000;
    proxy.fail_next("PutItem", Fault::Throttled, ALL);
    assert!(missing().await.is_empty(), "no tombstone was written");
    // A slow table is asked for many tombstones at once.
    proxy.stop_failing();
    proxy.fail_next("PutItem", Fault::Delayed, ALL);
    let at_once = eventually("many tombstones are under way", || async {
        (proxy.in_flight() > CLOSED_AT_ONCE / 2).then_some(())
    });
    let (page, ()) = tokio::join!(missing(), at_once);
    assert_eq!(page, (1..=GAPS).collect::<Vec<_>>());
    engine.stop().await;
}
