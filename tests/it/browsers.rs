//! The main journey in every browser that the page is for: start, six blocks, scrolling, a block at full size, a reload, and
//! a share link.

use serde_json::json;
use tests::{
    browser::{Browser, Engine},
    home::Home,
    learner::WHOLE,
    visit::Visit,
};

async fn journey(engine: Engine) {
    let home = Home::start().await;
    let browser = Browser::start_in(engine).await.expect("the browser starts");
    let visit = Visit::with(browser, &home).await;
    let person = visit.start().await;
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    let rounds = visit.whole_rounds(1).await;
    let kinds: Vec<_> = rounds[0].blocks.iter().map(|block| &block.kind).collect();
    assert_eq!(kinds, WHOLE);

    let at_end = "const rail = document.querySelector('.log-rail'); return rail.scrollLeft + rail.clientWidth > rail.scrollWidth - 4";
    visit.shows("the log is at its right edge", at_end).await;

    let open = "const title = document.querySelector('.log-rounds .log-block[data-kind=received] [data-slot=title]'); title.scrollIntoView({ block: 'center', inline: 'center' }); title.click(); return true";
    visit.run(open).await;
    visit
        .shows("the block opens", "return document.querySelector('dialog[open]')?.textContent.includes('Webhook received')")
        .await;
    visit.run("document.querySelector('dialog[open] [data-action=close]').click()").await;

    visit.reload().await;
    visit.blocks("received", 1).await;

    visit.read_by_link(&person).await;
    let address = json!(format!("{}/", home.stack.page_url));
    visit
        .shows("the key is out of the address", &format!("return location.href === {address}"))
        .await;
    visit.end(home).await;
}

#[tokio::test]
async fn the_main_journey_works_in_firefox() {
    journey(Engine::Firefox).await;
}

#[tokio::test]
async fn the_main_journey_works_in_webkit() {
    journey(Engine::WebKit).await;
}

#[tokio::test]
async fn the_main_journey_works_in_chromium() {
    journey(Engine::Chromium).await;
}
