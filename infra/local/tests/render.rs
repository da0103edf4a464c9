//! `render` prints what would be sent, and ends with 1 if something is wrong with it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

fn render(integration: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
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
        (r#"{"event":"e","url":"http://h","disabled":true}"#, "{}", "error: not-triggered: "),
        (
            r#"{"event":"e","url":"http://h","body":"{{{a}}}"}"#,
            "{\"a\":\"\\u001b[2J\"}",
            "POST http://h/\n",
        ),
    ];
    for (integration, data, expected) in cases {
        let output = render(integration, &["--data", data]);
        assert!(text(&output.stdout).contains(expected), "{}", text(&output.stdout));
        let is_error = expected.starts_with("error");
        assert_eq!(output.status.code(), Some(i32::from(is_error)), "{integration}");
        assert!(!output.stdout.contains(&0x1b), "nothing moves the cursor of a terminal");
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
fn the_tutorials_own_integration_is_right() {
    let url = ["--url", "https://example.com/hook", "--data", r#"{"op":"test","id":1}"#];
    let output = render(simulated_cloud::WEBHOOK_JSON, &url);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}
