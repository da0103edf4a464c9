//! Devices as the account shows them: listed, named, noted, called and told of on the stream.

use serde_json::json;

use crate::{
    device::{Device, ID},
    support::{Receiver, respond, start, start_with_hook, text_hook},
};

#[tokio::test]
async fn an_attached_device_is_listed_and_found_by_id_and_name() {
    let world = start().await;
    assert_eq!(
        world.api("GET", "/v1/devices", None).await.json(),
        json!([])
    );
    let _device = Device::online(&world, &[]).await;
    let list = world.api("GET", "/v1/devices", None).await.json();
    let expected = [
        ("id", json!(ID)),
        ("name", json!("virtual-boron")),
        ("online", json!(true)),
        ("connected", json!(true)),
        ("platform_id", json!(13)),
        ("product_id", json!(13)),
        ("last_app", json!("webhook-tutorial.cpp")),
        ("last_heard", json!("2026-11-23T11:00:00.000Z")),
        ("last_handshake_at", json!("2026-11-23T11:00:00.000Z")),
        ("functions", json!([])),
        ("variables", json!({})),
        ("system_firmware_version", json!("6.2.1")),
        ("firmware_version", json!(0)),
    ];
    for (key, value) in expected {
        assert_eq!(list[0][key], value, "{key}");
    }
    for name in [ID, "virtual-boron", "VIRTUAL-BORON"] {
        assert_eq!(
            world
                .api("GET", &format!("/v1/devices/{name}"), None)
                .await
                .json(),
            list[0]
        );
    }
    assert_eq!(
        world.api("GET", "/v1/devices/nobody", None).await.status,
        404
    );
}

#[tokio::test]
async fn coming_and_going_is_told_on_the_stream() {
    let world = start().await;
    let early = world
        .api("GET", &format!("/v1/devices/{ID}/events"), None)
        .await;
    assert_eq!(early.status, 404, "nobody knows it before its first link");
    let mut all = world.listen("/v1/devices/events").await;
    let mut device = Device::online(&world, &[]).await;
    let online = all.next().await;
    assert_eq!(
        (online.name.as_str(), online.text(), &online.data["coreid"]),
        ("spark/status", "online", &json!(ID))
    );
    device.send(json!({"type": "offline"})).await;
    assert_eq!(all.next().await.text(), "offline");
    device.send(json!({"type": "online"})).await;
    assert_eq!(all.next().await.text(), "online");
    drop(device);
    assert_eq!(
        all.next().await.text(),
        "offline",
        "a lost link is a lost connection"
    );
    let state = world.device_state(ID).await;
    assert_eq!(
        (&state["attached"], &state["online"], &state["running"]),
        (&json!(false), &json!(false), &json!(false))
    );
}

