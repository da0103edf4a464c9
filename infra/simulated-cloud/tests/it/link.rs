//! The link of a device: who gets one, what is told over it, and how it ends.

use serde_json::json;

use crate::{
    device::{Device, ID, upgrade},
    support::start,
};

#[tokio::test]
async fn a_device_hears_only_what_it_asked_for_and_at_most_four_things() {
    let world = start().await;
    let mut device = Device::online(&world, &["one", "two", "three", "four", "five"]).await;
    for name in ["zero", "five", "One", "onerous", "four"] {
        world.publish(name, "x").await;
    }
    assert_eq!(device.receive().await.unwrap()["name"], "onerous");
    assert_eq!(device.receive().await.unwrap()["name"], "four");
    device.send(json!({"type": "offline"})).await;
    world.wait_for_device(ID, "online", json!(false)).await;
    device.send(json!({"type": "online"})).await;
    world.wait_for_device(ID, "online", json!(true)).await;
    world.publish("four", "x").await;
    device
        .send(json!({"type": "subscribe", "prefix": "again"}))
        .await;
    device.message("subscribed").await;
    world
        .wait_for_device(ID, "message", json!("subscribed"))
        .await;
    world.publish("again", "x").await;
    assert_eq!(
        device.receive().await.unwrap()["name"],
        "again",
        "a new connection begins without subscriptions"
    );
}

#[tokio::test]
async fn what_is_larger_than_the_device_takes_never_reaches_it() {
    let world = start().await;
    let mut device = Device::online(&world, &["e"]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("e", &"x".repeat(1025)).await;
    world.publish("e", &"y".repeat(1024)).await;
    assert_eq!(device.receive().await.unwrap()["data"], "y".repeat(1024));
    let _ = stream.names(2).await;
    device
        .send(json!({"type": "publish", "name": "n".repeat(100), "data": "ä".repeat(600)}))
        .await;
    let cut = stream.next().await;
    assert_eq!((cut.name.len(), cut.text().len()), (64, 1024));
}

#[tokio::test]
async fn an_offline_device_cannot_publish() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    device.send(json!({"type": "offline"})).await;
    device
        .send(json!({"type": "publish", "name": "lost", "data": null}))
        .await;
    device.send(json!({"type": "online"})).await;
    device
        .send(json!({"type": "publish", "name": "heard", "data": null}))
        .await;
    assert_eq!(
        stream.names(3).await,
        ["spark/status", "spark/status", "heard"]
    );
}

#[tokio::test]
async fn a_device_in_another_process_links_by_an_upgrade() {
    let world = start().await;
    let token = &world.token;
    let upgrading = "Connection: Upgrade\r\nUpgrade: device-link\r\n";
    for (headers, status) in [
        (upgrading.to_owned(), "400"),
        (format!("{upgrading}Authorization: Bearer wrong\r\n"), "401"),
        (
            format!("{upgrading}Authorization: Bearer {token}\r\nOrigin: https://evil.example\r\n"),
            "403",
        ),
        (format!("Authorization: Bearer {token}\r\n"), "426"),
        (
            format!(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer {token}\r\n"
            ),
            "426",
        ),
    ] {
        let refused = upgrade(&world, &headers).await.err().expect("a refusal");
        assert!(
            refused.starts_with(&format!("HTTP/1.1 {status} ")),
            "{refused}"
        );
    }
    let mut device = upgrade(
        &world,
        &format!("{upgrading}Authorization: Bearer {token}\r\n"),
    )
    .await
    .expect("a link");
    device.boot(ID, &["e"]).await;
    world.wait_for_device(ID, "online", json!(true)).await;
    world.publish("e1", "x").await;
    assert_eq!(device.receive().await.unwrap()["name"], "e1");
}

#[tokio::test]
async fn a_line_that_is_no_message_ends_the_link_and_an_unknown_one_does_not() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    device
        .send(json!({"type": "from-the-future", "x": 1}))
        .await;
    device.message("still here").await;
    world
        .wait_for_device(ID, "message", json!("still here"))
        .await;
    device.write(b"{not json\n").await;
    assert_eq!(device.receive().await, None);
    world.wait_for_device(ID, "attached", json!(false)).await;
    for first in [
        r#"{"type":"online"}"#,
        r#"{"type":"hello","id":"short","name":"x","platform_id":13,"system_version":"6"}"#,
        "[]",
    ] {
        let mut stranger = Device::plug_in(&world);
        stranger.write(format!("{first}\n").as_bytes()).await;
        assert_eq!(stranger.receive().await, None, "{first}");
    }
    let mut endless = Device::online(&world, &[]).await;
    endless.write(&vec![b'x'; 1024 * 1024 + 2]).await;
    assert_eq!(endless.receive().await, None);
}

#[tokio::test]
async fn a_new_link_of_the_same_device_takes_over() {
    let world = start().await;
    let mut old = Device::online(&world, &["e"]).await;
    let mut new = Device::online(&world, &["e"]).await;
    new.message("second").await;
    world.wait_for_device(ID, "message", json!("second")).await;
    // The first link ends at the next thing it says, and takes nothing of the second with it.
    old.send(json!({"type": "offline"})).await;
    assert_eq!(old.receive().await, None);
    world.publish("e", "x").await;
    assert_eq!(new.receive().await.unwrap()["name"], "e");
    assert_eq!(world.device_state(ID).await["online"], true);
}

#[tokio::test]
async fn a_device_that_does_not_listen_is_let_go_and_shown_as_gone() {
    let world = start().await;
    let mut device = Device::online(&world, &["e"]).await;
    let data = "x".repeat(1000);
    // More than the link and its queue hold together; the device reads none of it.
    for _ in 0..600 {
        world.publish("e", &data).await;
    }
    world.wait_for_device(ID, "attached", json!(false)).await;
    device.message("I am still here").await;
    world.wait_for_device(ID, "online", json!(false)).await;
}
