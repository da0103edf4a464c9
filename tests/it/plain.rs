//! The page as plain reading: without scripts, with scripts that fail, and on paper. Nothing may be missing then.

use serde_json::{Value, json};
use tests::{
    browser::{Browser, LIGHT, PHONE, View},
    home::Home,
    visit::Visit,
};

async fn open(home: &Home, view: View, before: &[(&str, Value)]) -> Visit {
    let browser = Browser::start(view).await.unwrap();
    for (command, params) in before {
        browser.devtools(command, params.clone()).await.unwrap();
    }
    browser.client.goto(&home.stack.page_url).await.unwrap();
    Visit { browser, page_url: home.stack.page_url.clone() }
}

/// Every section can be seen, with its examples, and with what is right in each mode.
async fn reads_whole(visit: &Visit, how: &str) {
    let script = "const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => !one.checkVisibility()).map((one) => one.id || one.dataset.block || one.dataset.only || one.textContent.slice(0, 40));
        return { sections: seen('.page-section'), examples: seen('.prose-example'), modes: seen('[data-only]'), tasks: seen('.task-line'),
            count: [document.querySelectorAll('.page-section').length, document.querySelectorAll('.prose-example').length] };";
    let found = visit.run(script).await;
    assert_eq!(found["sections"], json!([]), "{how}: hidden sections");
    assert_eq!(found["examples"], json!([]), "{how}: hidden examples");
    assert_eq!(found["modes"], json!([]), "{how}: hidden words");
    assert_eq!(found["tasks"], json!([]), "{how}: hidden tasks");
    let [sections, examples] = [&found["count"][0], &found["count"][1]].map(|n| n.as_u64());
    assert!(sections >= Some(10) && examples >= Some(10), "{found}");
}

/// What looks as if it could be used.
const ALIVE: &str = "return [...document.querySelectorAll('main button, main input, main select, main textarea, header button')].filter((one) => one.checkVisibility() && !one.disabled).map((one) => one.dataset.do ?? one.name ?? one.textContent)";

#[tokio::test]
async fn without_scripts_all_is_readable_and_nothing_looks_alive() {
    let home = Home::start().await;
    for (name, view) in [("light", LIGHT), ("phone", PHONE)] {
        let off = ("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        let visit = open(&home, view, &[off]).await;
        reads_whole(&visit, "without scripts").await;
        let alive = visit.run(ALIVE).await;
        assert_eq!(alive, json!([]), "controls that do nothing");
        let says = visit.text(".needs-script").await;
        assert!(says.contains("need JavaScript"), "{says}");
        visit.fits().await;
        for section in ["webhook-tutorial", "simple-test", "device-firmware"] {
            let name = format!("no-script-{section}-{name}");
            let section = format!("#{section}");
            visit.browser.picture_of(&section, &name).await.unwrap();
        }
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_script_that_does_not_come_leaves_everything_to_read() {
    let home = Home::start().await;
    let network = ("Network.enable", json!({}));
    for lost in ["first.js", "begin.js", "app.js"] {
        let lost_at = json!({ "urls": [format!("*/{lost}")] });
        let blocked = ("Network.setBlockedURLs", lost_at);
        let visit = open(&home, LIGHT, &[network.clone(), blocked]).await;
        if lost == "app.js" {
            visit.act("start", "start").await;
        }
        if lost == "first.js" {
            // The others do its work, later.
            visit.start().await;
        } else {
            let whole = "return [...document.querySelectorAll('.page-section, [data-only]')].every((one) => one.checkVisibility())";
            visit.shows(&format!("all is shown without {lost}"), whole).await;
            reads_whole(&visit, &format!("without {lost}")).await;
            let said = visit.text(".load-failed").await;
            assert!(said.contains("Reload the page"), "{said}");
        }
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn on_paper_every_section_is_there_and_the_log_is_a_list() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    let paper = json!({ "media": "print" });
    visit.browser.devtools("Emulation.setEmulatedMedia", paper.clone()).await.unwrap();
    let hidden = "return [...document.querySelectorAll('.page-section')].filter((one) => !one.checkVisibility()).map((one) => one.id)";
    let found = visit.run(hidden).await;
    assert_eq!(found, json!([]), "before Start");
    let screen = json!({ "media": "" });
    visit.browser.devtools("Emulation.setEmulatedMedia", screen).await.unwrap();
    let person = visit.start().await;
    for n in 0..3 {
        person.post("text/plain", format!("body {n}")).await;
    }
    visit.blocks("received", 3).await;
    visit.browser.devtools("Emulation.setEmulatedMedia", paper).await.unwrap();
    let found = visit.run(hidden).await;
    assert_eq!(found, json!([]), "after Start");
    let list = "const blocks = [...document.querySelectorAll('.log-rounds .log-block')].map((one) => one.getBoundingClientRect());
        return blocks.filter(({ left, top }, i) => Math.abs(left - blocks[0].left) >= 1 || (i > 0 && top <= blocks[i - 1].top)).map(({ left, top }) => [left, top]);";
    let astray = visit.run(list).await;
    assert_eq!(astray, json!([]), "blocks that are not in one column");
    visit.fits().await;
    visit.browser.picture_of("#log", "print-log").await.unwrap();
    visit.browser.picture_of("#webhook-details", "print-webhook-details").await.unwrap();
    visit.end(home).await;
}
