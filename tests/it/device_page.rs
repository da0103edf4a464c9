//! The device on the page: its panel, its round in the log, and the firmware flashed from the page. Each device is a real
//! firmware in a process of its own.

use local::config::{CompilerAt, VirtualDevice};
use serde_json::{Value, json};
use tests::{
    browser::{DARK, LIGHT, PHONE, View},
    home::{Home, tutorial_device},
    visit::Visit,
};

const FIRST: &str = "e00fce68aaaaaaaaaaaaaaaa";
const SECOND: &str = "e00fce68bbbbbbbbbbbbbbbb";

fn device(id: &str, name: &str) -> VirtualDevice {
    VirtualDevice { id: Some(id.into()), name: name.into(), ..tutorial_device() }
}

/// The page with an endpoint, the simulated account connected and the webhook made, as far as the devices.
async fn connected(devices: Vec<VirtualDevice>, view: View) -> (Home, Visit) {
    let home = Home::start_with(|config| config.devices = devices).await;
    let visit = Visit::to(&home, view).await;
    visit.start().await;
    visit.connected().await;
    // The panel is loaded when it comes near the view.
    visit.scroll_to("[data-component='device/panel']").await;
    (home, visit)
}

async fn light(visit: &Visit, state: &str) {
    let script =
        format!("return document.querySelector('.device-light').dataset.state === '{state}'");
    visit.shows(&format!("the light is {state}"), &script).await;
}

/// The serial lines with a part in them.
async fn serial(visit: &Visit, part: &str) -> Vec<String> {
    let text = visit.text(".serial-line").await;
    visit_lines(&text, part)
}

fn visit_lines(text: &str, part: &str) -> Vec<String> {
    text.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
}

async fn serial_has(visit: &Visit, part: &str, count: usize) {
    let script = format!(
        "return [...document.querySelectorAll('.serial-line')].filter((line) => line.textContent.includes({})).length >= {count}",
        json!(part)
    );
    visit.shows(&format!("{count} serial lines say {part:?}"), &script).await;
}

