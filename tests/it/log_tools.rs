//! What a reader does with the log in a real browser besides reading it: by keyboard, with a filter, taking things along.

use std::process::Stdio;

use fantoccini::{
    actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction},
    key::Key,
};
use serde_json::{Value, json};
use tests::{
    browser::{LIGHT, PHONE, View},
    home::{Home, Person},
    visit::Visit,
};
use tokio::{io::AsyncWriteExt, process::Command};

/// Keeps what is copied and what is saved, since a headless browser has neither clipboard nor a place for files.
const KEPT: &str = "
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } });
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { window.saved = blob; return make(blob); };
    HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };";

async fn started(view: View) -> (Home, Visit, Person) {
    let (home, visit, person) = Visit::started(view).await;
    visit.run(KEPT).await;
    (home, visit, person)
}

async fn look(visit: &Visit, name: &str) {
    visit.picture(name).await;
    visit.axe_in(".log-dock, dialog[open]", name).await;
    visit.fits().await;
}

async fn choose(visit: &Visit, slot: &str, text: &str) {
    let script = format!(
        "const field = document.querySelector('[data-component$=filter] [data-slot={slot}]');
         const at = [...field.options].findIndex((one) => one.text === '{text}');
         if (at < 0) return false;
         field.selectedIndex = at;
         field.dispatchEvent(new Event('change', {{ bubbles: true }}));
         return true;"
    );
    visit.shows(&format!("{text} can be chosen"), &script).await;
}

/// What the log holds, as the server tells it to this page.
async fn told_by_server(visit: &Visit) -> Value {
    let script = "const done = arguments[arguments.length - 1];
        fetch('/api/log', { headers: { authorization: `Bearer ${localStorage.getItem('webhook-tutorial/own')}` } }).then((answer) => answer.json()).then(done);";
    visit.run_async(script, vec![]).await
}

const A: &str = "e00fce68ece1d3d21a73dcc9";
const B: &str = "e00fce68aaaaaaaaaaaaaaaa";

async fn from_device(person: &Person, coreid: &str, id: u32) {
    let data = json!({ "op": "button", "id": id }).to_string();
    let body = json!({ "event": "WebhookTutorial01", "data": data, "coreid": coreid });
    person.post("application/json", body.to_string()).await;
}

/// Waits until the list on the page of the log has so many rounds.
async fn rows(visit: &Visit, count: usize) {
    let script = format!(
        "return document.querySelectorAll('.list-row:not([data-remark])').length === {count}"
    );
    visit.shows(&format!("{count} rows"), &script).await;
}

#[tokio::test]
async fn a_filter_lists_what_it_says_and_survives_a_reload() {
    let (home, visit, person) = started(LIGHT).await;
    from_device(&person, A, 1).await;
    from_device(&person, B, 2).await;
    person.post("text/plain", "no device").await;
    from_device(&person, A, 3).await;
    visit.goto(&format!("{}/log", visit.page_url)).await;
    rows(&visit, 4).await;
    choose(&visit, "source", "device …73dcc9").await;
    let summary = "[data-component$=filter] [data-slot=summary]";
    let said = "Showing 2 of 4 rounds: device …73dcc9.";
    visit.says(summary, said).await;
    visit.says("[data-component$=announcer]", said).await;
    rows(&visit, 2).await;
    from_device(&person, B, 4).await;
    let said = "Showing 2 of 5 rounds: device …73dcc9. 1 new round does not match.";
    visit.says(summary, said).await;
    choose(&visit, "kind", "Webhook response").await;
    visit.press("[data-component$=filter] [data-slot=only]").await;
    let kinds = "return [...document.querySelectorAll('.detail-blocks .log-block')].map((one) => one.dataset.kind).join() === 'response'";
    visit.shows("only the response is shown", kinds).await;
    visit.reload().await;
    let said = "Showing 2 of 5 rounds: device …73dcc9, only Webhook response.";
    visit.says(summary, said).await;
    choose(&visit, "kind", "hook-error").await;
    visit.says(summary, "None of the 5 rounds here matches").await;
    rows(&visit, 0).await;
    visit.look("html", "log-filter-none-light").await;
    visit.act("filter", "clear").await;
    rows(&visit, 5).await;
    visit.says("[data-component$=announcer]", "Showing all rounds.").await;
    let focused = "return document.activeElement.dataset.slot";
    visit.gives(focused, "search").await;
    visit.end(home).await;
}

