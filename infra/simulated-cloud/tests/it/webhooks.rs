//! From an event to the request that it sets off, or why there is none.

use serde_json::json;

use crate::support::{Receiver, respond, start, start_with_hook, text_hook, tutorial_hook};

#[tokio::test]
async fn a_test_press_makes_the_whole_round_in_order() {
    let (world, mut receiver, _) = start_with_hook().await;
    receiver.always(respond(200, r#"{"ok":true,"id":1652008511}"#));
    let mut stream = world.listen("/v1/devices/events").await;
    let data = r#"{"op":"test","id":1652008511}"#;
    world.publish("WebhookTutorial01", data).await;

    let event = stream.next().await;
    assert_eq!(
        (event.name.as_str(), event.text(), &event.data["coreid"]),
        ("WebhookTutorial01", data, &json!("api"))
    );
    let sent = stream.next().await;
    assert_eq!(
        (sent.name.as_str(), &sent.data["coreid"]),
        ("hook-sent/WebhookTutorial01", &json!("particle-internal"))
    );
    assert_eq!(
        sent.guesses(),
        ["hook_sent_data", "hook_sent_before_answer"]
    );
    let response = stream.next().await;
    assert_eq!(response.name, "api/hook-response/WebhookTutorial01/0");
    assert_eq!(
        (response.text(), &response.data["coreid"]),
        (
            r#"{"ok":true,"id":1652008511}"#,
            &json!("particle-internal")
        )
    );
    assert_eq!(response.guesses(), Vec::<String>::new());

    let body = r#"{"event":"WebhookTutorial01","data":"{\"op\":\"test\",\"id\":1652008511}","coreid":"api","published_at":"2026-11-23T11:00:00.000Z"}"#;
    let expected = format!(
        "POST /hook/x HTTP/1.1\r\ncontent-type: application/json\r\n\
         user-agent: ParticleBot/1.1 (https://docs.particle.io/webhooks)\r\nhost: {}\r\naccept: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        receiver.addr,
        body.len()
    );
    assert_eq!(receiver.request().await, expected);
}

#[tokio::test]
async fn a_hook_fires_for_names_that_begin_with_its_own_in_its_own_case() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    world
        .create_hook(text_hook("temp", &receiver, "{{PARTICLE_EVENT_NAME}}"))
        .await;
    let mut stream = world.listen("/v1/devices/events/hook-sent%2F").await;
    for name in ["high_temp", "Temp", "tem", "temperature/basement"] {
        world.publish(name, "").await;
    }
    assert_eq!(stream.next().await.name, "hook-sent/temperature/basement");
    assert!(
        receiver
            .request()
            .await
            .ends_with("\r\n\r\ntemperature/basement")
    );
}

#[tokio::test]
async fn a_disabled_hook_and_one_for_another_device_stay_silent() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let hook = |body: &str| text_hook("e", &receiver, body);
    let mut disabled = hook("disabled");
    disabled["disabled"] = json!(true);
    let mut other = hook("other");
    other["deviceid"] = json!("e00fce68ece1d3d21a73dcc9");
    world.create_hook(disabled).await;
    world.create_hook(other).await;
    world.create_hook(hook("mine")).await;
    world.publish("e", "").await;
    assert!(receiver.request().await.ends_with("mine"));
    world.publish("e", "").await;
    assert!(receiver.request().await.ends_with("mine"));
}

#[tokio::test]
async fn two_hooks_with_the_same_prefix_both_fire() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    for _ in 0..2 {
        world.create_hook(tutorial_hook(&receiver.url())).await;
    }
    world.publish("WebhookTutorial01", "x").await;
    assert_eq!(receiver.request().await, receiver.request().await);
}

#[tokio::test]
async fn nothing_leaves_this_computer() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    let own = format!("http://{}/v1/devices/events", world.addr());
    for (url, says) in [
        ("http://example.com/", "this computer only"),
        ("http://192.168.0.1/", "this computer only"),
        ("http://169.254.169.254/latest", "this computer only"),
        ("http://127.0.0.1.example.com/", "this computer only"),
        ("http://[::ffff:10.0.0.1]/", "this computer only"),
        ("http://me@evil.example:80/", "this computer only"),
        ("https://127.0.0.1/", "plain http"),
        (own.as_str(), "to itself"),
    ] {
        let id = world.create_hook(json!({"event": "out", "url": url})).await;
        world.publish("out", "x").await;
        let error = stream.next().await;
        assert!(error.text().contains(says), "{url}: {}", error.text());
        assert_eq!(error.guesses(), ["simulated_cloud_only"]);
        world.delete_hook(&id).await;
    }
}

#[tokio::test]
async fn a_template_that_cannot_be_filled_is_a_hook_error() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    world
        .create_hook(json!({"event": "e", "url": "http://127.0.0.1:9/", "body": "{{#open}}"}))
        .await;
    world.publish("e", "x").await;
    let error = stream.named("hook-error/e/0").await;
    assert_eq!(error.text(), "template error: missing closing tag: open");
}

#[tokio::test]
async fn a_header_cannot_smuggle_another_one() {
    let world = start().await;
    let receiver = Receiver::start().await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    world.create_hook(json!({"event": "e", "url": receiver.url(), "headers": {"X-Data": "{{{PARTICLE_EVENT_VALUE}}}"}})).await;
    world.publish("e", "a\r\nX-Evil: 1").await;
    assert_eq!(
        stream.next().await.text(),
        "Invalid character in header content"
    );
}

#[tokio::test]
async fn an_event_about_a_hook_triggers_no_hook() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    for event in [
        "hook-sent/",
        "hook-response/",
        "api/hook-response",
        "custom",
        "h",
    ] {
        let hook = json!({"event": event, "url": receiver.url(), "responseTopic": "custom/topic", "noDefaults": true, "body": "chained"});
        world.create_hook(hook).await;
    }
    world.create_hook(json!({"event": "start", "url": receiver.url(), "responseTopic": "custom/topic", "noDefaults": true, "body": "first"})).await;
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("start", "x").await;
    world.publish("hook-response/start/0", "forged").await;
    world.publish("api/hook-response/start/0", "forged").await;
    world.publish("start", "again").await;
    assert!(receiver.request().await.ends_with("first"));
    assert!(receiver.request().await.ends_with("first"));
    // Two rounds of three events and two forged ones; a chained hook would add its own.
    let mut names = stream.names(8).await;
    world.publish("end", "").await;
    names.push(stream.next().await.name);
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("hook-sent/"))
            .count(),
        2,
        "{names:?}"
    );
    assert_eq!(names.last().unwrap(), "end");
}
