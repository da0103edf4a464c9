//! The webhook is changed in the account, behind the page's back: the page says what differs and can put it back.

use http::Method;
use serde_json::{Value, json};
use tests::{account::Account, browser::LIGHT, home::Home, visit::Visit};

/// The webhook in full, as its owner would send it again.
async fn settings(account: &Account, url: &str) -> Value {
    let mut form: Value = serde_json::from_str(simulated_cloud::WEBHOOK_JSON).unwrap();
    form["url"] = json!(url);
    assert_eq!(account.hooks().await.len(), 1);
    form
}

async fn differs(visit: &Visit, part: &str) {
    let script = format!(
        "const list = document.querySelector('.webhook-differs'); return list.checkVisibility() && list.textContent.includes({})",
        json!(part)
    );
    visit.shows(&format!("the page says {part:?}"), &script).await;
}

async fn put_back(visit: &Visit) {
    visit.text_is("[data-component$=webhook-card] [data-action=yes]", "Put back").await;
    visit.act("webhook-card", "yes").await;
    visit.slot_says("webhook-card", "state", "Every event whose name begins with").await;
    visit
        .shows(
            "nothing differs any more",
            "return !document.querySelector('.webhook-differs').checkVisibility()",
        )
        .await;
}

#[tokio::test]
async fn a_press_that_leads_to_nothing_finds_a_disabled_webhook() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    let url = visit.slot_text("hook", "url").await;
    let mut hook = settings(&account, &url).await;
    hook["disabled"] = json!(true);
    let at = account.hook_path().await;
    account.ask(Method::PUT, &at, hook).await;
    visit.act("webhook-card", "test").await;
    visit.slot_says("webhook-card", "state", "but it was changed").await;
    differs(&visit, "It is disabled: no event triggers it.").await;
    visit.scroll_to("[data-component$=webhook-card]").await;
    visit.look_everywhere("[data-component$=webhook-card]", "particle-changed").await;
    put_back(&visit).await;
    visit.act("webhook-card", "test").await;
    visit.blocks("response", 1).await;
    account.ask(Method::DELETE, &at, Value::Null).await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_webhook_led_away_or_deleted_is_restored() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    let own = visit.slot_text("hook", "url").await;
    let url = async || account.hooks().await[0]["url"].clone();

    let away = "http://127.0.0.1:9/away";
    let at = account.hook_path().await;
    let hook = settings(&account, away).await;
    account.ask(Method::PUT, &at, hook).await;
    visit.act("webhook-card", "test").await;
    visit.slot_says("webhook-card", "state", "no longer leads here").await;
    visit.slot_says("webhook-card", "question-words", away).await;
    visit.text_is("[data-component$=webhook-card] [data-action=yes]", "Take back").await;
    visit.scroll_to("[data-component$=webhook-card]").await;
    visit.look("[data-component$=webhook-card]", "particle-led-away-light").await;
    visit.act("webhook-card", "yes").await;
    visit.connected().await;
    assert_eq!(url().await, json!(own));

    account.ask(Method::DELETE, &at, Value::Null).await;
    visit.act("webhook-card", "test").await;
    visit.slot_says("webhook-card", "state", "no longer in your account").await;
    visit.scroll_to("[data-component$=webhook-card]").await;
    visit.look("[data-component$=webhook-card]", "particle-deleted-light").await;
    visit.act("webhook-card", "yes").await;
    visit.connected().await;
    assert_eq!(url().await, json!(own));
    visit.end(home).await;
}

