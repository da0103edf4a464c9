//! The page in a real browser: what a person does, and what they see.

use http::StatusCode;
use serde_json::json;
use tests::{
    browser::{LIGHT, PHONE},
    eventually,
    faults::proxy::Fault,
    home::Home,
    visit::Visit,
};

#[tokio::test]
async fn start_send_and_watch_the_three_blocks_arrive() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    for part in ["curl", person.endpoint.as_str()] {
        visit.slot_says("hook", "line", part).await;
    }
    let sent = person.post("application/json", r#"{"event":"WebhookTutorial01","data":"{\"op\":\"test\",\"id\":1652008511}","coreid":"api"}"#).await;
    assert_eq!(sent.status(), StatusCode::OK);
    for kind in ["received", "parsed", "response"] {
        visit.blocks(kind, 1).await;
    }
    for text in ["Webhook received", "Parsed data", "Webhook response", "1652008511", "POST", "200"]
    {
        visit.says(".log-rounds", text).await;
    }
    visit.end(home).await;
}

#[tokio::test]
async fn the_page_says_that_the_data_is_gone_and_recovers() {
    let (home, proxy) = Home::start_proxied(|_| {}).await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    person.post("text/plain", "before").await;
    visit.blocks("received", 1).await;
    proxy.fail_all(Fault::Reset);
    visit
        .shows(
            "the page says that it is not connected",
            "return document.querySelector('.log-live').dataset.state === 'failing'",
        )
        .await;
    visit.picture("not-connected-light").await;
    visit.axe("not connected").await;
    proxy.stop_failing();
    eventually("a webhook is taken again", || async {
        (person.post("text/plain", "after").await.status() == StatusCode::OK).then_some(())
    })
    .await;
    visit
        .shows(
            "the page is live again",
            "return document.querySelector('.log-live').dataset.state === 'live'",
        )
        .await;
    visit
        .shows(
            "what came is shown",
            "return document.querySelector('.log-rounds').textContent.includes('after')",
        )
        .await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_share_link_reads_under_a_bar_and_replaces_nothing() {
    let home = Home::start().await;
    let owner = home.person().await;
    owner.post_secret().await;

    let visit = Visit::to(&home, LIGHT).await;
    let own = visit.start().await;
    visit.goto(&format!("{}/#{}", home.stack.page_url, owner.share.reveal())).await;
    visit.reload().await;
    visit
        .shows(
            "the bar says whose log it is",
            "return document.querySelector('.read-bar').checkVisibility()",
        )
        .await;
    visit.blocks("received", 1).await;
    visit.says(".log-rounds", "shared body").await;
    let log = visit.text(".log-rounds").await;
    assert!(!log.contains("planted-secret"), "{log}");
    let address = visit.browser.client.current_url().await.unwrap();
    assert!(!address.as_str().contains("read_"), "{address}");
    visit.picture("shared-light").await;
    visit.axe("someone else's log").await;

    visit.act("read-bar", "leave").await;
    visit
        .shows(
            "one's own endpoint is back",
            &format!(
                "return document.querySelector('[data-component$=hook] [data-slot=url]').textContent.endsWith('{}')",
                own.endpoint
            ),
        )
        .await;
    visit.end(home).await;
}

#[tokio::test]
async fn another_owners_key_is_adopted_only_after_a_question() {
    let home = Home::start().await;
    let other = home.person().await;
    other.post("text/plain", "the other log").await;
    let visit = Visit::to(&home, LIGHT).await;
    let own = visit.start().await;
    let link = format!("{}/#{}", home.stack.page_url, other.owner.reveal());
    // A damaged link is good for nothing, and its key does not stay in the address.
    for tail in [".", "?x", "&utm_source=x"] {
        visit.goto("about:blank").await;
        visit.goto(&format!("{link}{tail}")).await;
        let says = "return document.querySelector('dialog[data-name=damaged-link]').open";
        visit.shows("the page says that it is damaged", says).await;
        let address = visit.browser.client.current_url().await.unwrap();
        assert!(!address.as_str().contains("own_"), "{address}");
        visit.slot_says("hook", "url", own.endpoint.as_str()).await;
    }
    for (answer, endpoint) in [("close", &own.endpoint), ("confirm", &other.endpoint)] {
        visit.goto("about:blank").await;
        visit.goto(&link).await;
        visit
            .shows("the page asks", "return document.querySelector('dialog[data-name=adopt]').open")
            .await;
        let address = visit.browser.client.current_url().await.unwrap();
        assert!(!address.as_str().contains("own_"), "{address}");
        visit.press(&format!("dialog[data-name=adopt] [data-action={answer}]")).await;
        visit.shows("the right endpoint is shown", &format!("return document.querySelector('[data-component$=hook] [data-slot=url]').textContent.endsWith('{endpoint}')")).await;
    }
    visit
        .shows(
            "its log is shown",
            "return document.querySelector('.log-rounds').textContent.includes('the other log')",
        )
        .await;

    // The one before is offered, and what is learned meanwhile takes the focus away from nobody.
    let offered = "return document.querySelector('.endpoint-list')?.textContent ?? ''";
    let offered = visit.shows("the other endpoint is listed", offered).await;
    assert!(offered.as_str().unwrap().contains(own.endpoint.as_str()));
    let focus = "document.querySelector('.endpoint-list button').focus()";
    visit.run(focus).await;
    for _ in 0..3 {
        let learn = "window.asked = performance.getEntriesByType('resource').length; new BroadcastChannel('webhook-tutorial').postMessage({ what: 'changed', endpoint: arguments[0] })";
        let endpoint = json!(other.endpoint);
        visit.run_with(learn, vec![endpoint]).await;
        visit
            .shows("the server was asked anew", "return performance.getEntriesByType('resource').slice(window.asked).some(({ name }) => name.endsWith('/api/endpoint'))")
            .await;
    }
    let focused = "return document.activeElement.matches('.endpoint-list button')";
    assert_eq!(visit.run(focused).await, true);
    visit.press(".endpoint-list button").await;
    visit.shows("the one before is shown, and has the focus", &format!("return document.activeElement.matches('.endpoint-list input') && document.querySelector('[data-component$=hook] [data-slot=url]').textContent.endsWith('{}')", own.endpoint)).await;
    visit.end(home).await;
}

#[tokio::test]
async fn the_mode_is_named_wherever_the_reader_is() {
    let home = Home::start().await;
    for (name, view) in [("laptop", LIGHT), ("phone", PHONE)] {
        let visit = Visit::to(&home, view).await;
        visit.start().await;
        visit.listening().await;
        visit.slot_says("mode", "name", "Simulated").await;
        let covered = "const mode = document.querySelector('[data-component$=mode] [data-slot=name]');
            return [...document.querySelectorAll('.page-section')].flatMap((section) => {
              section.scrollIntoView({ behavior: 'instant' });
              const { left, top, width, height } = mode.getBoundingClientRect();
              const there = document.elementFromPoint(left + width / 2, top + height / 2);
              return mode.contains(there) && section.getBoundingClientRect().top >= top + height ? [] : [section.id];
            });";
        // Nowhere is the mode out of sight.
        visit.gives(covered, json!([])).await;
        if name == "phone" {
            visit.act("progress", "toggle").await;
            // The contents do not cover the mode, and the bar takes little of a phone.
            visit.gives(covered, json!([])).await;
            let is_low =
                "return document.querySelector('.top-bar').getBoundingClientRect().height <= 84";
            visit.gives(is_low, true).await;
        }
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}
