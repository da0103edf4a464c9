//! What the log shows of what a Particle cloud says, in a real browser: whole rounds, each block in the right one, once.

use std::{collections::BTreeSet, sync::Arc};

use delivery::millis::Millis;
use http::Method;
use serde_json::{Value, json};
use tests::{
    account::Account,
    browser::LIGHT,
    device::Device,
    home::Home,
    learner::{Round, is_whole},
    network::{Network, Traffic},
    visit::Visit,
};

/// The `id` in the data of a round's event.
fn id_of(round: &Round) -> i64 {
    let data: Value = serde_json::from_str(round.blocks[0].row("data")).unwrap();
    data["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_test_press_is_six_blocks_in_the_order_of_cause() {
    let (home, visit, _) = Visit::started(LIGHT).await;
    visit.connect().await;
    visit.scroll_to("#webhook-configuration").await;
    visit.look_everywhere("#webhook-configuration", "particle-connected").await;
    visit.act("webhook-card", "test").await;
    let rounds = visit.whole_rounds(1).await;
    let [round] = &rounds[..] else { panic!("{rounds:?}") };
    let titles: Vec<_> = round.blocks.iter().map(|block| block.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Event (API)",
            "Event (Internal)",
            "Webhook received",
            "Parsed data",
            "Webhook response",
            "Event (Internal)"
        ]
    );
    let id = id_of(round);
    assert_eq!(round.blocks[0].row("name"), "WebhookTutorial01");
    assert_eq!(round.blocks[0].row("coreid"), "api");
    assert_eq!(round.blocks[1].row("name"), "hook-sent/WebhookTutorial01");
    assert!(
        round.blocks[3].rows.iter().any(|(_, value)| value.contains(&id.to_string())),
        "{round:?}"
    );
    assert_eq!(round.blocks[5].row("name"), "api/hook-response/WebhookTutorial01/0");
    assert!(round.blocks[5].row("data").contains(&id.to_string()), "{round:?}");
    assert!(round.blocks[1].note.contains("The real cloud may differ"), "{round:?}");
    assert_eq!(
        (round.seq.as_str(), round.who.as_str(), round.status.as_str()),
        ("#1", "Test button", "200")
    );
    visit.scroll_to("#log").await;
    visit.look_everywhere(".log-dock", "particle-whole-round").await;
    visit.reload().await;
    visit.connected().await;
    let again = visit.whole_rounds(1).await;
    assert_eq!(again, rounds, "a reload shows the same");
    // A browser may keep the page while another is visited, and “back” shows it as it was.
    let back = "for (const name of ['pagehide', 'pageshow']) dispatchEvent(new PageTransitionEvent(name, { persisted: true }))";
    visit.run(back).await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(2).await;
    let account = Account::of(&home).await;
    let hooks = account.hooks().await;
    assert_eq!(hooks.len(), 1, "{hooks:?}");
    visit.remove_webhook().await;
    assert!(account.hooks().await.is_empty());
    visit.end(home).await;
}

/// What of a round depends on neither clock nor chance.
fn shape(round: &Round) -> Value {
    let blocks: Vec<_> =
        round.blocks.iter().map(|block| json!([block.kind, block.title, block.note])).collect();
    json!([round.seq, round.who, round.status, blocks])
}

