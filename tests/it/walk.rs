//! The whole way, in each of the three modes: someone who knows nothing goes from Start to the last tick without leaving the
//! page. The page is the same file each time; only `config.json` says which clouds there are.

use std::{fmt::Write as _, path::Path, sync::Arc};

use http::{Method, StatusCode};
use local::{clouds::Cloud, config::VirtualDevice};
use serde_json::{Value, json};
use tests::{
    account::Account,
    browser::{LIGHT, PHONE},
    home::{Home, tutorial_device},
    recorder::{Heard, Recorder},
    visit::Visit,
};

/// Waits until the page itself has ticked a task; nothing here can tick one.
async fn ticked(visit: &Visit, task: &str) {
    let script = format!("return document.getElementById('task-{task}').dataset.state === 'done'");
    visit.shows(&format!("{task} is ticked"), &script).await;
}

/// What a device can get back, by tasks.
const ANSWERS: [&str; 3] = ["set-error", "long-response", "slow-response"];

/// Presses the button inside a task, one of those that are there in this mode.
async fn try_task(visit: &Visit, task: &str) {
    let button = format!("#task-{task} [data-action=try]");
    visit.scroll_to(&button).await;
    let pressed = format!(
        "const button = [...document.querySelectorAll('{button}')].find((one) => one.checkVisibility()); button?.click(); return button !== undefined"
    );
    visit.gives(&pressed, true).await;
}

/// Presses the button inside a task, which is all that the task takes.
async fn tried(visit: &Visit, task: &str) {
    try_task(visit, task).await;
    ticked(visit, task).await;
}

async fn send_one(visit: &Visit) {
    tried(visit, "send-one").await;
}

async fn simple_test(visit: &Visit) {
    for task in ["test-press", "prefix-match", "wrong-case", "not-json"] {
        tried(visit, task).await;
    }
}

/// Sends what claims to be from a device that nobody has.
async fn made_up(visit: &Visit) {
    visit.fill("[data-component$=made-up] [data-slot=coreid]", "e00fce680000000000000001").await;
    visit.act("made-up", "send").await;
    ticked(visit, "made-up-coreid").await;
}

/// Flashes the firmware, changed as the section on typed publish says.
async fn flash(visit: &Visit) {
    try_task(visit, "typed-publish").await;
    visit
        .shows(
            "the device can be flashed",
            "return document.querySelector('[data-component$=code-box] [data-slot=go]')?.disabled === false",
        )
        .await;
    let lines = "return document.querySelector('[data-component$=code-box] [data-slot=source]').textContent.includes('Particle.publish(eventName, typed);')";
    visit.shows("the lines are in the firmware", lines).await;
    visit.press("[data-component$=code-box] [data-slot=go]").await;
    ticked(visit, "flash").await;
}

async fn answers(visit: &Visit) {
    for task in ANSWERS {
        tried(visit, task).await;
        let printed = format!(
            "return document.querySelector('#task-{task} [data-slot=task-answer]').textContent.startsWith('The device printed: 0')"
        );
        visit.gives(&printed, true).await;
    }
}

async fn template_box(visit: &Visit) {
    let template = r#"{"celsius":{{{sensor.temperature}}}}"#;
    visit.fill("[data-component$=template-box] [data-slot=template]", template).await;
    ticked(visit, "template-box").await;
}

/// Has the server expect a different token from the webhook's, sees the 401, and repairs that.
async fn credential(visit: &Visit) {
    let press = async |button: u8, said: &str| {
        visit.press(&format!("#task-credential [data-trigger='{button}']")).await;
        visit.says("#task-credential [data-slot=task-answer]", said).await;
    };
    press(0, "expects a different token").await;
    press(1, "Published").await;
    let refused = "return [...document.querySelectorAll('.log-rounds .log-block[data-kind=response]')].some((one) => /\\b401\\b/.test(one.textContent))";
    visit.shows("the wrong credential is refused", refused).await;
    press(2, "expects the webhook’s token again").await;
    press(1, "Published").await;
    ticked(visit, "credential").await;
}

async fn remove_webhook(visit: &Visit) {
    visit.remove_webhook().await;
    ticked(visit, "remove-webhook").await;
}

/// Two minutes pass for the page alone: what it heard keeps its times.
async fn silence(visit: &Visit) {
    let pass = "const now = Date.now.bind(Date); Date.now = () => now() + 125_000; document.dispatchEvent(new Event('visibilitychange'))";
    visit.run(pass).await;
    ticked(visit, "stop-device").await;
}

