//! What a share key can't get, whichever way it asks.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use tests::{
    browser::LIGHT,
    client::json,
    home::{Home, Person},
    visit::Visit,
};

/// Where senders put secrets, and how some of them spell it.
const SECRET_HEADERS: [&str; 14] = [
    "authorization",
    "Proxy-Authorization",
    "cookie",
    "x-api-key",
    "X-Hub-Signature-256",
    "x-particle-webhook-secret",
    "x-amz-security-token",
    "referer",
    "origin-of-mine",
    "forwarded",
    "x-real-ip",
    "via",
    "content-type-x",
    "from",
];

/// Every answer that reading can give to this key, with the ways to it.
async fn everything(person: &Person, key: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut ask = async |path: String| {
        let answer = person.call_with(key, Method::GET, &path, "").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let page = json(&answer);
        found.push((path, page.clone()));
        page
    };
    ask("/api/endpoint".into()).await;
    ask("/api/log".into()).await;
    ask("/api/log?limit=500".into()).await;
    // Forwards one by one.
    let mut page = ask("/api/log?limit=1".into()).await;
    while page["deliveries"].as_array().is_some_and(|all| !all.is_empty()) {
        let cursor = page["cursor"].as_str().unwrap().to_owned();
        page = ask(format!("/api/log?limit=1&after={cursor}")).await;
    }
    // Backwards one by one.
    let mut page = ask("/api/log?last=1".into()).await;
    while let Some(older) = page["older"].as_str().map(str::to_owned) {
        page = ask(format!("/api/log?limit=1&before={older}")).await;
    }
    found
}

#[tokio::test]
async fn no_masked_value_can_be_had_with_a_share_key() {
    let home = Home::start().await;
    let person = home.person().await;
    person
        .reply_with(
            r#"{"status":202,"body":"fine","headers":[["x-reply-token","planted-in-the-reply"]],"times":2}"#,
        )
        .await;
    for nth in 0..4 {
        let mut request = Request::post(format!("{}/below", person.hook_url()));
        for name in SECRET_HEADERS {
            request = request.header(name, format!("planted-{nth}-in-{name}"));
        }
        let request = request.body(Bytes::from(format!("body {nth}"))).unwrap();
        assert!(home.client.send(request).await.unwrap().status().is_success());
    }

    // The owner sees each of them, so that the rest means something.
    let own = everything(&person, person.owner.reveal()).await;
    let all_of_it: String = own.iter().map(|(_, page)| page.to_string()).collect();
    for name in SECRET_HEADERS {
        assert!(all_of_it.contains(&format!("planted-3-in-{name}")), "{name}");
    }
    assert!(all_of_it.contains("planted-in-the-reply") && all_of_it.contains("\"127.0.0.1\""));

    let share = everything(&person, person.share.reveal()).await;
    assert_eq!(share.len(), own.len(), "the same pages");
    for ((path, theirs), (_, mine)) in share.iter().zip(&own) {
        let text = theirs.to_string();
        let secrets = ["planted", person.owner.reveal(), person.share.reveal(), "own_", "read_"];
        for secret in secrets {
            assert!(!text.contains(secret), "{path}: {text}");
        }
        for (theirs, mine) in deliveries(theirs).zip(deliveries(mine)) {
            assert_eq!(theirs["request"]["body"], mine["request"]["body"]);
            let source = theirs["request"]["source"].as_str().unwrap();
            assert!(source.chars().all(|c| c == '•'), "{source}");
            for (theirs, mine) in headers(theirs).zip(headers(mine)) {
                assert_eq!(theirs.0, mine.0, "the names are to be seen");
                let is_masked = theirs.1.chars().all(|c| c == '•');
                assert!(is_masked || theirs.1 == mine.1, "{theirs:?}");
                let same_length = theirs.1.chars().count() == mine.1.chars().count();
                assert!(same_length, "{theirs:?}");
            }
        }
    }
    let endpoint = &share[0].1;
    assert!(endpoint["reply"].is_null(), "{endpoint}");

    // Errors say what was wrong and nothing else.
    let own_cursor = own[1].1["cursor"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, "/api/log?after=planted".to_owned()),
        (Method::GET, format!("/api/log?before={}x", own_cursor)),
        (Method::GET, "/api/log?last=0".to_owned()),
        (Method::GET, "/api/log?limit=planted".to_owned()),
        (Method::GET, "/api/reply".to_owned()),
        (Method::PUT, "/api/reply".to_owned()),
        (Method::DELETE, "/api/reply".to_owned()),
        (Method::PUT, "/api/endpoint".to_owned()),
        (Method::DELETE, "/api/endpoint".to_owned()),
        (Method::DELETE, "/api/log".to_owned()),
        (Method::POST, "/api/log".to_owned()),
        (Method::PATCH, "/api/endpoint".to_owned()),
    ] {
        let body = r#"{"status":200,"body":"planted"}"#;
        let key = person.share.reveal();
        let answer = person.call_with(key, method.clone(), &path, body).await;
        assert!(answer.status().is_client_error(), "{method} {path}");
        let text = json(&answer).to_string();
        assert!(!text.contains("planted") && !text.contains(key), "{path}: {text}");
    }
    // And nothing was changed by any of them.
    let after = everything(&person, person.owner.reveal()).await;
    for ((path, before), (_, after)) in own.iter().zip(&after) {
        assert_eq!(before["deliveries"], after["deliveries"], "{path}");
        assert_eq!(before["reply"], after["reply"], "{path}");
    }
    home.stack.stop().await.unwrap();
}

