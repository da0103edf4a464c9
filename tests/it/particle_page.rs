//! Particle's side of the page in a real browser: an account, its webhook, its events, and all that can go wrong with them.

use std::{collections::BTreeSet, sync::Arc};

use delivery::millis::Millis;
use http::{Method, StatusCode};
use local::{clouds::Cloud, config::Config};
use serde_json::{Value, json};
use tests::{
    account::Account,
    browser::{DARK, LIGHT, PHONE, View},
    home::Home,
    learner::{Round, is_whole},
    visit::Visit,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

const VIEWS: [(&str, View); 3] = [("light", LIGHT), ("dark", DARK), ("phone", PHONE)];

/// Offers the stand-in as one's own account is offered: no account at hand, so one signs in.
fn as_account(config: &mut Config) {
    config.clouds = Arc::new(|usual| {
        usual
            .into_iter()
            .map(|cloud| Cloud {
                id: "particle".to_owned(),
                demo: None,
                ..cloud
            })
            .collect()
    });
}

async fn started(home: &Home, view: View) -> Visit {
    let visit = Visit::to(home, view).await;
    visit.start().await;
    visit
}

async fn look(visit: &Visit, state: &str, name: &str) {
    visit
        .browser
        .screenshot(&format!("particle-{state}-{name}"))
        .await
        .unwrap();
    visit.axe(&format!("{state}, {name}")).await;
    visit.fits().await;
}

async fn scroll_to(visit: &Visit, selector: &str) {
    let script = "document.querySelector(arguments[0]).scrollIntoView({ block: 'start', behavior: 'instant' })";
    visit
        .browser
        .run(script, vec![json!(selector)])
        .await
        .unwrap();
}

/// The `id` in the data of a round's event.
fn id_of(round: &Round) -> i64 {
    let data: Value = serde_json::from_str(round.blocks[0].row("data")).unwrap();
    data["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_test_press_is_six_blocks_in_the_order_of_cause_and_a_reload_keeps_them() {
    let home = Home::start().await;
    for (name, view) in VIEWS {
        let visit = started(&home, view).await;
        scroll_to(&visit, "#webhook-configuration").await;
        look(&visit, "to-connect", name).await;
        visit.connect().await;
        scroll_to(&visit, "#webhook-configuration").await;
        look(&visit, "connected", name).await;
        visit.press("[data-do=test-webhook]").await;
        let rounds = visit.whole_rounds(1).await;
        let [round] = &rounds[..] else {
            panic!("{rounds:?}")
        };
        let titles: Vec<_> = round
            .blocks
            .iter()
            .map(|block| block.title.as_str())
            .collect();
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
            round.blocks[3]
                .rows
                .iter()
                .any(|(_, value)| value.contains(&id.to_string())),
            "{round:?}"
        );
        assert_eq!(
            round.blocks[5].row("name"),
            "api/hook-response/WebhookTutorial01/0"
        );
        assert!(
            round.blocks[5].row("data").contains(&id.to_string()),
            "{round:?}"
        );
        assert!(
            round.blocks[1].note.contains("The real cloud may differ"),
            "{round:?}"
        );
        assert_eq!(
            (
                round.seq.as_str(),
                round.who.as_str(),
                round.status.as_str()
            ),
            ("#1", "Test button", "200")
        );
        scroll_to(&visit, "#log").await;
        look(&visit, "whole-round", name).await;
        visit.browser.client.refresh().await.unwrap();
        visit.connected().await;
        let again = visit.whole_rounds(1).await;
        assert_eq!(again, rounds, "a reload shows the same");
        let account = Account::of(&home).await;
        let hooks = account.hooks().await;
        assert_eq!(hooks.len(), 1, "{hooks:?}");
        visit.remove_webhook().await;
        assert!(account.hooks().await.is_empty());
        visit.browser.client.close().await.unwrap();
    }
    home.stack.stop().await.unwrap();
}

/// Puts a network between the page and its servers that a test can hold up, cut and take away. The page takes its `fetch` when
/// somebody presses Start or connects, so this comes before.
const NETWORK: &str = "
    const real = window.fetch;
    const net = (window.net = { polls: null, stream: null, isDown: false, opened: 0, cuts: [], asked: [] });
    net.hold = (what) => (net[what] = new Promise((free) => (net['free-' + what] = () => { net[what] = null; free(); })));
    net.free = (what) => net['free-' + what]();
    net.cut = () => net.cuts.splice(0).forEach((cut) => cut());
    window.fetch = async (url, init = {}) => {
        const to = new URL(url, location.href);
        const isCloud = to.origin !== location.origin;
        net.asked.push(`${init.method ?? 'GET'} ${to.pathname}`);
        if (net.isDown && isCloud) throw new TypeError('the network is down');
        if (to.pathname === '/api/log') await net.polls;
        const answer = await real(url, init);
        if (!isCloud || to.pathname !== '/v1/devices/events' || !answer.ok || (init.method ?? 'GET') !== 'GET') return answer;
        net.opened += 1;
        const from = answer.body.getReader();
        const broken = new Promise((_, fail) => net.cuts.push(() => fail(new TypeError('the connection broke'))));
        broken.catch(() => {});
        const body = new ReadableStream({
            async pull(to) {
                try {
                    const { done, value } = await Promise.race([from.read(), broken]);
                    await net.stream;
                    done ? to.close() : to.enqueue(value);
                } catch (error) {
                    from.cancel().catch(() => {});
                    to.error(error);
                }
            },
            cancel: (why) => from.cancel(why),
        });
        return new Response(body, { status: answer.status, headers: answer.headers });
    };";

async fn run(visit: &Visit, script: &str) -> Value {
    visit.browser.run(script, vec![]).await.unwrap()
}

/// The count line at the head of the log.
async fn head_line(visit: &Visit) -> String {
    visit.text("[data-slot=count]").await
}

/// What of a round depends on neither clock nor chance.
fn shape(round: &Round) -> Value {
    let blocks: Vec<_> = round
        .blocks
        .iter()
        .map(|block| json!([block.kind, block.title, block.note]))
        .collect();
    json!([round.seq, round.who, round.status, blocks])
}

#[tokio::test]
async fn whatever_the_servers_clock_and_whatever_is_heard_first_the_picture_is_the_same() {
    let mut pictures = BTreeSet::new();
    for off_ms in [-300_000, 0, 300_000] {
        let home = Home::start_with(|config| {
            let clock = Arc::clone(&config.clock);
            config.clock = Arc::new(move || Millis(clock().0.saturating_add_signed(off_ms)));
        })
        .await;
        for late in ["stream", "polls"] {
            let visit = Visit::to(&home, LIGHT).await;
            run(&visit, NETWORK).await;
            visit.start().await;
            visit.connect().await;
            run(&visit, &format!("net.hold('{late}')")).await;
            visit.press("[data-do=test-webhook]").await;
            visit.press("[data-do=test-webhook]").await;
            let account = Account::of(&home).await;
            if late == "stream" {
                visit.blocks("response", 2).await;
            } else {
                visit.blocks("internal", 4).await;
            }
            let half = visit.rounds().await;
            assert!(
                half.iter().all(|round| round.blocks.len() == 3),
                "{late}: {half:?}"
            );
            run(&visit, &format!("net.free('{late}')")).await;
            let whole = visit.whole_rounds(2).await;
            assert!(id_of(&whole[0]) != id_of(&whole[1]));
            pictures.insert(json!(whole.iter().map(shape).collect::<Vec<_>>()).to_string());
            for hook in account.hooks().await {
                let id = hook["id"].as_str().unwrap();
                account
                    .ask(
                        Method::DELETE,
                        &format!("/v1/integrations/{id}"),
                        Value::Null,
                    )
                    .await;
            }
            visit.browser.client.close().await.unwrap();
        }
        home.stack.stop().await.unwrap();
    }
    assert_eq!(pictures.len(), 1, "{pictures:#?}");
}

/// A device on the stand-in's link.
struct Device {
    id: String,
    link: DuplexStream,
}

impl Device {
    async fn online(home: &Home, id: &str, name: &str) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        home.stack.cloud().attach_device(theirs);
        let mut device = Device {
            id: id.to_owned(),
            link: ours,
        };
        device.say(json!({ "type": "hello", "id": id, "name": name, "platform_id": 13, "system_version": "6.2.1", "firmware": null, "compiler": null })).await;
        device.say(json!({ "type": "state", "running": true, "plugged": true, "power_source": 2, "battery": 85.5, "message": null })).await;
        device.say(json!({ "type": "online" })).await;
        device.say(json!({ "type": "subscribe", "prefix": format!("{id}/hook-response/WebhookTutorial01") })).await;
        device
    }

    async fn say(&mut self, message: Value) {
        self.link
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
    }

    async fn publish(&mut self, name: &str, data: &Value) {
        self.say(json!({ "type": "publish", "name": name, "data": data.to_string() }))
            .await;
    }

    /// Waits until the device has got an event whose name begins so.
    async fn gets(&mut self, prefix: &str) -> Value {
        let mut lines = BufReader::new(&mut self.link).lines();
        loop {
            let line = tokio::time::timeout(tests::DEADLINE, lines.next_line());
            let line = line
                .await
                .expect("the device is told something")
                .unwrap()
                .expect("the link is open");
            let said: Value = serde_json::from_str(&line).unwrap();
            if said["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(prefix))
            {
                return said;
            }
        }
    }
}

#[tokio::test]
async fn two_devices_in_the_same_second_have_each_block_in_the_right_round() {
    let home = Home::start().await;
    let mut one = Device::online(&home, "e00fce68ece1d3d21a73dcc9", "kitchen").await;
    let mut other = Device::online(&home, "e00fce68aaaaaaaaaaaaaaaa", "garden").await;
    let visit = started(&home, LIGHT).await;
    visit.connect().await;
    for n in 0..6 {
        one.publish(
            "WebhookTutorial01",
            &json!({ "op": "periodic", "id": 1000 + n }),
        )
        .await;
        // Both count in the same way, so an id alone does not tell them apart.
        other
            .publish(
                "WebhookTutorial01",
                &json!({ "op": "periodic", "id": 1000 + n }),
            )
            .await;
    }
    let rounds = visit
        .log_shows("twelve rounds of six blocks", |rounds| {
            rounds.len() == 12 && rounds.iter().all(|round| round.blocks.len() == 6)
        })
        .await;
    let kinds = [
        "device", "internal", "received", "parsed", "response", "internal",
    ];
    let mut seen = BTreeSet::new();
    for round in &rounds {
        assert!(
            round
                .blocks
                .iter()
                .map(|block| block.kind.as_str())
                .eq(kinds),
            "{round:#?}"
        );
        let [event, sent, received, parsed, response, back] = &round.blocks[..] else {
            panic!()
        };
        let (id, coreid) = (id_of(round), event.row("coreid"));
        let name = if coreid == one.id {
            "kitchen"
        } else {
            "garden"
        };
        assert_eq!(round.who, name);
        assert!(seen.insert((coreid.to_owned(), id)), "{round:#?}");
        assert!(
            received
                .rows
                .iter()
                .any(|(_, value)| value.contains(coreid)),
            "{round:#?}"
        );
        for block in [parsed, response, back] {
            assert!(
                block
                    .rows
                    .iter()
                    .any(|(_, value)| value.contains(&id.to_string())),
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
    assert!(
        told["data"].as_str().unwrap().contains("\"id\":100"),
        "{told}"
    );
    visit.says("connect-devices", "kitchen (online)").await;
    scroll_to(&visit, "#log").await;
    look(&visit, "two-devices", "light").await;
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}

/// Presses "Show older" until there is nothing older, as a reader does who wants to see all.
async fn show_all(visit: &Visit) {
    loop {
        run(
            visit,
            "document.querySelector('[data-part=rail]').scrollLeft = 0",
        )
        .await;
        visit
            .shows(
                "the reader is away from the newest",
                "return document.querySelector('[data-do=newest]').checkVisibility()",
            )
            .await;
        let script = "const older = document.querySelector('[data-do=older]');
            if (!older.checkVisibility()) return -1;
            const before = document.querySelectorAll('.log-rounds > .log-round').length;
            older.click();
            return before;";
        let before = run(visit, script).await.as_i64().unwrap();
        if before < 0 {
            return;
        }
        let script = format!(
            "return document.querySelectorAll('.log-rounds > .log-round').length > {before} || !document.querySelector('[data-do=older]').checkVisibility()"
        );
        visit.shows("older rounds are shown", &script).await;
    }
}

#[tokio::test]
async fn two_hundred_presses_in_a_row_are_two_hundred_rounds() {
    let home = Home::start().await;
    let visit = started(&home, LIGHT).await;
    visit.connect().await;
    run(&visit, "window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })").await;
    // As fast as somebody could who waits for nothing but that the log keeps up.
    let press = "(async () => {
        const received = () => Number(/^\\d+/.exec(document.querySelector('[data-slot=count]').textContent)?.[0] ?? 0);
        for (let n = 0; n < 200; n += 1) {
            while (n - received() > 12) await new Promise(requestAnimationFrame);
            document.querySelector('[data-do=test-webhook]').click();
        }
    })()";
    run(&visit, press).await;
    visit
        .log_shows("the newest of 200 rounds, whole", |rounds| {
            rounds.last().is_some_and(|round| round.seq == "#200") && rounds.iter().all(is_whole)
        })
        .await;
    let bounded = visit.rounds().await.len();
    assert!(
        (30..=100).contains(&bounded),
        "{bounded} rounds are drawn without being asked for"
    );
    let burst = run(&visit, "return [tasks.length, Math.max(0, ...tasks)]").await;
    show_all(&visit).await;
    let rounds = visit.whole_rounds(200).await;
    let ids: BTreeSet<_> = rounds.iter().map(id_of).collect();
    assert_eq!(ids.len(), 200);
    for (n, round) in rounds.iter().enumerate() {
        assert_eq!(round.seq, format!("#{}", n + 1));
    }
    assert!(
        head_line(&visit)
            .await
            .contains("200 deliveries, none missing"),
        "{}",
        head_line(&visit).await
    );
    run(&visit, "tasks.length = 0").await;
    for n in 201..=205 {
        visit.press("[data-do=test-webhook]").await;
        visit.whole_rounds(n).await;
    }
    let update = run(&visit, "return [tasks.length, Math.max(0, ...tasks), document.querySelectorAll('.log-rounds .log-block').length]").await;
    // Figures for a person; a busy machine makes them anything.
    println!(
        "long tasks [count, longest ms]: while 200 rounds came {burst}; for 5 more under {} blocks {update}",
        205 * 6
    );
    visit.browser.client.refresh().await.unwrap();
    visit.connected().await;
    show_all(&visit).await;
    visit.whole_rounds(205).await;
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn eight_tabs_share_one_stream_and_each_shows_every_block_once() {
    let home = Home::start().await;
    let visit = started(&home, LIGHT).await;
    visit.connect().await;
    let client = &visit.browser.client;
    let mut tabs = vec![client.window().await.unwrap()];
    for _ in 1..8 {
        let tab = client.new_window(true).await.unwrap().handle;
        client.switch_to_window(tab.clone()).await.unwrap();
        client.goto(&home.stack.page_url).await.unwrap();
        visit.connected().await;
        tabs.push(tab);
    }
    visit.press("[data-do=test-webhook]").await;
    let first = visit.whole_rounds(1).await;
    for tab in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        assert_eq!(visit.whole_rounds(1).await, first);
    }
    let opened =
        "return JSON.parse(localStorage.getItem('webhook-tutorial/streams-opened')).length";
    assert_eq!(run(&visit, opened).await, 1, "one stream for eight tabs");
    // The tab that listens goes; another one takes over and nothing is heard twice.
    client.switch_to_window(tabs.remove(0)).await.unwrap();
    client.close_window().await.unwrap();
    client.switch_to_window(tabs[3].clone()).await.unwrap();
    visit
        .shows("another tab listens", &format!("{opened} === 2"))
        .await;
    visit.connected().await;
    visit.press("[data-do=test-webhook]").await;
    for tab in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        let rounds = visit
            .log_shows("both rounds, whole", |rounds| {
                rounds.iter().filter(|round| is_whole(round)).count() == 2
            })
            .await;
        let numbered: Vec<_> = rounds
            .iter()
            .filter(|round| !round.seq.is_empty())
            .collect();
        assert_eq!(numbered.len(), 2, "{rounds:#?}");
    }
    assert_eq!(run(&visit, opened).await, 2);
    // One signs out, all are signed out, and the token is gone in the cloud.
    let account = Account::with_token(&home, &visit.token().await);
    visit
        .press("[data-part=connect-done] [data-do=sign-out]")
        .await;
    account.ended().await;
    for tab in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        visit
            .shows(
                "this tab is signed out",
                "return document.querySelector('[data-do=connect-simulated]').checkVisibility()",
            )
            .await;
    }
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_said_once_and_tried_once() {
    let home = Home::start_with(|config| {
        as_account(config);
        config.particle.mfa = Some("123456".to_owned());
    })
    .await;
    let demo = home.stack.cloud().demo();
    for (name, view) in VIEWS {
        let visit = Visit::to(&home, view).await;
        run(&visit, NETWORK).await;
        run(
            &visit,
            "net.tokens = () => net.asked.filter((one) => one === 'POST /oauth/token').length",
        )
        .await;
        visit.start().await;
        scroll_to(&visit, "#webhook-configuration").await;
        look(&visit, "account", name).await;
        visit
            .fill("[data-form=password] [name=username]", &demo.username)
            .await;
        visit
            .fill("[data-form=password] [name=password]", "not the password")
            .await;
        visit.press("[data-form=password] button").await;
        visit
            .says(
                "connect-problem",
                "User name or password is wrong. It was tried once",
            )
            .await;
        look(&visit, "wrong-password", name).await;
        visit
            .fill("[data-form=password] [name=password]", &demo.password)
            .await;
        visit.press("[data-form=password] button").await;
        visit
            .shows(
                "the code is asked for",
                "return document.querySelector('[data-form=code]').checkVisibility()",
            )
            .await;
        visit.fill("[data-form=code] [name=code]", "654321").await;
        visit.press("[data-form=code] [type=submit]").await;
        visit
            .says("connect-problem", "The one-time code is wrong")
            .await;
        look(&visit, "wrong-code", name).await;
        visit.fill("[data-form=code] [name=code]", "123 456").await;
        visit.press("[data-form=code] [type=submit]").await;
        visit.connected().await;
        // Nothing that was refused was asked a second time: the page's client asks, and the page asks once.
        assert_eq!(run(&visit, "return performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/oauth/token')).length").await, 4);
        assert!(!visit.text("[data-part=publish-line]").await.is_empty());
        let made = visit.token().await;
        for kept in ["localStorage", "location.href", "document.cookie"] {
            let found = run(&visit, &format!("return JSON.stringify({kept}).includes('{made}') || Object.values(localStorage).join().includes('{made}')")).await;
            assert_eq!(found, json!(false), "the token is in {kept}");
        }
        visit.remove_webhook().await;
        let account = Account::with_token(&home, &made);
        visit
            .press("[data-part=connect-done] [data-do=sign-out]")
            .await;
        account.ended().await;
        visit.browser.client.close().await.unwrap();
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_pasted_token_works_and_is_not_deleted_at_sign_out() {
    let home = Home::start_with(as_account).await;
    let account = Account::of(&home).await;
    let visit = started(&home, LIGHT).await;
    for wrong in ["two words", "0123456789abcdef0123456789abcdef01234567"] {
        visit.fill("[data-form=token] [name=token]", wrong).await;
        visit.press("[data-form=token] button").await;
        visit.says("connect-problem", "token").await;
    }
    visit
        .browser
        .screenshot("particle-wrong-token-light")
        .await
        .unwrap();
    visit
        .fill(
            "[data-form=token] [name=token]",
            &format!(" {}\n", account.token),
        )
        .await;
    visit.press("[data-form=token] button").await;
    visit.connected().await;
    visit
        .press("[data-part=connect-done] [data-do=sign-out]")
        .await;
    visit
        .shows(
            "the page is signed out",
            "return document.querySelector('[data-form=token]').checkVisibility()",
        )
        .await;
    let user = account.call(Method::GET, "/v1/user", Value::Null).await;
    assert_eq!(
        user.status(),
        StatusCode::OK,
        "whoever made the token keeps it"
    );
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_token_that_ends_keeps_the_log_and_the_place_and_asks_again() {
    let home = Home::start().await;
    for (name, view) in VIEWS {
        let visit = started(&home, view).await;
        visit.connect().await;
        visit.press("[data-do=test-webhook]").await;
        let before = visit.whole_rounds(1).await;
        let account = Account::with_token(&home, &visit.token().await);
        account
            .ask(Method::DELETE, "/v1/access_tokens/current", Value::Null)
            .await;
        visit.press("[data-do=test-webhook]").await;
        visit.says("connect-why", "The sign-in has ended").await;
        scroll_to(&visit, "[data-part=connect]").await;
        look(&visit, "expired", name).await;
        let meanwhile = visit
            .log_shows("what was there", |rounds| {
                rounds.first().is_some_and(is_whole)
            })
            .await;
        assert_eq!(meanwhile[0], before[0]);
        assert!(
            head_line(&visit).await.contains("not listening to events"),
            "{}",
            head_line(&visit).await
        );
        visit.connect().await;
        visit.press("[data-do=test-webhook]").await;
        let after = visit
            .log_shows("a second round", |rounds| {
                rounds.iter().filter(|round| is_whole(round)).count() == 2
            })
            .await;
        assert!(
            after.iter().any(|round| round.who == "Not listening"
                && round
                    .status
                    .contains("events of that time were not seen here")),
            "{after:#?}"
        );
        visit.remove_webhook().await;
        visit.browser.client.close().await.unwrap();
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn somebody_elses_webhook_is_left_alone_until_it_is_taken_over() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let create = async |event: &str, url: &str| {
        let hook = json!({ "event": event, "integration_type": "Webhook", "url": url, "requestType": "POST" });
        let made = account.ask(Method::POST, "/v1/integrations", hook).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let theirs = create("WebhookTutorial01", "http://127.0.0.1:9/theirs").await;
    let wider = create("Webhook", "http://127.0.0.1:9/wider").await;
    let url_of = async |id: &str| {
        let hooks = account.hooks().await;
        let hook = hooks.iter().find(|hook| hook["id"] == id);
        hook.map(|hook| hook["url"].as_str().unwrap().to_owned())
    };
    let visit = started(&home, LIGHT).await;
    let own = visit.text("[data-slot=hook-url]").await;
    visit.press("[data-do=connect-simulated]").await;
    visit
        .says(
            "webhook-state",
            "There is a webhook named “WebhookTutorial01” in the account already",
        )
        .await;
    visit
        .says("webhook-question", "http://127.0.0.1:9/theirs, made on")
        .await;
    visit
        .says("webhook-overlap", "“Webhook”, to http://127.0.0.1:9/wider")
        .await;
    scroll_to(&visit, "[data-part=webhook]").await;
    look(&visit, "elsewhere", "light").await;
    visit.press("[data-do=webhook-no]").await;
    visit.says("webhook-question", "It was left as it is").await;
    assert_eq!(
        url_of(&theirs).await.as_deref(),
        Some("http://127.0.0.1:9/theirs")
    );
    visit.browser.client.refresh().await.unwrap();
    visit
        .says("webhook-question", "http://127.0.0.1:9/theirs")
        .await;
    visit.press("[data-do=webhook-yes]").await;
    visit.connected().await;
    assert_eq!(url_of(&theirs).await, Some(own.clone()));
    assert_eq!(account.hooks().await.len(), 2);

    // It is led elsewhere behind the page's back: the press that nothing comes of makes the page look.
    let away = json!({ "event": "WebhookTutorial01", "integration_type": "Webhook", "url": "http://127.0.0.1:9/away", "requestType": "POST" });
    account
        .ask(Method::PUT, &format!("/v1/integrations/{theirs}"), away)
        .await;
    visit.press("[data-do=test-webhook]").await;
    visit.says("webhook-state", "no longer leads here").await;
    visit
        .says("webhook-question", "http://127.0.0.1:9/away")
        .await;
    assert_eq!(visit.text("[data-do=webhook-yes]").await, "Take back");
    scroll_to(&visit, "[data-part=webhook]").await;
    look(&visit, "led-away", "light").await;
    visit.press("[data-do=webhook-yes]").await;
    visit.connected().await;
    assert_eq!(url_of(&theirs).await, Some(own.clone()));

    // It is deleted behind the page's back.
    account
        .ask(
            Method::DELETE,
            &format!("/v1/integrations/{theirs}"),
            Value::Null,
        )
        .await;
    visit.press("[data-do=test-webhook]").await;
    visit
        .says("webhook-state", "no longer in your account")
        .await;
    scroll_to(&visit, "[data-part=webhook]").await;
    look(&visit, "deleted", "light").await;
    visit.press("[data-do=webhook-yes]").await;
    visit.connected().await;
    assert_eq!(account.hooks().await.len(), 2);

    // The wider one fires as well: one event, two requests, and the log says so.
    let wider_here = json!({ "event": "Webhook", "integration_type": "Webhook", "url": own, "requestType": "POST" });
    account
        .ask(
            Method::PUT,
            &format!("/v1/integrations/{wider}"),
            wider_here,
        )
        .await;
    visit.press("[data-do=test-webhook]").await;
    let rounds = visit
        .log_shows("a duplicate", |rounds| {
            rounds
                .iter()
                .any(|round| round.status.contains("seen before"))
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
    visit
        .browser
        .screenshot("particle-two-hooks-light")
        .await
        .unwrap();
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_cloud_that_is_down_and_a_stream_that_breaks_are_said_and_gone_on_from() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    run(&visit, NETWORK).await;
    visit.start().await;
    visit.connect().await;
    visit
        .says("connect-devices", "No devices in this account")
        .await;
    visit.press("[data-do=test-webhook]").await;
    visit.whole_rounds(1).await;
    for n in 2..=4 {
        run(&visit, "net.cut()").await;
        visit.says("connect-stream", "the stream broke off").await;
        visit.says("connect-stream", "Listening to events.").await;
        visit.press("[data-do=test-webhook]").await;
        visit
            .log_shows("the next round, whole", |rounds| {
                rounds.iter().filter(|round| is_whole(round)).count() == n
            })
            .await;
    }
    let rounds = visit.rounds().await;
    assert!(
        rounds.iter().any(|round| round.who == "Not listening"),
        "{rounds:#?}"
    );
    visit
        .browser
        .screenshot("particle-cuts-light")
        .await
        .unwrap();

    run(&visit, "net.isDown = true; net.cut()").await;
    visit.says("connect-stream", "can’t be reached").await;
    visit.press("[data-do=test-webhook]").await;
    visit
        .says(
            "webhook-said",
            "Not published. The simulated cloud can’t be reached",
        )
        .await;
    scroll_to(&visit, "[data-part=connect]").await;
    look(&visit, "cloud-down", "light").await;
    run(&visit, "net.isDown = false").await;
    visit.says("connect-stream", "Listening to events.").await;
    visit.press("[data-do=test-webhook]").await;
    visit
        .log_shows("a fifth round", |rounds| {
            rounds.iter().filter(|round| is_whole(round)).count() == 5
        })
        .await;
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}

/// Texts that would act, mislead or break the layout if they were anything but text.
const HOSTILE: [&str; 6] = [
    "WebhookTutorial01<img src=x onerror=window.acted=1>",
    "WebhookTutorial01\"><script>window.acted=1</script>",
    "WebhookTutorial01\u{202e}gnp.exe",
    "WebhookTutorial01${window.acted=1}{{{PARTICLE_EVENT_VALUE}}}",
    "__proto__/WebhookTutorial01/constructor",
    "hook-response/WebhookTutorial01/0",
];

#[tokio::test]
async fn hostile_names_and_data_are_text_and_nothing_else() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    for (name, view) in VIEWS {
        let visit = started(&home, view).await;
        let mut device = Device::online(
            &home,
            "e00fce68ece1d3d21a73dcc9",
            "<img src=x onerror=window.acted=1>\u{202e}",
        )
        .await;
        visit.connect().await;
        let long = "x".repeat(16_000);
        let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
        for hostile in HOSTILE {
            account.publish(hostile, &json!({ "id": hostile, "html": "</script><img src=x onerror=window.acted=1>" }).to_string()).await;
        }
        for data in [
            "",
            "null",
            "{\"id\":1e400,\"id\":\"twice\"}",
            "\u{feff}\u{0}\u{1b}[31m",
            &long,
            &deep,
        ] {
            account.publish("WebhookTutorial01", data).await;
        }
        device
            .publish("webhooktutorial01", &json!("the wrong case"))
            .await;
        device
            .publish("MyWebhookTutorial01", &json!("not at the beginning"))
            .await;
        let rounds = visit
            .log_shows("all of it", |rounds| {
                let events = rounds.iter().filter(|round| {
                    round
                        .blocks
                        .first()
                        .is_some_and(|block| ["api", "device"].contains(&block.kind.as_str()))
                });
                events.count() == HOSTILE.len() + 6 + 2
                    && rounds.iter().filter(|round| !round.seq.is_empty()).count() == 10
            })
            .await;
        for (who, why) in [
            ("webhooktutorial01", "upper and lower case count"),
            ("MyWebhookTutorial01", "does not begin with it"),
        ] {
            let round = rounds
                .iter()
                .find(|round| round.blocks[0].row("name") == who)
                .unwrap();
            assert_eq!(round.status, "did not trigger the webhook", "{round:#?}");
            assert!(round.blocks[0].note.contains(why), "{round:#?}");
        }
        assert_eq!(run(&visit, "return [window.acted ?? null, document.querySelectorAll('.log-rounds img, .log-rounds script').length, ({}).acted ?? null]").await, json!([null, 0, null]));
        scroll_to(&visit, "#log").await;
        look(&visit, "hostile", name).await;
        visit.remove_webhook().await;
        visit.browser.client.close().await.unwrap();
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_response_is_one_view_with_its_parts_whatever_order_they_come_in() {
    for reorder in [false, true] {
        let home = Home::start_with(|config| config.particle.reorder_parts = reorder).await;
        let visit = Visit::to(&home, LIGHT).await;
        let person = visit.start().await;
        visit.connect().await;
        let body = "0123456789abcdef".repeat(120);
        let reply = json!({ "status": 200, "content_type": "text/plain", "body": body });
        person.reply_with(&reply.to_string()).await;
        visit.press("[data-do=test-webhook]").await;
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
        scroll_to(&visit, "#log").await;
        look(
            &visit,
            if reorder {
                "parts-out-of-order"
            } else {
                "parts"
            },
            "light",
        )
        .await;
        // An empty body, an error, and a body that is HTML for a device that asked for none of it.
        for (status, note) in [
            (204, "no hook-response event follows"),
            (404, "for Particle this is an error"),
        ] {
            let reply = json!({ "status": status, "body": "", "times": if status == 404 { json!(1) } else { Value::Null } });
            person.reply_with(&reply.to_string()).await;
            visit.press("[data-do=test-webhook]").await;
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
                    round
                        .blocks
                        .last()
                        .is_some_and(|block| block.kind == "error")
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
        scroll_to(&visit, "#log").await;
        look(&visit, "hook-error", "light").await;
        visit.browser.client.close().await.unwrap();
        home.stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn without_an_account_the_page_sends_what_particle_would_and_says_so() {
    let home = Home::start_with(|config| config.clouds = Arc::new(|_| vec![])).await;
    for (name, view) in VIEWS {
        let visit = started(&home, view).await;
        visit.says("mode", "No account").await;
        visit
            .says("connect-none", "No Particle account can be connected here")
            .await;
        scroll_to(&visit, "#webhook-configuration").await;
        look(&visit, "no-account", name).await;
        visit.press("[data-do=send-one]").await;
        let rounds = visit
            .log_shows("a round", |rounds| {
                rounds.len() == 1 && rounds[0].blocks.len() == 3
            })
            .await;
        assert_eq!(rounds[0].who, "Sent by this page, as Particle would");
        let received = &rounds[0].blocks[0];
        let body: Value =
            serde_json::from_str(&received.row("body").replace('\u{a0}', " ")).unwrap();
        assert_eq!(body["event"], "WebhookTutorial01");
        assert_eq!(body["coreid"], "api");
        let data: Value = serde_json::from_str(body["data"].as_str().unwrap()).unwrap();
        assert_eq!(data["op"], "test");
        assert!(
            received
                .note
                .contains("Sent by this page, as Particle would"),
            "{received:#?}"
        );
        assert!(
            head_line(&visit).await.contains("the server’s side only"),
            "{}",
            head_line(&visit).await
        );
        scroll_to(&visit, "#log").await;
        look(&visit, "sent-by-page", name).await;
        visit.browser.client.close().await.unwrap();
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn who_reads_elsewhere_is_told_that_it_is_the_servers_side_only() {
    let home = Home::start().await;
    let visit = started(&home, LIGHT).await;
    visit.connect().await;
    visit.press("[data-do=test-webhook]").await;
    visit.whole_rounds(1).await;
    for dialog in ["share", "continue"] {
        visit.press(&format!("[data-do={dialog}]")).await;
        let link = visit
            .text(&format!("[data-part={dialog}-dialog] [data-slot=link]"))
            .await;
        visit
            .press(&format!("[data-part={dialog}-dialog] [data-do=close]"))
            .await;
        let other = Visit::to(&home, LIGHT).await;
        other.browser.client.goto("about:blank").await.unwrap();
        other.browser.client.goto(&link).await.unwrap();
        if dialog == "continue" {
            other
                .press("[data-part=adopt-dialog] [data-do=confirm]")
                .await;
        }
        let rounds = other
            .log_shows("the server's side", |rounds| {
                rounds.len() == 1 && rounds[0].blocks.len() == 3
            })
            .await;
        assert_eq!(rounds[0].who, "Test button");
        other
            .says("count", "1 delivery, none missing; the server’s side only")
            .await;
        other.browser.client.close().await.unwrap();
    }
    visit.browser.client.close().await.unwrap();
    home.stack.stop().await.unwrap();
}
