//! Cloud secrets: what uses them, and that nobody reads them again.

use serde_json::{Value, json};

use crate::support::{call, respond, start_with_hook};

#[tokio::test]
async fn a_secret_reaches_the_server_and_nothing_else() {
    let (world, mut receiver, _) = start_with_hook().await;
    let value = "s&cret/=value";
    let secret = json!({"name": "AUTH_KEY", "value": value});
    let made = world.ok("POST", "/v1/secrets", secret).await;
    assert_eq!(made["secret"]["name"], "AUTH_KEY");
    assert_eq!(made["secret"]["usage_count"], 0);
    world.ok("POST", "/v1/secrets", json!({"name": "FIELD", "value": "Key-2"})).await;
    let tag = "{{{AUTH_KEY}}}";
    let hook = json!({
        "event": "e", "url": format!("{}/{tag}", receiver.url()), "headers": {"Authorization": format!("Bearer {tag}"), "X-{{{FIELD}}}": "1"},
        "query": {"key": tag}, "body": format!("{tag} {{{{{{AUTH_KEYS}}}}}}"), "responseTopic": format!("r/{tag}"),
    });
    let id = world.create_hook(hook).await;
    let basic = json!({
        "event": "basic", "url": receiver.url(), "auth": {"username": "me", "password": tag},
        "query": {"field": "{{{FIELD}}}"},
    });
    let basic = world.create_hook(basic).await;
    receiver.always(respond(200, &format!("{value} x-key-2")));
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("e", r#"{"AUTH_KEY":"forged"}"#).await;
    let request = receiver.request().await;
    for part in [
        "/hook/x/s&cret/=value?",
        "key=s%26cret%2F%3Dvalue",
        "Bearer s&cret/=value\r\n",
        "x-key-2: 1\r\n",
        "\r\n\r\ns&cret/=value ",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
    // The name of an event is seen by everybody: it is filled from the data as before.
    stream.named("r/forged/0").await;
    world.publish("basic", "").await;
    assert!(receiver.request().await.contains("authorization: Basic bWU6cyZjcmV0Lz12YWx1ZQ==\r\n"));
    stream.named("hook-response/basic/0").await;
    let mut shown = vec![world.get("/v1/secrets").await.to_string()];
    for id in [&id, &basic] {
        shown.push(world.hook(id).await.to_string());
        let page = format!("/integrations/webhooks/{id}");
        shown.push(call(world.addr(), "GET", &page, &[], b"").await.body);
    }
    for text in &shown {
        for part in ["s&cret", "s%26cret", "s&amp;cret", "bWU6cyZj", "Key-2", "key-2"] {
            assert!(!text.contains(part), "{part} is in {text}");
        }
    }
    for part in [
        "/[[SENSITIVE]]?",
        "key=[[SENSITIVE]]",
        "Bearer [[SENSITIVE]]",
        r#""X-[[SENSITIVE]]""#,
        r#""body":"[[SENSITIVE]] x-[[SENSITIVE]]""#,
    ] {
        assert!(shown[1].contains(part), "{part} is not in {}", shown[1]);
    }
    assert!(shown[3].contains("Basic [[SENSITIVE]]"), "{}", shown[3]);
    let used = world.get("/v1/secrets/AUTH_KEY").await["secret"].clone();
    assert_eq!(
        (&used["usage_count"], &used["last_accessed_at"]),
        (&json!(2), &json!("2026-11-23T11:00:00.000Z"))
    );
    assert_eq!(used["integrations"][0]["id"], json!(id));

    assert_eq!(world.status("DELETE", "/v1/secrets/AUTH_KEY", Value::Null).await, 400);
    world.ok("PUT", "/v1/secrets/AUTH_KEY", json!({"secret": {"value": "new"}})).await;
    world.publish("e", "").await;
    assert!(receiver.request().await.contains("Bearer new\r\n"));
    for id in [&id, &basic] {
        world.ok("DELETE", &format!("/v1/integrations/{id}"), Value::Null).await;
    }
    world.ok("DELETE", "/v1/secrets/AUTH_KEY", Value::Null).await;
    assert_eq!(world.status("GET", "/v1/secrets/AUTH_KEY", Value::Null).await, 404);
}

#[tokio::test]
async fn a_secrets_name_and_value_are_checked() {
    let (world, _receiver, _) = start_with_hook().await;
    for name in ["", "auth", "A-B", "1A", "\u{c4}", &"A".repeat(65)] {
        let secret = json!({"name": name, "value": "x"});
        assert_eq!(world.status("POST", "/v1/secrets", secret).await, 400, "{name}");
    }
    assert_eq!(world.status("POST", "/v1/secrets", json!({"name": "A", "value": ""})).await, 400);
    world.ok("POST", "/v1/secrets", json!({"secret": {"name": "_A1", "value": "x"}})).await;
    assert_eq!(
        world.status("POST", "/v1/secrets", json!({"name": "_A1", "value": "y"})).await,
        400
    );
    assert_eq!(world.status("GET", "/v1/secrets/B", Value::Null).await, 404);
}

#[tokio::test]
async fn an_error_names_no_secret() {
    let (world, _receiver, _) = start_with_hook().await;
    world.ok("POST", "/v1/secrets", json!({"name": "HOST", "value": "not a host"})).await;
    let hook = json!({"event": "bad", "url": "http://{{{HOST}}}/"});
    world.create_hook(hook).await;
    let mut stream = world.listen("/v1/devices/events/hook-error").await;
    world.publish("bad", "").await;
    let error = stream.next().await;
    assert!(error.text().contains("value of a secret"), "{}", error.text());
}
