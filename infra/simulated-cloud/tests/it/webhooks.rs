//! From an event to the request that it triggers, or why there is none.

use serde_json::{Value, json};
use simulated_cloud::Config;

use crate::{
    device::upgrade,
    support::{Receiver, config, respond, start, start_with, start_with_hook, text_hook},
};

#[tokio::test]
async fn a_published_event_makes_the_whole_round_in_order() {
    let (world, mut receiver, _) = start_with_hook().await;
    let response = r#"{"ok":true,"id":1652008511}"#;
    receiver.always(respond(200, response));
    let mut stream = world.listen("/v1/devices/events").await;
    let data = r#"{"op":"test","id":1652008511}"#;
    world.publish("WebhookTutorial01", data).await;
    let sent_guesses = ["hook_sent_data", "hook_sent_before_answer"];
    for (name, text, coreid, guesses) in [
        ("WebhookTutorial01", data, "api", &[][..]),
        ("hook-sent/WebhookTutorial01", "", "particle-internal", &sent_guesses),
        ("api/hook-response/WebhookTutorial01/0", response, "particle-internal", &[]),
    ] {
        let seen = stream.next().await;
        assert_eq!((seen.name.as_str(), seen.text()), (name, text));
        assert_eq!(seen.data["coreid"], coreid);
        assert_eq!(seen.guesses(), guesses);
    }
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
async fn a_prefix_triggers_every_enabled_hook_in_its_own_case() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let text = "{{PARTICLE_EVENT_NAME}}";
    let hook = |key: &str, value: Value| {
        let mut hook = text_hook("temp", &receiver, text);
        hook[key] = value;
        hook
    };
    for (key, value) in [
        ("name", json!("first")),
        ("name", json!("second")),
        ("disabled", json!(true)),
        ("deviceid", json!("e00fce68ece1d3d21a73dcc9")),
    ] {
        world.create_hook(hook(key, value)).await;
    }
    let mut stream = world.listen("/v1/devices/events/hook-sent%2F").await;
    for name in ["high_temp", "Temp", "tem", "temperature/basement", "temp"] {
        world.publish(name, "").await;
    }
    let mut sent = stream.names(4).await;
    sent.sort();
    let name = "hook-sent/temperature/basement";
    assert_eq!(sent, ["hook-sent/temp", "hook-sent/temp", name, name]);
    let request = receiver.request().await;
    assert!(request.contains("\r\n\r\ntemp"), "{request}");
}

#[tokio::test]
async fn nothing_leaves_this_computer() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    let own = format!("http://{}/v1/devices/events", world.addr());
    for (number, (url, reason)) in [
        ("http://example.com/", "this computer only"),
        ("http://192.168.0.1/", "this computer only"),
        ("http://169.254.169.254/latest", "this computer only"),
        ("http://127.0.0.1.example.com/", "this computer only"),
        ("http://[::ffff:10.0.0.1]/", "this computer only"),
        ("http://me@evil.example:80/", "this computer only"),
        ("https://127.0.0.1/", "plain http"),
        (own.as_str(), "to itself"),
    ]
    .into_iter()
    .enumerate()
    {
        let event = format!("out{number}");
        world.create_hook(json!({"event": event, "url": url})).await;
        world.publish(&event, "x").await;
        let error = stream.next().await;
        assert!(error.text().contains(reason), "{url}: {}", error.text());
        assert_eq!(error.guesses(), ["simulated_cloud_only"]);
    }
}

#[tokio::test]
async fn a_cloud_that_others_reach_sends_to_one_port_and_links_none() {
    let (mut receiver, other) = (Receiver::start().await, Receiver::start().await);
    let only_port = Some(receiver.addr.port());
    let world = start_with(Config { only_port, ..config() }).await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    world.create_hook(text_hook("other", &other, "x")).await;
    world.publish("other", "x").await;
    let error = stream.next().await;
    let reason = format!("to port {} only", receiver.addr.port());
    assert!(error.text().contains(&reason), "{}", error.text());
    world.create_hook(text_hook("home", &receiver, "x")).await;
    world.publish("home", "x").await;
    receiver.request().await;
    let link = format!(
        "Connection: Upgrade\r\nUpgrade: device-link\r\nAuthorization: {}\r\n",
        world.bearer()
    );
    let refused = upgrade(&world, &link).await.err().expect("a refusal");
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_a_hook_error() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    let url = "http://127.0.0.1:9/";
    for (hook, error) in [
        (
            json!({"event": "open", "url": url, "body": "{{#open}}"}),
            "template error: missing closing tag: open",
        ),
        // A header cannot contain another one.
        (
            json!({"event": "split", "url": url, "headers": {"X-Data": "{{{PARTICLE_EVENT_VALUE}}}"}}),
            "template error: Invalid character in header content [\"X-Data\"]",
        ),
    ] {
        let event = hook["event"].as_str().unwrap().to_owned();
        world.create_hook(hook).await;
        world.publish(&event, "a\r\nX-Evil: 1").await;
        assert_eq!(stream.next().await.text(), error);
    }
}

#[tokio::test]
async fn an_event_about_a_hook_triggers_no_hook() {
    let world = start().await;
    let receiver = Receiver::start().await;
    for event in ["hook-sent/", "api/hook-response", "custom", "h", "start"] {
        let mut hook = text_hook(event, &receiver, event);
        hook["responseTopic"] = json!("custom/topic");
        world.create_hook(hook).await;
    }
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("start", "x").await;
    world.publish("hook-response/start/0", "forged").await;
    world.publish("api/hook-response/start/0", "forged").await;
    // Three events of the round and two forged ones; a chained hook would add its own.
    let names = stream.names(5).await;
    world.publish("end", "").await;
    let sent = names.iter().filter(|name| name.starts_with("hook-sent/"));
    assert_eq!(sent.count(), 1, "{names:?}");
    assert_eq!(stream.next().await.name, "end");
}
