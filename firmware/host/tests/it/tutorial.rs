//! What the tutorial's firmware does.

use virtual_device::wire::FirmwareMessage;

use crate::scenario::{Build, Scenario, TUTORIAL, changed};

#[tokio::test]
async fn the_serial_log_shows_publishes_and_responses() {
    let mut device = Scenario::new().await;
    assert!(device.run_until_publish(70_000).await);
    let Some(FirmwareMessage::Publish { name, data: Some(data), .. }) = device
        .done
        .iter()
        .map(|done| done.message.clone())
        .find(|report| matches!(report, FirmwareMessage::Publish { .. }))
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
    assert!(id.is_some_and(|id| id.parse::<i32>().is_ok_and(|id| id > 0)), "{data}");
}

#[tokio::test]
async fn nothing_it_does_meets_the_rate_limit() {
    // A refused publish is logged; the button is tapped as fast as possible.
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
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1000), "{times:?}");
}

/// The tutorial's firmware with a buffer that is one byte larger at each publish, from 1 byte, every 2 seconds. It is on the
/// heap, where the sanitizer sees a byte too far.
fn growing_buffer() -> String {
    let text = changed(
        TUTORIAL,
        "    char data[128];\n",
        "    static size_t capacity = 0;\n    capacity++;\n    std::unique_ptr<char[]> heap(new char[capacity]);\n    char *const data = heap.get();\n",
    );
    let text = changed(&text, "sizeof(data) - 1", "capacity - 1");
    let text = changed(&text, "#include <climits>", "#include <climits>\n#include <memory>");
    changed(&text, "60 * 1000", "2 * 1000")
}

#[tokio::test]
async fn data_that_does_not_fit_its_buffer_is_not_published() {
    let mut device = Scenario::of(&growing_buffer(), Build::Sanitized, 0).await;
    device.run_until(201_000).await;
    let published = device.published();
    let refused = device.logged("not published:");
    assert_eq!(published.len() + refused.len(), 100);
    // {"op":"periodic","id":1,"powerSource":2,"soc":-1} has 49 characters, with nine more for a long id, and a 0 follows.
    assert!((49..=59).contains(&refused.len()), "{}", refused.len());
    for done in &device.done {
        if let FirmwareMessage::Publish { data, .. } = &done.message {
            assert!(
                serde_json::from_str::<serde_json::Value>(data.as_deref().unwrap()).is_ok(),
                "{data:?}"
            );
        }
    }
}

#[tokio::test]
async fn loop_does_not_use_the_heap() {
    // `new` ends the program while the firmware's own code runs; what the host does for it in a call is not counted.
    let mut text = changed(TUTORIAL, "void loop() {", "void tutorialLoop() {")
        .replace("Log.", "HostsOwn(), Log.")
        .replace("Particle.publish", "HostsOwn(), Particle.publish");
    text = changed(
        &text,
        "void setup() {",
        "void tutorialLoop();\nbool counting = false;\nstruct HostsOwn { HostsOwn() { counting = false; } ~HostsOwn() { counting = true; } };\n\
         void loop() { counting = true; tutorialLoop(); counting = false; }\n\
         void *operator new(size_t size) { if (counting) abort(); return malloc(size); }\n\
         void operator delete(void *place) noexcept { free(place); }\n\
         void operator delete(void *place, size_t) noexcept { free(place); }\n\
         void setup() {",
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    device.hold_button(100).await;
    device.part(0, &"x".repeat(512));
    device.run_until(130_000).await;
    assert_eq!(device.published().len(), 3);
    assert_eq!(device.logged("hook response").len(), 1);
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
}
