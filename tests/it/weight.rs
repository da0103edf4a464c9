//! What the page costs its reader before anything is done: bytes, and text that jumps. Counted, never timed.

use serde_json::{Value, json};
use tests::{
    browser::{Browser, LIGHT, PHONE, View},
    home::Home,
    visit::Visit,
};

/// Compressed, with the firmware's code in it: what is enough to read the page.
const FIRST_LOAD: u64 = 60_000;
/// With everything that works the page until the first round is there.
const ALL: u64 = 165_000;

/// How far the layout may shift when Start brings what it brings, as browsers count it: well below what Web Vitals call good,
/// 0.1 (<https://web.dev/articles/cls>). On a busy machine what stands below the hook URL counts, and is 0.055 on a phone: the
/// answer comes later after the press than a browser forgives.
const START_SHIFT: f64 = 0.06;

/// Writes down every shift of the layout that the reader did not ask for, from the first paint on.
const WATCH: &str = "window.shifts = []; new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push([one.value, ...one.sources.map(({ node, previousRect, currentRect }) => `${previousRect.y} to ${currentRect.y}, ${previousRect.height} to ${currentRect.height}: ${(node?.outerHTML ?? node?.textContent ?? '').slice(0, 120)}`)]); }).observe({ type: 'layout-shift', buffered: true });";

/// The bodies that the browser was sent, as long as they were on the wire; but for the answers of the log, of which there are
/// the more the longer one looks.
async fn transferred(visit: &Visit) -> u64 {
    let script = "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter(({ name }) => !new URL(name).pathname.startsWith('/api/')).reduce((sum, one) => sum + one.encodedBodySize, 0)";
    let sum = visit.run(script).await;
    sum.as_u64().unwrap()
}

async fn watched(home: &Home, view: View) -> Visit {
    let browser = Browser::start(view).await.unwrap();
    let watch = json!({ "source": WATCH });
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", watch).await.unwrap();
    let visit = Visit::with(browser, home).await;
    visit
        .shows(
            "the mode is named, which is the last thing that the first load brings",
            "return document.querySelector('.top-mode').checkVisibility()",
        )
        .await;
    visit
}

/// Two frames later everything that was to be drawn is drawn, and its shifts are known.
async fn shifts(visit: &Visit) -> Value {
    let script = "const done = arguments[arguments.length - 1]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.shifts), 0)))";
    visit.run_async(script, vec![]).await
}

#[tokio::test]
async fn the_first_load_is_light_and_the_rest_comes_with_start() {
    let home = Home::start().await;
    let visit = watched(&home, LIGHT).await;
    let first = transferred(&visit).await;
    assert!(first > 20_000, "{first} bytes are no page");
    assert!(first < FIRST_LOAD, "the first load is {first} bytes");
    let code = visit.slot_text("code-box", "source").await;
    assert!(code.contains("Particle.publish"), "the code is part of it");
    let is_up = "return document.documentElement.dataset.script === 'on'";
    let is_up = visit.run(is_up).await;
    assert_eq!(is_up, json!(false), "nobody has started");

    visit.start().await;
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(1).await;
    let all = transferred(&visit).await;
    println!("first load: {first} bytes; with all that works the page: {all} bytes");
    assert!(all > first && all < ALL, "all of it is {all} bytes");
    visit.end(home).await;
}

#[tokio::test]
async fn nothing_moves_under_the_reader_and_start_is_in_sight() {
    for (name, view) in [("laptop", LIGHT), ("phone", PHONE)] {
        let home = Home::start().await;
        let visit = watched(&home, view).await;
        assert_eq!(shifts(&visit).await, json!([]), "{name}, on load");
        let foot = "return document.querySelector('[data-component$=start] [data-action=start]').getBoundingClientRect().bottom <= innerHeight";
        let in_sight = visit.run(foot).await;
        assert_eq!(in_sight, json!(true), "{name}: Start is below the foot");
        visit.act("start", "start").await;
        visit.says(".log-live", "live").await;
        let moved = shifts(&visit).await;
        let sum: f64 = moved.as_array().unwrap().iter().filter_map(|one| one[0].as_f64()).sum();
        assert!(sum < START_SHIFT, "{name}, on Start: {moved:#}");
        visit.end(home).await;
    }
}

#[tokio::test]
async fn a_reload_leaves_the_reader_at_the_same_words() {
    let home = Home::start().await;
    let visit = watched(&home, LIGHT).await;
    visit.start().await;
    visit.connect().await;
    visit.act("webhook-card", "test").await;
    visit.whole_rounds(1).await;
    let go = "document.querySelector('#simple-test').scrollIntoView({ behavior: 'instant' })";
    visit.run(go).await;
    let place =
        "return Math.round(document.querySelector('#simple-test').getBoundingClientRect().top)";
    shifts(&visit).await;
    let before = visit.run(place).await;
    // A browser puts the page back to where it was before the script that docks the log has come.
    let early = "const heights = () => [...document.querySelectorAll('.page-section')].slice(0, 3).map((one) => one.offsetHeight);
        addEventListener('DOMContentLoaded', () => { window.early = heights(); window.heights = heights; });";
    let early = json!({ "source": early });
    visit.browser.devtools("Page.addScriptToEvaluateOnNewDocument", early).await.unwrap();
    visit.reload().await;
    visit.whole_rounds(1).await;
    visit.listening().await;
    shifts(&visit).await;
    let grown = "return window.heights().map((height, i) => window.early[i] - height)";
    let grown = visit.run(grown).await;
    assert_eq!(grown, json!([0, 0, 0]), "the sections down to the log");
    let after = visit.run(place).await;
    let (after, before) = (after.as_i64().unwrap(), before.as_i64().unwrap());
    // Less than a line: heights are kept in whole pixels.
    assert!((after - before).abs() < 16, "from {before} to {after}");
    visit.end(home).await;
}
