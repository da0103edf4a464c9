//! When a hook sends: at once, with a permit, later because its host is asleep, or not any more.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Reply, Stream, World, respond, start_with_hook, text_hook};

async fn fail_until_asleep(world: &World, stream: &mut Stream) {
    loop {
        world.publish("WebhookTutorial01", "fails").await;
        if stream.next().await.text().starts_with("Sleeping") {
            return;
        }
    }
}

#[tokio::test]
async fn events_for_a_sleeping_host_are_skipped_and_retried() {
    let (world, mut receiver, id) = start_with_hook().await;
    receiver.always(respond(500, ""));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-").await;
    for _ in 0..5 {
        world.publish("WebhookTutorial01", "fails").await;
        let error = stream.next().await;
        assert_eq!(error.text(), "error status 500 from 127.0.0.1");
        receiver.request().await;
    }
    receiver.always(respond(200, "well again"));
    world.publish("WebhookTutorial01", "skipped").await;
    let skipped = stream.next().await;
    let text = "Sleeping, too many errors, please wait and try again";
    assert_eq!(skipped.text(), text);
    assert_eq!(skipped.guesses(), ["sleeping_and_retries"]);
    world.clock.advance(Duration::from_secs(30));
    let retried = receiver.request().await;
    assert!(retried.contains("skipped"), "{retried}");
    assert!(retried.contains("2026-11-23T11:00:00.000Z"), "{retried}");
    assert_eq!(stream.next().await.text(), "well again");
    let total = &world.hook(&id).await["counters"]["total"];
    assert_eq!(*total, json!({"success": 1, "error": 5, "sleep": 1}));
}

#[tokio::test]
async fn an_event_skipped_three_times_is_dropped() {
    let (world, receiver, id) = start_with_hook().await;
    receiver.always(respond(500, ""));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    let sleeps = async || world.hook(&id).await["counters"]["total"]["sleep"].clone();
    fail_until_asleep(&world, &mut stream).await;
    assert_eq!(sleeps().await, 1);
    // Just before each retry the host falls asleep again, so the retry is skipped too.
    world.clock.advance(Duration::from_secs(26));
    fail_until_asleep(&world, &mut stream).await;
    world.clock.advance(Duration::from_secs(4));
    assert!(stream.next().await.text().starts_with("Sleeping"));
    assert_eq!(sleeps().await, 3);
}

#[tokio::test]
async fn a_deleted_hook_is_not_retried() {
    let (world, mut receiver, id) = start_with_hook().await;
    receiver.always(respond(500, ""));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    fail_until_asleep(&world, &mut stream).await;
    for _ in 0..5 {
        receiver.request().await;
    }
    let path = format!("/v1/integrations/{id}");
    world.ok("DELETE", &path, Value::Null).await;
    world.clock.advance(Duration::from_secs(60));
    world.create_hook(text_hook("new", &receiver, "new")).await;
    world.publish("new", "x").await;
    let next = receiver.request().await;
    assert!(next.ends_with("new"), "{next}");
}

#[tokio::test]
async fn at_most_32_requests_wait_for_a_response() {
    let (world, mut receiver, _) = start_with_hook().await;
    let mut sent = world.listen("/v1/devices/events/hook-sent%2F").await;
    // As many successes as there will be failures: the host is not to fall asleep.
    receiver.always(respond(200, "{}"));
    let mut answered = world.listen("/v1/devices/events/api%2Fhook-response").await;
    for _ in 0..40 {
        world.publish("WebhookTutorial01", "x").await;
        receiver.request().await;
        sent.next().await;
        answered.next().await;
    }
    receiver.always(Reply::Silence);
    let mut failed = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for _ in 0..40 {
        world.publish("WebhookTutorial01", "x").await;
    }
    for _ in 0..32 {
        receiver.request().await;
        sent.next().await;
    }
    world.clock.advance(Duration::from_secs(19));
    // None has timed out, so no permit is free.
    world.publish("hook-sent/of the test", "").await;
    assert_eq!(sent.next().await.name, "hook-sent/of the test");
    // The others get their full 20 seconds later.
    for (seconds, count) in [(1, 32), (20, 8)] {
        world.clock.advance(Duration::from_secs(seconds));
        for _ in 0..count {
            assert_eq!(failed.next().await.text(), "ESOCKETTIMEDOUT");
        }
        for _ in 0..if count == 32 { 8 } else { 0 } {
            receiver.request().await;
        }
    }
}