/// Opens the newest request of the log and copies it as a line for a terminal. Gives back the line and what is said of it.
async fn copied(visit: &Visit) -> (String, String) {
    let open = "window.copied = undefined;
        const heads = document.querySelectorAll('.log-rounds .log-block[data-kind=received] > header');
        heads[heads.length - 1].click();";
    visit.run(open).await;
    let opened = "return document.querySelector('.block-dialog').open";
    visit.shows("the block is open", opened).await;
    visit.act("block-dialog", "copy-curl").await;
    let line = visit.shows("a line is copied", "return window.copied").await;
    let said = visit
        .shows(
            "it is said for which shell",
            "return document.querySelector('[data-component$=block-dialog] [data-slot=status]').textContent",
        )
        .await;
    (line.as_str().unwrap().to_owned(), said.as_str().unwrap().to_owned())
}

/// Types a line into bash.
async fn in_bash(line: &str) {
    let mut bash = Command::new("bash")
        .arg("-s")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = bash.stdin.take().unwrap();
    input.write_all(format!("set -o pipefail\n{line}\n").as_bytes()).await.unwrap();
    drop(input);
    assert!(bash.wait().await.unwrap().success(), "{line}");
}

#[tokio::test]
async fn a_request_copied_as_curl_arrives_again_as_it_was() {
    let (home, visit, person) = started(LIGHT).await;
    let bodies: [Vec<u8>; 4] = [
        br#"{"data":"it's $HOME `id` \" ! \\"}"#.to_vec(),
        "two\nlines\r\n\ttab é🙂 \u{202e}".into(),
        (0..=255).collect(),
        Vec::new(),
    ];
    let mut came = 0;
    for (n, body) in bodies.iter().enumerate() {
        let request =
            http::Request::post(format!("{}/a/%24(id)/[x]?q='{n}'&a={{b}}", person.hook_url()))
                .header("x-quote", r#"'"$(id)\"#)
                .header("user-agent", "test/1")
                .body(body.clone().into())
                .unwrap();
        home.client.send(request).await.unwrap();
        came += 1;
        visit.blocks("received", came).await;
        let (line, said) = copied(&visit).await;
        assert!(line.contains(&person.hook_url()), "{line}");
        assert!(said.starts_with("For bash or zsh."), "{said}");
        if n == 0 {
            look(&visit, "log-curl-light").await;
        }
        visit.press(".block-dialog [data-action=close]").await;
        in_bash(&line).await;
        came += 1;
        visit.blocks("received", came).await;
        let log = told_by_server(&visit).await;
        let deliveries = log["deliveries"].as_array().unwrap();
        let [.., first, again] = &deliveries[..] else { panic!("{log}") };
        for field in ["method", "path", "query", "body", "body_encoding", "body_sha256"] {
            assert_eq!(first["request"][field], again["request"][field], "{line}");
        }
        let headers = |delivery: &Value| -> Vec<Value> {
            let own = [
                "x-forwarded-for",
                "x-forwarded-port",
                "x-forwarded-proto",
                "x-amzn-trace-id",
                "host",
                "content-length",
            ];
            let all = delivery["request"]["headers"].as_array().unwrap();
            let mut kept: Vec<Value> = all
                .iter()
                .filter(|header| !own.contains(&header[0].as_str().unwrap()))
                .cloned()
                .collect();
            kept.sort_by_key(Value::to_string);
            kept
        };
        assert_eq!(headers(first), headers(again), "{line}");
    }
    visit.end(home).await;
}

#[tokio::test]
async fn the_downloaded_file_holds_what_the_reader_holds_and_no_key() {
    let (home, visit, person) = started(LIGHT).await;
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(1).await;
    person.post("application/octet-stream", vec![0, 255, 128]).await;
    visit.blocks("received", 2).await;
    visit.goto(&format!("{}/log", visit.page_url)).await;
    visit.run(KEPT).await;
    rows(&visit, 2).await;
    visit.says(".log-count", "listening").await;
    visit.act("more", "download").await;
    visit.slot_says("more", "status", "2 deliveries, 3 events.").await;
    let script = "const done = arguments[arguments.length - 1]; window.saved.text().then((text) => done([window.savedAs, text]))";
    let saved = visit.run_async(script, vec![]).await;
    let (name, text) = (saved[0].as_str().unwrap(), saved[1].as_str().unwrap());
    assert!(name.starts_with("webhook-log-"), "{name}");
    let file: Value = serde_json::from_str(text).unwrap();
    assert_eq!(file["endpoint"], person.endpoint.as_str());
    let log = told_by_server(&visit).await;
    assert_eq!(file["deliveries"], log["deliveries"]);
    assert_eq!(file["events"].as_array().unwrap().len(), 3);
    let secrets = visit.run("return [localStorage.getItem('webhook-tutorial/own'), JSON.parse(sessionStorage.getItem('webhook-tutorial/login')).ticket.token]").await;
    for secret in secrets.as_array().unwrap() {
        let secret = secret.as_str().unwrap();
        assert!(secret.len() > 20 && !text.contains(secret));
    }
    assert!(!text.contains("own_") && !text.contains("read_"));

    // The file is shown on any page of the log, without a server.
    let open = "const field = document.querySelector('[data-component$=more] [data-slot=file]');
        const files = new DataTransfer();
        files.items.add(new File([arguments[0]], 'saved.json'));
        field.files = files.files;
        field.dispatchEvent(new Event('change'));";
    visit.run_with(open, vec![json!(text)]).await;
    visit.says("[data-component$=read-bar]", "From the file saved.json.").await;
    rows(&visit, 2).await;
    visit.look("html", "log-saved-light").await;
    visit.act("read-bar", "leave").await;
    visit.says(".log-count", "listening").await;
    rows(&visit, 2).await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_reader_who_wants_silence_gets_it_on_both_pages() {
    let (home, visit, person) = started(LIGHT).await;
    person.post("text/plain", "one").await;
    visit.says("[data-component$=announcer]", "#1, POST: 200.").await;
    visit.goto(&format!("{}/log", visit.page_url)).await;
    visit.press("[data-component$=more] [data-slot=announce]").await;
    visit.reload().await;
    rows(&visit, 1).await;
    let muted = "return !document.querySelector('[data-component$=more] [data-slot=announce]').checked && localStorage.getItem('webhook-tutorial/muted') !== null";
    visit.gives(muted, true).await;
    visit.end(home).await;
}

#[tokio::test]
async fn the_collapsed_log_shows_the_last_round_fill_up() {
    let (home, visit, person) = started(LIGHT).await;
    visit.act("dock", "collapse").await;
    person.post("application/json", "{}").await;
    let head = "return document.querySelector('.strip-head').textContent === '#1 200' && document.querySelector('.log-count').innerText.startsWith('1 delivery')";
    visit.shows("the strip shows a round", head).await;
    let open = "return [...document.querySelectorAll('.strip-segment[data-state=open] .strip-name')].map((one) => one.textContent)";
    let expected = json!(["Event", "hook-sent", "hook-response"]);
    visit.gives(open, expected).await;
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    let all = "return document.querySelectorAll('.strip-segment[data-state=there]').length === 6";
    visit.shows("all six are there", all).await;
    visit.says(".log-strip", "#2 200").await;
    visit.says(".log-strip", "is there").await;
    visit.look_everywhere(".log-dock", "log-strip").await;
    let height = "return document.querySelector('.log-dock').offsetHeight";
    let height = visit.run(height).await.as_i64().unwrap();
    assert!(height < 110, "{height}");
    visit.end(home).await;
}

#[tokio::test]
async fn a_new_round_does_not_move_one_that_is_read() {
    let (home, visit, person) = started(LIGHT).await;
    for n in 0..6 {
        person.post("text/plain", format!("body {n}")).await;
    }
    visit.blocks("response", 6).await;
    let focus = "const block = [...document.querySelectorAll('.log-rail .log-block')].at(-1); block.focus(); return block.getBoundingClientRect().left";
    let place = "return document.activeElement.getBoundingClientRect().left";
    let before = visit.run(focus).await;
    person.post("text/plain", "one more").await;
    visit.says(".log-dock .log-newest", "Newest (1 new)").await;
    assert_eq!(visit.run(place).await, before, "what is read stays");
    visit.act("dock", "newest").await;
    let is_gone = "return document.querySelector('.log-dock .log-newest').hidden";
    visit.shows("the log is at its newest", is_gone).await;
    visit.end(home).await;
}

#[tokio::test]
async fn the_data_of_all_events_is_a_table() {
    let (home, visit, person) = started(LIGHT).await;
    visit.act("webhook-card", "test").await;
    let rounds = visit.whole_rounds(1).await;
    let body =
        json!({ "event": "x", "data": "{\"soc\":81,\"<b>\":\"<i>x\"}", "coreid": "e00fce68" });
    person.post("application/json", body.to_string()).await;
    visit.blocks("response", 2).await;
    visit.act("dock", "table").await;
    let cells = "return document.querySelector('.data-table td') !== null && [...document.querySelectorAll('.data-table tr')].map((row) => [...row.children].map((cell) => cell.textContent)).map(([number, , ...rest]) => [number, ...rest])";
    let found = visit.shows("the table is filled", cells).await;
    let id = rounds[0].blocks[3].row("id");
    let expected = json!([
        ["Number", "Device", "soc", "<b>", "op", "id"],
        ["#2", "e00fce68", "81", "<i>x", "", ""],
        ["#1", "api", "", "", "test", id],
    ]);
    assert_eq!(found, expected);
    visit.look_everywhere(".block-dialog[open]", "log-data-table").await;
    visit.end(home).await;
}

#[tokio::test]
async fn examples_become_the_readers_own_and_go_back_by_a_press() {
    let (home, visit, _) = started(LIGHT).await;
    visit.connect().await;
    let figure = "#simple-test .prose-example[data-block=trigger]";
    let ids = "return [...document.querySelectorAll('#simple-test .prose-example .log-block')].map((block) => block.querySelector('[data-slot=seq]').textContent).join()";
    let value = "#simple-test [data-value='test parsed id']";
    let recorded = (visit.run(ids).await, visit.text(value).await);
    for n in 1..=2 {
        visit.act("webhook-card", "test").await;
        let rounds = visit.whole_rounds(n).await;
        let own = vec![format!("#{n}"); 6].join(",");
        visit
            .shows(
                "they are of one's own round",
                &format!("return (() => {{ {ids} }})() === '{own}'"),
            )
            .await;
        let id = rounds[n - 1].blocks[3].row("id").to_owned();
        // The text names one's own value.
        visit.text_is(value, &id).await;
    }
    visit.picture("log-yours-light").await;
    visit.axe_in("#simple-test", "an example of one's own").await;
    visit.press(&format!("{figure} .yours-line button")).await;
    // The recorded ones are back.
    visit.gives(ids, recorded.0.clone()).await;
    visit.text_is(value, &recorded.1).await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(3).await;
    let offered = format!(
        "return document.querySelector('{figure} .yours-line button').textContent === 'Show yours (#3)'"
    );
    visit.shows("the newest is offered", &offered).await;
    assert_eq!(visit.run(ids).await, recorded.0, "who went back stays there");
    visit.end(home).await;
}

#[tokio::test]
async fn the_rail_is_one_tab_stop_that_arrows_walk_and_enter_opens() {
    let (home, visit, person) = started(LIGHT).await;
    for n in 0..6 {
        person.post("text/plain", format!("body {n}")).await;
    }
    visit.blocks("received", 6).await;
    let stops = "return [...document.querySelectorAll('.log-rail *')].filter((node) => node.tabIndex >= 0 && node.checkVisibility()).length";
    visit.gives(stops, 1).await;
    visit.run("document.querySelector('.log-block[tabindex=\"0\"]').focus()").await;
    let at = "const all = [...document.querySelectorAll('.log-rounds .log-block')]; return all.indexOf(document.activeElement)";
    // It begins at the newest.
    visit.gives(at, 17).await;
    for (pressed, expected) in [
        (Key::Left, 16),
        (Key::Up, 15),
        (Key::Right, 16),
        (Key::Down, 17),
        (Key::Right, 17),
        (Key::Home, 0),
        (Key::Left, 0),
        (Key::End, 17),
        (Key::Home, 0),
    ] {
        visit.key(pressed).await;
        visit.gives(at, json!(expected)).await;
    }
    // It is still one stop.
    visit.gives(stops, 1).await;
    let inside = "const rail = document.querySelector('.log-rail').getBoundingClientRect(); const block = document.activeElement.getBoundingClientRect(); return block.left >= rail.left && block.right <= rail.right + 1";
    visit.shows("what has the focus is in sight", inside).await;
    visit
        .shows(
            "the reader is away from the newest",
            "return document.querySelector('[data-component$=dock] [data-action=newest]').checkVisibility()",
        )
        .await;
    let left = visit.run("return document.activeElement.getBoundingClientRect().left").await;
    for n in 6..9 {
        person.post("text/plain", format!("body {n}")).await;
    }
    visit
        .shows(
            "three are new",
            "return document.querySelector('[data-component$=dock] [data-action=newest]').textContent === 'Newest (3 new)'",
        )
        .await;
    assert_eq!(visit.run(at).await, json!(0), "the focus stays");
    assert_eq!(
        visit.run("return document.activeElement.getBoundingClientRect().left").await,
        left,
        "nothing moves under a reader"
    );
    look(&visit, "log-newest-light").await;
    visit.key(Key::Enter).await;
    visit
        .shows("the block is open", "return document.querySelector('.block-dialog').open && document.querySelector('.block-dialog [data-slot=title]').textContent === 'Webhook received #1'")
        .await;
    let fields =
        "return document.querySelectorAll('.block-dialog .row-value[tabindex=\"0\"]').length > 3";
    visit.shows("its values can have the focus", fields).await;
    visit.key(Key::Escape).await;
    visit
        .shows("the focus is back on the block", &format!("return (() => {{ {at} }})() === 0"))
        .await;
    visit.act("dock", "newest").await;
    let edge = "const rail = document.querySelector('.log-rail'); return rail.scrollWidth - rail.clientWidth - rail.scrollLeft < 2 && !document.querySelector('[data-component$=dock] [data-action=newest]').checkVisibility()";
    visit.shows("the newest is in sight", edge).await;
    let wheel = "const rail = document.querySelector('.log-rail'); return rail.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, cancelable: true, bubbles: true }))";
    assert_eq!(visit.run(wheel).await, json!(true), "nobody takes the wheel from the reader");
    visit.end(home).await;
}

#[tokio::test]
async fn the_list_is_what_a_phone_gets_and_the_rail_what_a_desk_gets() {
    for (view, name, at_first, to_list) in
        [(PHONE, "phone", "list", "collapse"), (LIGHT, "light", "rail", "view")]
    {
        let (home, visit, person) = started(view).await;
        person.post("text/plain", "one").await;
        let is_at_first =
            format!("return document.querySelector('.log-rail').dataset.view === '{at_first}'");
        visit.shows("the log is as at first", &is_at_first).await;
        visit.act("dock", to_list).await;
        visit.blocks("received", 1).await;
        let is_list = "const [a, b] = document.querySelectorAll('.log-rounds .log-block'); return b.getBoundingClientRect().top >= a.getBoundingClientRect().bottom";
        visit.shows("blocks are one below the other", is_list).await;
        look(&visit, &format!("log-list-{name}")).await;
        visit.reload().await;
        visit.blocks("received", 1).await;
        visit.shows("they still are", is_list).await;
        visit.end(home).await;
    }
}

#[tokio::test]
async fn the_log_follows_its_newest_unless_scrolled_back() {
    let (home, visit, person) = started(LIGHT).await;
    for body in ["one", "two", "three"] {
        person.post("text/plain", body).await;
    }
    visit.blocks("received", 3).await;
    // More than counts as the edge, as a round that grows in a list; a scroll is told before the picture that corrects it.
    let grow = "const rail = document.querySelector('.log-rail');
        const last = rail.querySelector('.log-round:last-child');
        last.style[rail.dataset.view === 'list' ? 'paddingBlockEnd' : 'paddingInlineEnd'] = `${(window.grown = (window.grown ?? 0) + 500)}px`;
        rail.dispatchEvent(new Event('scroll'))";
    let at = |from_end: &str| {
        format!(
            "const rail = document.querySelector('.log-rail');
            const left = rail.dataset.view === 'list' ? rail.scrollHeight - rail.clientHeight - rail.scrollTop : rail.scrollWidth - rail.clientWidth - rail.scrollLeft;
            return left {from_end} && document.querySelector('[data-component$=dock] [data-action=newest]').hidden === (left < 2)"
        )
    };
    for view in ["list", "rail"] {
        if view == "list" {
            visit.act("dock", "view").await;
        } else {
            visit.act("dock", "newest").await;
            visit.act("dock", "view").await;
        }
        visit.shows(&format!("{view}: at the newest"), &at("< 2")).await;
        for _ in 0..2 {
            visit.run(grow).await;
            visit.shows(&format!("{view}: still at the newest"), &at("< 2")).await;
        }
        let back = "const rail = document.querySelector('.log-rail'); rail.scrollBy(-400, -400); return [rail.scrollLeft, rail.scrollTop]";
        let stands = visit.run(back).await;
        visit.shows(&format!("{view}: scrolled back"), &at(">= 399")).await;
        visit.run(grow).await;
        person.post("text/plain", "more").await;
        visit
            .shows(
                &format!("{view}: more is new"),
                "return document.querySelector('[data-component$=dock] [data-action=newest]').textContent.includes('(1 new)')",
            )
            .await;
        let now = "const rail = document.querySelector('.log-rail'); return [rail.scrollLeft, rail.scrollTop]";
        assert_eq!(visit.run(now).await, stands, "{view}");
    }
    // Who asks for older ones at the newest end is no longer following it, or what came would be let go again.
    for _ in 0..100 {
        person.post("text/plain", "").await;
    }
    visit.act("dock", "newest").await;
    visit
        .shows("at the newest of many", "return document.querySelector('[data-component$=dock] [data-action=newest]').hidden && document.querySelectorAll('.log-round').length >= 30")
        .await;
    for least in [60, 90, 100] {
        let older = "document.querySelector('[data-component$=rail] [data-action=older]').click()";
        visit.run(older).await;
        visit
            .shows(
                "older ones are there",
                &format!("return document.querySelectorAll('.log-round').length >= {least} && !document.querySelector('[data-component$=dock] [data-action=newest]').hidden"),
            )
            .await;
    }
    visit.end(home).await;
}

#[tokio::test]
async fn the_log_is_a_strip_until_something_arrives() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    visit.act("start", "start").await;
    visit.says(".log-live", "live").await;
    let strip = "return document.querySelector('.log-dock').hasAttribute('data-collapsed') && document.querySelector('.log-dock').offsetHeight < innerHeight / 6";
    visit.gives(strip, true).await;
    visit.text_is(".strip-head", "Nothing yet").await;
    visit.press("#task-send-one [data-action=try]").await;
    visit.blocks("received", 1).await;
    let open = "return document.querySelector('.log-rail').checkVisibility() && document.activeElement.getBoundingClientRect().bottom <= document.querySelector('.log-dock').getBoundingClientRect().top";
    visit.shows("it is open, and not over what was pressed", open).await;
    visit.act("dock", "collapse").await;
    visit.press("#task-send-one [data-action=try]").await;
    visit.blocks("received", 2).await;
    assert_eq!(visit.run(strip).await, json!(true), "as its reader wants");
    visit.end(home).await;
}

#[tokio::test]
async fn the_dock_is_resized_remembered_and_never_over_the_focus() {
    let (home, visit, person) = started(LIGHT).await;
    person.post("text/plain", "one").await;
    visit.blocks("received", 1).await;
    let height = "return document.querySelector('.log-dock').offsetHeight";
    let before = visit.run(height).await.as_i64().unwrap();
    visit.run("document.querySelector('.dock-handle').focus()").await;
    visit.key(Key::Up).await;
    visit.key(Key::Up).await;
    let larger = visit.run(height).await.as_i64().unwrap();
    assert!(larger > before, "{before} {larger}");
    // By pointer: sixty pixels up.
    let at = visit.run("const { left, top, width, height } = document.querySelector('.dock-handle').getBoundingClientRect(); return [Math.round(left + width / 2), Math.round(top + height / 2)]").await;
    let (x, y) = (at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
    let drag = MouseActions::new("mouse".to_owned())
        .then(PointerAction::MoveTo { duration: None, x, y })
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(PointerAction::MoveTo { duration: None, x, y: y - 60.0 })
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    visit.browser.client.perform_actions(drag).await.unwrap();
    let dragged = visit.run(height).await.as_i64().unwrap();
    assert!((dragged - larger - 60).abs() <= 12, "{larger} {dragged}");
    let larger = dragged;
    let now = visit.run("return document.querySelector('.dock-handle').ariaValueNow").await;
    visit.reload().await;
    visit.blocks("received", 1).await;
    // Remembered.
    visit.gives(height, json!(larger)).await;
    visit.gives("return document.querySelector('.dock-handle').ariaValueNow", now).await;
    // Whatever can have the focus, one after the other.
    let hidden = "const dock = document.querySelector('.log-dock');
        const found = [];
        for (const node of document.querySelectorAll('main a[href], main button, main input, main select, main textarea, main summary, main [tabindex=\"0\"]')) {
            if (dock.contains(node) || !node.checkVisibility()) continue;
            node.focus();
            if (document.activeElement !== node) continue;
            const { top, bottom, height } = node.getBoundingClientRect();
            const free = dock.getBoundingClientRect().top;
            if (height < free - 60 && bottom > free + 1 && top > 0) found.push(`${node.tagName} ${node.textContent.slice(0, 40)} ${bottom} > ${free}`);
        }
        return found;";
    visit.run("document.documentElement.style.scrollBehavior = 'auto'").await;
    assert_eq!(visit.run(hidden).await, json!([]));
    visit.act("dock", "collapse").await;
    visit.gives(hidden, json!([])).await;
    visit.end(home).await;
}

/// Checks the signature of the open request on `/log` with a secret, and gives the verdict.
async fn verdict(visit: &Visit, secret: &str, keep: bool) -> String {
    let check =
        "const tools = document.querySelector('.log-detail [data-component$=request-tools]');
        const slot = (name) => tools.querySelector(`[data-slot=${name}]`);
        slot('secret').value = arguments[0];
        slot('keep').checked = arguments[1];
        slot('verdict').textContent = '';
        slot('form').requestSubmit();";
    visit.run_with(check, vec![json!(secret), json!(keep)]).await;
    let said = "return document.querySelector('.log-detail [data-slot=verdict]').textContent";
    visit.shows("a verdict", said).await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_signature_is_checked_and_its_secret_not_kept() {
    let (home, visit, person) = started(PHONE).await;
    // The example of GitHub's documentation.
    let secret = "It's a Secret to Everybody";
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let request = http::Request::post(person.hook_url())
        .header("x-hub-signature-256", signature)
        .body("Hello, World!".into())
        .unwrap();
    home.client.send(request).await.unwrap();
    visit.goto(&format!("{}/log#1", visit.page_url)).await;
    visit.press(".log-detail [data-slot=signature] > summary").await;
    let scheme =
        "return document.querySelector('.log-detail [data-slot=scheme]').value === 'GitHub'";
    visit.shows("the sender is recognised", scheme).await;
    assert!(verdict(&visit, secret, false).await.starts_with("The signature is right"));
    visit.look(".log-detail", "log-signature-phone").await;
    let kept = "return JSON.stringify(localStorage).includes('Everybody')";
    assert_eq!(visit.run(kept).await, json!(false));
    let wrong = verdict(&visit, "another", false).await;
    assert!(wrong.starts_with("Wrong: the secret is another one"), "{wrong}");
    verdict(&visit, secret, true).await;
    // The reader asked for it.
    visit.gives(kept, true).await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_search_reads_everything_and_is_in_the_address() {
    let (home, visit, person) = started(LIGHT).await;
    person.post("text/plain", "needle-4711").await;
    for n in 0..130 {
        person.post("text/plain", format!("hay {n}")).await;
    }
    visit.goto(&format!("{}/log#log?q=Needle-4711", visit.page_url)).await;
    let summary = "[data-component$=filter] [data-slot=summary]";
    visit.says(summary, "Showing 1 of 131 rounds: “Needle-4711”.").await;
    rows(&visit, 1).await;
    visit.press(".list-row").await;
    let address = "return location.hash";
    visit.shows("it is selected", &format!("{address} === '#1?q=Needle-4711'")).await;
    let again =
        "const tools = document.querySelector('.log-detail [data-component$=request-tools]');
        tools.querySelector('[data-action=again]').click()";
    visit.run(again).await;
    visit.says(".log-detail [data-slot=status].request-said", "Answered 200").await;
    visit.says(summary, "Showing 2 of 132 rounds").await;
    let search =
        "const field = document.querySelector('[data-component$=filter] [data-slot=search]');
        field.value = 'status:4xx is:odd';
        field.dispatchEvent(new Event('input', { bubbles: true }));";
    visit.run(search).await;
    visit.says(summary, "None of the 132 rounds here matches").await;
    visit.says("[data-component$=filter] [data-slot=problem]", "is:odd is not valid").await;
    visit.look("html", "log-search-light").await;
    visit.end(home).await;
}

#[tokio::test]
async fn each_tab_keeps_its_endpoint_and_names_are_kept() {
    let (home, visit, first) = started(LIGHT).await;
    visit.goto(&format!("{}/log", visit.page_url)).await;
    visit.act("address", "settings").await;
    visit.press(".log-drawer [data-component$=endpoints] [data-action=new]").await;
    visit.says(".log-drawer .endpoints-said", "This tab has a new endpoint.").await;
    let here =
        "return document.querySelector('[data-component$=address] [data-slot=url]').textContent";
    let other = format!("{here}.replace('{}', '')", first.hook_url());
    let second = visit.shows("the new hook URL is shown", &other).await;
    let name = "const field = document.querySelector('.log-drawer .endpoint-list input');
        field.value = 'orders';
        field.dispatchEvent(new Event('change'));";
    visit.run(name).await;
    visit.slot_says("address", "name", "orders").await;
    visit.look("html", "log-endpoints-light").await;

    // Another tab goes back to the first, and this one stays.
    let window = visit.browser.client.window().await.unwrap();
    let other = visit.browser.client.new_window(true).await.unwrap();
    visit.browser.client.switch_to_window(other.handle).await.unwrap();
    visit.goto(&format!("{}/log", visit.page_url)).await;
    visit
        .shows(
            "a new tab begins with the last",
            &format!("{here} === '{}'", second.as_str().unwrap()),
        )
        .await;
    visit.act("address", "settings").await;
    visit.press(".log-drawer .endpoint-list button").await;
    visit.shows("it is the first", &format!("{here} === '{}'", first.hook_url())).await;
    visit.browser.client.close_window().await.unwrap();
    visit.browser.client.switch_to_window(window).await.unwrap();
    assert_eq!(visit.run(here).await, second);
    visit.reload().await;
    visit.shows("this tab stayed", &format!("{here} === '{}'", second.as_str().unwrap())).await;
    visit.slot_says("address", "name", "orders").await;
    visit.end(home).await;
}

#[tokio::test]
async fn without_an_endpoint_keys_and_files_are_opened() {
    let (home, visit, first) = started(LIGHT).await;
    first.post("text/plain", "one").await;
    visit.goto(&format!("{}/log", visit.page_url)).await;
    visit.act("address", "settings").await;
    visit.press(".log-drawer [data-component$=endpoints] [data-action=new]").await;
    visit.says(".log-drawer .endpoints-said", "This tab has a new endpoint.").await;
    visit.act("hook", "forget").await;
    visit.confirm("forget").await;
    visit.press(".log-start .endpoint-list button").await;
    rows(&visit, 1).await;
    let log = told_by_server(&visit).await;

    // A browser that knows none.
    let key = visit.run("const key = localStorage.getItem('webhook-tutorial/own'); localStorage.clear(); sessionStorage.clear(); return key").await;
    visit.reload().await;
    let give = "const [{ where, text, name }] = arguments;
        const files = new DataTransfer();
        files.items.add(new File([text], name));
        const send = (node, kind) => node.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files }));
        if (where === 'page') { send(document.body, 'dragenter'); send(document.body, 'dragover'); }
        window.give = () => {
            if (where === 'page') return send(document.body, 'drop');
            const field = document.querySelector(where);
            field.files = files.files;
            field.dispatchEvent(new Event('change'));
        };";
    let lines = serde_json::to_string(&log["deliveries"][0]).unwrap() + "\nnot a delivery\n";
    visit.run_with(give, vec![json!({ "where": "page", "text": lines, "name": "a.ndjson" })]).await;
    let is_up = "return document.documentElement.dataset.script === 'on'";
    visit.shows("the page is there before the file is let go", is_up).await;
    visit.run("window.give()").await;
    visit.says("[data-component$=read-bar]", "From the file a.ndjson.").await;
    visit.says("[data-component$=read-bar]", "One entry is not a delivery or an event").await;
    rows(&visit, 1).await;
    visit.act("read-bar", "leave").await;
    visit.look("html", "log-start-light").await;

    let keys = json!({ "format": "webhook-tutorial/keys", "version": 1, "keys": [{ "owner": key, "name": "orders" }] });
    let field = ".log-start [data-component$=endpoints] [data-slot=file]";
    visit
        .run_with(give, vec![json!({ "where": field, "text": keys.to_string(), "name": "k" })])
        .await;
    visit.run("window.give()").await;
    visit.press(".log-start .endpoint-list button").await;
    visit.slot_says("address", "name", "orders").await;
    rows(&visit, 1).await;
    visit.end(home).await;
}

#[tokio::test]
async fn a_body_is_shown_as_what_it_is() {
    let (home, visit, person) = started(LIGHT).await;
    let base64 = |text: &str| data_encoding::BASE64.decode(text.as_bytes()).unwrap();
    let gzipped = base64("H4sIAAAAAAACA6tWyi9KSS1SsqpWykxRsjIxNzSsrQUAydVfuhUAAAA=");
    let request = http::Request::post(person.hook_url())
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(gzipped.into())
        .unwrap();
    home.client.send(request).await.unwrap();
    let mut parts = b"--b\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\n".to_vec();
    parts.extend(base64("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"));
    parts.extend(b"\r\n--b\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nfrom the garden\r\n--b--\r\n");
    person.post("multipart/form-data; boundary=b", parts).await;

    visit.goto(&format!("{}/log#1", visit.page_url)).await;
    visit.says(".detail-blocks", "gunzipped for display").await;
    visit.says(".detail-blocks [data-kind=parsed]", "4711").await;
    visit.goto(&format!("{}/log#2", visit.page_url)).await;
    visit.says(".detail-blocks [data-kind=parsed]", "from the garden").await;
    let picture = "return document.querySelector('.detail-blocks [data-kind=parsed] img')?.naturalWidth === 1";
    visit.shows("the picture is shown", picture).await;
    visit.look("html", "log-parts-light").await;
    visit.end(home).await;
}
