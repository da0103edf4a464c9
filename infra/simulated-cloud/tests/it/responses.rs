//! What a hook makes of the response of a server, or of its absence.

use std::time::Duration;

use serde_json::json;
use simulated_cloud::Config;

use crate::support::{
    Receiver, Reply, config, respond, start_with, start_with_hook, tutorial_hook,
};

#[tokio::test]
async fn parts_come_out_of_order_when_configured() {
    let world = start_with(Config { reorder_parts: true, ..config() }).await;
    let receiver = Receiver::start().await;
    receiver.always(respond(200, &"x".repeat(1200)));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-response").await;
    world.publish("WebhookTutorial01", "x").await;
    let names = stream.names(3).await;
    let numbers: Vec<_> = names.iter().map(|name| name.rsplit('/').next()).collect();
    assert_eq!(numbers, [Some("1"), Some("0"), Some("2")]);
}

#[tokio::test]
async fn a_failing_server_gives_a_hook_error_with_its_status() {
    let (world, receiver, _) = start_with_hook().await;
    receiver.then([respond(404, "not here"), respond(500, "broken")]);
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    for status in [404, 500] {
        world.publish("WebhookTutorial01", "x").await;
        let error = stream.next().await;
        assert_eq!(error.name, "api/hook-error/WebhookTutorial01/0");
        assert_eq!(error.text(), format!("error status {status} from 127.0.0.1"));
        assert_eq!(error.guesses(), ["hook_error_without_body"]);
    }
}

#[tokio::test]
async fn a_redirect_is_no_error_and_never_puts_a_host_to_sleep() {
    let (world, receiver, id) = start_with_hook().await;
    receiver.always(respond(302, "moved"));
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-").await;
    for _ in 0..8 {
        world.publish("WebhookTutorial01", "x").await;
        let response = stream.next().await;
        assert_eq!(response.name, "api/hook-response/WebhookTutorial01/0");
        assert_eq!(
            (response.text(), response.guesses()),
            ("moved", vec!["redirect_is_response".to_owned()])
        );
    }
    let total = &world.hook(&id).await["counters"]["total"];
    assert_eq!(*total, json!({"success": 8, "error": 0, "sleep": 0}));
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
    let names = ["WebhookTutorial01", "hook-sent/WebhookTutorial01", "marker"];
    assert_eq!(stream.names(3).await, names);
    world.clock.advance(Duration::from_millis(1));
    let error = stream.named("api/hook-error/WebhookTutorial01/0").await;
    assert_eq!(error.text(), "ESOCKETTIMEDOUT");
    assert_eq!(error.guesses(), ["network_error_text"]);
    assert_eq!(error.data["published_at"], "2026-11-23T11:00:20.000Z");
}

#[tokio::test]
async fn a_broken_and_an_absent_server_have_different_errors() {
    let (world, receiver, _) = start_with_hook().await;
    receiver.always(Reply::HalfAResponse);
    let mut stream = world.listen("/v1/devices/events/api%2Fhook-error").await;
    world.publish("WebhookTutorial01", "x").await;
    assert_eq!(stream.next().await.text(), "read ECONNRESET");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let topic = "api/hook-error/absent";
    let hook =
        json!({"event": "absent", "url": format!("http://{closed}/"), "errorResponseTopic": topic});
    world.create_hook(hook).await;
    world.publish("absent", "x").await;
    let error = stream.next().await;
    assert_eq!(error.text(), format!("connect ECONNREFUSED {closed}"));
}

#[tokio::test]
async fn a_costly_response_template_is_a_hook_error() {
    let world = start_with(config()).await;
    let receiver = Receiver::start().await;
    let keys = (0..1796).map(|key| (format!("k{key}"), json!(key)));
    let mut response: serde_json::Map<_, _> = keys.collect();
    response.insert("l".to_owned(), json!(vec![1; 1000]));
    receiver.always(respond(200, &json!(response).to_string()));
    let lookups = format!("{{{{#l}}}}{}{{{{/l}}}}", "{{zz}}".repeat(900));
    let (open, close) = ("{{#PARTICLE_EVENT_NAME}}", "{{/PARTICLE_EVENT_NAME}}");
    let template = format!("{}{lookups}{}", open.repeat(60), close.repeat(60));
    let hook = json!({"event": "costly", "url": receiver.url(), "responseTemplate": template});
    world.create_hook(hook).await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    world.publish("costly", "x").await;
    let error = stream.next().await;
    assert!(error.text().ends_with("the template takes too many steps"));
}
