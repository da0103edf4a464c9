//! The page in a real browser: what a person does, and what they see.

use http::StatusCode;
use local::engine::Engine;
use serde_json::json;
use tests::{
    browser::{LIGHT, PHONE, VIEWS},
    client::Client,
    eventually,
    home::Home,
    proxy::{Mood, Proxy},
    visit::Visit,
};

#[tokio::test]
async fn start_send_and_watch_the_three_blocks_arrive_in_every_view() {
    let home = Home::start().await;
    for (name, view) in VIEWS {
        let visit = Visit::to(&home, view).await;
        visit.look(&format!("signed-out-{name}")).await;
        let person = visit.start().await;
        let line = visit.text("[data-component$=hook] [data-slot=line]").await;
        assert!(
            line.contains("curl") && line.contains(person.endpoint.as_str()),
            "{line}"
        );
        let sent = person.post("application/json", r#"{"event":"WebhookTutorial01","data":"{\"op\":\"test\",\"id\":1652008511}","coreid":"api"}"#).await;
        assert_eq!(sent.status(), StatusCode::OK);
        for kind in ["received", "parsed", "response"] {
            visit.blocks(kind, 1).await;
        }
        let log = visit.text(".log-rounds").await;
        for text in [
            "Webhook received",
            "Parsed data",
            "Webhook response",
            "1652008511",
            "POST",
            "200",
        ] {
            assert!(log.contains(text), "{text} is not in {log}");
        }
        visit.look(&format!("one-round-{name}")).await;
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_reload_and_a_second_tab_show_the_same_log_without_duplicates() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    for n in 0..3 {
        person.post("text/plain", format!("body {n}")).await;
    }
    visit.blocks("received", 3).await;
    visit.reload().await;
    visit.blocks("received", 3).await;
    let first = visit.browser.client.window().await.unwrap();
    let second = visit.browser.client.new_window(true).await.unwrap().handle;
    visit.browser.client.switch_to_window(second).await.unwrap();
    visit.goto(&home.stack.page_url).await;
    visit.blocks("received", 3).await;
    person.post("text/plain", "one more").await;
    visit.blocks("received", 4).await;
    visit.browser.client.switch_to_window(first).await.unwrap();
    visit.blocks("received", 4).await;
    let seen = visit.text(".log-rounds .round-head [data-slot=seq]").await;
    assert_eq!(seen.matches('#').count(), 4, "{seen}");
    visit.close().await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn while_the_data_is_out_of_reach_the_page_says_so_and_recovers_by_itself() {
    let data = tempfile::tempdir().unwrap();
    let engine = Engine::start(data.path()).await.unwrap();
    let proxy = Proxy::before(&engine.url).await;
    let home = Home::start_at(&proxy.url).await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    person.post("text/plain", "before").await;
    visit.blocks("received", 1).await;
    proxy.set(Mood::Gone);
    visit
        .shows(
            "the page says that it is not connected",
            "return document.querySelector('.log-live').dataset.state === 'failing'",
        )
        .await;
    visit.picture("not-connected-light").await;
    visit.axe("not connected").await;
    proxy.set(Mood::Well);
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
    visit.close().await;
    home.stack.stop().await.unwrap();
    engine.stop().await;
}

/// Texts that would act, mislead or break the layout if they were anything but text.
const HOSTILE: [&str; 6] = [
    "<script>window.hit = 1</script>",
    "\"><img src=x onerror=\"window.hit = 1\">",
    "'-window.hit-' javascript:window.hit=1 {{constructor}}",
    "\u{202e}txt.exe \u{2066}bidi\u{2069} \u{200b}zero\u{feff}width",
    "\u{1b}[31mansi\u{7}\r\n\0",
    "🦀👩‍👩‍👧‍👦é̴̷̡",
];

#[tokio::test]
async fn hostile_text_in_every_field_is_shown_as_text() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    visit.run("window.violations = []; document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.violatedDirective + ' ' + e.blockedURI))").await;
    for text in HOSTILE {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let visible: String = text.chars().filter(|c| !c.is_control()).collect();
        let body = json!({ "event": text, "data": json!({ "id": text, text: text, "__proto__": text }).to_string(), "coreid": text }).to_string();
        let request = http::Request::post(format!("{}/{escaped}?q={escaped}", person.hook_url()))
            .header(
                "x-hostile",
                http::HeaderValue::from_bytes(visible.as_bytes()).unwrap(),
            )
            .header(
                "content-type",
                http::HeaderValue::from_bytes(format!("application/json; {visible}").as_bytes())
                    .unwrap(),
            )
            .body(body.into())
            .unwrap();
        assert_eq!(
            Client::default().send(request).await.unwrap().status(),
            StatusCode::OK
        );
        assert_eq!(
            person
                .post("text/html", text.as_bytes().to_vec())
                .await
                .status(),
            StatusCode::OK
        );
    }
    person.post("text/plain", "W".repeat(200 * 1024)).await;
    person
        .post(
            "application/json",
            format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        )
        .await;
    visit.blocks("received", 2 * HOSTILE.len() + 2).await;
    let log = visit.text(".log-rounds").await;
    assert!(log.contains("<script>window.hit = 1</script>"));
    assert!(log.contains("onerror"));
    let hit = visit.run("return [window.hit ?? null, window.violations, document.querySelectorAll('.log-rounds img, .log-rounds script').length]").await;
    assert_eq!(
        hit,
        json!([null, [], 0]),
        "no script ran, nothing was asked for, nothing became markup"
    );
    visit.fits().await;
    visit.picture("hostile-light").await;
    visit.axe("hostile text").await;
    visit.close().await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_share_link_reads_under_a_bar_and_replaces_nothing() {
    let home = Home::start().await;
    let owner = home.person().await;
    owner.post_secret().await;

    let visit = Visit::to(&home, LIGHT).await;
    let own = visit.start().await;
    visit
        .goto(&format!(
            "{}/#{}",
            home.stack.page_url,
            owner.share.reveal()
        ))
        .await;
    visit.reload().await;
    visit
        .shows(
            "the bar says whose log it is",
            "return document.querySelector('.read-bar').checkVisibility()",
        )
        .await;
    visit.blocks("received", 1).await;
    let log = visit.text(".log-rounds").await;
    assert!(
        log.contains("shared body") && !log.contains("planted-secret"),
        "{log}"
    );
    let address = visit.browser.client.current_url().await.unwrap();
    assert!(!address.as_str().contains("read_"), "{address}");
    visit.picture("shared-light").await;
    visit.axe("someone else's log").await;

    visit
        .press("[data-component$=read-bar] [data-action=leave]")
        .await;
    visit
        .shows(
            "one's own endpoint is back",
            &format!(
                "return document.querySelector('[data-component$=hook] [data-slot=url]').textContent.endsWith('{}')",
                own.endpoint
            ),
        )
        .await;
    visit.close().await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn another_owners_key_is_adopted_only_after_a_question() {
    let home = Home::start().await;
    let other = home.person().await;
    other.post("text/plain", "the other log").await;
    let visit = Visit::to(&home, LIGHT).await;
    let own = visit.start().await;
    let link = format!("{}/#{}", home.stack.page_url, other.owner.reveal());
    for (answer, endpoint) in [("close", &own.endpoint), ("confirm", &other.endpoint)] {
        visit.goto("about:blank").await;
        visit.goto(&link).await;
        visit
            .shows(
                "the page asks",
                "return document.querySelector('dialog[data-name=adopt]').open",
            )
            .await;
        let address = visit.browser.client.current_url().await.unwrap();
        assert!(!address.as_str().contains("own_"), "{address}");
        visit
            .press(&format!("dialog[data-name=adopt] [data-action={answer}]"))
            .await;
        visit.shows("the right endpoint is shown", &format!("return document.querySelector('[data-component$=hook] [data-slot=url]').textContent.endsWith('{endpoint}')")).await;
    }
    visit
        .shows(
            "its log is shown",
            "return document.querySelector('.log-rounds').textContent.includes('the other log')",
        )
        .await;

    // The one before is offered, and what is learned meanwhile takes the focus away from nobody.
    let offered = "return document.querySelector('.other-list')?.textContent ?? ''";
    let offered = visit.shows("the other endpoint is listed", offered).await;
    assert!(offered.as_str().unwrap().contains(own.endpoint.as_str()));
    let focus = "document.querySelector('.other-list button').focus()";
    visit.run(focus).await;
    for _ in 0..3 {
        let learn = "window.asked = performance.getEntriesByType('resource').length; new BroadcastChannel('webhook-tutorial').postMessage({ what: 'changed', endpoint: arguments[0] })";
        let endpoint = json!(other.endpoint);
        visit.run_with(learn, vec![endpoint]).await;
        visit
            .shows("the server was asked anew", "return performance.getEntriesByType('resource').slice(window.asked).some(({ name }) => name.endsWith('/api/endpoint'))")
            .await;
    }
    let focused = "return document.activeElement.matches('.other-list button')";
    let focused = visit.run(focused).await;
    assert_eq!(focused, true);
    visit.press(".other-list button").await;
    visit.shows("the one before is shown, and has the focus", &format!("return document.activeElement === document.querySelector('[data-component$=hook] [data-slot=url]') && document.activeElement.textContent.endsWith('{}')", own.endpoint)).await;
    visit.close().await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn clear_and_forget_ask_first_and_do_what_they_say() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    person.post("text/plain", "one").await;
    visit.blocks("received", 1).await;
    visit.clear_log().await;
    person.post("text/plain", "two").await;
    visit.blocks("received", 1).await;
    assert!(
        visit.text(".log-rounds").await.contains("#2"),
        "the numbering goes on"
    );

    visit
        .press("[data-component$=hook] [data-action=forget]")
        .await;
    visit.picture("forget-light").await;
    visit.axe("the question before forgetting").await;
    visit
        .press("dialog[data-name=forget] [data-action=confirm]")
        .await;
    eventually("the hook URL answers 404", || async {
        (person.post("text/plain", "three").await.status() == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    visit.blocks("received", 0).await;
    visit.close().await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_log_opens_with_its_newest_and_goes_back_on_demand() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    for n in 1..=230 {
        person.post("text/plain", format!("body {n}")).await;
    }
    visit.reload().await;
    visit
        .shows(
            "the newest is shown",
            "return document.querySelector('.log-rounds').textContent.includes('body 230')",
        )
        .await;
    let at_edge = "const rail = document.querySelector('.log-rail'); return rail.scrollWidth - rail.clientWidth - rail.scrollLeft < 200";
    visit.shows("the rail is at its newest end", at_edge).await;
    let first = "return document.querySelector('.log-rounds').textContent.includes('body 1\\n') || [...document.querySelectorAll('.round-head [data-slot=seq]')].some((e) => e.textContent === '#1')";
    eventually("older ones come when asked for, down to #1", || async {
        if visit.browser.run(first, vec![]).await.ok()? == json!(true) {
            return Some(());
        }
        visit.browser.run("document.querySelector('.log-rail').scrollLeft = 0; const older = document.querySelector('[data-component$=rail] [data-action=older]'); if (older.checkVisibility()) older.click()", vec![]).await.ok()?;
        None
    })
    .await;
    visit.close().await;
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_mode_is_named_wherever_the_reader_is() {
    let home = Home::start().await;
    for (name, view) in [("laptop", LIGHT), ("phone", PHONE)] {
        let visit = Visit::to(&home, view).await;
        visit.start().await;
        visit
            .press("[data-component$=connect] [data-action=simulated]")
            .await;
        visit
            .says(
                "[data-component$=connect] [data-slot=stream]",
                "Listening to events.",
            )
            .await;
        visit
            .says("[data-component$=mode] [data-slot=name]", "Simulated")
            .await;
        let covered = "const mode = document.querySelector('[data-component$=mode] [data-slot=name]');
            return [...document.querySelectorAll('.page-section')].flatMap((section) => {
              section.scrollIntoView({ behavior: 'instant' });
              const { left, top, width, height } = mode.getBoundingClientRect();
              const there = document.elementFromPoint(left + width / 2, top + height / 2);
              return mode.contains(there) && section.getBoundingClientRect().top >= top + height ? [] : [section.id];
            });";
        let found = visit.run(covered).await;
        assert_eq!(found, json!([]), "{name}: the mode is out of sight");
        if name == "phone" {
            visit
                .press("[data-component$=progress] [data-action=toggle]")
                .await;
            let found = visit.run(covered).await;
            assert_eq!(found, json!([]), "{name}: the contents cover the mode");
            let height =
                "return document.querySelector('.top-bar').getBoundingClientRect().height <= 84";
            let is_low = visit.run(height).await;
            assert_eq!(is_low, json!(true), "the bar takes too much of a phone");
        }
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}
