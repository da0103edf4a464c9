//! The virtual device's processes when what started them is gone, and the device's link when its cloud is.

use std::{path::Path, process::Stdio};

use http::{Method, StatusCode};
use local::Stack;
use serde_json::{Value, json};
use tests::{
    account::Account,
    eventually,
    home::{Home, Person, config},
    program,
};
use tokio::process::{Child, Command};

use tests::started::Started;

const ID: &str = "e00fce68cccccccccccccccc";

/// The real program with its device, whose firmware is this.
fn command(data: &Path, firmware: &str) -> Command {
    let device = data.join("device");
    std::fs::create_dir_all(&device).unwrap();
    let flashed = json!([{ "name": "endless.cpp", "text": firmware }]);
    std::fs::write(device.join("flashed.json"), flashed.to_string()).unwrap();
    let mut command = Command::new(program("webhook-tutorial"));
    command.args(["--port", "0", "--particle-port", "0", "--data"]).arg(data);
    command
}

fn run(data: &Path, firmware: &str, cxx: Option<&Path>) -> Child {
    let mut command = command(data, firmware);
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    if let Some(cxx) = cxx {
        command.env("CXX", cxx);
    }
    command.spawn().unwrap()
}

/// The processes that do something in a folder, as the system lists them.
async fn processes_in(folder: &Path) -> Vec<String> {
    let listed = Command::new("ps").args(["-eo", "stat=,args="]).output().await.unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let folder = folder.to_string_lossy().into_owned();
    // One that has ended and that nobody asked about is a Z.
    listed
        .lines()
        .filter(|line| line.contains(&folder) && !line.starts_with('Z'))
        .map(str::to_owned)
        .collect()
}

