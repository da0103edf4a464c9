//! What survives a restart, and what happens to a file that cannot be read.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use serde_json::{Value, json};
use simulated_cloud::{Config, SimulatedCloud, StartError};

use crate::{
    device::{Device, ID},
    support::{JSON, Receiver, call, config, start_with, tutorial_hook},
};

fn in_folder(folder: &std::path::Path) -> Config {
    Config { data_dir: Some(folder.to_owned()), seed: None, ..config() }
}

#[tokio::test]
async fn account_token_device_and_hook_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let world = start_with(in_folder(folder.path())).await;
    let password = world.cloud.credentials().password;
    let device = Device::online(&world, &[]).await;
    let path = format!("/v1/devices/{ID}");
    world.ok("PUT", &path, json!({"name": "kitchen"})).await;
    let id = world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events/api").await;
    world.publish("WebhookTutorial01", "x").await;
    stream.next().await;
    let hooks = world.get("/v1/integrations").await;
    let detail = world.hook(&id).await;
    assert_eq!(detail["counters"]["total"]["success"], 1);
    let token = world.token.clone();
    drop(device);
    world.cloud.shutdown().await.unwrap();

    let mut again = start_with(in_folder(folder.path())).await;
    again.token = token;
    assert_eq!(again.cloud.credentials().password, password);
    assert_eq!(again.get("/v1/integrations").await, hooks);
    assert_eq!(again.hook(&id).await, detail);
    let known = again.get("/v1/devices/kitchen").await;
    assert_eq!((&known["id"], &known["online"]), (&json!(ID), &json!(false)));
}

#[tokio::test]
async fn what_was_answered_is_on_disk_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = start_with(in_folder(folder.path())).await;
    let id = world.create_hook(tutorial_hook("http://127.0.0.1:9/")).await;
    let path = folder.path().join("particle.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("hash") && !text.contains(&world.token));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "no draft is left behind");
    // A copy is what a killed process leaves: nothing more is written.
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(&path, copy.path().join("particle.json")).unwrap();
    let mut again = start_with(in_folder(copy.path())).await;
    again.token = world.token.clone();
    again.hook(&id).await;
    let other = tempfile::tempdir().unwrap();
    let other = start_with(in_folder(other.path())).await;
    let passwords = [&world, &other].map(|world| world.cloud.credentials().password);
    assert_ne!(passwords[0], passwords[1]);
    assert!(passwords[0].len() >= 20);
}

#[tokio::test]
async fn an_accepted_integration_is_read_again_however_deep() {
    let folder = tempfile::tempdir().unwrap();
    let world = start_with(in_folder(folder.path())).await;
    let bearer = world.bearer();
    let headers = [("Authorization", bearer.as_str()), JSON];
    let mut taken = Vec::new();
    let mut refused = 0;
    for levels in [1, 32, 64, 65, 100, 120, 124, 126] {
        let nested = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for setting in [
            format!(r#""json":{nested}"#),
            format!(r#""responseTemplate":{nested}"#),
            // As a form has to write it.
            format!(r#""form":{}"#, json!(nested)),
        ] {
            let hook = format!(r#"{{"event":"e","url":"http://127.0.0.1:9",{setting}}}"#);
            let path = "/v1/integrations";
            let response = call(world.addr(), "POST", path, &headers, hook.as_bytes()).await;
            if response.status == 200 {
                taken.push((response.json()["id"].clone(), nested.clone()));
            } else {
                assert_eq!(response.status, 400, "{levels} levels: {}", response.body);
                refused += 1;
            }
        }
    }
    assert!(taken.len() >= 6 && refused > 0, "{taken:?}");
    world.cloud.shutdown().await.unwrap();

    let mut again = start_with(in_folder(folder.path())).await;
    again.token = world.token;
    for (id, nested) in taken {
        let path = format!("/v1/integrations/{}", id.as_str().unwrap());
        let shown = again.api("GET", &path, Value::Null).await;
        assert!(shown.body.contains(&nested), "{}", shown.body);
    }
}

#[tokio::test]
async fn it_does_not_start_where_others_could_reach_it() {
    let any = ([0, 0, 0, 0], 1).into();
    let error = SimulatedCloud::new(any, config()).await.err().unwrap();
    assert!(matches!(error, StartError::NotLoopback(_)), "{error}");
    let restricted = Config { only_port: Some(2), ..config() };
    let cloud = SimulatedCloud::new(any, restricted).await.unwrap();
    assert_eq!(cloud.addr(), ([127, 0, 0, 1], 1).into());
}

#[tokio::test]
async fn a_shutdown_ends_streams_links_and_waiting_hooks_at_once() {
    let world = start_with(config()).await;
    let mut receiver = Receiver::start().await;
    receiver.always(crate::support::Reply::Silence);
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let mut device = Device::online(&world, &[]).await;
    world.publish("WebhookTutorial01", "x").await;
    receiver.request().await;
    tokio::time::timeout(Duration::from_secs(10), world.cloud.shutdown())
        .await
        .expect("it ends")
        .unwrap();
    while stream.line().await.is_some() {}
    while device.receive().await.is_some() {}
}
