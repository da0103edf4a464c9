//! Integrations as the account keeps them. `api_js.rs` compares the exact responses.

use serde_json::{Value, json};

use crate::{
    device::{Device, ID},
    support::{Receiver, start, start_with_hook, text_hook, tutorial_hook},
};

#[tokio::test]
async fn the_detail_keeps_the_configuration_in_its_order() {
    let world = start().await;
    let given = tutorial_hook("http://127.0.0.1:9/a");
    let id = world.create_hook(given.clone()).await;
    let path = format!("/v1/integrations/{id}");
    let detail = world.get(&path).await;
    for (key, value) in given.as_object().unwrap() {
        // As text, because the order of the keys is kept too.
        assert_eq!(detail[key].to_string(), value.to_string(), "{key}");
    }
    let other = json!({"event": "Other", "url": "http://127.0.0.1:9/b"});
    world.ok("PUT", &path, other).await;
    let detail = world.get(&path).await;
    assert_eq!(detail["event"], "Other");
    assert_eq!(detail["headers"], Value::Null, "everything is replaced");
}

#[tokio::test]
async fn the_test_call_triggers_the_hook_and_is_marked_as_a_guess() {
    let (world, mut receiver, id) = start_with_hook().await;
    let mut stream = world.listen("/v1/devices/events").await;
    let path = format!("/v1/integrations/{id}/test");
    world.ok("POST", &path, Value::Null).await;
    let event = stream.next().await;
    assert_eq!(event.name, "WebhookTutorial01");
    assert_eq!(event.guesses(), ["integration_test_event"]);
    assert!(receiver.request().await.contains("test-event"));
    assert_eq!(world.status("POST", &path, json!({"deviceID": ID})).await, 404, "not known yet");
    let _device = Device::online(&world, &[]).await;
    for (body, coreid, data) in [
        (json!({"deviceID": ID}), ID, "test-event"),
        (json!({"deviceID": "", "data": "21.5"}), "api", "21.5"),
    ] {
        world.ok("POST", &path, body).await;
        let event = stream.named("WebhookTutorial01").await;
        assert_eq!((event.data["coreid"].as_str(), event.text()), (Some(coreid), data));
    }
    for (body, status) in [
        (json!({"deviceID": "my-boron"}), 400),
        (json!({"data": {"t": 1}}), 400),
        (json!({"data": ["t"]}), 400),
    ] {
        assert_eq!(world.status("POST", &path, body.clone()).await, status, "{body}");
    }
}

#[tokio::test]
async fn a_product_has_its_own_hooks_streams_and_topics() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let base = "/v1/products/simulated-product";
    let hook = text_hook("e", &receiver, "{{PRODUCT_ID}} {{PRODUCT_VERSION}}");
    world.ok("POST", &format!("{base}/integrations"), hook).await;
    assert_eq!(world.get("/v1/integrations").await, json!([]));
    let hooks = world.get("/v1/products/30301/webhooks").await;
    assert_eq!(hooks.as_array().unwrap().len(), 1);
    let mut stream = world.listen(&format!("{base}/events")).await;
    world.publish("e", "sandbox").await;
    let event = json!({"name": "e", "data": "product"});
    world.ok("POST", &format!("{base}/events"), event).await;
    let names = ["e", "hook-sent/e", "api/hook-response/e/0"];
    assert_eq!(stream.names(3).await, names);
    assert!(receiver.request().await.ends_with("30301 0"));
}
