//! What the tutorial's firmware does.

use virtual_device::{platform::Platform, wire::Report};

use crate::scenario::{Build, ID, Scenario, TUTORIAL, changed, compile};

fn publishes(times: &[(u64, &str)]) -> Vec<(u64, String)> {
    times
        .iter()
        .map(|(at, op)| (*at, (*op).to_owned()))
        .collect()
}

#[tokio::test]
async fn it_publishes_every_minute_and_on_a_tap() {
    let mut device = Scenario::new().await;
    device.run_until(90_000).await;
    device.hold_button(100).await;
    device.run_until(125_000).await;
    assert_eq!(
        device.published(),
        publishes(&[
            (60_000, "periodic"),
            (90_110, "button"),
            (120_000, "periodic")
        ])
    );
}

#[tokio::test]
async fn it_subscribes_to_its_own_responses_and_errors() {
    let device = Scenario::new().await;
    let own = |what: &str| format!("{ID}/{what}/WebhookTutorial01");
    assert_eq!(
        device.subscriptions,
        [own("hook-response"), own("hook-error")]
    );
}

#[tokio::test]
async fn the_serial_log_shows_what_was_published_and_what_came_back() {
    let mut device = Scenario::new().await;
    assert!(device.run_until_publish(70_000).await);
    let Some(Report::Publish {
        name,
        data: Some(data),
    }) = device
        .done
        .iter()
        .map(|done| done.report.clone())
        .find(|report| matches!(report, Report::Publish { .. }))
    else {
        panic!("{:?}", device.done)
    };
    assert_eq!(name, "WebhookTutorial01");
    device.run_until(60_912).await;
    device.part(0, r#"{"ok":true}"#);
    device.run_until(60_920).await;
    assert_eq!(
        device.serial(),
        [
            format!("0000060000 [app] INFO: publish WebhookTutorial01 {data}"),
            r#"0000060920 [app] INFO: hook response {"ok":true}"#.to_owned(),
        ]
    );
    let id = data
        .strip_prefix(r#"{"op":"periodic","id":"#)
        .and_then(|rest| rest.strip_suffix(r#","powerSource":2,"soc":-1}"#));
    assert!(
        id.is_some_and(|id| id.parse::<i32>().is_ok_and(|id| id > 0)),
        "{data}"
    );
}

#[tokio::test]
async fn in_a_day_every_minute_is_published_and_every_answer_is_printed() {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let mut device = Scenario::new().await;
    let mut answers = 0;
    while device.run_until_publish(DAY).await {
        // Now and then the connection is lost for a while, shorter than what is left of the minute.
        if answers % 100 == 99 {
            device.connected(false);
            device.run_for(30_000).await;
            device.connected(true);
        }
        device.part(0, r#"{"ok":true}"#);
        answers += 1;
    }
    device.run_for(20).await;
    let published = device.published();
    assert_eq!(published.len(), 1440);
    assert!(
        published
            .iter()
            .enumerate()
            .all(|(minute, (at, op))| *at == (minute as u64 + 1) * 60_000 && op == "periodic")
    );
    assert_eq!(device.logged(r#"hook response {"ok":true}"#).len(), answers);
    // Nothing else was said.
    assert_eq!(device.serial().len(), 2 * 1440);
}

#[tokio::test]
async fn not_connected_it_is_silent() {
    let mut device = Scenario::new().await;
    device.connected(false);
    for _ in 0..100 {
        device.hold_button(100).await;
        device.run_for(3_500).await;
    }
    assert!(device.done.is_empty(), "{:?}", device.done);
}

#[tokio::test]
async fn nothing_it_does_meets_the_rate_limit() {
    // Said out loud when the cloud refuses; the button is tapped as fast as a click can be.
    let text = changed(
        TUTORIAL,
        "    Particle.publish(eventName, data);",
        "    if (!Particle.publish(eventName, data)) { Log.error(\"refused\"); }",
    );
    let mut device = Scenario::of(&text, Build::Sanitized, 0).await;
    for _ in 0..1000 {
        device.hold_button(30).await;
        device.run_for(30).await;
    }
    assert!(device.published().len() >= 58, "{:?}", device.published());
    assert!(device.logged("refused").is_empty());
    let times: Vec<u64> = device.published().into_iter().map(|(at, _)| at).collect();
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= 1000),
        "{times:?}"
    );
}

/// The tutorial's firmware with a buffer that is one byte larger at each publish, from 1 byte, every 2 seconds, and
/// `kept` bytes of it kept from the writer. It is on the heap, where the sanitizer sees a byte too far.
fn growing_buffer(kept: usize) -> String {
    let text = changed(
        TUTORIAL,
        "    char data[128];\n",
        "    static size_t capacity = 0;\n    capacity++;\n    std::unique_ptr<char[]> heap(new char[capacity]);\n    char *const data = heap.get();\n",
    );
    let text = changed(&text, "sizeof(data) - 1", &format!("capacity - {kept}"));
    let text = changed(
        &text,
        "#include <climits>",
        "#include <climits>\n#include <memory>",
    );
    changed(&text, "60 * 1000", "2 * 1000")
}

#[tokio::test]
async fn data_that_does_not_fit_its_buffer_is_not_published() {
    let mut device = Scenario::of(&growing_buffer(1), Build::Sanitized, 0).await;
    device.run_until(201_000).await;
    let published = device.published();
    let refused = device.logged("not published:");
    assert_eq!(published.len() + refused.len(), 100);
    // {"op":"periodic","id":1,"powerSource":2,"soc":-1} has 49 characters, with nine more for a long id, and a 0 follows.
    assert!((49..=59).contains(&refused.len()), "{}", refused.len());
    for done in &device.done {
        if let Report::Publish { data, .. } = &done.report {
            assert!(
                serde_json::from_str::<serde_json::Value>(data.as_deref().unwrap()).is_ok(),
                "{data:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_buffer_without_a_byte_for_the_end_is_found_out() {
    let text = changed(
        &growing_buffer(0),
        "writer.dataSize() > writer.bufferSize()",
        "false",
    );
    let text = changed(
        &text,
        "data[writer.dataSize()] = 0;",
        "data[std::min(writer.bufferSize(), writer.dataSize())] = 0;",
    );
    let mut device = Scenario::of(&text, Build::Sanitized, 0).await;
    let end = device.run_to_its_end(201_000).await;
    assert!(end.contains("heap-buffer-overflow"), "{end}");
}

#[tokio::test]
async fn loop_does_not_use_the_heap() {
    // `new` ends the program while the firmware's own code runs; what the host does for it in a call is not counted.
    let mut text = changed(TUTORIAL, "void loop() {", "void tutorialLoop() {")
        .replace("Log.", "HostsOwn(), Log.")
        .replace("Particle.publish", "HostsOwn(), Particle.publish");
    text = changed(
        &text,
        "// anchor: constants",
        "void tutorialLoop();\nbool counting = false;\nstruct HostsOwn { HostsOwn() { counting = false; } ~HostsOwn() { counting = true; } };\n\
         void loop() { counting = true; tutorialLoop(); counting = false; }\n\
         void *operator new(size_t size) { if (counting) abort(); return malloc(size); }\n\
         void operator delete(void *place) noexcept { free(place); }\n\
         void operator delete(void *place, size_t) noexcept { free(place); }\n",
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    device.hold_button(100).await;
    device.part(0, &"x".repeat(512));
    device.run_until(130_000).await;
    assert_eq!(device.published().len(), 3);
    assert_eq!(device.logged("hook response").len(), 1);

    let text = changed(
        &text,
        "const system_tick_t now = millis();",
        "const system_tick_t now = millis(); String more(\"a text that is longer than a small one\");",
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    assert!(device.run_to_its_end(10).await.contains("abort"));
}

#[tokio::test]
async fn on_hardware_without_power_management_it_does_not_ask() {
    let program = compile(TUTORIAL, Platform::Argon, Build::Sanitized)
        .await
        .unwrap();
    let mut device = Scenario::run_program(&program, Build::Sanitized, 0).await;
    device.run_until(60_000).await;
    let serial = device.serial().join("\n");
    assert!(
        serial.contains("periodic") && !serial.contains("powerSource") && !serial.contains("soc"),
        "{serial}"
    );
}

#[test]
fn the_file_can_be_read_on_a_page() {
    for (number, line) in TUTORIAL.lines().enumerate() {
        assert!(
            line.len() <= 88 && line.is_ascii() && line == line.trim_end(),
            "line {}: {line}",
            number + 1
        );
    }
    let mut names = Vec::new();
    let mut open = false;
    for line in TUTORIAL.lines() {
        if let Some(name) = line.strip_prefix("// anchor: ") {
            assert!(!open && !names.contains(&name), "{name}");
            (open, names) = (true, [names, vec![name]].concat());
        } else if line == "// anchor-end" {
            assert!(open);
            open = false;
        }
    }
    assert!(!open && names.len() >= 8, "{names:?}");
}
