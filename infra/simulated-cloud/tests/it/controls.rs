//! What a person does to a simulated device, and sees of it.

use serde_json::{Value, json};

use crate::{
    device::{Device, ID},
    support::start,
};

#[tokio::test]
async fn the_controls_show_the_device_and_reach_it() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let expected = json!({
        "id": ID, "name": "virtual-boron", "online": true, "running": true, "plugged": true, "power_source": 2,
        "battery": 85.5, "compiler": "g++ 12", "message": "ready", "firmware": "webhook-tutorial.cpp", "signaling": false,
        "attached": true, "data_operations": {"publishes": 0, "responses": 0},
    });
    assert_eq!(world.device_state("virtual-boron").await, expected);
    let path = |control: &str| format!("/simulated/devices/{ID}/{control}");
    for (method, control, given, sent) in [
        ("POST", "button", json!({"clicks": 2}), json!({"type": "press", "clicks": 2})),
        ("POST", "button", json!({}), json!({"type": "press", "clicks": 1})),
        (
            "PUT",
            "power",
            json!({"source": 5, "battery": 50}),
            json!({"type": "power", "source": 5, "battery": 50.0}),
        ),
        (
            "PUT",
            "power",
            json!({"source": 1, "battery": null}),
            json!({"type": "power", "source": 1, "battery": null}),
        ),
        ("PUT", "plug", json!({"plugged": false}), json!({"type": "plug", "plugged": false})),
    ] {
        let status = world.status(method, &path(control), given).await;
        assert_eq!(status, 204, "{control}");
        assert_eq!(device.receive().await.unwrap(), sent);
    }
    for (method, control, given) in [
        ("POST", "button", json!({"clicks": 0})),
        ("POST", "button", json!({"clicks": 6})),
        ("POST", "button", json!({"clicks": 1.5})),
        ("PUT", "power", json!({"source": 6})),
        ("PUT", "power", json!({"source": 5, "battery": 101})),
        ("PUT", "plug", json!({"plugged": "no"})),
    ] {
        let status = world.status(method, &path(control), given.clone()).await;
        assert_eq!(status, 400, "{control} {given}");
    }
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    let button = async |path: &str| world.status("POST", path, Value::Null).await;
    assert_eq!(button(&path("button")).await, 409);
    assert_eq!(button("/simulated/devices/nobody/button").await, 404);
}

#[tokio::test]
async fn the_serial_monitor_shows_the_last_lines_then_new_ones() {
    let world = start().await;
    let mut device = Device::online(&world, &["answer"]).await;
    for number in 0..250 {
        let line = format!("line {number}");
        device.send(json!({"type": "serial", "line": line})).await;
    }
    device.message("printed").await;
    world.wait_for_device(ID, "message", json!("printed")).await;
    let path = format!("/simulated/devices/{ID}/serial");
    let mut monitor = world.listen(&path).await;
    for number in 50..250 {
        let seen = monitor.next().await;
        assert_eq!(seen.name, "serial");
        assert_eq!(seen.data["line"], format!("line {number}"));
    }
    let state = monitor.next().await;
    assert_eq!(state.name, "state");
    assert_eq!(state.data["battery"], 85.5);
    device.send(json!({"type": "serial", "line": "new"})).await;
    assert_eq!(monitor.next().await.data, json!({"line": "new"}));
    // The state follows a delivery, with its cost.
    world.publish("answer", &"x".repeat(600)).await;
    let delivered = monitor.next().await;
    let operations = json!({"publishes": 0, "responses": 1});
    assert_eq!(delivered.data["data_operations"], operations);
    device.unplugged("the power is gone").await;
    let state = monitor.next().await;
    assert_eq!(state.data["plugged"], false);
    assert_eq!(state.data["message"], "the power is gone");
    let button = format!("/simulated/devices/{ID}/button");
    assert_eq!(world.status("POST", &button, Value::Null).await, 409, "it does not notice");
}
