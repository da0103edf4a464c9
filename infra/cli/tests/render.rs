//! `render` prints what would be sent, and ends with 1 if something is wrong with it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

fn render(integration: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_webhook-tutorial"))
        .args(["render", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(integration.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const DEVICE: &str = "e00fce68ece1d3d21a73dcc9";

#[test]
fn the_request_is_printed_with_its_sizes() {
    let integration = r#"{"event":"e","url":"https://example.com/{{{room}}}","noDefaults":true,
        "headers":{"Authorization":"Bearer {{{AUTH_KEY}}}","X-Device":"{{{PARTICLE_DEVICE_ID}}}"},"body":"{\"t\":{{{t}}}}"}"#;
    let output = render(integration, &["--data", r#"{"t":21.5,"room":"a b"}"#, "--device", DEVICE]);
    let expected = "POST https://example.com/a%20b\nAuthorization: Bearer [[SENSITIVE]]\n\
        X-Device: e00fce68ece1d3d21a73dcc9\nUser-Agent: ParticleBot/1.1 (https://docs.particle.io/webhooks)\n\
        host: example.com\ncontent-length: 10\n\n{\"t\":21.5}\n\n\
        URL 25 bytes, body 10 bytes, data 23 bytes (data operations: 1)\nnote: secret: ";
    assert!(text(&output.stdout).starts_with(expected), "{}", text(&output.stdout));
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_mistake_is_an_error() {
    let cases = [
        (
            r#"{"event":"e","url":"http://h","body":"{\"t\":{{{temp}}}}"}"#,
            r#"{"t":1}"#,
            "error: missing-name: ",
        ),
        (r#"{"event":"e","url":"http://h","body":"{{#a}}"}"#, "{}", "error: unfillable: "),
        (r#"{"event":"e","url":"{{{PARTICLE_EVENT_NAME}}}"}"#, "{}", "error: not-sent: "),
        (
            r#"{"event":"e","url":"http://h","disabled":true}"#,
            "{}",
            "error: not-triggered: This event does not trigger the integration: it is disabled.",
        ),
        (
            r#"{"event":"e","url":"http://h","deviceID":"e00fce68ece1d3d21a73dcc9"}"#,
            "{}",
            "of the device e00fce68ece1d3d21a73dcc9 only; --device sets",
        ),
        (
            r#"{"event":"e","url":"http://h","headers":{"X":"{{{t}}}"}}"#,
            r#"{"t":"a\r\nEvil: 1"}"#,
            "error: not-sent: The cloud can't send it: Invalid character in header content [\"X\"].",
        ),
        (r#"{"event":"e","url":"http://h","headers":{"X Y":"1"}}"#, "{}", "error: not-sent: "),
        (
            r#"{"event":"e","url":"http://h","requestType":"GET","body":"hello"}"#,
            "{}",
            "error: get-body: A GET request has no body",
        ),
        (
            r#"{"event":"e","url":"http://h","headerz":{},"body":"x"}"#,
            "{}",
            "note: unknown-setting: \"headerz\" is no setting of a webhook that is known here; it is ignored. Did you mean headers?",
        ),
        (
            r#"{"event":"e","url":"http://h","body":"{{{PRODUCT_ID}}}/{{{PRODUCT_VERSION}}}"}"#,
            "{}",
            "\n\n0/PRODUCT_VERSION\n",
        ),
        (
            r#"{"event":"e","url":"http://h","body":"{{{PRODUCT_ID}}}"}"#,
            "{}",
            "note: product: PRODUCT_ID: what the cloud writes there depends on",
        ),
        (
            r#"{"event":"e","url":"http://h","requestType":"DELETE","body":"x"}"#,
            "{}",
            "note: undocumented: The real cloud may differ: a DELETE request has a body here.",
        ),
        ("\u{feff}{\"event\":\"e\",\"url\":\"http://h\"}", "{}", "POST http://h/\n"),
        (
            r#"{"event":"e","url":"http://h","headers":{"X-{{{AUTH_KEY}}}":"1"}}"#,
            "{}",
            "X-[[SENSITIVE]]: 1\n",
        ),
        (
            r#"{"event":"e","url":"http://h","body":"{{{a}}}"}"#,
            "{\"a\":\"\\u001b[2J\\u202e\"}",
            "POST http://h/\n",
        ),
    ];
    for (integration, data, expected) in cases {
        let output = render(integration, &["--data", data]);
        assert!(text(&output.stdout).contains(expected), "{}", text(&output.stdout));
        let is_error = text(&output.stdout).contains("\nerror: ")
            || text(&output.stdout).starts_with("error: ");
        assert!(is_error || !expected.starts_with("error"), "{integration}");
        assert_eq!(output.status.code(), Some(i32::from(is_error)), "{integration}");
        let is_moving = text(&output.stdout).contains(['\u{1b}', '\u{202e}']);
        assert!(!is_moving, "nothing moves the cursor of a terminal or turns the text around");
    }
    for (integration, expected) in [
        ("[]", "must be a JSON object"),
        ("{", "is not JSON"),
        (r#"{"event":"e"}"#, "url is required"),
    ] {
        let output = render(integration, &[]);
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn files_are_read_whole_or_not_at_all() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let size = std::fs::metadata(file).unwrap().len();
    let integration = r#"{"event":"e","url":"http://h"}"#;
    let output = render(integration, &["--data-file", file]);
    assert!(text(&output.stdout).contains(&format!("data {size} bytes")));
    let output = render(&" ".repeat(1024 * 1024 + 1), &[]);
    assert!(text(&output.stderr).contains("is larger than 1048576 bytes"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_tutorials_own_integration_is_right() {
    let url = ["--url", "https://example.com/hook", "--data", r#"{"op":"test","id":1}"#];
    let output = render(simulated_cloud::WEBHOOK_JSON, &url);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}
