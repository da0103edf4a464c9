//! What a hook makes of the answer of a server, or of there being none.

use std::time::Duration;

use serde_json::json;
use simulated_cloud::Config;

use crate::support::{
    PATIENCE, Receiver, Reply, World, config, respond, start, start_with, start_with_hook,
    tutorial_hook,
};

#[tokio::test]
async fn a_long_response_comes_in_parts_of_512_bytes() {
    let world = start().await;
    let receiver = Receiver::start().await;
    let long: String = (0..1200_u32)
        .map(|index| char::from(b'a' + u8::try_from(index % 26).unwrap()))
        .collect();
    receiver.always(respond(200, &long));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    world.publish("WebhookTutorial01", "x").await;
    let mut joined = String::new();
    for index in 0..3 {
        let part = stream.next().await;
        assert_eq!(
            part.name,
            format!("api/hook-response/WebhookTutorial01/{index}")
        );
        joined.push_str(part.text());
    }
    assert_eq!(joined, long);
}

#[tokio::test]
async fn parts_come_out_of_order_when_asked_to() {
    let world = start_with(Config {
        reorder_parts: true,
        ..config()
    })
    .await;
    let receiver = Receiver::start().await;
    receiver.always(respond(200, &"x".repeat(1200)));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    world.publish("WebhookTutorial01", "x").await;
    let ends: Vec<String> = stream
        .names(3)
        .await
        .iter()
        .map(|name| name.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(ends, ["1", "0", "2"]);
}

#[tokio::test]
async fn an_empty_answer_gives_no_hook_response() {
    let (world, receiver, id) = start_with_hook().await;
    receiver.then([respond(204, ""), respond(200, ""), respond(200, "third")]);
    let mut stream = world.listen("/v1/devices/events").await;
    for round in 1..=3 {
        world.publish("WebhookTutorial01", "x").await;
        // The next publish only after this answer is in, so that the third answer goes to the third.
        wait_for_successes(&world, &id, round).await;
    }
    let names = stream.names(7).await;
    let expected = [["WebhookTutorial01", "hook-sent/WebhookTutorial01"]; 3].concat();
    assert_eq!(names[..6], expected);
    assert_eq!(names[6], "api/hook-response/WebhookTutorial01/0");
}

/// Waits until the hook was answered so many times.
async fn wait_for_successes(world: &World, id: &str, count: u64) {
    tokio::time::timeout(PATIENCE, async {
        loop {
            let detail = world.hook(id).await;
            if detail["counters"]["total"]["success"] == count {
                return;
            }
        }
    })
    .await
    .expect("the answer is counted");
}

#[tokio::test]
async fn a_failing_server_gives_a_hook_error_with_its_status_and_host() {
    let (world, receiver, _) = start_with_hook().await;
    receiver.then([
        respond(404, "not here"),
        respond(500, "broken"),
        respond(302, ""),
    ]);
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for (status, guesses) in [
        (404, vec!["hook_error_without_body"]),
        (500, vec!["hook_error_without_body"]),
        (302, vec!["hook_error_without_body", "redirect_is_failure"]),
    ] {
        world.publish("WebhookTutorial01", "x").await;
        let error = stream.next().await;
        assert_eq!(error.name, "api/hook-error/WebhookTutorial01/0");
        assert_eq!(
            error.text(),
            format!("error status {status} from 127.0.0.1")
        );
        assert_eq!(error.guesses(), guesses);
    }
}

#[tokio::test]
async fn a_server_that_takes_twenty_seconds_has_failed() {
    let (world, mut receiver, _) = start_with_hook().await;
    receiver.always(Reply::Silence);
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("WebhookTutorial01", "x").await;
    receiver.request().await;
    world.clock.advance(Duration::from_millis(19_999));
    world.publish("marker", "x").await;
    assert_eq!(
        stream.names(3).await,
        ["WebhookTutorial01", "hook-sent/WebhookTutorial01", "marker"]
    );
    world.clock.advance(Duration::from_millis(1));
    let error = stream.named("api/hook-error/WebhookTutorial01/0").await;
    assert_eq!(
        (error.text(), error.guesses()),
        ("ESOCKETTIMEDOUT", vec!["network_error_text".to_owned()])
    );
    assert_eq!(error.data["published_at"], "2026-11-23T11:00:20.000Z");
}

#[tokio::test]
async fn a_broken_and_an_absent_server_are_told_apart() {
    let (world, receiver, _) = start_with_hook().await;
    receiver.always(Reply::HalfAResponse);
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    world.publish("WebhookTutorial01", "x").await;
    assert_eq!(stream.next().await.text(), "read ECONNRESET");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    world.create_hook(json!({"event": "absent", "url": format!("http://{closed}/"), "errorResponseTopic": "api/hook-error/absent"})).await;
    world.publish("absent", "x").await;
    assert_eq!(
        stream.next().await.text(),
        format!("connect ECONNREFUSED {closed}")
    );
}
