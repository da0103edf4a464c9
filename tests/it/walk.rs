//! The whole way: someone who knows nothing goes from Start to the last tick in the simulated cloud, without leaving the page.

use local::config::VirtualDevice;
use serde_json::json;
use tests::{browser::LIGHT, home::Home, visit::Visit};

/// Waits until the page itself has ticked a task; nothing here can tick one.
async fn ticked(visit: &Visit, task: &str) {
    let script = format!("return document.getElementById('task-{task}').dataset.state === 'done'");
    visit.shows(&format!("{task} is ticked"), &script).await;
}

/// Types into a field, as far as the page can tell.
async fn fill(visit: &Visit, selector: &str, text: &str) {
    let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1];
        for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));";
    let args = vec![json!(selector), json!(text)];
    visit.browser.run(script, args).await.unwrap();
}

async fn publish(visit: &Visit, name: &str, data: &str) {
    fill(visit, "[data-form=publish] [name=name]", name).await;
    fill(visit, "[data-form=publish] [name=data]", data).await;
    visit.press("[data-form=publish] [type=submit]").await;
}

/// Sets what the server answers, once, and triggers the webhook.
async fn answer(visit: &Visit, preset: &str) {
    fill(visit, "[data-part=reply-form] [name=preset]", preset).await;
    visit.press("[data-part=reply-form] [type=submit]").await;
    visit
        .shows(
            "the answer is set",
            "return document.querySelector('[data-slot=reply-now]').textContent.includes('next 1 of 1')",
        )
        .await;
    visit.press("[data-do=test-webhook]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_start_to_the_last_tick_without_leaving_the_page() {
    let home = Home::start_with(|config| config.devices = vec![VirtualDevice::default()]).await;
    let visit = Visit::to(&home, LIGHT).await;
    let later = "return !document.getElementById('simple-test').checkVisibility()";
    visit
        .shows("the later sections wait for Start", later)
        .await;
    visit.start().await;
    ticked(&visit, "start").await;
    visit.press("[data-do=connect-simulated]").await;
    for task in ["connect", "make-webhook"] {
        ticked(&visit, task).await;
    }
    visit.press("[data-do=test-webhook]").await;
    ticked(&visit, "test-press").await;
    publish(&visit, "WebhookTutorial01/kitchen", "{}").await;
    ticked(&visit, "prefix-match").await;
    publish(&visit, "webhooktutorial01", "{}").await;
    ticked(&visit, "wrong-case").await;
    publish(&visit, "WebhookTutorial01", "hello").await;
    ticked(&visit, "not-json").await;

    visit
        .shows(
            "the device is online",
            "return document.querySelector('[data-part=device-light]').dataset.state === 'on'",
        )
        .await;
    visit.press("[data-do=flash]").await;
    visit
        .shows(
            "the device can be flashed",
            "return !document.querySelector('[data-part=flash-go]').disabled",
        )
        .await;
    visit.press("[data-part=flash-go]").await;
    ticked(&visit, "flash").await;
    visit.press("[data-do=press-mode]").await;
    ticked(&visit, "device-event").await;
    visit.press("[data-do=send-made-up]").await;
    ticked(&visit, "made-up-coreid").await;

    answer(&visit, "500").await;
    ticked(&visit, "set-error").await;
    answer(&visit, "long").await;
    ticked(&visit, "long-response").await;
    answer(&visit, "slow").await;
    ticked(&visit, "slow-response").await;
    fill(
        &visit,
        "[data-part=box-template]",
        r#"{"celsius":{{{sensor.temperature}}}}"#,
    )
    .await;
    ticked(&visit, "template-box").await;
    visit.axe("nearly everything is done").await;

    visit.press("[data-do=remove-webhook]").await;
    visit
        .press("[data-part=remove-webhook-dialog] [data-do=confirm]")
        .await;
    ticked(&visit, "remove-webhook").await;
    visit.press("[data-do=plug]").await;
    // Two minutes pass for the page alone: what it heard keeps its times.
    let pass = "const now = Date.now.bind(Date); Date.now = () => now() + 125_000;";
    visit.browser.run(pass, vec![]).await.unwrap();
    ticked(&visit, "stop-device").await;
    visit.press("[data-do=forget]").await;
    visit
        .press("[data-part=forget-dialog] [data-do=confirm]")
        .await;
    ticked(&visit, "forget-endpoint").await;
    let open = "return document.querySelectorAll('.task-line:not([data-state=done])').length === 0";
    visit.shows("every task is done", open).await;
    visit.browser.screenshot("walk-done-light").await.unwrap();
    visit.axe("everything is done").await;
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}