async fn kill_9_leaves_nothing(mut stack: Child, folder: &Path) {
    eventually("something runs in the device's folder", || async {
        (!processes_in(folder).await.is_empty()).then_some(())
    })
    .await;
    stack.start_kill().unwrap();
    stack.wait().await.unwrap();
    eventually("nothing of the device runs any more", || async {
        processes_in(folder).await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn after_kill_9_no_firmware_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let endless = "#include \"Particle.h\"\n#include <unistd.h>\nvoid setup() { alarm(0); for (;;) ; }\nvoid loop() {}\n";
    let stack = run(data.path(), endless, None);
    let folder = data.path().join("device");
    eventually("the firmware runs", || async {
        let all = processes_in(&folder).await;
        all.iter().any(|line| line.contains("/program-") && !line.contains("/bin/sh")).then_some(())
    })
    .await;
    kill_9_leaves_nothing(stack, &folder).await;
}

#[cfg(unix)]
#[tokio::test]
async fn after_kill_9_no_compiler_goes_on() {
    use std::os::unix::fs::PermissionsExt as _;

    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("compiler");
    std::fs::create_dir(&folder).unwrap();
    let script = folder.join("c++");
    let text = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo odd 1.0; exit; fi\nsleep 1000\n";
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let stack = run(data.path(), "", Some(&script));
    kill_9_leaves_nothing(stack, &folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_in_another_process_is_back_when_its_cloud_is() {
    let home = Home::start().await;
    let account = Account::of(&home).await;
    let port = home.stack.cloud().addr().port();
    let token = home.data.path().join("token");
    std::fs::write(&token, &account.token).unwrap();
    let mut device = Command::new(program("virtual-device"))
        .args(["--id", ID, "--name", "away", "--cloud", &account.api])
        .arg("--token-file")
        .arg(&token)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let first = account.online(ID).await;
    let Home { stack, client, data } = home;
    stack.stop().await.unwrap();

    let mut config = config(&data);
    config.particle_port = port;
    let home = Home { stack: Stack::start(config).await.unwrap(), client, data };
    let second = account.online(ID).await;
    assert_eq!(second["name"], "away");
    assert_ne!(second["last_handshake_at"], first["last_handshake_at"]);
    assert!(device.try_wait().unwrap().is_none(), "it is the same process");
    device.start_kill().unwrap();
    home.stack.stop().await.unwrap();
}

/// The real program on this data, and its simulated account once its only device is online.
async fn run_and_sign_in(data: &Path) -> (Started, Account, Value) {
    let mut command = Command::new(program("webhook-tutorial"));
    command.args(["--port", "0", "--particle-port", "0", "--data"]).arg(data);
    let stack = Started::by(&mut command).await;
    let account = stack.account().await;
    let device = eventually("the device is online", || async {
        let list = account.ask(Method::GET, "/v1/devices", Value::Null).await;
        list.as_array()?.iter().find(|device| device["online"] == json!(true)).cloned()
    })
    .await;
    (stack, account, device)
}

#[tokio::test]
async fn a_device_killed_while_it_is_flashed_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let tutorial = include_str!("../../firmware/src/webhook-tutorial.cpp");
    let (mut stack, account, device) = run_and_sign_in(data.path()).await;
    let id = device["id"].as_str().unwrap().to_owned();
    let answer = account.flash(&id, "first.cpp", tutorial).await;
    assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
    stack.child.kill().await.unwrap();

    let (_stack, account, device) = run_and_sign_in(data.path()).await;
    assert_eq!(device["id"], id.as_str(), "it is the same device");
    let app = device["last_app"].as_str().unwrap();
    assert!(["first.cpp", "idle.cpp"].contains(&app), "{app}");
    let answer = account.flash(&id, "second.cpp", tutorial).await;
    assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
    eventually("the device is back with the second one", || async {
        let device = account.online(&id).await;
        (device["last_app"] == json!("second.cpp")).then_some(())
    })
    .await;
}

/// Publishes events whose webhooks are answered at once and whose response template then takes all steps that it may: two are
/// filled at a time, the others wait.
async fn fill_templates(account: &Account, person: &Person, events: u64) {
    let keys: serde_json::Map<_, _> = (0..900).map(|key| (format!("k{key}"), json!(key))).collect();
    let reply =
        json!({ "status": 200, "body": json!({ "l": vec![1; 1000], "k": keys }).to_string() });
    person.reply_with(&reply.to_string()).await;
    let lookups = format!("{{{{#l}}}}{}{{{{/l}}}}", "{{zz}}".repeat(900));
    let (open, close) = ("{{#PARTICLE_EVENT_NAME}}", "{{/PARTICLE_EVENT_NAME}}");
    let template = format!("{}{lookups}{}", open.repeat(60), close.repeat(60));
    let hook = json!({
        "integration_type": "Webhook", "event": "costly", "url": person.hook_url(), "requestType": "POST",
        "responseTemplate": template,
    });
    account.ask(Method::POST, "/v1/integrations", hook).await;
    let hook = account.hook_path().await;
    for _ in 0..events {
        account.publish("costly", "x").await;
    }
    eventually("templates are filled", || async {
        let hook = account.ask(Method::GET, &hook, Value::Null).await;
        let failed = hook["counters"]["total"]["error"].as_u64().unwrap();
        (failed > 0).then_some(())
    })
    .await;
}

/// A reply with the longest delay and templates of the highest cost, with a compiler that never ends and then with a firmware
/// that never returns.
#[tokio::test]
async fn sigterm_ends_whatever_is_running_within_5_s() {
    use std::os::unix::fs::PermissionsExt as _;

    const EVENTS: u64 = 16;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("c++");
    let text = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo odd 1.0; exit; fi\nsleep 1000\n";
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let endless = "#include \"Particle.h\"\n#include <unistd.h>\nvoid setup() { alarm(0); for (;;) ; }\nvoid loop() {}\n";
    for (cxx, runs) in [(script.to_str().unwrap(), "/c++"), ("c++", "/program-")] {
        let data = tempfile::tempdir().unwrap();
        let mut command = command(data.path(), endless);
        let stack = Started::by(command.env("CXX", cxx)).await;
        let (person, other) = (stack.person(), stack.person());
        person.create().await;
        person.reply_with(r#"{"status":200,"delay_ms":30000,"times":1}"#).await;
        let waiting = person.clone();
        let waits = tokio::spawn(async move { waiting.post("text/plain", "x").await });
        eventually("the webhook is recorded", || async {
            (person.log("").await.last_seq == 1).then_some(())
        })
        .await;
        let place = if cxx == "c++" { data.path() } else { folder.path() };
        eventually("it runs", || async {
            let all = processes_in(place).await;
            all.iter().any(|line| line.contains(runs)).then_some(())
        })
        .await;
        other.create().await;
        fill_templates(&stack.account().await, &other, EVENTS).await;
        // A webhook that was under way may have been refused, which is logged.
        let (status, said) = stack.terminate().await;
        assert_eq!(status, Some(0), "{said}");
        waits.abort();
        let state = std::fs::read(data.path().join("particle/particle.json")).unwrap();
        let state: Value = serde_json::from_slice(&state).unwrap();
        let days = state["hooks"][0]["days"].as_object().unwrap().values();
        let filled: u64 = days.map(|day| day["error"].as_u64().unwrap()).sum();
        assert!((1..EVENTS).contains(&filled), "{filled} of {EVENTS} templates were filled before");
        eventually("nothing of the device runs any more", || async {
            processes_in(place).await.is_empty().then_some(())
        })
        .await;
    }
}
