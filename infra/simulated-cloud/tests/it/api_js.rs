//! Particle's own client, unchanged, against the simulated cloud; and hogan itself against our table of templates.
//!
//! What the client was given lies in `tests/api-js/recorded/expected.json`; `UPDATE_EXPECT=1` writes it anew.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use simulated_cloud::Config;
use tokio::process::Command;

use crate::{
    device::{Device, ID},
    support::{Receiver, call, config, form, respond, start_with},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api-js")
}

async fn node(script: &str, arguments: &[&str]) -> String {
    assert!(
        folder().join("node_modules/particle-api-js").is_dir()
            && folder().join("node_modules/hogan.js").is_dir(),
        "particle-api-js is not installed; run: npm ci --prefix infra/simulated-cloud/tests/api-js"
    );
    let run = Command::new("node")
        .arg(folder().join(script))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), run)
        .await
        .expect("the script ends")
        .expect("node is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed:\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Does what the cloud asks of it: compiles what says nothing else, and restarts when flashed.
async fn obey(mut device: Device) {
    while let Some(message) = device.receive().await {
        let request = &message["request"];
        match message["type"].as_str().unwrap() {
            "compile"
                if message["files"][0]["text"]
                    .as_str()
                    .unwrap()
                    .contains("does not compile") =>
            {
                let errors = "bad.cpp:1:1: error: oops";
                device.compiled(request, Err(errors)).await;
            }
            "compile" => {
                let size = "   text\t   data\t    bss\t    dec\t    hex\tfilename\n   1234\t    100\t     50\t   1384\t    568\tblink\n";
                device.compiled(request, Ok(size)).await;
            }
            "flash" => {
                device.send(json!({"type": "offline"})).await;
                device
                    .send(json!({"type": "flashed", "request": request, "ok": true}))
                    .await;
                device.send(json!({"type": "online"})).await;
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn particles_own_client_is_given_what_the_real_cloud_gives() {
    let otp = "123456";
    let mut world = start_with(Config {
        mfa: Some(otp.to_owned()),
        ..config()
    })
    .await;
    let receiver = Receiver::start().await;
    receiver.always(respond(200, r#"{"ok":true,"id":1652008511}"#));
    let asked = world.sign_in(&[]).await.json();
    let fields = [
        ("grant_type", "urn:custom:mfa-otp"),
        ("mfa_token", asked["mfa_token"].as_str().unwrap()),
        ("otp", otp),
        ("client_id", "test"),
    ];
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let answer = call(
        world.addr(),
        "POST",
        "/oauth/token",
        &[kind],
        form(&fields).as_bytes(),
    )
    .await;
    world.token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let obeying = tokio::spawn(obey(Device::online(&world, &[]).await));
    let demo = world.cloud.demo();
    let base = format!("http://{}", world.addr());
    let arguments = [
        &base,
        &demo.username,
        &demo.password,
        otp,
        &receiver.url(),
        ID,
        simulated_cloud::WEBHOOK_JSON,
    ];
    let given = node("drive.js", &arguments).await;
    obeying.abort();
    let path = folder().join("recorded/expected.json");
    #[allow(
        clippy::disallowed_methods,
        reason = "the switch that rewrites an expected file"
    )]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &given).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(
        given == expected,
        "what the client is given has changed:\n{}",
        difference(&expected, &given)
    );
}

/// The first line that differs, with those around it.
fn difference(expected: &str, given: &str) -> String {
    let place = expected
        .lines()
        .zip(given.lines())
        .position(|(old, new)| old != new);
    let place = place.unwrap_or_else(|| expected.lines().count().min(given.lines().count()));
    let show = |text: &str| {
        text.lines()
            .skip(place.saturating_sub(8))
            .take(12)
            .collect::<Vec<_>>()
            .join("\n")
    };
    format!(
        "expected, near line {}:\n{}\ngiven:\n{}",
        place + 1,
        show(expected),
        show(given)
    )
}

#[tokio::test]
async fn hogan_itself_renders_the_table_as_the_table_says() {
    let said = node("hogan.js", &[]).await;
    assert!(said.ends_with(" cases\n"), "{said}");
}
