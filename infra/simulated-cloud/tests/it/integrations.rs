//! Integrations as the account keeps them.

use serde_json::{Value, json};

use crate::support::{Receiver, start, start_with_hook, text_hook, tutorial_hook};

#[test]
fn the_tutorials_integration_is_exactly_this() {
    let hook: Value = serde_json::from_str(simulated_cloud::WEBHOOK_JSON).unwrap();
    assert_eq!(
        hook,
        json!({
            "event": "WebhookTutorial01", "integration_type": "Webhook", "url": "", "requestType": "POST",
            "noDefaults": true, "rejectUnauthorized": true, "headers": {"Content-Type": "application/json"},
            "json": {
                "event": "{{{PARTICLE_EVENT_NAME}}}", "data": "{{{PARTICLE_EVENT_VALUE}}}",
                "coreid": "{{{PARTICLE_DEVICE_ID}}}", "published_at": "{{{PARTICLE_PUBLISHED_AT}}}",
            },
            "responseTopic": "{{{PARTICLE_DEVICE_ID}}}/hook-response/{{{PARTICLE_EVENT_NAME}}}",
            "errorResponseTopic": "{{{PARTICLE_DEVICE_ID}}}/hook-error/{{{PARTICLE_EVENT_NAME}}}",
        })
    );
}

#[tokio::test]
async fn integrations_are_created_listed_changed_and_deleted() {
    let world = start().await;
    let id = world
        .create_hook(tutorial_hook("http://127.0.0.1:9/a"))
        .await;
    let list = world.api("GET", "/v1/integrations", None).await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    for (key, value) in [
        ("id", id.as_str()),
        ("event", "WebhookTutorial01"),
        ("url", "http://127.0.0.1:9/a"),
        ("integration_type", "Webhook"),
        ("requestType", "POST"),
        ("created_at", "2026-11-23T11:00:00.000Z"),
    ] {
        assert_eq!(list[0][key], value, "{key}");
    }
    assert_eq!(world.api("GET", "/v1/webhooks", None).await.json(), list);
    let given: Value = serde_json::from_str(&tutorial_hook("http://127.0.0.1:9/a")).unwrap();
    let detail = world.hook(&id).await;
    for (key, value) in given.as_object().unwrap() {
        assert_eq!(&detail[key], value, "{key}");
    }
    let path = format!("/v1/integrations/{id}");
    let text = world.api("GET", &path, None).await.body;
    let order = r#""json":{"event":"{{{PARTICLE_EVENT_NAME}}}","data":"#;
    assert!(
        text.contains(order),
        "the order of the keys is kept: {text}"
    );
    let edited = world
        .api(
            "PUT",
            &path,
            Some(json!({"event": "Other", "url": "http://127.0.0.1:9/b"})),
        )
        .await;
    assert_eq!((edited.status, &edited.json()["id"]), (200, &json!(id)));
    let detail = world.api("GET", &path, None).await.json();
    assert_eq!(
        (&detail["event"], &detail["headers"]),
        (&json!("Other"), &Value::Null),
        "an edit replaces everything"
    );
    assert_eq!(
        world
            .api("PUT", &path, Some(json!({"event": ""})))
            .await
            .status,
        400
    );
    assert_eq!(
        world.api("DELETE", &path, None).await.json(),
        json!({"ok": true})
    );
    assert_eq!(world.api("DELETE", &path, None).await.status, 404);
    assert_eq!(
        world.api("GET", "/v1/integrations", None).await.json(),
        json!([])
    );
}

#[tokio::test]
async fn the_test_call_triggers_the_hook_and_says_that_its_form_is_a_guess() {
    let (world, mut receiver, id) = start_with_hook().await;
    let mut stream = world.listen("/v1/devices/events").await;
    assert_eq!(
        world
            .api("POST", &format!("/v1/integrations/{id}/test"), None)
            .await
            .json(),
        json!({"ok": true})
    );
    let event = stream.next().await;
    assert_eq!(
        (event.name.as_str(), event.guesses()),
        (
            "WebhookTutorial01",
            vec!["integration_test_event".to_owned()]
        )
    );
    assert!(receiver.request().await.contains("test-event"));
}

#[tokio::test]
async fn a_product_has_its_own_hooks_streams_and_topics() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let base = "/v1/products/simulated-product";
    let hook = text_hook("e", &receiver, "{{PRODUCT_ID}} {{PRODUCT_VERSION}}");
    assert_eq!(
        world
            .api("POST", &format!("{base}/integrations"), Some(hook))
            .await
            .status,
        200
    );
    assert_eq!(
        world.api("GET", "/v1/integrations", None).await.json(),
        json!([])
    );
    assert_eq!(
        world
            .api("GET", "/v1/products/30301/webhooks", None)
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let mut stream = world.listen(&format!("{base}/events")).await;
    world.publish("e", "sandbox").await;
    let answer = world
        .api(
            "POST",
            &format!("{base}/events"),
            Some(json!({"name": "e", "data": "product"})),
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        stream.names(3).await,
        ["e", "hook-sent/e", "api/hook-response/e/0"]
    );
    assert!(receiver.request().await.ends_with("30301 0"));
    assert_eq!(
        world
            .api("GET", "/v1/products/unknown/integrations", None)
            .await
            .status,
        404
    );
}