/// The `id` in a line of JSON text.
fn id_in(line: &str) -> u64 {
    let json: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    json["id"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tap_of_mode_is_answered_on_the_serial_port() {
    let (home, visit) = connected(vec![device(FIRST, "desk")], LIGHT).await;
    let copies = "return [...document.querySelectorAll('.code-box, .own-code')].map((code) => [...code.querySelectorAll('button')].filter(({ textContent }) => textContent === 'Copy').length)";
    // Each code is copied by one button.
    visit.gives(copies, json!([1, 1, 1, 1])).await;
    visit.device_is_online().await;
    visit.act("panel", "press").await;
    visit.blocks("device", 1).await;
    visit.blocks("received", 1).await;
    visit.blocks("parsed", 1).await;
    visit.blocks("response", 1).await;
    serial_has(&visit, "hook response", 1).await;

    let published = serial(&visit, "publish WebhookTutorial01").await;
    let answered = serial(&visit, "hook response").await;
    assert_eq!((published.len(), answered.len()), (1, 1));
    let id = id_in(&published[0]);
    assert_eq!(id_in(&answered[0]), id);
    assert!(
        published[0].contains(&format!(
            r#" [app] INFO: publish WebhookTutorial01 {{"op":"button","id":{id},"powerSource":5,"soc":85.5}}"#
        )),
        "{published:?}"
    );

    let block = |kind: &str| format!(".log-rounds .log-block[data-kind={kind}]");
    let says = async |kind: &str, parts: &[&str]| {
        for part in parts {
            visit.says(&block(kind), part).await;
        }
    };
    says("device", &[FIRST, "WebhookTutorial01"]).await;
    says("received", &[FIRST]).await;
    says("parsed", &["powerSource", "5", "soc", "85.5", &id.to_string()]).await;
    says("response", &[&id.to_string()]).await;
    visit
        .shows(
            "the response is seen on the event stream",
            &format!("return [...document.querySelectorAll('{}')].some((one) => one.textContent.includes('{FIRST}/hook-response/WebhookTutorial01/0'))", block("internal")),
        )
        .await;

    visit.act("panel", "mute").await;
    visit
        .gives(
            "const log = document.querySelector('.serial-lines'); return [log.role, log.ariaLive]",
            json!(["log", "off"]),
        )
        .await;
    visit.fits().await;
    visit.axe_in("#device-firmware, dialog[open]", "the device panel after a round").await;
    visit.picture("device-light").await;
    home.stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_at_once_get_their_own_responses_and_nobody_elses() {
    let devices = vec![device(FIRST, "first"), device(SECOND, "second")];
    let (home, visit) = connected(devices, DARK).await;
    let choose = async |id: &str| {
        let script = "const choice = document.querySelector('[data-component$=panel] [data-slot=choice]'); if (![...choice.options].some((one) => one.value === arguments[0])) return false; choice.value = arguments[0]; choice.dispatchEvent(new Event('change', { bubbles: true })); return true";
        tests::eventually("the device can be chosen", || async {
            let chosen = visit.browser.run(script, vec![json!(id)]).await.ok()?;
            (chosen == json!(true)).then_some(())
        })
        .await;
        light(&visit, "on").await;
        visit
            .shows(
                "the chosen device is the one that is shown",
                &format!("return document.querySelector('[data-component$=panel] [data-slot=about]').textContent.includes('{id}')"),
            )
            .await;
    };
    for id in [FIRST, SECOND] {
        choose(id).await;
        visit.device_is_online().await;
        visit.act("panel", "press").await;
        serial_has(&visit, "hook response", 1).await;
    }
    // Both rounds are over; now it shows who heard what.
    visit.blocks("response", 2).await;
    let mut ids = Vec::new();
    for id in [FIRST, SECOND] {
        choose(id).await;
        serial_has(&visit, "hook response", 1).await;
        let published = serial(&visit, "publish").await;
        let answered = serial(&visit, "hook response").await;
        assert_eq!((published.len(), answered.len()), (1, 1), "{published:?} {answered:?}");
        assert_eq!(id_in(&published[0]), id_in(&answered[0]));
        ids.push(id_in(&published[0]));
    }
    assert_ne!(ids[0], ids[1]);
    visit.axe_in("#device-firmware, dialog[open]", "two devices in the dark").await;
    home.stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_compiler_the_panel_says_what_to_install() {
    let bare = VirtualDevice { compiler: CompilerAt::Nowhere, ..device(FIRST, "bare") };
    let (home, visit) = connected(vec![bare], PHONE).await;
    visit
        .shows(
            "the panel says what to install",
            "return document.querySelector('[data-component$=panel] [data-slot=message]').textContent.startsWith('No C++ compiler found: install one')",
        )
        .await;
    light(&visit, "off").await;
    let disabled =
        "return document.querySelector('[data-component$=panel] [data-action=press]').disabled";
    visit.shows("MODE can't be pressed", disabled).await;
    visit.fits().await;
    visit.press("#task-flash [data-action=try]").await;
    visit
        .shows(
            "the device says why it can't be flashed",
            "return document.querySelector('.flash-device-why')?.textContent === 'It is offline. Bring it online first; for a virtual device, see its panel.' && document.querySelector('[data-component$=code-box] [data-slot=go]').disabled",
        )
        .await;
    visit.axe_in("#device-firmware, dialog[open]", "nothing can be flashed").await;
    visit.picture("flash-phone").await;
    home.stack.stop().await.unwrap();
}

/// Puts other text in place of a part of the firmware, as a person with a keyboard would in many strokes.
async fn edit(visit: &Visit, part: &str, other: &str) {
    visit.act("code-box", "edit").await;
    let script = "const box = document.querySelector('[data-component$=code-box] [data-slot=edited]'); if (box.hidden || box.value.split(arguments[0]).length !== 2) return false; box.value = box.value.replace(arguments[0], arguments[1]); box.dispatchEvent(new Event('input', { bubbles: true })); return true";
    tests::eventually(&format!("{part} is replaced"), || async {
        let done = visit.browser.run(script, vec![json!(part), json!(other)]).await.ok()?;
        (done == json!(true)).then_some(())
    })
    .await;
    visit.act("code-box", "edit").await;
}

/// Presses Flash and says yes.
async fn flash(visit: &Visit) {
    visit.press("#task-flash [data-action=try]").await;
    visit
        .shows(
            "the device is chosen and it says what is replaced",
            "return !document.querySelector('[data-component$=code-box] [data-slot=go]').disabled && document.querySelector('[data-component$=code-box] [data-slot=replaces]').textContent",
        )
        .await;
}

async fn flash_ends(visit: &Visit, kind: &str) {
    let script =
        format!("return document.querySelector('.flash-progress').dataset.state === '{kind}'");
    visit.shows(&format!("the flash is {kind}"), &script).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flash_is_seen_and_a_broken_file_changes_nothing() {
    let (home, visit) = connected(vec![device(FIRST, "desk")], LIGHT).await;
    light(&visit, "on").await;
    let original = visit.slot_text("code-box", "source").await;
    assert_eq!(original, include_str!("../../firmware/src/webhook-tutorial.cpp"));

    edit(&visit, "publishPeriodMs = 60 * 1000;", "publishPeriodMs = 3 * 1000;").await;
    flash(&visit).await;
    let replaces = "This replaces “webhook-tutorial.cpp” on desk with the firmware as you changed it. It can’t be undone automatically: to go back, flash the other firmware again.";
    visit.text_is("[data-component$=code-box] [data-slot=replaces]", replaces).await;
    let target = "It is compiled for Device OS 6.2.1, which the device has.";
    visit.text_is("[data-component$=code-box] [data-slot=target-words]", target).await;
    visit.axe_in("#device-firmware, dialog[open]", "the question before a flash").await;
    visit.picture("flash-question").await;
    visit.press("[data-component$=code-box] [data-slot=go]").await;
    flash_ends(&visit, "back").await;
    visit.gives("return document.querySelectorAll('.flash-steps > li').length", 4).await;
    light(&visit, "on").await;

    // Its clock began again with the restart.
    serial_has(&visit, "\"op\":\"periodic\"", 3).await;
    let at = |line: &String| line[..10].parse::<i64>().unwrap();
    let times: Vec<_> = serial(&visit, "\"op\":\"periodic\"").await.iter().map(at).collect();
    for pair in times.windows(2) {
        assert!((3_000..3_500).contains(&(pair[1] - pair[0])), "{times:?}");
    }

    edit(
        &visit,
        "Log.info(\"publish %s %s\", eventName, data);",
        "Log.info(\"publish %s %s\", evenName, data);",
    )
    .await;
    flash(&visit).await;
    visit.press("[data-component$=code-box] [data-slot=go]").await;
    flash_ends(&visit, "errors").await;
    for part in ["webhook-tutorial.cpp:", "evenName"] {
        visit.says(".flash-errors", part).await;
    }
    let errors = visit.text(".flash-errors").await;
    assert!(!errors.contains("/tmp"), "no folder of this machine: {errors}");
    visit.axe_in("#device-firmware, dialog[open]", "what the compiler wrote").await;
    visit.picture("flash-errors").await;
    let before = serial(&visit, "\"op\":\"periodic\"").await.len();
    serial_has(&visit, "\"op\":\"periodic\"", before + 2).await;

    visit.act("code-box", "reset").await;
    visit.text_is("[data-component$=code-box] [data-slot=source]", &original).await;
    let coloured = "return document.querySelector('[data-component$=code-box] [data-slot=source] .hl-comment') !== null";
    visit.shows("the colours are back", coloured).await;
    home.stack.stop().await.unwrap();
}