#[tokio::test]
async fn rounds_depend_neither_on_clocks_nor_on_what_comes_first() {
    let mut pictures = BTreeSet::new();
    for off_ms in [-300_000, 300_000] {
        let home = Home::start_with(|config| {
            let clock = Arc::clone(&config.clock);
            config.clock = Arc::new(move || Millis(clock().0.saturating_add_signed(off_ms)));
        })
        .await;
        for late in [Traffic::Stream, Traffic::Polls] {
            let visit = Visit::to(&home, LIGHT).await;
            let network = Network::of(&visit).await;
            visit.start().await;
            visit.connect().await;
            network.hold(late).await;
            visit.act("webhook-card", "test").await;
            visit.act("webhook-card", "test").await;
            let account = Account::of(&home).await;
            if matches!(late, Traffic::Stream) {
                visit.blocks("response", 2).await;
            } else {
                visit.blocks("internal", 4).await;
            }
            let half = visit.rounds().await;
            assert!(half.iter().all(|round| round.blocks.len() == 3), "{late:?}: {half:?}");
            network.let_go(late).await;
            let whole = visit.whole_rounds(2).await;
            assert!(id_of(&whole[0]) != id_of(&whole[1]));
            pictures.insert(json!(whole.iter().map(shape).collect::<Vec<_>>()).to_string());
            for hook in account.hooks().await {
                let id = hook["id"].as_str().unwrap();
                account.ask(Method::DELETE, &format!("/v1/integrations/{id}"), Value::Null).await;
            }
            visit.close().await;
        }
        home.stack.stop().await.unwrap();
    }
    assert_eq!(pictures.len(), 1, "{pictures:#?}");
}

#[tokio::test]
async fn blocks_of_two_devices_at_once_are_in_the_right_rounds() {
    let home = Home::start().await;
    let mut one = Device::online(&home, "e00fce68ece1d3d21a73dcc9", "kitchen").await;
    let mut other = Device::online(&home, "e00fce68aaaaaaaaaaaaaaaa", "garden").await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    for n in 0..6 {
        one.publish("WebhookTutorial01", &json!({ "op": "periodic", "id": 1000 + n })).await;
        // Both count in the same way, so an id alone does not tell them apart.
        other.publish("WebhookTutorial01", &json!({ "op": "periodic", "id": 1000 + n })).await;
    }
    let rounds = visit
        .log_shows("twelve rounds of six blocks", |rounds| {
            rounds.len() == 12 && rounds.iter().all(|round| round.blocks.len() == 6)
        })
        .await;
    let kinds = ["device", "internal", "received", "parsed", "response", "internal"];
    let mut seen = BTreeSet::new();
    for round in &rounds {
        assert!(round.blocks.iter().map(|block| block.kind.as_str()).eq(kinds), "{round:#?}");
        let [event, sent, received, parsed, response, back] = &round.blocks[..] else { panic!() };
        let (id, coreid) = (id_of(round), event.row("coreid"));
        let name = if coreid == one.id { "kitchen" } else { "garden" };
        assert_eq!(round.who, name);
        assert!(seen.insert((coreid.to_owned(), id)), "{round:#?}");
        assert!(received.rows.iter().any(|(_, value)| value.contains(coreid)), "{round:#?}");
        for block in [parsed, response, back] {
            assert!(
                block.rows.iter().any(|(_, value)| value.contains(&id.to_string())),
                "{block:#?}"
            );
        }
        assert!(back.row("name").starts_with(coreid), "{round:#?}");
        assert!(!back.note.contains("Belongs to one of"), "{round:#?}");
        // A hook-sent names no device, so of two in one moment nobody can know which is whose; then it says so.
        assert_eq!(sent.row("name"), "hook-sent/WebhookTutorial01");
    }
    assert_eq!(seen.len(), 12);
    // Which of its six answers comes first is nobody's promise.
    let told = one.gets(&format!("{}/hook-response/", one.id)).await;
    assert!(told["data"].as_str().unwrap().contains("\"id\":100"), "{told}");
    visit.slot_says("connection", "devices", "kitchen (online)").await;
    visit.scroll_to("#log").await;
    visit.look(".log-dock", "particle-two-devices-light").await;
    visit.end(home).await;
}