fn deliveries(page: &Value) -> impl Iterator<Item = &Value> {
    page["deliveries"].as_array().into_iter().flatten()
}

/// All headers of request and response, names and values.
fn headers(delivery: &Value) -> impl Iterator<Item = (&str, &str)> {
    let both = [&delivery["request"], &delivery["response"]];
    let all = both.into_iter().flat_map(|side| side["headers"].as_array().into_iter().flatten());
    all.map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
}

#[tokio::test]
async fn a_cursor_gives_a_viewer_nothing_more() {
    let home = Home::start().await;
    let (one, other) = (home.person().await, home.person().await);
    for person in [&one, &other] {
        for body in ["first", "second"] {
            person.post("text/plain", format!("{body} of {}", person.endpoint)).await;
        }
    }
    let cursor = one.log("limit=1").await.cursor;
    // In another's log it is of another epoch: that log from its beginning, and nothing of this one.
    let key = other.share.reveal();
    let path = format!("/api/log?after={cursor}");
    let answer = other.call_with(key, Method::GET, &path, "").await;
    let page = json(&answer);
    assert_eq!(page["restarted"], true, "{page}");
    assert!(!page.to_string().contains(one.endpoint.as_str()), "{page}");
    let answer = one.call_with(one.share.reveal(), Method::GET, &path, "").await;
    assert_eq!(deliveries(&json(&answer)).count(), 1);
    home.stack.stop().await.unwrap();
}

/// Keeps what is copied and what is saved, since a headless browser has neither clipboard nor a place for files.
const KEPT: &str = "
    window.taken = [];
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.taken.push(text); } } });
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { blob.text().then((text) => window.taken.push(text)); return make(blob); };
    HTMLAnchorElement.prototype.click = function () {};";

/// Presses every button of an open block that takes something along.
const TAKE_ALL: &str = "
    const heads = [...document.querySelectorAll('.log-rounds .log-block > header')];
    heads[arguments[0]]?.click();
    const dialog = document.querySelector('.block-dialog');
    const shown = dialog.open ? dialog.textContent : '';
    for (const button of dialog.querySelectorAll('button')) if (/copy|download/i.test(button.textContent) && !button.hidden) button.click();
    return [heads.length, shown];";

#[tokio::test]
async fn a_viewer_finds_no_masked_value_on_the_page() {
    let home = Home::start().await;
    let owner = home.person().await;
    let mut request = Request::post(owner.hook_url());
    for name in SECRET_HEADERS {
        request = request.header(name, format!("planted-in-{name}"));
    }
    let request = request.body(Bytes::from("a body that all may read")).unwrap();
    home.client.send(request).await.unwrap();
    let visit = Visit::to(&home, LIGHT).await;
    visit.read_by_link(&owner).await;
    let place = "return [document.querySelector('.start-card').offsetHeight, document.querySelector('.log-rail').checkVisibility(), localStorage.getItem('webhook-tutorial/dock')]";
    // No hole for Start; open, and not kept.
    visit.gives(place, serde_json::json!([0, true, null])).await;
    visit.run(KEPT).await;
    let mut seen = String::new();
    let mut at = 0;
    loop {
        let found = visit.run_with(TAKE_ALL, vec![at.into()]).await;
        seen.push_str(found[1].as_str().unwrap());
        visit.run("document.querySelector('.block-dialog').close()").await;
        at += 1;
        if at >= found[0].as_u64().unwrap() {
            break;
        }
    }
    let taken = visit.run("return JSON.stringify(window.taken)").await;
    seen.push_str(taken.as_str().unwrap());
    visit.goto(&format!("{}/log", visit.page_url)).await;
    visit.run(KEPT).await;
    visit.act("more", "download").await;
    visit
        .shows(
            "the log was saved",
            "return window.taken.some((text) => text.includes('webhook-tutorial/log'))",
        )
        .await;
    let everything = "return JSON.stringify([document.documentElement.outerHTML, window.taken, { ...localStorage }, { ...sessionStorage }])";
    let everything = visit.run(everything).await;
    let all = seen + everything.as_str().unwrap();
    assert!(all.contains("a body that all may read"), "{all}");
    assert!(!all.contains("planted"), "a masked value is there");
    assert!(!all.contains(owner.owner.reveal()), "the owner's key is there");
    // A script on the page has no more power than the key in hand.
    let calls = "const [key, done] = arguments;
        const calls = [['PUT', 'endpoint'], ['DELETE', 'endpoint'], ['DELETE', 'log'], ['PUT', 'reply'], ['DELETE', 'reply']];
        Promise.all(calls.map(([method, path]) => fetch(`/api/${path}`, { method, headers: { authorization: `Bearer ${key}` } }).then((answer) => answer.status))).then(done)";
    let key = serde_json::json!(owner.share.reveal());
    let statuses = visit.run_async(calls, vec![key]).await;
    assert_eq!(statuses, serde_json::json!([403, 403, 403, 403, 403]));
    visit.end(home).await;
}

#[test]
fn what_a_link_shows_is_said_before_it_can_be_copied() {
    let files = site::files(&site::Options::default()).unwrap();
    let page = files.iter().find(|file| file.path == "index.html").unwrap();
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    let dialog = html.split("data-name=\"share\"").nth(1).unwrap();
    let dialog = dialog.split("</dialog>").next().unwrap();
    let (before, after) = dialog.split_once("data-action=\"copy-link\"").unwrap();
    for said in ["Bodies are shown whole", "learns the hook URL", "can\u{2019}t be taken back"] {
        assert!(before.contains(said), "{said:?} is not in {before}");
    }
    assert!(!after.contains("Bodies"), "it is all said before");
}
