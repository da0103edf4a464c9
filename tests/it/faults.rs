//! Calls that fail in one way each, and the short form of the fault run. The long one is
//! `cargo run --release -p tests --bin faults`.

use http::{Method, StatusCode};
use local::engine::Engine;
use tests::{
    eventually,
    faults::proxy::{Fault, FaultProxy},
    home::{Home, Person},
};

/// Seeds whose runs kill both programs and whose owners clear and forget.
const SEEDS: [u64; 3] = [1, 2, 3];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_fails_what_was_acknowledged_is_in_the_log_once_and_everybody_sees_it_once_in_order()
 {
    let (seeds, total) = tests::faults::campaign(
        tests::program("local"),
        SEEDS.into_iter(),
        1,
        |_| true,
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!(seeds, SEEDS.len() as u64);
    // It was a run with faults, and not one in which nothing happened.
    assert!(total.acknowledged > 50, "{total:?}");
    assert!(total.kills > 0 && total.deeds > 0, "{total:?}");
    assert!(total.faults.len() >= 8, "{total:?}");
}

#[tokio::test]
async fn a_webhook_that_can_not_be_recorded_is_not_acknowledged_and_one_whose_answer_was_lost_is_there_once()
 {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let proxy = FaultProxy::obedient(&engine.url).await.unwrap();
    let home = Home::start_at(&proxy.url).await;
    let person = home.person().await;
    // The SDK makes two attempts of one call; 503 is for when both fail.
    for (fault, times, status) in [
        (Fault::Failed, 2, 503),
        (Fault::FailedAfter, 2, 503),
        (Fault::Reset, 2, 503),
        (Fault::Throttled, 2, 503),
        (Fault::Failed, 1, 200),
        (Fault::FailedAfter, 1, 200),
        (Fault::AnswerLost, 1, 200),
        (Fault::Twice, 1, 200),
        (Fault::TwiceLater, 1, 200),
    ] {
        proxy.fail_next("PutItem", fault, times);
        let body = format!("{fault:?} {times}");
        let answer = person.post("text/plain", body.clone()).await;
        assert_eq!(answer.status().as_u16(), status, "{body}");
        if status == 200 {
            let newest = person.log("last=1").await.deliveries;
            assert_eq!(newest[0].request.body.text(), Some(body.as_str()));
        }
    }
    let last = person.log("last=1").await;
    assert_eq!((last.last_seq, last.deliveries.len()), (9, 1));
    home.stack.stop().await.unwrap();
    engine.stop().await;
}

#[tokio::test]
async fn a_number_whose_answer_was_lost_is_skipped_and_the_webhook_has_the_next_one() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let proxy = FaultProxy::obedient(&engine.url).await.unwrap();
    let home = Home::start_at(&proxy.url).await;
    let person = home.person().await;
    proxy.fail_next("UpdateItem", Fault::AnswerLost, 1);
    assert_eq!(
        person.post("text/plain", "x").await.status(),
        StatusCode::OK
    );
    let info = person.create().await;
    assert_eq!(info.last_seq, 2, "the first number was given to nobody");
    home.stack.stop().await.unwrap();
    engine.stop().await;
}

#[tokio::test]
async fn a_late_copy_of_what_made_an_endpoint_does_not_bring_it_back_when_it_was_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let proxy = FaultProxy::obedient(&engine.url).await.unwrap();
    let home = Home::start_at(&proxy.url).await;
    let person = Person::new(&home.stack.page_url, &home.client);
    proxy.fail_next("PutItem", Fault::TwiceLater, 1);
    person.create().await;
    person.post("text/plain", "to be forgotten").await;
    let forgotten = person.call(Method::DELETE, "/api/endpoint", "").await;
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    eventually("the copy has arrived", || async {
        proxy.is_idle().then_some(())
    })
    .await;
    let log = person.call(Method::GET, "/api/log", "").await;
    assert_eq!(log.status(), StatusCode::NOT_FOUND);
    person.create().await;
    assert_eq!(person.log("").await.deliveries.len(), 0);
    home.stack.stop().await.unwrap();
    engine.stop().await;
}
