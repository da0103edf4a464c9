//! The page and a Particle account in a real browser: signing in, and all that can go wrong with it, with the webhook, and with
//! the cloud; and the page without an account.

use std::sync::Arc;

use http::{Method, StatusCode};
use local::{clouds::Cloud, config::Config};
use serde_json::{Value, json};
use tests::{
    account::Account, browser::LIGHT, home::Home, learner::is_whole, network::Network, visit::Visit,
};

/// Offers the simulated cloud as one's own account is offered: no account at hand, so one signs in.
pub(crate) fn as_account(config: &mut Config) {
    config.clouds = Arc::new(|usual| {
        usual
            .into_iter()
            .map(|cloud| Cloud { id: "particle".to_owned(), demo: None, ..cloud })
            .collect()
    });
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_said_once_and_tried_once() {
    let home = Home::start_with(|config| {
        as_account(config);
        config.particle.mfa = Some("123456".to_owned());
    })
    .await;
    let demo = home.stack.cloud().credentials();
    let visit = Visit::to(&home, LIGHT).await;
    visit.start().await;
    visit.scroll_to("[data-component$=connect]").await;
    visit.look_everywhere("[data-component$=connect]", "particle-account").await;
    visit
        .sign_in("password", &[("username", &demo.username), ("password", "not the password")])
        .await;
    visit
        .slot_says("connect", "problem", "User name or password is wrong. It was tried once")
        .await;
    visit.look_everywhere("[data-component$=connect]", "particle-wrong-password").await;
    visit.sign_in("password", &[("password", &demo.password)]).await;
    visit
        .shows(
            "the code is asked for",
            "return document.querySelector('[data-component$=connect] [data-form=code]').checkVisibility()",
        )
        .await;
    visit.sign_in("code", &[("code", "654321")]).await;
    visit.slot_says("connect", "problem", "The one-time code is wrong").await;
    visit.look_everywhere("[data-component$=connect]", "particle-wrong-code").await;
    visit.sign_in("code", &[("code", "123 456")]).await;
    visit.connected().await;
    // Nothing that was refused was asked a second time: the page's client asks, and the page asks once.
    assert_eq!(visit.run("return performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/oauth/token')).length").await, 4);
    assert!(!visit.text(".publish-line").await.is_empty());
    let made = visit.token().await;
    for kept in ["localStorage", "location.href", "document.cookie"] {
        let found = visit.run(&format!("return JSON.stringify({kept}).includes('{made}') || Object.values(localStorage).join().includes('{made}')")).await;
        assert_eq!(found, json!(false), "the token is in {kept}");
    }
    visit.remove_webhook().await;
    let account = Account::with_token(&home, &made);
    visit.act("connection", "sign-out").await;
    account.ended().await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_pasted_token_works_and_is_not_deleted_at_sign_out() {
    let home = Home::start_with(as_account).await;
    let account = Account::of(&home).await;
    let visit = Visit::to(&home, LIGHT).await;
    visit.start().await;
    for wrong in ["two words", "0123456789abcdef0123456789abcdef01234567"] {
        visit.sign_in("token", &[("token", wrong)]).await;
        visit.slot_says("connect", "problem", "token").await;
    }
    visit.picture("particle-wrong-token-light").await;
    visit.sign_in("token", &[("token", &format!(" {}\n", account.token))]).await;
    visit.connected().await;
    visit.act("connection", "sign-out").await;
    visit
        .shows(
            "the page is signed out",
            "return document.querySelector('[data-component$=connect] [data-form=token]').checkVisibility()",
        )
        .await;
    let user = account.call(Method::GET, "/v1/user", Value::Null).await;
    assert_eq!(user.status(), StatusCode::OK, "whoever made the token keeps it");
    visit.end(home).await;
}

#[tokio::test]
async fn a_token_that_ends_keeps_the_log_and_the_place_and_asks_again() {
    let home = Home::start().await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    visit.act("webhook-card", "test").await;
    let before = visit.whole_rounds(1).await;
    let account = Account::with_token(&home, &visit.token().await);
    account.ask(Method::DELETE, "/v1/access_tokens/current", Value::Null).await;
    visit.act("webhook-card", "test").await;
    visit.slot_says("connect", "why", "The sign-in has ended").await;
    visit.scroll_to("[data-component$=connect] [data-slot=card]").await;
    visit.look_everywhere("[data-component$=connect]", "particle-expired").await;
    let meanwhile =
        visit.log_shows("what was there", |rounds| rounds.first().is_some_and(is_whole)).await;
    assert_eq!(meanwhile[0], before[0]);
    visit.says(".log-count", "not listening to events").await;
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    let after = visit
        .log_shows("a second round", |rounds| {
            rounds.iter().filter(|round| is_whole(round)).count() == 2
        })
        .await;
    assert!(
        after.iter().any(|round| round.who == "Not listening"
            && round.status.contains("events from that time are missing here")),
        "{after:#?}"
    );
    visit.remove_webhook().await;
    visit.end(home).await;
}

#[tokio::test]
async fn somebody_elses_webhook_is_left_alone_until_it_is_taken_over() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    for (event, url) in [
        ("WebhookTutorial01", "http://127.0.0.1:9/theirs"),
        ("Webhook", "http://127.0.0.1:9/wider"),
    ] {
        let hook = json!({ "event": event, "integration_type": "Webhook", "url": url, "requestType": "POST" });
        account.ask(Method::POST, "/v1/integrations", hook).await;
    }
    let url = async || account.hooks().await[0]["url"].clone();
    let visit = Visit::to(&home, LIGHT).await;
    visit.start().await;
    let own = visit.slot_text("hook", "url").await;
    visit.slot_says("start", "webhook-words", "leads elsewhere").await;
    visit
        .slot_says(
            "webhook-card",
            "state",
            "There is a webhook named “WebhookTutorial01” in the account already",
        )
        .await;
    visit.slot_says("webhook-card", "question-words", "http://127.0.0.1:9/theirs, made on").await;
    visit.slot_says("webhook-card", "overlap", "“Webhook”, to http://127.0.0.1:9/wider").await;
    visit.scroll_to("[data-component$=webhook-card]").await;
    visit.look("[data-component$=webhook-card]", "particle-elsewhere-light").await;
    visit.act("webhook-card", "no").await;
    visit.slot_says("webhook-card", "question-words", "It was left as it is").await;
    assert_eq!(url().await, "http://127.0.0.1:9/theirs");
    visit.reload().await;
    visit.slot_says("webhook-card", "question-words", "http://127.0.0.1:9/theirs").await;
    visit.act("webhook-card", "yes").await;
    visit.connected().await;
    assert_eq!(url().await, json!(own));
    assert_eq!(account.hooks().await.len(), 2);
    visit.end(home).await;
}

#[tokio::test]
async fn when_two_webhooks_fire_for_one_event_the_log_says_so() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    let own = visit.slot_text("hook", "url").await;
    let wider = json!({ "event": "Webhook", "integration_type": "Webhook", "url": own, "requestType": "POST" });
    account.ask(Method::POST, "/v1/integrations", wider).await;
    visit.act("webhook-card", "test").await;
    let rounds = visit
        .log_shows("a duplicate", |rounds| {
            rounds.iter().any(|round| round.status.contains("seen before"))
        })
        .await;
    let notes: String = rounds
        .iter()
        .flat_map(|round| &round.blocks)
        .map(|block| block.note.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        notes.contains("Seen before, #")
            && notes.contains("two webhooks whose names overlap fired"),
        "{notes}"
    );
    visit.picture("particle-two-hooks-light").await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_lost_cloud_is_reported_and_found_again() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let network = Network::of(&visit).await;
    visit.start().await;
    visit.connect().await;
    visit.slot_says("connection", "devices", "No devices in this account").await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(1).await;
    network.go_down().await;
    visit.slot_says("connection", "stream", "can’t be reached").await;
    visit.act("webhook-card", "test").await;
    visit
        .slot_says("webhook-card", "status", "Not published. The simulated cloud can’t be reached")
        .await;
    visit.scroll_to("[data-component$=connection]").await;
    visit.look("[data-component$=connection]", "particle-cloud-down-light").await;
    network.come_back().await;
    visit.listening().await;
    visit.act("webhook-card", "test").await;
    let rounds = visit
        .log_shows("a second round", |rounds| {
            rounds.iter().filter(|round| is_whole(round)).count() == 2
        })
        .await;
    let is_named = rounds.iter().any(|round| round.who == "Not listening");
    assert!(is_named, "{rounds:#?}");
    visit.end(home).await;
}
