//! The virtual device of the local home: there from the start, and the firmware on it is the real one.

use http::Method;
use local::{
    Stack,
    config::{CompilerAt, VirtualDevice},
};
use serde_json::{Value, json};
use tests::{
    account::Account,
    client,
    client::Client,
    eventually,
    home::{self, Home},
};

#[tokio::test]
async fn the_device_is_the_same_after_a_restart() {
    let home = Home::start_with(|config| config.devices = vec![VirtualDevice::default()]).await;
    let id = home.stack.devices()[0].id.clone();
    let device = Account::of(&home).await.online(&id).await;
    assert_eq!(device["name"], "virtual-device");
    assert_eq!(device["last_app"], "idle.cpp");
    let config = local::config::Config {
        devices: vec![VirtualDevice::default()],
        ..home::config(&home.data)
    };
    home.stack.stop().await.unwrap();

    let again = Home {
        stack: Stack::start(config).await.unwrap(),
        client: Client::default(),
        data: home.data,
    };
    assert_eq!(again.stack.devices()[0].id, id);
    Account::of(&again).await.online(&id).await;
    again.stack.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_compiler_the_device_says_what_to_install() {
    let home = Home::start_with(|config| {
        config.devices =
            vec![VirtualDevice { compiler: CompilerAt::Nowhere, ..VirtualDevice::default() }];
    })
    .await;
    let id = home.stack.devices()[0].id.clone();
    let account = Account::of(&home).await;
    let controls = eventually("the device says something", || async {
        let controls = account.controls(&id).await;
        controls["message"].is_string().then_some(controls)
    })
    .await;
    let message = controls["message"].as_str().unwrap();
    assert!(message.starts_with("No C++ compiler found: install one"), "{message}");
    assert_eq!(controls["running"], json!(false));
    let mut state = home.stack.devices()[0].state();
    let said = state.wait_for(|state| state.message.is_some()).await;
    assert_eq!(said.unwrap().message.as_deref(), Some(message));

    let person = home.person().await;
    assert_eq!(person.post("text/plain", "hello").await.status(), 200);
    assert_eq!(person.log("last=10").await.deliveries.len(), 1);
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_stack_without_a_device_has_none() {
    let home = Home::start().await;
    let devices = Account::of(&home).await.call(Method::GET, "/v1/devices", Value::Null).await;
    assert_eq!(client::json(&devices), json!([]));
    home.stack.stop().await.unwrap();
}
