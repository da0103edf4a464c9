//! A whole walk through the tutorial, and no secret of it in the server's log.

use std::sync::{Arc, Mutex};

use http::{Method, Request};
use local::clouds::Cloud;
use serde_json::{Value, json};
use tests::{account::Account, browser::LIGHT, home::Home, visit::Visit};

const CODE: &str = "493817";
/// Secrets of webhooks: in a header, in a body, in basic authentication.
const HOOK_SECRETS: [&str; 3] = ["header-secret-71", "body-secret-72", "auth-secret-73"];

#[tokio::test]
async fn no_secret_is_in_the_server_log() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let home = Home::start_with(|config| {
        // Every line, whatever its level, as it would be written.
        config.log = Arc::new(move |line| {
            kept.lock()
                .unwrap()
                .push(serde_json::to_string(line).unwrap());
        });
        config.particle.mfa = Some(CODE.to_owned());
        config.clouds = Arc::new(|usual| {
            let account = |cloud| Cloud {
                id: "particle".to_owned(),
                demo: None,
                ..cloud
            };
            usual.into_iter().map(account).collect()
        });
    })
    .await;
    let demo = home.stack.cloud().demo();
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    for (password, code) in [
        ("wrong-password-70", None),
        (demo.password.as_str(), Some(CODE)),
    ] {
        visit
            .fill("[data-form=password] [name=username]", &demo.username)
            .await;
        visit
            .fill("[data-form=password] [name=password]", password)
            .await;
        visit.press("[data-form=password] button").await;
        let Some(code) = code else {
            visit
                .says("connect-problem", "User name or password is wrong")
                .await;
            continue;
        };
        visit
            .shows(
                "the code is asked for",
                "return document.querySelector('[data-form=code]').checkVisibility()",
            )
            .await;
        visit.fill("[data-form=code] [name=code]", code).await;
        visit.press("[data-form=code] [type=submit]").await;
    }
    visit.connected().await;
    visit.press("[data-do=test-webhook]").await;
    visit.whole_rounds(1).await;
    let token = visit.token().await;

    // A webhook of somebody's own, with secrets where people put them.
    let account = Account::with_token(&home, &token);
    let hook = json!({
        "event": "WithSecrets", "integration_type": "Webhook", "url": person.hook_url(), "requestType": "POST",
        "headers": { "x-api-key": HOOK_SECRETS[0] }, "auth": { "username": "u", "password": HOOK_SECRETS[2] },
        "json": { "key": HOOK_SECRETS[1], "data": "{{{PARTICLE_EVENT_VALUE}}}" },
    });
    account.ask(Method::POST, "/v1/integrations", hook).await;
    account.publish("WithSecrets", "x").await;
    // Calls that fail say why, and that must not be what they were given.
    for key in [
        person.owner.reveal(),
        person.share.reveal(),
        token.as_str(),
        "own_not-a-key",
    ] {
        person
            .call_with(key, Method::GET, "/api/log?after=wrong", "")
            .await;
        person.call_with(key, Method::PUT, "/api/reply", "{").await;
        person.call_with(key, Method::GET, "/api/nothing", "").await;
        let request = Request::post(person.hook_url())
            .header("authorization", format!("Bearer {key}"))
            .body(format!("{key} {}", HOOK_SECRETS[1]).into())
            .unwrap();
        home.client.send(request).await.unwrap();
    }
    visit.blocks("received", 6).await;
    visit
        .press("[data-part=connect-done] [data-do=sign-out]")
        .await;
    account.ended().await;
    let signed_out = account.call(Method::GET, "/v1/user", Value::Null).await;
    assert_eq!(signed_out.status(), 401);
    visit.close().await;
    home.stack.stop().await.unwrap();

    let log = lines.lock().unwrap().join("\n");
    for part in ["receiver", "api", "401", "400"] {
        assert!(log.contains(part), "no line about {part}: {log}");
    }
    let secrets = [
        person.owner.reveal(),
        person.share.reveal(),
        &token,
        CODE,
        &demo.password,
        "wrong-password-70",
    ];
    for secret in secrets.into_iter().chain(HOOK_SECRETS) {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
