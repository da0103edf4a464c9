//! Every condition of the tutorial's firmware that depends on time, at its very edge.

use crate::scenario::{Build, Scenario, TUTORIAL, changed};

/// 90 seconds before millis() starts again from 0.
const BEFORE_WRAP: u64 = (1 << 32) - 90_000;

/// The scenarios, and what the log shows when: the operation published, or the outcome of a response.
const EXPECTED: [(&str, &[&str]); 10] = [
    ("a minute", &["60000 periodic", "120000 periodic"]),
    ("two taps and a third", &["10101 button", "11101 button", "60000 periodic"]),
    ("a tap in the first second", &["1000 button"]),
    (
        "a tap just before the minute is over",
        &["59501 button", "60501 periodic", "120501 periodic"],
    ),
    ("a tap just after the minute is over", &["60000 periodic", "61000 button"]),
    ("three minutes offline", &["200001 periodic", "260001 periodic"]),
    ("bounces and long presses", &["3031 button", "5500 button"]),
    (
        "across the wrap",
        &[
            "4294877297 periodic",
            "4294937297 periodic",
            "4294967001 button",
            "4294968001 button",
            "4294968350 response of 512",
            "4294997297 periodic",
        ],
    ),
    ("silence ends a response", &["39002 response of 1024", "60000 periodic", "60002 incomplete"]),
    ("a response that is too long", &["31002 too long", "32001 response of 2", "60000 periodic"]),
];

/// Plays one scenario and returns what the log shows.
async fn play(name: &str, text: &str) -> Vec<String> {
    let clock_ms = if name == "across the wrap" { BEFORE_WRAP } else { 0 };
    let mut device = Scenario::of(text, Build::Sanitized, clock_ms).await;
    device.step_ms = 1;
    let full = "x".repeat(512);
    match name {
        "a minute" => device.run_until(120_010).await,
        "two taps and a third" => {
            device.run_until(10_000).await;
            for _ in 0..3 {
                device.hold_button(100).await;
                device.run_for(150).await;
            }
            device.run_until(60_010).await;
        }
        "a tap in the first second" => {
            device.run_until(200).await;
            device.hold_button(100).await;
            device.run_until(50_000).await;
        }
        "a tap just before the minute is over" => {
            device.run_until(59_400).await;
            device.hold_button(100).await;
            device.run_until(120_510).await;
        }
        "a tap just after the minute is over" => {
            device.run_until(60_100).await;
            device.hold_button(100).await;
            device.run_until(62_000).await;
        }
        "three minutes offline" => {
            device.run_until(30_000).await;
            device.connected(false);
            device.run_until(40_000).await;
            device.hold_button(100).await;
            device.run_until(200_000).await;
            device.connected(true);
            device.run_until(260_010).await;
        }
        "bounces and long presses" => {
            device.run_until(3_000).await;
            for (held, then) in [(30, 1_970), (499, 1_501), (29, 1_971), (500, 1_500)] {
                device.hold_button(held).await;
                device.run_for(then).await;
            }
        }
        "across the wrap" => {
            let wrap = 1 << 32;
            device.run_until(wrap - 8_947).await;
            device.part(0, &full);
            device.run_until(wrap - 396).await;
            device.hold_button(100).await;
            device.run_for(150).await;
            device.hold_button(100).await;
            device.run_until(wrap + 30_100).await;
        }
        "silence ends a response" => {
            device.run_until(20_000).await;
            device.part(0, &full);
            device.run_until(29_001).await;
            device.part(1, &full);
            device.run_until(50_001).await;
            device.part(1, "the end");
            device.run_until(60_010).await;
        }
        "a response that is too long" => {
            device.run_until(20_000).await;
            for number in 0..10 {
                device.part(number, &full);
            }
            device.run_until(21_001).await;
            device.part(10, "the end");
            device.run_until(32_000).await;
            device.part(0, "{}");
            device.run_until(60_010).await;
        }
        _ => unreachable!("a scenario of the table"),
    }
    let log = device.log().into_iter();
    log.map(|(at, text)| {
        let what = [
            ("\"op\":\"periodic\"", "periodic"),
            ("\"op\":\"button\"", "button"),
            ("incomplete", "incomplete"),
            ("longer", "too long"),
        ];
        let known = what.iter().find(|(part, _)| text.contains(part));
        let short = text.trim_start_matches("hook ");
        format!("{at} {}", known.map_or(short, |(_, what)| what))
    })
    .collect()
}

/// The log shows the length of a response in place of its text.
#[tokio::test]
async fn timed_actions_happen_at_their_exact_millisecond() {
    let text = changed(
        TUTORIAL,
        "\"hook response %s\", response",
        "\"hook response of %u\", (unsigned)size",
    );
    for (name, expected) in EXPECTED {
        assert_eq!(play(name, &text).await, expected, "{name}");
    }
}
