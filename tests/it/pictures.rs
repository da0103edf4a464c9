//! The page in every state, by day, by night and on a phone: it fits, axe finds nothing, and a picture is left to look at.

use std::sync::Arc;

use serde_json::json;
use tests::{
    browser::{LIGHT, VIEWS, View},
    home::{Home, tutorial_device},
    visit::Visit,
};

/// A very large screen.
const WALL: View = View { width: 3840, height: 2160, dark: false, phone: false };

async fn look(visit: &Visit, state: &str, after: impl AsyncFn(&Visit)) {
    for (name, view) in VIEWS {
        visit.browser.look_as(view).await.unwrap();
        // How the log lies is decided when the page is opened.
        visit.reload().await;
        visit.ready().await;
        after(visit).await;
        let window = format!("{state}-window-{name}");
        visit.picture(&window).await;
        visit.fits().await;
        // Wherever one scrolls to, something is half under what stays in the window; at the top it is always the same.
        let top = "scrollTo({ top: 0, behavior: 'instant' })";
        visit.run(top).await;
        visit.axe(&format!("{state}, {name}")).await;
    }
}

#[tokio::test]
async fn before_start_and_reading_ahead() {
    let home = Home::start().await;
    let visit = Visit::to(&home, LIGHT).await;
    look(&visit, "first", async |_| ()).await;
    let url = format!("{}/#webhook-details", home.stack.page_url);
    visit.goto("about:blank").await;
    visit.goto(&url).await;
    let ahead = async |visit: &Visit| {
        let bar = "return document.querySelector('.start-bar').checkVisibility() && document.documentElement.dataset.script === 'on'";
        visit.shows("the bar offers to start", bar).await;
    };
    look(&visit, "ahead", ahead).await;
    visit.end(home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_cloud_a_device_and_rounds() {
    let home = Home::start_with(|config| config.devices = vec![tutorial_device()]).await;
    let visit = Visit::to(&home, LIGHT).await;
    visit.start().await;
    look(&visit, "started", async |_| ()).await;
    visit.browser.look_as(LIGHT).await.unwrap();
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(1).await;
    visit.device_is_online().await;
    visit.act("panel", "press").await;
    visit.blocks("device", 1).await;
    visit.blocks("response", 2).await;
    let connected = async |visit: &Visit| {
        visit.connected().await;
        // The device goes on by itself.
        let rounds = "return document.querySelectorAll('.log-rounds .log-block[data-kind=received]').length >= 2";
        visit.shows("both rounds are there", rounds).await;
        visit.device_is_online().await;
        visit.run("scrollTo({ top: 0, behavior: 'instant' })").await;
    };
    look(&visit, "connected", connected).await;
    visit.browser.look_as(WALL).await.unwrap();
    visit.fits().await;
    visit.picture("connected-wall").await;
    visit.end(home).await;
}

#[tokio::test]
async fn without_an_account() {
    let home = Home::start_with(|config| config.clouds = Arc::new(|_| vec![])).await;
    let visit = Visit::to(&home, LIGHT).await;
    visit.start().await;
    visit.press("#task-send-one [data-action=try]").await;
    visit.blocks("received", 1).await;
    let there = async |visit: &Visit| {
        visit.blocks("received", 1).await;
        let mode = visit.run("return document.documentElement.dataset.mode").await;
        assert_eq!(mode, json!("none"));
    };
    look(&visit, "none", there).await;
    visit.end(home).await;
}
