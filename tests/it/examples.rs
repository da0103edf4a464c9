//! The page's examples are recorded here: a real run of everything, on a clock that only moves when the receiver looks at
//! it, told by the page's own modules. `UPDATE_EXPECT=1` writes what came; otherwise it has to be what is written. A new
//! round is recorded first and cited in the prose afterwards, since the page that is recorded on has to build.

use std::{collections::BTreeMap, env, fs, path::Path, sync::Arc, time::Duration};

use delivery::millis::Millis;
use local::config::VirtualDevice;
use serde_json::{Value, json};
use tests::home::{Home, tutorial_device};
use tokio::process::Command;

/// 2026-11-23T11:03:14.102Z
const START_MS: i64 = 1_795_431_794_102;
const DEVICE: &str = "e00fce68ece1d3d21a73dcc9";
/// An owner key that anybody may know: what it opens lives as long as this test.
const OWNER: &str = "own_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Without what every run has its own of: the time since the device was started, and the gateway's mark of a request.
fn comparable(round: &Value) -> Value {
    let mut round = round.clone();
    for line in round["serial"].as_array_mut().into_iter().flatten() {
        *line = json!(line.as_str().unwrap().get(10..));
    }
    for block in round["blocks"].as_array_mut().into_iter().flatten() {
        for row in block["rows"].as_array_mut().into_iter().flatten() {
            for pair in row["pairs"].as_array_mut().into_iter().flatten() {
                let is_curls = pair[1].as_str().is_some_and(|value| value.starts_with("curl/"));
                if pair[0] == "x-amzn-trace-id" || is_curls {
                    pair[1] = Value::Null;
                }
            }
        }
    }
    round
}

#[allow(
    clippy::disallowed_methods,
    reason = "the switch that rewrites expected files comes from whoever runs the tests"
)]
pub(crate) fn is_to_write() -> bool {
    env::var_os("UPDATE_EXPECT").is_some()
}

#[tokio::test]
async fn the_examples_are_what_really_happens() {
    let clock = simulated_cloud::Clock::standing_at(START_MS);
    let home = Home::start_with(|config| {
        config.particle.clock = clock.clone();
        config.particle.seed = Some(1);
        config.clock = Arc::new({
            let clock = clock.clone();
            move || {
                clock.advance(Duration::from_millis(2));
                Millis(clock.now_ms().unsigned_abs())
            }
        });
        config.devices =
            vec![VirtualDevice { id: Some(DEVICE.into()), seed: Some(1), ..tutorial_device() }];
    })
    .await;
    let stack = &home.stack;
    let demo = stack.cloud().credentials();
    let told = json!({
        "page": stack.page_url, "particle": format!("http://{}", stack.cloud().addr()),
        "username": demo.username, "password": demo.password, "device": DEVICE, "owner": OWNER,
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node")
        .arg(root.join("it/record.mjs"))
        .arg(told.to_string())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
    home.stack.stop().await.unwrap();

    let folder = root.join("../site/content/recorded");
    let write = is_to_write();
    for (name, round) in &found {
        let path = folder.join(format!("{name}.json"));
        if write {
            fs::create_dir_all(&folder).unwrap();
            let text = serde_json::to_string_pretty(round).unwrap();
            fs::write(&path, text + "\n").unwrap();
        }
        let recorded = fs::read_to_string(&path).unwrap_or_default();
        let recorded: Value = serde_json::from_str(&recorded).unwrap_or_default();
        assert_eq!(
            comparable(&recorded),
            comparable(round),
            "{name} is no longer what happens; UPDATE_EXPECT=1 writes what does"
        );
    }
    let written = fs::read_dir(&folder).unwrap().map(|file| {
        let name = file.unwrap().file_name().into_string().unwrap();
        name.trim_end_matches(".json").to_owned()
    });
    for name in written {
        assert!(found.contains_key(&name), "{name} is recorded, but nothing makes it");
    }
}
