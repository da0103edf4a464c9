//! Particle's own client, unchanged, against the simulated cloud; and hogan itself against our table of templates.
//!
//! What the client received is in `tests/api-js/recorded/expected.json`; `UPDATE_EXPECT=1` rewrites it.

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

/// Compiles every file but those that say they do not compile, and restarts when flashed.
async fn obey(mut device: Device) {
    while let Some(message) = device.receive().await {
        let request = &message["request"];
        match message["type"].as_str().unwrap() {
            "compile"
                if message["files"][0]["text"].as_str().unwrap().contains("does not compile") =>
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
                device.send(json!({"type": "flashed", "request": request, "ok": true})).await;
                device.send(json!({"type": "online"})).await;
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn particles_own_client_receives_what_is_recorded() {
    let otp = "123456";
    let mut world = start_with(Config { mfa: Some(otp.to_owned()), ..config() }).await;
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
    let answer =
        call(world.addr(), "POST", "/oauth/token", &[kind], form(&fields).as_bytes()).await;
    world.token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let obeying = tokio::spawn(obey(Device::online(&world, &[]).await));
    let demo = world.cloud.credentials();
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
    #[allow(clippy::disallowed_methods, reason = "the switch that rewrites an expected file")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &given).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (number, (old, new)) in expected.lines().zip(given.lines()).enumerate() {
        assert_eq!(new, old, "line {} of what the client received", number + 1);
    }
    assert_eq!(given.len(), expected.len());
}

#[tokio::test]
async fn hogan_itself_renders_the_table_as_expected() {
    let said = node("hogan.js", &[]).await;
    assert!(said.ends_with(" cases\n"), "{said}");
}