async fn forget(visit: &Visit) {
    visit.act("hook", "forget").await;
    visit.confirm("forget").await;
    ticked(visit, "forget-endpoint").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_simulated_cloud_every_task_can_be_done() {
    let home = Home::start_with(|config| config.devices = vec![VirtualDevice::default()]).await;
    let visit = Visit::to(&home, LIGHT).await;
    let later = "return !document.getElementById('simple-test').checkVisibility()";
    visit.shows("the later sections wait for Start", later).await;
    visit.start().await;
    ticked(&visit, "start").await;
    send_one(&visit).await;
    simple_test(&visit).await;
    visit.act("contents", "reset").await;
    visit.confirm("start-over").await;
    let again = "return document.querySelector('#task-not-json').dataset.state === 'open' && document.querySelector('.steps-next').hash === '#task-send-one'";
    visit.shows("the tasks are started over", again).await;
    send_one(&visit).await;
    simple_test(&visit).await;
    visit.device_is_online().await;
    flash(&visit).await;
    visit.act("panel", "press").await;
    ticked(&visit, "device-event").await;
    ticked(&visit, "typed-publish").await;
    made_up(&visit).await;

    answers(&visit).await;
    template_box(&visit).await;
    credential(&visit).await;
    visit.axe("nearly everything is done").await;

    remove_webhook(&visit).await;
    visit.act("signed-in", "leave").await;
    visit.confirm("leave").await;
    visit.act("connect", "simulated").await;
    visit.listening().await;
    visit.slot_says("webhook-card", "state", "There is no webhook").await;
    visit.act("panel", "plug").await;
    silence(&visit).await;
    forget(&visit).await;
    let open = "return document.querySelectorAll('.task-line:not([data-state=done])').length === 0";
    visit.shows("every task is done", open).await;
    visit.picture("walk-done-light").await;
    visit.axe("everything is done").await;
    visit.end(home).await;
}

/// The control that a task asks for, where it has no button of its own.
const CONTROLS: &[(&str, &str)] = &[
    ("start", "[data-component$=start] [data-action=start]"),
    ("made-up-coreid", "[data-component$=made-up] [data-action=send]"),
    ("template-box", "[data-component$=template-box] [data-slot=template]"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_is_more_than_a_screen_from_its_control() {
    let home = Home::start_with(|config| config.devices = vec![VirtualDevice::default()]).await;
    for (name, view) in [("laptop", LIGHT), ("phone", PHONE)] {
        let visit = Visit::to(&home, view).await;
        let start = "const [task, button] = ['#task-start', '[data-component$=start] [data-action=start]'].map((one) => document.querySelector(one).getBoundingClientRect()); return button.top - task.bottom < innerHeight && button.checkVisibility?.() !== false";
        visit.gives(start, true).await;
        visit.start().await;
        visit.connected().await;
        let far = "const controls = new Map(arguments[0]);
            return [...document.querySelectorAll('.task-line:not(#task-start)')].flatMap((line) => {
              const id = line.dataset.task;
              const found = [line.querySelector('[data-action=try]'), ...document.querySelectorAll(controls.get(id) ?? '#none')].filter((one) => one?.checkVisibility());
              const task = line.getBoundingClientRect();
              const away = found.map((one) => { const { top, bottom } = one.getBoundingClientRect(); return Math.max(top - task.bottom, task.top - bottom, 0) / innerHeight; });
              return Math.min(...away) <= 1 ? [] : [`${id}: ${Math.min(...away)}`];
            })";
        let found = visit.run_with(far, vec![json!(CONTROLS)]).await;
        assert_eq!(found, json!([]), "{name}: screens between a task and its control");
        visit.remove_webhook().await;
        visit.close().await;
    }
    home.stack.stop().await.unwrap();
}

/// What the card says of one of the three things: `clean`, `left` or `unknown`.
async fn is_left(visit: &Visit, name: &str, state: &str) {
    // A page that was just opened goes back to where it was read, perhaps after this.
    let script = format!(
        "document.querySelector('[data-component$=clean-up]').scrollIntoView({{ block: 'start', behavior: 'instant' }});
        return document.querySelector('.clean-list > [data-slot={name}]').dataset.state === '{state}'"
    );
    visit.shows(&format!("{name} is {state}"), &script).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cleaning_up_ends_well_though_the_endpoint_is_forgotten_first() {
    let home = Home::start_with(|config| config.devices = vec![tutorial_device()]).await;
    let visit = Visit::connected_at(&home, LIGHT).await;
    ticked(&visit, "start").await;
    visit.device_is_online().await;
    visit.act("panel", "press").await;
    visit.blocks("received", 1).await;
    is_left(&visit, "device", "left").await;
    visit.act("panel", "plug").await;
    visit.clear_log().await;
    // The log is cleared on its own page, and the tutorial listens again since it is back.
    is_left(&visit, "device", "unknown").await;

    forget(&visit).await;
    is_left(&visit, "endpoint", "clean").await;
    is_left(&visit, "hook", "left").await;
    silence(&visit).await;
    is_left(&visit, "device", "clean").await;
    visit.reload().await;
    for (name, state) in [("hook", "left"), ("device", "clean"), ("endpoint", "clean")] {
        is_left(&visit, name, state).await;
    }
    visit.axe_in("#clean-up", "the endpoint is forgotten").await;
    remove_webhook(&visit).await;
    visit.slot_says("clean-up", "all", "Nothing is left").await;

    visit.act("signed-in", "leave").await;
    let offered = "return [...document.querySelectorAll('dialog[data-name=leave] input')].filter((one) => one.checkVisibility()).length";
    // There is nothing left to choose.
    visit.gives(offered, 0).await;
    visit.confirm("leave").await;
    visit.slot_says("clean-up", "hook-words", "when this page last looked").await;
    visit.reload().await;
    visit.scroll_to("[data-component$=clean-up]").await;
    visit.slot_says("clean-up", "all", "Nothing is left").await;
    visit.end(home).await;
}

const DEVICE: &str = "e00fce68cccccccccccccccc";

/// What Particle's own documentation and clients name, each with where: the page may make no other call to a cloud.
const NAMED: &str = "\
POST /oauth/token in https://docs.particle.io/reference/cloud-apis/access-tokens/
GET /v1/user in particle-api-js, getUserInfo
GET /v1/access_tokens/current in https://docs.particle.io/reference/cloud-apis/access-tokens/
DELETE /v1/access_tokens/current in particle-api-js, deleteCurrentAccessToken
GET /v1/devices in particle-api-js, listDevices
GET /v1/devices/DEVICE in particle-api-js, getDevice
PUT /v1/devices/DEVICE in particle-api-js, flashDevice
GET /v1/devices/events in particle-api-js, getEventStream
POST /v1/devices/events in particle-api-js, publishEvent
GET /v1/integrations in particle-api-js, listIntegrations
POST /v1/integrations in particle-api-js, createIntegration
GET /v1/integrations/HOOK in https://docs.particle.io/reference/cloud-apis/api/
PUT /v1/integrations/HOOK in particle-api-js, editIntegration
DELETE /v1/integrations/HOOK in particle-api-js, deleteIntegration
GET /v1/build_targets in particle-api-js, listBuildTargets
GET /v1/products/PRODUCT/devices/DEVICE in particle-api-js, getDevice of a product
";

/// What differs from run to run, by name.
struct Names(Vec<(String, &'static str)>);

impl Names {
    fn put(&self, text: &str) -> String {
        let named = self
            .0
            .iter()
            .fold(text.to_owned(), |text, (value, name)| text.replace(value.as_str(), name));
        // The ids of test presses, of integrations, and the boundaries of files.
        let mut out = String::new();
        let mut rest = named.as_str();
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            let run = rest[at..].len()
                - rest[at..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
            out.push_str(&rest[..at]);
            out.push_str(if run > 6 { "NUMBER" } else { &rest[at..at + run] });
            rest = &rest[at + run..];
        }
        out + rest
    }

    /// A call in a few lines.
    fn show(&self, one: &Heard) -> String {
        let mut text = format!("{} {}\n", one.method, self.put(&one.target));
        for (name, value) in &one.headers {
            let value = value.split("; boundary=").next().unwrap_or_default();
            writeln!(text, "    {name}: {}", self.put(value)).unwrap();
        }
        for field in one.fields() {
            writeln!(text, "    | {}", self.put(&field)).unwrap();
        }
        text
    }
}

/// A step of the way and its calls. Calls to different things may overtake each other, so they are put in the order of what
/// they are about. What was looked at before may be looked at again at any time, which is not shown again.
fn step(names: &Names, title: &str, calls: &[Heard], looked_at: &mut Vec<String>) -> String {
    const ABOUT: [&str; 6] = [
        "/oauth/",
        "/v1/user",
        "/v1/integrations",
        "/v1/devices/events",
        "/v1/devices",
        "/v1/build",
    ];
    let about = |one: &&Heard| {
        let path = one.path();
        ABOUT.iter().position(|about| path.starts_with(about))
    };
    // How often the page asks after a device that is being flashed, if at all, is a matter of time.
    let is_of_time = |one: &&Heard| one.method == "GET" && one.path().ends_with(DEVICE);
    let mut calls: Vec<_> = calls.iter().filter(|one| !is_of_time(one)).collect();
    calls.sort_by_key(about);
    let mut shown: Vec<String> = Vec::new();
    for one in calls {
        let text = names.show(one);
        if one.method == "GET" {
            if looked_at.contains(&text) {
                continue;
            }
            looked_at.push(text.clone());
        }
        // The same press, once for each answer that was set.
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    let shown = if shown.is_empty() { "nothing\n".to_owned() } else { shown.join("\n") };
    format!("# {title}\n\n{shown}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_account_every_task_uses_documented_calls_only() {
    let recorder = Recorder::start().await;
    let api = recorder.url.clone();
    let home = Home::start_with(|config| {
        config.devices = vec![VirtualDevice {
            id: Some(DEVICE.into()),
            name: "desk".into(),
            ..VirtualDevice::default()
        }];
        config.clouds = Arc::new(move |_| {
            let (api, console) = (api.clone(), "https://console.example".to_owned());
            vec![Cloud { id: "particle".into(), api, console, demo: None }]
        });
    })
    .await;
    recorder.leads_to(home.stack.cloud().addr());
    let hand = Account::of(&home).await;
    hand.online(DEVICE).await;
    let demo = home.stack.cloud().credentials();
    let visit = Visit::to(&home, LIGHT).await;
    let mut all = Vec::new();
    let mut steps = Vec::new();
    let mut next = |title: &'static str| {
        let calls = recorder.take();
        all.extend(calls.clone());
        steps.push((title, calls));
    };
    let sign_in = [("username", demo.username.as_str()), ("password", &demo.password)];
    visit.sign_in("password", &sign_in).await;
    let person = visit.has_started().await;
    ticked(&visit, "start").await;
    visit.slot_says("mode", "name", "Particle account").await;
    visit.connected().await;
    let token = visit.token().await;
    next("Sign in, which starts and makes the webhook");
    send_one(&visit).await;
    simple_test(&visit).await;
    next("The simple test");
    flash(&visit).await;
    next("Flash the device");
    // A finger, which no page has.
    let press = async || {
        let press = format!("/simulated/devices/{DEVICE}/button");
        let pressed = hand.call(Method::POST, &press, json!({ "clicks": 1 })).await;
        assert!(pressed.status().is_success(), "{pressed:?}");
    };
    press().await;
    ticked(&visit, "device-event").await;
    ticked(&visit, "typed-publish").await;
    made_up(&visit).await;
    next("The device publishes, and somebody who is none");
    for task in ANSWERS {
        try_task(&visit, task).await;
        visit.says(&format!("#task-{task} [data-slot=task-answer]"), "Now tap MODE").await;
        press().await;
        ticked(&visit, task).await;
    }
    next("Answers: an error, a long one, a late one");
    template_box(&visit).await;
    credential(&visit).await;
    next("A wrong credential, and the right one");
    remove_webhook(&visit).await;
    next("Remove the webhook");
    let plug = format!("/simulated/devices/{DEVICE}/plug");
    let unplugged = hand.call(Method::PUT, &plug, json!({ "plugged": false })).await;
    assert!(unplugged.status().is_success(), "{unplugged:?}");
    silence(&visit).await;
    visit.act("signed-in", "leave").await;
    let forget_too = "const box = document.querySelector('dialog[open] [name=forget]'); if (box?.checked === false) box.click(); return box?.checked ?? false";
    visit.gives(forget_too, true).await;
    visit.confirm("leave").await;
    ticked(&visit, "forget-endpoint").await;
    Account::with_token(&home, &token).ended().await;
    next("Forget the endpoint, and sign out");
    let open = "return document.querySelectorAll('.task-line:not([data-state=done])').length === 0";
    visit.shows("every task is done", open).await;

    let hooks: Vec<&str> =
        all.iter().filter_map(|one| one.path().strip_prefix("/v1/integrations/")).collect();
    let hook = (*hooks.first().expect("the webhook was removed by its ID")).to_owned();
    // The token that the webhook carries is in its settings and nowhere else.
    let mut settings = all.iter().filter(|one| one.method == "POST").map(|one| one.body.as_str());
    let carried = settings.find_map(|body| body.split_once("\"Bearer ")?.1.split_once('"'));
    let (carried, _) = carried.expect("the webhook carries a token");
    assert_eq!(carried.len(), 32);
    let secrets = [token.as_str(), demo.password.as_str(), carried];
    for one in &all {
        let is_told = secrets.iter().any(|secret| one.target.contains(secret));
        assert!(!is_told, "a secret is in a URL: {}", one.target);
    }
    let seen =
        "return [location.href, ...performance.getEntries().map(({ name }) => name)].join(' ')";
    let seen = visit.run(seen).await;
    assert!(secrets.iter().all(|secret| !seen.to_string().contains(secret)));
    let names = Names(vec![
        (carried.to_owned(), "CREDENTIAL"),
        (token.clone(), "TOKEN"),
        (demo.password.clone(), "PASSWORD"),
        (form_urlencoded(&demo.username), "USERNAME"),
        (person.endpoint.to_string(), "ENDPOINT"),
        (home.stack.page_url.clone(), "PAGE"),
        (DEVICE.to_owned(), "DEVICE"),
        (hook, "HOOK"),
    ]);
    for one in &all {
        let path = names.put(one.path());
        let call = format!("{} {path}", one.method);
        let is_named = NAMED.contains(&format!("{call} in "));
        assert!(is_named, "no documentation names {call}");
    }
    let mut looked_at = Vec::new();
    let told: String =
        steps.iter().map(|(title, calls)| step(&names, title, calls, &mut looked_at)).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/account-calls.txt");
    if crate::examples::is_to_write() {
        std::fs::write(&file, &told).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(told, expected, "run with UPDATE_EXPECT=1 if that is right");
    visit.axe("everything is done with an account").await;
    visit.end(home).await;
}

/// As a form writes it.
fn form_urlencoded(text: &str) -> String {
    text.replace('@', "%40")
}

#[tokio::test]
async fn without_an_account_every_other_task_can_be_done() {
    let home = Home::start_with(|config| config.clouds = Arc::new(|_| vec![])).await;
    let visit = Visit::to(&home, LIGHT).await;
    let person = visit.start().await;
    ticked(&visit, "start").await;
    visit.slot_says("mode", "name", "No account").await;
    let none = "No Particle account can be connected here";
    visit.slot_says("start", "account-words", none).await;

    let watch = "const real = window.fetch; window.fetch = (url, init) => { if (String(url).startsWith('/hook/')) window.sent = init; return real(url, init); };";
    visit.run(watch).await;
    tried(&visit, "send-one").await;
    let rounds =
        visit.log_shows("a round", |rounds| rounds.len() == 1 && rounds[0].blocks.len() == 3).await;
    assert_eq!(rounds[0].who, "Sent by this page, as Particle would");
    let note = &rounds[0].blocks[0].note;
    assert!(note.contains("no cloud took part"), "{note}");
    visit.says(".log-count", "not connected to Particle").await;
    let request = visit.run("return window.sent").await;
    let webhook: Value =
        serde_json::from_str(include_str!("../../infra/particle/webhook.json")).unwrap();
    let sent: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&sent), fields(&webhook["json"]), "the fields of webhook.json");
    assert_eq!(sent["event"], webhook["event"]);
    assert_eq!(sent["coreid"], "api", "as a test press of Particle's own");
    let headers = request["headers"].as_object().unwrap();
    for (name, value) in webhook["headers"].as_object().unwrap() {
        let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        assert_eq!(found.map(|(_, value)| value), Some(value), "{name}");
    }

    made_up(&visit).await;
    template_box(&visit).await;
    let optional = "return [...document.querySelectorAll('.task-line:not([data-state=done])')].every((one) => one.dataset.state === 'optional' && one.dataset.needs !== 'nothing' && one.textContent.includes('Optional: needs a Particle account')) || [...document.querySelectorAll('.task-line:not([data-state=done], [data-state=optional])')].map((one) => one.id).join(' ')";
    // What is left to do.
    visit.gives(optional, "task-forget-endpoint").await;
    forget(&visit).await;
    let open = "return [...document.querySelectorAll('.task-line')].every((one) => one.dataset.state === (one.dataset.needs === 'nothing' ? 'done' : 'optional'))";
    visit.shows("all that counts is done", open).await;
    visit.text_is(".steps-count", "5 of 5").await;
    let answer = person.post("text/plain", "one more").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "the endpoint is gone");
    visit.axe("everything is done without an account").await;
    visit.end(home).await;
}