/// Presses "Show older" until there is nothing older, as a reader does who wants to see all.
async fn show_all(visit: &Visit) {
    loop {
        visit.run("document.querySelector('.log-rail').scrollLeft = 0").await;
        visit
            .shows(
                "the reader is away from the newest",
                "return document.querySelector('[data-component$=dock] [data-action=newest]').checkVisibility()",
            )
            .await;
        let script =
            "const older = document.querySelector('[data-component$=rail] [data-action=older]');
            if (!older.checkVisibility()) return -1;
            const before = document.querySelectorAll('.log-rounds > .log-round').length;
            older.click();
            return before;";
        let before = visit.run(script).await.as_i64().unwrap();
        if before < 0 {
            return;
        }
        let script = format!(
            "return document.querySelectorAll('.log-rounds > .log-round').length > {before} || !document.querySelector('[data-component$=rail] [data-action=older]').checkVisibility()"
        );
        visit.shows("older rounds are shown", &script).await;
    }
}

#[tokio::test]
async fn two_hundred_presses_in_a_row_are_two_hundred_rounds() {
    let home = Home::start().await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    // As fast as somebody could who waits for nothing but that the log keeps up.
    let press = "(async () => {
        const received = () => Number(/^\\d+/.exec(document.querySelector('.log-count').textContent)?.[0] ?? 0);
        for (let n = 0; n < 200; n += 1) {
            while (n - received() > 12) await new Promise(requestAnimationFrame);
            document.querySelector('[data-component$=webhook-card] [data-action=test]').click();
        }
    })()";
    visit.run(press).await;
    visit
        .log_shows("the newest of 200 rounds, whole", |rounds| {
            rounds.last().is_some_and(|round| round.seq == "#200") && rounds.iter().all(is_whole)
        })
        .await;
    let bounded = visit.rounds().await.len();
    assert!((30..=100).contains(&bounded), "{bounded} rounds are drawn without being asked for");
    show_all(&visit).await;
    let rounds = visit.whole_rounds(200).await;
    let ids: BTreeSet<_> = rounds.iter().map(id_of).collect();
    assert_eq!(ids.len(), 200);
    for (n, round) in rounds.iter().enumerate() {
        assert_eq!(round.seq, format!("#{}", n + 1));
    }
    visit.says(".log-count", "200 deliveries, no gaps").await;
    visit.reload().await;
    visit.connected().await;
    show_all(&visit).await;
    visit.whole_rounds(200).await;
    visit.end(home).await;
}

#[tokio::test]
async fn eight_tabs_share_one_stream_and_each_shows_every_block_once() {
    let home = Home::start().await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    let client = &visit.browser.client;
    let mut tabs = vec![client.window().await.unwrap()];
    for _ in 1..8 {
        let tab = client.new_window(true).await.unwrap().handle;
        client.switch_to_window(tab.clone()).await.unwrap();
        client.goto(&home.stack.page_url).await.unwrap();
        visit.connected().await;
        tabs.push(tab);
    }
    visit.act("webhook-card", "test").await;
    let first = visit.whole_rounds(1).await;
    for tab in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        assert_eq!(visit.whole_rounds(1).await, first);
    }
    let opened =
        "return JSON.parse(localStorage.getItem('webhook-tutorial/streams-opened')).length";
    assert_eq!(visit.run(opened).await, 1, "one stream for eight tabs");
    // The tab that listens goes; another one takes over and nothing is heard twice.
    client.switch_to_window(tabs.remove(0)).await.unwrap();
    client.close_window().await.unwrap();
    client.switch_to_window(tabs[3].clone()).await.unwrap();
    visit.shows("another tab listens", &format!("{opened} === 2")).await;
    visit.connected().await;
    visit.act("webhook-card", "test").await;
    for tab in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        let rounds = visit
            .log_shows("both rounds, whole", |rounds| {
                rounds.iter().filter(|round| is_whole(round)).count() == 2
            })
            .await;
        let numbered: Vec<_> = rounds.iter().filter(|round| !round.seq.is_empty()).collect();
        assert_eq!(numbered.len(), 2, "{rounds:#?}");
    }
    assert_eq!(visit.run(opened).await, 2);
    // One signs out, all are signed out, and the token is gone in the cloud.
    let account = Account::with_token(&home, &visit.token().await);
    visit.act("connection", "sign-out").await;
    account.ended().await;
    for tab in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        visit
            .shows(
                "this tab is signed out",
                "return document.querySelector('[data-component$=connect] [data-action=simulated]').checkVisibility()",
            )
            .await;
    }
    visit.end(home).await;
}

