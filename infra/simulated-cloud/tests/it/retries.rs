//! When a hook sends: at once, in its turn, later because its host is asleep, or no more.

use std::time::Duration;

use serde_json::json;

use crate::support::{Reply, Stream, respond, start_with_hook, text_hook};

#[tokio::test]
async fn a_host_that_mostly_fails_is_left_alone_and_its_events_are_tried_again() {
    let (world, mut receiver, id) = start_with_hook().await;
    receiver.always(respond(500, ""));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-").await;
    for _ in 0..5 {
        world.publish("WebhookTutorial01", "fails").await;
        assert_eq!(
            stream.next().await.text(),
            "error status 500 from 127.0.0.1"
        );
        receiver.request().await;
    }
    receiver.always(respond(200, "well again"));
    world.publish("WebhookTutorial01", "skipped").await;
    let skipped = stream.next().await;
    assert_eq!(
        skipped.text(),
        "Sleeping, too many errors, please wait and try again"
    );
    assert_eq!(skipped.guesses(), ["sleeping_and_retries"]);
    world.clock.advance(Duration::from_secs(30));
    let retried = receiver.request().await;
    assert!(
        retried.contains("skipped") && retried.contains("2026-11-23T11:00:00.000Z"),
        "{retried}"
    );
    assert_eq!(stream.next().await.text(), "well again");
    let detail = world.hook(&id).await;
    assert_eq!(
        detail["counters"]["total"],
        json!({"success": 1, "error": 5, "sleep": 1})
    );
}

#[tokio::test]
async fn an_event_skipped_three_times_is_dropped() {
    let (world, receiver, id) = start_with_hook().await;
    receiver.always(respond(500, ""));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    let fail_until_asleep = async |stream: &mut Stream| {
        loop {
            world.publish("WebhookTutorial01", "again").await;
            if stream.next().await.text().starts_with("Sleeping") {
                return;
            }
        }
    };
    fail_until_asleep(&mut stream).await;
    let sleeps = async || {
        world.hook(&id).await["counters"]["total"]["sleep"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(sleeps().await, 1);
    // Just before each retry the host is put to sleep again, so the retry is skipped too.
    world.clock.advance(Duration::from_secs(26));
    fail_until_asleep(&mut stream).await;
    world.clock.advance(Duration::from_secs(4));
    assert!(stream.next().await.text().starts_with("Sleeping"));
    assert_eq!(sleeps().await, 3);
}

#[tokio::test]
async fn a_deleted_hook_is_not_tried_again() {
    let (world, mut receiver, id) = start_with_hook().await;
    receiver.always(respond(500, ""));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for _ in 0..6 {
        world.publish("WebhookTutorial01", "old").await;
        stream.next().await;
    }
    for _ in 0..5 {
        receiver.request().await;
    }
    world.delete_hook(&id).await;
    world.clock.advance(Duration::from_secs(60));
    world.create_hook(text_hook("new", &receiver, "new")).await;
    world.publish("new", "x").await;
    assert!(
        receiver.request().await.ends_with("new"),
        "the next request is the new hook's"
    );
}

#[tokio::test]
async fn no_more_than_32_requests_wait_for_an_answer_and_the_others_have_their_full_time_later() {
    let (world, mut receiver, _) = start_with_hook().await;
    receiver.always(Reply::Silence);
    let mut sent = world.listen("/v1/devices/events/hook-sent%2F").await;
    let mut failed = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for _ in 0..40 {
        world.publish("WebhookTutorial01", "x").await;
    }
    for _ in 0..32 {
        receiver.request().await;
        sent.next().await;
    }
    world.clock.advance(Duration::from_secs(19));
    // Nobody has been given up, so nobody's turn has come.
    world.publish("hook-sent/of the test", "").await;
    assert_eq!(sent.next().await.name, "hook-sent/of the test");
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..32 {
        assert_eq!(failed.next().await.text(), "ESOCKETTIMEDOUT");
    }
    for _ in 32..40 {
        receiver.request().await;
    }
    world.clock.advance(Duration::from_secs(20));
    for _ in 32..40 {
        assert_eq!(failed.next().await.text(), "ESOCKETTIMEDOUT");
    }
}

#[tokio::test]
async fn two_hundred_presses_are_two_hundred_rounds() {
    let (world, _receiver, id) = start_with_hook().await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    for number in 0..200 {
        world
            .publish("WebhookTutorial01", &format!("{{\"id\":{number}}}"))
            .await;
    }
    assert_eq!(stream.names(200).await.len(), 200);
    let detail = world.hook(&id).await;
    assert_eq!(detail["counters"]["total"]["success"], 200);
    assert_eq!(detail["logs"]["successes"].as_array().unwrap().len(), 10);
}
