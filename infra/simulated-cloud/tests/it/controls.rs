//! What a hand does with a simulated device, and what an eye sees of it.

use serde_json::json;

use crate::{
    device::{Device, ID},
    support::{Seen, start},
};

#[tokio::test]
async fn a_devices_controls_show_it_and_do_what_a_hand_would_do() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    assert_eq!(
        world.device_state("virtual-boron").await,
        json!({
            "id": ID, "name": "virtual-boron", "online": true, "running": true, "plugged": true, "power_source": 2,
            "battery": 85.5, "compiler": "g++ 12", "message": "ready", "firmware": "webhook-tutorial.cpp", "signaling": false,
            "attached": true, "data_operations": {"publishes": 0, "responses": 0},
        })
    );
    let path = format!("/simulated/devices/{ID}");
    let acts = [
        (
            "POST",
            "button",
            json!({"clicks": 2}),
            json!({"type": "press", "clicks": 2}),
        ),
        (
            "POST",
            "button",
            json!({}),
            json!({"type": "press", "clicks": 1}),
        ),
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
        (
            "PUT",
            "plug",
            json!({"plugged": false}),
            json!({"type": "plug", "plugged": false}),
        ),
    ];
    for (method, what, given, told) in acts {
        let answer = world
            .api(method, &format!("{path}/{what}"), Some(given))
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{what}");
        assert_eq!(device.receive().await.unwrap(), told);
    }
    let wrong = [
        ("POST", "button", json!({"clicks": 0})),
        ("POST", "button", json!({"clicks": 6})),
        ("POST", "button", json!({"clicks": 1.5})),
        ("PUT", "power", json!({"source": 6})),
        ("PUT", "power", json!({"source": 5, "battery": 101})),
        ("PUT", "plug", json!({"plugged": "no"})),
    ];
    for (method, what, given) in wrong {
        let answer = world
            .api(method, &format!("{path}/{what}"), Some(given.clone()))
            .await;
        assert_eq!(answer.status, 400, "{what} {given}");
    }
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    assert_eq!(
        world
            .api("POST", &format!("{path}/button"), None)
            .await
            .status,
        409
    );
    assert_eq!(
        world
            .api("POST", "/simulated/devices/nobody/button", None)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_serial_monitor_shows_the_last_lines_then_every_new_one() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    for number in 0..250 {
        device
            .send(json!({"type": "serial", "line": format!("line {number}")}))
            .await;
    }
    device.message("printed").await;
    world.wait_for_device(ID, "message", json!("printed")).await;
    let mut monitor = world
        .listen(&format!("/simulated/devices/{ID}/serial"))
        .await;
    for number in 50..250 {
        assert_eq!(
            monitor.next().await,
            Seen {
                name: "serial".to_owned(),
                data: json!({"line": format!("line {number}")})
            }
        );
    }
    let state = monitor.next().await;
    assert_eq!(
        (state.name.as_str(), &state.data["battery"]),
        ("state", &json!(85.5))
    );
    device.send(json!({"type": "serial", "line": "new"})).await;
    assert_eq!(monitor.next().await.data, json!({"line": "new"}));
    device.unplugged("the power is gone").await;
    let state = monitor.next().await;
    assert_eq!(
        (&state.data["plugged"], &state.data["message"]),
        (&json!(false), &json!("the power is gone"))
    );
}

#[tokio::test]
async fn who_looks_on_sees_what_each_event_costs_when_the_device_gets_it() {
    let world = start().await;
    let mut device = Device::online(&world, &["answer"]).await;
    let mut monitor = world
        .listen(&format!("/simulated/devices/{ID}/serial"))
        .await;
    assert_eq!(
        monitor.next().await.data["data_operations"]["responses"],
        json!(0)
    );
    world.publish("answer", &"x".repeat(600)).await;
    assert_eq!(device.receive().await.unwrap()["name"], json!("answer"));
    let state = monitor.next().await;
    assert_eq!(
        (state.name.as_str(), &state.data["data_operations"]),
        ("state", &json!({"publishes": 0, "responses": 1}))
    );
}