#[tokio::test]
async fn a_long_response_is_one_view_in_whatever_order_it_comes() {
    for reorder in [false, true] {
        let home = Home::start_with(|config| config.particle.reorder_parts = reorder).await;
        let visit = Visit::to(&home, LIGHT).await;
        let person = visit.start().await;
        visit.connect().await;
        let body = "0123456789abcdef".repeat(120);
        let reply = json!({ "status": 200, "content_type": "text/plain", "body": body });
        person.reply_with(&reply.to_string()).await;
        visit.act("webhook-card", "test").await;
        let rounds = visit.whole_rounds(1).await;
        let back = rounds[0].blocks.last().unwrap();
        assert!(back.row("data").starts_with(&body[..512]), "{back:#?}");
        assert!(back.row("name").ends_with("/0 … 3"), "{back:#?}");
        assert_eq!(back.note.contains("out of order"), reorder, "{back:#?}");
        let order = if reorder {
            "4 parts, heard in the order 1, 0, 3, 2"
        } else {
            "4 parts, heard in the order 0, 1, 2, 3"
        };
        assert!(back.row("parts").contains(order), "{back:#?}");
        visit.scroll_to("#log").await;
        let name = if reorder { "parts-out-of-order" } else { "parts" };
        visit.look(".log-dock", &format!("particle-{name}-light")).await;
        // An empty body, an error, and a body that is HTML for a device that asked for none of it.
        for (status, note) in
            [(204, "no hook-response event follows"), (404, "for Particle this is an error")]
        {
            let reply = json!({ "status": status, "body": "", "times": if status == 404 { json!(1) } else { Value::Null } });
            person.reply_with(&reply.to_string()).await;
            visit.act("webhook-card", "test").await;
            visit
                .log_shows(note, |rounds| {
                    rounds.last().is_some_and(|round| {
                        round.blocks.iter().any(|block| block.note.contains(note))
                    })
                })
                .await;
        }
        let rounds = visit
            .log_shows("a hook-error", |rounds| {
                rounds.last().is_some_and(|round| {
                    round.blocks.last().is_some_and(|block| block.kind == "error")
                })
            })
            .await;
        assert!(
            rounds
                .last()
                .unwrap()
                .blocks
                .last()
                .unwrap()
                .row("data")
                .starts_with("error status 404 from ")
        );
        visit.scroll_to("#log").await;
        visit.look(".log-dock", "particle-hook-error-light").await;
        visit.end(home).await;
    }
}

#[tokio::test]
async fn who_reads_elsewhere_is_told_that_no_events_are_shown() {
    let home = Home::start().await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(1).await;
    for dialog in ["share", "continue"] {
        visit.press(&format!("[data-component$=hook] [data-action={dialog}]")).await;
        let link = format!("dialog[data-name={dialog}] [data-slot=link]");
        visit.says(&link, "http").await;
        let link = visit.text(&link).await;
        visit.press(&format!("dialog[data-name={dialog}] [data-action=close]")).await;
        let other = Visit::to(&home, LIGHT).await;
        other.goto("about:blank").await;
        other.goto(&link).await;
        if dialog == "continue" {
            other.confirm("adopt").await;
            let rounds = other
                .log_shows("the delivery's blocks", |rounds| {
                    rounds.len() == 1 && rounds[0].blocks.len() == 3
                })
                .await;
            assert_eq!(rounds[0].who, "Test button");
        } else {
            let shown = "return document.querySelector('.list-row .list-who')?.textContent === 'Test button' && document.querySelectorAll('.detail-blocks .log-block').length === 3";
            other.shows("the delivery's blocks", shown).await;
        }
        let events =
            if dialog == "share" { "events are not shared" } else { "not connected to Particle" };
        other.says(".log-count", &format!("1 delivery, no gaps; {events}")).await;
        other.close().await;
    }
    visit.end(home).await;
}