#[tokio::test]
async fn a_press_on_the_device_makes_the_whole_round_back_to_it() {
    let (world, mut receiver, _) = start_with_hook().await;
    receiver.always(respond(200, r#"{"ok":true,"id":7}"#));
    let prefix = format!("{ID}/hook-response/WebhookTutorial01");
    let mut device = Device::online(&world, &[&prefix]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    device.publish("WebhookTutorial01", r#"{"id":7}"#).await;
    let event = stream.next().await;
    assert_eq!(
        (&event.data["coreid"], &event.data["productID"]),
        (&json!(ID), &json!(13))
    );
    assert_eq!(stream.next().await.name, "hook-sent/WebhookTutorial01");
    assert_eq!(stream.next().await.name, format!("{prefix}/0"));
    assert!(
        receiver
            .request()
            .await
            .contains(&format!(r#""coreid":"{ID}""#))
    );
    assert_eq!(
        device.receive().await.unwrap(),
        json!({"type": "event", "name": format!("{prefix}/0"), "data": r#"{"ok":true,"id":7}"#})
    );
    assert_eq!(
        world.device_state(ID).await["data_operations"],
        json!({"publishes": 1, "responses": 1})
    );
}

#[tokio::test]
async fn the_stream_of_a_device_holds_its_own_events_only() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/virtual-boron/events/t").await;
    world.publish("t-api", "x").await;
    device.publish("other", "x").await;
    device.publish("t-device", "x").await;
    assert_eq!(stream.next().await.name, "t-device");
}

#[tokio::test]
async fn a_name_is_kept_told_to_the_device_and_survives_a_new_link() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let renamed = world
        .api(
            "PUT",
            &format!("/v1/devices/{ID}"),
            Some(json!({"name": "kitchen"})),
        )
        .await;
    assert_eq!(
        (renamed.status, &renamed.json()["name"]),
        (200, &json!("kitchen"))
    );
    assert_eq!(
        device.receive().await.unwrap(),
        json!({"type": "rename", "name": "kitchen"})
    );
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    let mut again = Device::online(&world, &[]).await;
    assert_eq!(
        again.receive().await.unwrap(),
        json!({"type": "rename", "name": "kitchen"})
    );
    assert_eq!(
        world.api("GET", "/v1/devices/kitchen", None).await.json()["id"],
        ID
    );
    for name in ["", "  ", &"x".repeat(65), "a\nb"] {
        let answer = world
            .api(
                "PUT",
                &format!("/v1/devices/{ID}"),
                Some(json!({"name": name})),
            )
            .await;
        assert_eq!(answer.status, 400, "{name:?}");
    }
}

#[tokio::test]
async fn signal_ping_notes_functions_and_variables_answer_as_the_real_ones() {
    let world = start().await;
    let device = Device::online(&world, &[]).await;
    let path = format!("/v1/devices/{ID}");
    let signal = world
        .api("PUT", &path, Some(json!({"signal": "1"})))
        .await
        .json();
    assert_eq!(
        signal,
        json!({"id": ID, "connected": true, "signaling": true})
    );
    assert_eq!(world.device_state(ID).await["signaling"], true);
    assert_eq!(
        world.api("PUT", &format!("{path}/ping"), None).await.json(),
        json!({"online": true, "ok": true})
    );
    assert_eq!(
        world
            .api("PUT", &path, Some(json!({"notes": "in the kitchen"})))
            .await
            .status,
        200
    );
    assert_eq!(
        world.api("GET", &path, None).await.json()["notes"],
        "in the kitchen"
    );
    assert_eq!(world.api("PUT", &path, Some(json!({}))).await.status, 400);
    let function = world
        .api("POST", &format!("{path}/led"), Some(json!({"args": "on"})))
        .await;
    assert_eq!(
        (function.status, &function.json()["error"]),
        (404, &json!("Function led not found"))
    );
    let variable = world.api("GET", &format!("{path}/temp"), None).await;
    assert_eq!(
        (variable.status, &variable.json()["error"]),
        (404, &json!("Variable temp not found"))
    );
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    assert_eq!(
        world.api("PUT", &format!("{path}/ping"), None).await.json()["online"],
        false
    );
    assert_eq!(
        world.api("POST", &format!("{path}/led"), None).await.status,
        400
    );
}

#[tokio::test]
async fn a_product_device_is_seen_in_both_places_and_fires_both_kinds_of_hook() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let mut device = Device::online(&world, &[]).await;
    let base = "/v1/products/30301";
    let added = world
        .api("POST", &format!("{base}/devices"), Some(json!({"id": ID})))
        .await
        .json();
    assert_eq!(added["updatedDeviceIds"], json!([ID]));
    let listed = world
        .api("GET", &format!("{base}/devices"), None)
        .await
        .json();
    assert_eq!(
        (&listed["devices"][0]["id"], &listed["meta"]["total_pages"]),
        (&json!(ID), &json!(1))
    );
    let hook = |body: &str| text_hook("e", &receiver, body);
    world.create_hook(hook("sandbox")).await;
    assert_eq!(
        world
            .api(
                "POST",
                &format!("{base}/integrations"),
                Some(hook("product"))
            )
            .await
            .status,
        200
    );
    device.publish("e", "x").await;
    let mut bodies = [receiver.request().await, receiver.request().await]
        .map(|request| request.rsplit('\n').next().unwrap().to_owned());
    bodies.sort();
    assert_eq!(bodies, ["product", "sandbox"]);
    assert_eq!(
        world
            .api("DELETE", &format!("{base}/devices/{ID}"), None)
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .api("GET", &format!("{base}/devices/{ID}"), None)
            .await
            .status,
        404
    );
}
