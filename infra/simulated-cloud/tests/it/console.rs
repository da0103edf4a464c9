//! The page that "Open in Console" leads to.

use serde_json::json;

use crate::support::{Receiver, call, respond, start};

#[tokio::test]
async fn the_console_shows_what_happened_and_no_secret() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.then([
        respond(200, "<script>alert(1)</script>"),
        respond(500, "broken & sad"),
    ]);
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
    for secret in 1..=3 {
        assert!(
            sent.contains(&format!("top-secret-{secret}")),
            "the server is sent everything: {sent}"
        );
    }

    let created = world.api("GET", "/v1/integrations", None).await.json();
    assert_eq!(created[0]["id"], id.as_str());
    let page = call(
        world.addr(),
        "GET",
        &format!("/integrations/webhooks/{id}"),
        &[],
        b"",
    )
    .await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(!page.body.contains("top-secret"), "{}", page.body);
    assert!(!page.body.contains(&world.token));
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
    for hostile in ["<script", "<img", "<b>"] {
        assert!(!page.body.contains(hostile), "{hostile}");
    }
    // Nor does it name one that could not even be used.
    let hook = json!({"event": "nowhere", "url": "me:top-secret-6@h/?key=top-secret-7", "query": {"key": "top-secret-8"}});
    let id = world.create_hook(hook).await;
    world.publish("nowhere", "x").await;
    stream.named("hook-error/nowhere/0").await;
    let path = format!("/integrations/webhooks/{id}");
    let nowhere = call(world.addr(), "GET", &path, &[], b"").await;
    assert!(nowhere.body.contains("Invalid URI"), "{}", nowhere.body);
    assert!(!nowhere.body.contains("top-secret"), "{}", nowhere.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(
        page.header("access-control-allow-origin"),
        None,
        "no other page may read it"
    );
    assert_eq!(
        page.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn the_console_says_when_there_is_no_such_integration() {
    let world = start().await;
    let page = call(
        world.addr(),
        "GET",
        "/integrations/webhooks/0123456789abcdef01234567",
        &[],
        b"",
    )
    .await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains("does not exist"));
}