#[tokio::test]
async fn a_webhook_that_leads_elsewhere_is_noticed_by_its_rounds() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    let other = home.person().await;
    let hook = settings(&account, &other.hook_url()).await;
    let at = account.hook_path().await;
    account.ask(Method::PUT, &at, hook).await;
    // Somebody else's event: nothing is pressed here.
    account.publish("WebhookTutorial01", "{}").await;
    visit.slot_says("webhook-card", "state", "no longer leads here").await;
    visit.says(".log-count", "the webhook leads elsewhere").await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_webhook_changed_elsewhere_is_compared_and_put_back() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    let url = visit.slot_text("hook", "url").await;
    let at = account.hook_path().await;
    let made = account.ask(Method::GET, &at, Value::Null).await;
    let change = async |change: fn(&mut Value)| {
        let mut hook = settings(&account, &url).await;
        change(&mut hook);
        account.ask(Method::PUT, &at, hook).await;
    };

    change(|hook| hook["event"] = json!("Other")).await;
    visit.act("webhook-card", "test").await;
    differs(&visit, "Its event is “Other”, so “WebhookTutorial01” does not trigger it.").await;
    put_back(&visit).await;

    // What still fires is seen when somebody comes back to the page.
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 2] = [
        (
            |hook| hook["requestType"] = json!("PUT"),
            "requestType is “PUT”; this page wrote “POST”.",
        ),
        (
            |hook| hook["deviceid"] = json!("e00fce68aaaaaaaaaaaaaaaa"),
            "Only the device “e00fce68aaaaaaaaaaaaaaaa” triggers it.",
        ),
    ];
    for (edit, says) in edits {
        change(edit).await;
        visit.reload().await;
        differs(&visit, says).await;
        put_back(&visit).await;
    }
    let mut now = account.ask(Method::GET, &at, Value::Null).await;
    let mut made = made;
    for one in [&mut now, &mut made] {
        // What happened meanwhile is no setting.
        for name in ["counters", "logs", "updated_at"] {
            one.as_object_mut().unwrap().remove(name);
        }
        // The settings that were put in its place had no token, so this is a new one.
        let token = one["headers"]["Authorization"].take();
        assert!(token.as_str().unwrap().starts_with("Bearer "), "{token}");
    }
    assert_eq!(now, made);
    visit.end(home).await;
}

#[tokio::test]
async fn what_connecting_does_is_said_before_it_is_done() {
    let home = Home::start_with(crate::particle_account::as_account).await;
    let account = Account::of(&home).await;
    let visit = Visit::to(&home, LIGHT).await;
    visit.start().await;
    visit.press("[data-component$=connect] summary").await;
    let is_there =
        "return document.querySelector('[data-component$=sign-in]').dataset.late === undefined";
    visit.shows("the ways to sign in", is_there).await;
    for part in [
        "makes one webhook in your account, named WebhookTutorial01",
        "Nothing else in the account is changed, and no device",
        "made in your sandbox",
        "It stays until you remove it",
        "the program that you started on this computer",
        "It keeps deliveries for 7 days",
        "“Clear” and “Forget endpoint” delete them earlier",
    ] {
        visit.says("[data-component$=sign-in]", part).await;
    }
    assert!(account.hooks().await.is_empty(), "nothing is made before somebody says so");
    visit.sign_in("token", &[("token", &account.token)]).await;
    visit.connected().await;
    assert_eq!(account.hooks().await.len(), 1);
    visit.end(home).await;
}

#[tokio::test]
async fn an_edited_webhook_is_checked_and_saved_in_the_account() {
    let (home, visit, _) = Visit::started(LIGHT).await;
    let text = "[data-component$=webhook-edit] [data-slot=text]";
    visit.act("webhook-card", "edit").await;
    let shown = visit
        .shows(
            "the settings can be edited",
            &format!("return document.querySelector('{text}').value"),
        )
        .await;
    visit.fill(text, "{\"event\": }").await;
    visit.slot_says("webhook-edit", "mistakes", "not JSON").await;
    let edited = shown.as_str().unwrap().replace("\"POST\"", "\"PUT\"");
    visit.fill(text, &edited).await;
    visit.slot_says("webhook-edit", "verdict", "No mistake").await;
    visit.axe_in("#webhook-configuration", "the webhook is edited").await;
    visit.act("webhook-edit", "save").await;
    visit.slot_says("webhook-card", "fields", "Request typePUT").await;
    visit.slot_says("webhook-card", "state", "it was changed").await;
    let account = Account::of(&home).await;
    let id = account.hooks().await[0]["id"].as_str().unwrap().to_owned();
    let hook = account.ask(Method::GET, &format!("/v1/integrations/{id}"), Value::Null).await;
    assert!(hook.to_string().contains("\"PUT\""), "{hook}");
    visit.act("webhook-card", "yes").await;
    visit.slot_says("webhook-card", "fields", "Request typePOST").await;
    visit.end(home).await;
}
