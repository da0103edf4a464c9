//! The page that "Open in Console" leads to.

use serde_json::json;

use crate::support::{ApiResponse, Receiver, World, call, respond, start};

async fn page(world: &World, id: &str) -> ApiResponse {
    let path = format!("/integrations/webhooks/{id}");
    call(world.addr(), "GET", &path, &[], b"").await
}

#[tokio::test]
async fn the_console_shows_attempts_and_no_secret() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.then([respond(200, "<script>alert(1)</script>"), respond(500, "broken & sad")]);
    let hook = json!({
        "event": "temp", "name": "<b>mine</b>", "url": format!("{}?key=top-secret-1", receiver.url()),
        "headers": {"X-Api-Key": "top-secret-2", "Content-Type": "text/plain"}, "query": {"token": "top-secret-3"},
        "auth": {"username": "top-secret-4", "password": "top-secret-5"}, "body": "{{{PARTICLE_EVENT_VALUE}}}",
    });
    let id = world.create_hook(hook).await;
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("temp", "<img src=x onerror=alert(1)>").await;
    stream.named("hook-response/temp/0").await;
    world.publish("temp/2", "second").await;
    stream.named("hook-error/temp/2/0").await;
    let sent = receiver.request().await;
    assert_eq!(sent.matches("top-secret-").count(), 3, "{sent}");

    let page = page(&world, &id).await;
    assert_eq!(page.status, 200);
    for shown in [
        "<h1>Simulated console</h1>",
        "&lt;b&gt;mine&lt;/b&gt;",
        "&lt;img src=x onerror=alert(1)&gt;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "error status 500 from 127.0.0.1",
        "broken &amp; sad",
        "<td>1<td>1<td>0",
        "X-Api-Key",
        "(12 characters, hidden)",
        "ParticleBot/1.1",
    ] {
        assert!(page.body.contains(shown), "{shown} is not in {}", page.body);
    }
    for hostile in ["<script", "<img", "<b>", "top-secret", &world.token] {
        assert!(!page.body.contains(hostile), "{hostile}");
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    for (header, value) in [
        ("content-type", Some("text/html; charset=utf-8")),
        ("access-control-allow-origin", None),
        ("cross-origin-resource-policy", Some("same-origin")),
        ("cache-control", Some("no-store")),
    ] {
        assert_eq!(page.header(header), value, "{header}");
    }
}

#[tokio::test]
async fn the_console_hides_the_values_of_a_form() {
    let world = start().await;
    let receiver = Receiver::start().await;
    receiver.always(respond(200, "{}"));
    let mut stream = world.listen("/v1/devices/events").await;
    for (event, method, headers) in [
        ("get", "GET", json!({})),
        ("post", "POST", json!({})),
        ("other", "POST", json!({"Content-Type": "text/plain"})),
    ] {
        let hook = json!({
            "event": event, "url": receiver.url(), "requestType": method, "headers": headers,
            "form": {"api_key": "top-secret-9"},
        });
        let id = world.create_hook(hook).await;
        world.publish(event, "measured").await;
        stream.named(&format!("hook-response/{event}/0")).await;
        let shown = page(&world, &id).await.body;
        assert!(shown.contains("api_key"), "{shown}");
        assert!(!shown.contains("top-secret"), "{shown}");
        let is_body = method == "POST";
        assert_eq!(shown.contains("data=measured"), is_body, "{shown}");
    }
}

#[tokio::test]
async fn an_invalid_url_is_shown_without_its_secrets() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    let hook = json!({"event": "nowhere", "url": "me:top-secret-6@h/?key=top-secret-7", "query": {"key": "top-secret-8"}});
    let id = world.create_hook(hook).await;
    world.publish("nowhere", "x").await;
    stream.named("hook-error/nowhere/0").await;
    let shown = page(&world, &id).await;
    assert!(shown.body.contains("Invalid URI"), "{}", shown.body);
    assert!(!shown.body.contains("top-secret"), "{}", shown.body);
    let unknown = page(&world, "0123456789abcdef01234567").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("does not exist"));
}
