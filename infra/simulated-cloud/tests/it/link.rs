//! The link of a device: how it begins, what is delivered over it, and how it ends.

use serde_json::json;

use crate::{
    device::{Device, ID, upgrade},
    support::start,
};

#[tokio::test]
async fn a_device_gets_what_its_first_four_prefixes_match() {
    let world = start().await;
    let mut device = Device::online(&world, &["one", "two", "three", "four", "five"]).await;
    for name in ["zero", "five", "One", "onerous", "four"] {
        world.publish(name, "x").await;
    }
    assert_eq!(device.receive().await.unwrap()["name"], "onerous");
    assert_eq!(device.receive().await.unwrap()["name"], "four");
    // A new connection begins without subscriptions.
    device.send(json!({"type": "offline"})).await;
    device.send(json!({"type": "online"})).await;
    let subscribe = json!({"type": "subscribe", "prefix": "again"});
    device.send(subscribe).await;
    device.message("subscribed").await;
    world.wait_for_device(ID, "message", json!("subscribed")).await;
    world.publish("four", "x").await;
    world.publish("again", "x").await;
    assert_eq!(device.receive().await.unwrap()["name"], "again");
}

#[tokio::test]
async fn data_over_the_limit_never_reaches_the_device() {
    let world = start().await;
    let mut device = Device::online(&world, &["e"]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    world.publish("e", &"x".repeat(1025)).await;
    world.publish("e", &"y".repeat(1024)).await;
    assert_eq!(device.receive().await.unwrap()["data"], "y".repeat(1024));
    stream.names(2).await;
    device.publish(&"n".repeat(100), &"ä".repeat(600)).await;
    let cut = stream.next().await;
    assert_eq!((cut.name.len(), cut.text().len()), (64, 1024));
}

#[tokio::test]
async fn an_offline_device_cannot_publish() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    device.send(json!({"type": "offline"})).await;
    device.publish("lost", "").await;
    device.send(json!({"type": "online"})).await;
    device.publish("heard", "").await;
    let names = ["spark/status", "spark/status", "heard"];
    assert_eq!(stream.names(3).await, names);
}

#[tokio::test]
async fn a_device_in_another_process_links_by_an_upgrade() {
    let world = start().await;
    let upgrading = "Connection: Upgrade\r\nUpgrade: device-link\r\n";
    let token = format!("Authorization: Bearer {}\r\n", world.token);
    let wrong_token = "Authorization: Bearer wrong\r\n";
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let origin = "Origin: https://evil.example\r\n";
    for (headers, status) in [
        (upgrading.to_owned(), "400"),
        (format!("{upgrading}{wrong_token}"), "401"),
        (format!("{upgrading}{token}{origin}"), "403"),
        (token.clone(), "426"),
        (format!("{websocket}{token}"), "426"),
    ] {
        let refused = upgrade(&world, &headers).await.err().expect("a refusal");
        let expected = format!("HTTP/1.1 {status} ");
        assert!(refused.starts_with(&expected), "{refused}");
    }
    let upgraded = upgrade(&world, &format!("{upgrading}{token}")).await;
    let mut device = upgraded.expect("a link");
    device.boot(ID, &["e"]).await;
    world.wait_for_device(ID, "message", json!("ready")).await;
    world.publish("e1", "x").await;
    assert_eq!(device.receive().await.unwrap()["name"], "e1");
}

#[tokio::test]
async fn a_malformed_line_ends_the_link_and_an_unknown_type_does_not() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    device.send(json!({"type": "from-the-future", "x": 1})).await;
    device.message("still here").await;
    world.wait_for_device(ID, "message", json!("still here")).await;
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
async fn a_new_link_of_the_same_device_replaces_the_old_one() {
    let world = start().await;
    let mut old = Device::online(&world, &["e"]).await;
    let mut new = Device::online(&world, &["e"]).await;
    new.message("second").await;
    world.wait_for_device(ID, "message", json!("second")).await;
    // The old link ends at its next message, and changes nothing of the new one.
    old.send(json!({"type": "offline"})).await;
    assert_eq!(old.receive().await, None);
    world.publish("e", "x").await;
    assert_eq!(new.receive().await.unwrap()["name"], "e");
    assert_eq!(world.device_state(ID).await["online"], true);
}

#[tokio::test]
async fn a_device_that_does_not_read_is_disconnected() {
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
