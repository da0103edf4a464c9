//! Devices as the account shows them. `api_js.rs` compares the exact responses.

use serde_json::{Value, json};

use crate::{
    device::{Device, ID},
    support::{Receiver, Reply, respond, start, start_with_hook, text_hook},
};

#[tokio::test]
async fn connecting_and_leaving_are_published() {
    let world = start().await;
    let path = format!("/v1/devices/{ID}/events");
    let early = world.status("GET", &path, Value::Null).await;
    assert_eq!(early, 404, "a device is unknown before its first link");
    let mut all = world.listen("/v1/devices/events").await;
    let mut device = Device::online(&world, &[]).await;
    let online = all.next().await;
    assert_eq!(online.name, "spark/status");
    assert_eq!(online.text(), "online");
    assert_eq!(online.data["coreid"], ID);
    device.send(json!({"type": "offline"})).await;
    assert_eq!(all.next().await.text(), "offline");
    device.send(json!({"type": "online"})).await;
    assert_eq!(all.next().await.text(), "online");
    drop(device);
    // A lost link is a lost connection.
    assert_eq!(all.next().await.text(), "offline");
    let state = world.device_state(ID).await;
    for key in ["attached", "online", "running"] {
        assert_eq!(state[key], false, "{key}");
    }
}

#[tokio::test]
async fn a_publish_of_the_device_makes_the_round_back_to_it() {
    let (world, mut receiver, _) = start_with_hook().await;
    let response = r#"{"ok":true,"id":7}"#;
    receiver.always(respond(200, response));
    let prefix = format!("{ID}/hook-response/WebhookTutorial01");
    let mut device = Device::online(&world, &[&prefix]).await;
    // The stream of one device does not hold the events of others.
    let mut own = world.listen("/v1/devices/virtual-boron/events/Web").await;
    world.publish("Web-api", "x").await;
    let mut stream = world.listen("/v1/devices/events").await;
    device.publish("WebhookTutorial01", r#"{"id":7}"#).await;
    assert_eq!(own.next().await.name, "WebhookTutorial01");
    let event = stream.next().await;
    assert_eq!(event.data["coreid"], ID);
    assert_eq!(event.data["productID"], 13);
    assert_eq!(stream.next().await.name, "hook-sent/WebhookTutorial01");
    assert_eq!(stream.next().await.name, format!("{prefix}/0"));
    let request = receiver.request().await;
    assert!(request.contains(&format!(r#""coreid":"{ID}""#)), "{request}");
    let delivered = json!({"type": "event", "name": format!("{prefix}/0"), "data": response});
    assert_eq!(device.receive().await.unwrap(), delivered);
    let operations = &world.device_state(ID).await["data_operations"];
    assert_eq!(*operations, json!({"publishes": 1, "responses": 1}));
}

#[tokio::test]
async fn a_name_of_the_cloud_is_refused_to_everyone() {
    let (world, _receiver, _) = start_with_hook().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let mut serial = world.listen(&format!("/simulated/devices/{ID}/serial")).await;
    for name in ["particleWebhookTutorial01", "Particle/x", "SPARK/x"] {
        let event = json!({"name": name, "data": "x"});
        assert_eq!(world.status("POST", "/v1/devices/events", event).await, 400, "{name}");
        device.publish(name, "x").await;
        let line = serial.named("serial").await.data["line"].clone();
        assert!(line.as_str().unwrap().contains(name), "{line}");
    }
    device.publish("mine", "x").await;
    assert_eq!(stream.next().await.name, "mine");
    let operations = &world.device_state(ID).await["data_operations"];
    assert_eq!(*operations, json!({"publishes": 1, "responses": 0}));
}

#[tokio::test]
async fn typed_data_reaches_webhooks_as_text_counted_as_bytes() {
    let (world, mut receiver) = (start().await, Receiver::start().await);
    world.create_hook(text_hook("t", &receiver, "{{{PARTICLE_EVENT_VALUE}}}|{{{b._data}}}")).await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events/t").await;
    let bytes = |count: usize| data_encoding::BASE64.encode(&vec![0; count]);
    let buffer = r#"{"a":1,"b":{"_type":"buffer","_data":"/wA="}}"#;
    for (data, content, size, expected) in [
        ("/wA=", "binary", None, "data:application/octet-stream;base64,/wA=|"),
        ("/wA=", "png", None, "data:image/png;base64,/wA=|"),
        ("/wA=", "jpeg", None, "data:image/jpeg;base64,/wA=|"),
        ("/wA=", "text", None, "/wA=|"),
        (buffer, "structured", Some(12), r#"{"a":1,"b":{"_type":"buffer","_data":"/wA="}}|/wA="#),
    ] {
        device.send(json!({"type": "publish", "name": "t", "data": data, "content": content, "size": size})).await;
        let event = stream.next().await;
        assert_eq!(event.text(), expected.split('|').next().unwrap());
        assert!(receiver.request().await.ends_with(&format!("\r\n\r\n{expected}")));
    }
    // 1024 bytes are one operation, although their data URL is longer; what is no such data or too large is dropped.
    for (data, content, size) in [
        ("not base64", "binary", None),
        (bytes(1025).as_str(), "binary", None),
        ("not JSON", "structured", Some(3)),
        ("[]", "structured", Some(1025)),
        (format!("[{}]", " ".repeat(17_000)).as_str(), "structured", Some(1)),
        (bytes(1024).as_str(), "binary", None),
    ] {
        device.send(json!({"type": "publish", "name": "t", "data": data, "content": content, "size": size})).await;
    }
    assert!(stream.next().await.text().len() > 1024);
    let operations = &world.device_state(ID).await["data_operations"]["publishes"];
    assert_eq!(*operations, 6);
}

#[tokio::test]
async fn a_data_url_response_is_bytes_to_the_device() {
    let (world, receiver) = (start().await, Receiver::start().await);
    let mut device = Device::online(&world, &["r"]).await;
    let mut stream = world.listen("/v1/devices/events/r").await;
    for (content_type, content, data) in [
        ("application/octet-stream", json!("binary"), "QUJD"),
        ("image/png", json!("png"), "QUJD"),
        ("text/plain; charset=utf-8", json!(null), "ABC"),
    ] {
        let hook = json!({"event": "e", "url": receiver.url(), "responseTopic": "r", "dataUrlResponseEvent": true});
        let id = world.create_hook(hook).await;
        receiver.always(Reply::Respond { status: 200, content_type, body: b"ABC".to_vec() });
        device.publish("e", "x").await;
        let event = stream.next().await;
        assert_eq!(event.text(), format!("data:{content_type};base64,QUJD"));
        let delivered = device.receive().await.unwrap();
        assert_eq!((&delivered["data"], &delivered["content"]), (&json!(data), &content));
        world.ok("DELETE", &format!("/v1/integrations/{id}"), Value::Null).await;
    }
}

#[tokio::test]
async fn functions_are_called_and_variables_read() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    device.send(json!({"type": "function", "name": "led"})).await;
    for kind in ["bool", "int32", "double", "string"] {
        device.send(json!({"type": "variable", "name": kind, "kind": kind})).await;
    }
    device.message("registered").await;
    world.wait_for_device(ID, "message", json!("registered")).await;
    let path = format!("/v1/devices/{ID}");
    let shown = world.get(&path).await;
    assert_eq!(shown["functions"], json!(["led"]));
    let kinds = json!({"bool": "bool", "int32": "int32", "double": "double", "string": "string"});
    assert_eq!(shown["variables"], kinds);
    let function = format!("{path}/led");
    for (field, value, returned) in
        [("args", json!("-7"), json!(-7)), ("arg", json!("0"), json!(0))]
    {
        let body = json!({field: value});
        let (answer, ()) = tokio::join!(world.ok("POST", &function, body), async {
            let asked = device.receive().await.unwrap();
            assert_eq!((&asked["type"], &asked["name"]), (&json!("call"), &json!("led")));
            let (request, value) = (&asked["request"], &asked["argument"]);
            device.send(json!({"type": "returned", "request": request, "value": value})).await;
        });
        assert_eq!(answer["return_value"], returned);
    }
    for (name, text, value) in [
        ("bool", "true", json!(true)),
        ("int32", "-7", json!(-7)),
        ("double", "21.5", json!(21.5)),
        ("double", "nan", json!(null)),
        ("string", "a\nb", json!("a\nb")),
    ] {
        let variable = format!("{path}/{name}");
        let (answer, ()) = tokio::join!(world.get(&variable), async {
            let request = device.receive().await.unwrap()["request"].clone();
            device.send(json!({"type": "returned", "request": request, "value": text})).await;
        });
        assert_eq!((&answer["name"], &answer["result"]), (&json!(name), &value));
    }
    for body in [json!({"args": {"x": 1}}), json!({"arg": [1]})] {
        assert_eq!(world.status("POST", &function, body.clone()).await, 400, "{body}");
    }
    assert_eq!(world.status("POST", &format!("{path}/other"), json!({})).await, 404);
    let variable = format!("{path}/bool");
    let (late, ()) = tokio::join!(world.api("GET", &variable, Value::Null), async {
        device.receive().await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(20));
    });
    assert_eq!(late.status, 408);
    device.send(json!({"type": "offline"})).await;
    world.wait_for_device(ID, "online", json!(false)).await;
    assert_eq!(world.status("POST", &function, json!({})).await, 400);
    assert_eq!(world.get(&path).await["functions"], json!([]));
}

#[tokio::test]
async fn a_new_name_is_sent_to_the_device_and_survives_a_new_link() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let path = format!("/v1/devices/{ID}");
    let renamed = world.ok("PUT", &path, json!({"name": "kitchen"})).await;
    assert_eq!(renamed["name"], "kitchen");
    let rename = json!({"type": "rename", "name": "kitchen"});
    assert_eq!(device.receive().await.unwrap(), rename);
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    let mut again = Device::online(&world, &[]).await;
    assert_eq!(again.receive().await.unwrap(), rename);
    assert_eq!(world.get("/v1/devices/kitchen").await["id"], ID);
    for name in ["", "  ", &"x".repeat(65), "a\nb"] {
        let status = world.status("PUT", &path, json!({"name": name})).await;
        assert_eq!(status, 400, "{name:?}");
    }
}

#[tokio::test]
async fn an_offline_device_is_known_but_cannot_be_called() {
    let world = start().await;
    let device = Device::online(&world, &[]).await;
    let path = format!("/v1/devices/{ID}");
    let ping = async || world.ok("PUT", &format!("{path}/ping"), Value::Null).await;
    assert_eq!(ping().await, json!({"online": true, "ok": true}));
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    assert_eq!(ping().await, json!({"online": false, "ok": true}));
    assert_eq!(world.get("/v1/devices/VIRTUAL-BORON").await["id"], ID);
    let function = format!("{path}/led");
    assert_eq!(world.status("POST", &function, Value::Null).await, 400);
    assert_eq!(world.status("PUT", &path, json!({})).await, 400);
}

#[tokio::test]
async fn a_products_device_triggers_both_kinds_of_hook() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    let mut device = Device::online(&world, &[]).await;
    let base = "/v1/products/30301";
    let devices = format!("{base}/devices");
    let added = world.ok("POST", &devices, json!({"id": ID})).await;
    assert_eq!(added["updatedDeviceIds"], json!([ID]));
    let listed = world.get(&devices).await;
    assert_eq!(listed["devices"][0]["id"], ID);
    assert_eq!(listed["meta"]["total_pages"], 1);
    let hook = |body: &str| text_hook("e", &receiver, body);
    let (sandbox, product) = (hook("sandbox"), hook("product"));
    world.create_hook(sandbox).await;
    world.ok("POST", &format!("{base}/integrations"), product).await;
    device.publish("e", "x").await;
    let requests = [receiver.request().await, receiver.request().await];
    let mut bodies = requests.map(|request| request.rsplit('\n').next().unwrap().to_owned());
    bodies.sort();
    assert_eq!(bodies, ["product", "sandbox"]);
    let path = format!("{devices}/{ID}");
    world.ok("DELETE", &path, Value::Null).await;
    assert_eq!(world.status("GET", &path, Value::Null).await, 404);
}
