//! The log at full size, `/log`: from the empty page to a round, by mouse, by keyboard and on a phone.

use fantoccini::key::Key;
use serde_json::json;
use tests::{
    browser::{LIGHT, PHONE},
    home::Home,
    visit::Visit,
};

/// The page of the log, before anything was started, at an address that names nothing.
async fn opened(home: &Home, view: tests::browser::View) -> Visit {
    let visit = Visit::to(home, view).await;
    visit.goto(&format!("{}/log#100%", visit.page_url)).await;
    visit
}

/// Waits until the round of a number is the one at full size, and the address names it.
async fn shows_round(visit: &Visit, seq: u64) {
    let script = format!(
        "return document.querySelector('.log-detail').checkVisibility() && location.hash === '#{seq}' && document.querySelector('[data-component$=detail] [data-slot=title]').textContent.startsWith('#{seq} ')"
    );
    visit.shows(&format!("#{seq} is shown"), &script).await;
}

#[tokio::test]
async fn the_log_page_leads_from_nothing_to_a_round() {
    let home = Home::start().await;
    let visit = opened(&home, LIGHT).await;
    visit.says(".log-start", "It makes a hook URL of your own.").await;
    // Start signs in nowhere and makes no webhook here.
    visit.gives("return document.querySelector('.start-steps').checkVisibility()", false).await;
    visit.look_everywhere("html", "log-not-started").await;
    let person = visit.start().await;
    visit.slot_says("list", "line", "curl").await;
    visit.slot_says("list", "line", &person.hook_url()).await;
    visit.slot_says("address", "url", &person.hook_url()).await;
    visit.says(".list-empty", "New to webhooks? Tutorial").await;
    visit.look_everywhere("html", "log-empty").await;

    for n in 1..=3 {
        person.post("text/plain", format!("body {n}")).await;
    }
    let rows = "return document.querySelectorAll('.list-row').length === 3";
    visit.shows("three rows", rows).await;
    visit.says(".log-detail", "body 3").await;
    visit.run("document.querySelector('.list-view').focus()").await;
    for (key, seq) in [(Key::Down, 3), (Key::Down, 2), (Key::End, 1), (Key::Up, 2)] {
        visit.key(key).await;
        shows_round(&visit, seq).await;
    }
    let named = "const view = document.activeElement;
        const row = document.getElementById(view.getAttribute('aria-activedescendant'));
        return [view.role ?? view.getAttribute('role'), row.getAttribute('role'), row.getAttribute('aria-selected'), row.textContent.startsWith('#2'), row.ariaPosInSet, row.ariaSetSize]";
    let expected = json!(["listbox", "option", "true", true, "2", "3"]);
    visit.gives(named, expected).await;
    // Each block leads to its paragraph of the tutorial.
    let links = "return [...document.querySelectorAll('.detail-blocks .log-block')].map((block) => block.querySelector('.block-explained > a').getAttribute('href'))";
    let expected = json!(["/#3-webhook-received", "/#4-parsed-data", "/#5-webhook-response"]);
    visit.gives(links, expected).await;
    let wraps = "return getComputedStyle(document.querySelector('.detail-blocks .row-value')).whiteSpaceCollapse + getComputedStyle(document.querySelector('.detail-blocks .row-value')).textWrapMode";
    visit.gives(wraps, "preservewrap").await;
    visit.press("[data-component$=detail] [data-slot=wrap]").await;
    visit.gives(wraps, "preservenowrap").await;
    visit.look_everywhere("html", "log-round").await;

    visit.act("address", "settings").await;
    let focused = "return document.activeElement.id === 'drawer-title'";
    visit.shows("the drawer has the focus", focused).await;
    visit.look_everywhere("html", "log-drawer").await;
    visit.key(Key::Escape).await;
    let focused = "return document.activeElement.dataset.action === 'settings' && document.querySelector('.log-drawer').hidden";
    visit.shows("its button has the focus again", focused).await;

    visit.reload().await;
    shows_round(&visit, 2).await;
    visit.goto(&visit.page_url).await;
    visit.says(".continue-line", "Open log (3)").await;
    visit.says(".continue-line", "Continue: step 1 of").await;
    visit.end(home).await;
}

#[tokio::test]
async fn on_a_phone_a_round_covers_the_list_until_back() {
    let home = Home::start().await;
    let visit = opened(&home, PHONE).await;
    let person = visit.start().await;
    for n in 1..=2 {
        person.post("text/plain", format!("body {n}")).await;
    }
    let list = "return document.querySelectorAll('.list-row').length === 2 && !document.querySelector('.log-detail').checkVisibility()";
    visit.shows("the list is the page", list).await;
    visit.press(".list-row").await;
    shows_round(&visit, 2).await;
    let covers = "const { left, top, width, height } = document.querySelector('.log-detail').getBoundingClientRect(); return [left, top, width === innerWidth, height === innerHeight]";
    visit.gives(covers, json!([0, 0, true, true])).await;
    visit.look("html", "log-round-on-a-phone").await;
    visit.act("detail", "back").await;
    visit.shows("the list is the page again", list).await;
    visit.gives("return location.hash", "").await;
    visit.goto(&format!("{}/log#1", visit.page_url)).await;
    shows_round(&visit, 1).await;
    visit.end(home).await;
}

/// A fragment that is not even encoded stops no page, and a damaged link leaves no key in the address.
#[tokio::test]
async fn a_damaged_address_starts_the_page_and_keeps_no_key() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let to = async |address: &str| {
        // Another fragment alone does not open the page again.
        visit.goto("about:blank").await;
        visit.goto(&format!("{}{address}", visit.page_url)).await;
    };
    for address in ["/#%", "/#100%"] {
        to(address).await;
        visit.start().await;
        visit.run("localStorage.clear()").await;
    }
    to("/log#%").await;
    let own = visit.start().await;
    let (owner, share) = (own.owner.reveal(), own.share.reveal());
    for (address, key) in [("/", owner), ("/", share), ("/log", owner), ("/log", share)] {
        for fragment in [format!("{key}%20"), format!("{key}/"), key[..key.len() - 1].into()] {
            to(&format!("{address}#{fragment}")).await;
            visit.says("dialog[data-name=damaged-link][open]", "This link is damaged").await;
            assert_eq!(visit.run("return location.hash").await, "", "{address}#{fragment}");
        }
    }
    visit.end(home).await;
}
