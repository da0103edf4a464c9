//! A device at the link: what the cloud shows of it, tells it, and lets a person do to it.

use std::time::Duration;

use fake_particle::Config;
use serde_json::{Value, json};

use crate::{
    device::{Device, ID, upgrade},
    support::{Receiver, Seen, call, config, say, start, start_with, tutorial_hook},
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
    device.say(json!({"type": "offline"})).await;
    assert_eq!(all.next().await.text(), "offline");
    device.say(json!({"type": "online"})).await;
    assert_eq!(all.next().await.text(), "online");
    drop(device);
    assert_eq!(
        all.next().await.text(),
        "offline",
        "a lost link is a lost connection"
    );
    let bench = world.bench(ID).await;
    assert_eq!(
        (&bench["attached"], &bench["online"], &bench["running"]),
        (&json!(false), &json!(false), &json!(false))
    );
}

#[tokio::test]
async fn a_press_on_the_device_makes_the_whole_round_back_to_it() {
    let world = start().await;
    let mut receiver = Receiver::start().await;
    receiver.always(say(200, r#"{"ok":true,"id":7}"#));
    world.create_hook(tutorial_hook(&receiver.url())).await;
    let prefix = format!("{ID}/hook-response/WebhookTutorial01");
    let mut device = Device::online(&world, &[&prefix]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    device
        .say(json!({"type": "publish", "name": "WebhookTutorial01", "data": "{\"id\":7}"}))
        .await;
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
        device.hear().await.unwrap(),
        json!({"type": "event", "name": format!("{prefix}/0"), "data": r#"{"ok":true,"id":7}"#})
    );
    assert_eq!(
        world.bench(ID).await["data_operations"],
        json!({"publishes": 1, "responses": 1})
    );
}

#[tokio::test]
async fn a_device_hears_only_what_it_asked_for_and_at_most_four_things() {
    let world = start().await;
    let mut device = Device::online(&world, &["one", "two", "three", "four", "five"]).await;
    for name in ["zero", "five", "One", "onerous", "four"] {
        world.publish(name, "x").await;
    }
    assert_eq!(device.hear().await.unwrap()["name"], "onerous");
    assert_eq!(device.hear().await.unwrap()["name"], "four");
    device.say(json!({"type": "offline"})).await;
    world.wait_for_device(ID, "online", json!(false)).await;
    device.say(json!({"type": "online"})).await;
    world.wait_for_device(ID, "online", json!(true)).await;
    world.publish("four", "x").await;
    device
        .say(json!({"type": "subscribe", "prefix": "again"}))
        .await;
    device.say(json!({"type": "state", "running": true, "plugged": true, "power_source": 5, "battery": null, "message": "subscribed"})).await;
    world
        .wait_for_device(ID, "message", json!("subscribed"))
        .await;
    world.publish("again", "x").await;
    assert_eq!(
        device.hear().await.unwrap()["name"],
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
    assert_eq!(device.hear().await.unwrap()["data"], "y".repeat(1024));
    let _ = stream.names(2).await;
    device
        .say(json!({"type": "publish", "name": "n".repeat(100), "data": "ä".repeat(600)}))
        .await;
    let cut = stream.next().await;
    assert_eq!((cut.name.len(), cut.text().len()), (64, 1024));
}

#[tokio::test]
async fn an_offline_device_cannot_publish() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    device.say(json!({"type": "offline"})).await;
    device
        .say(json!({"type": "publish", "name": "lost", "data": null}))
        .await;
    device.say(json!({"type": "online"})).await;
    device
        .say(json!({"type": "publish", "name": "heard", "data": null}))
        .await;
    assert_eq!(
        stream.names(3).await,
        ["spark/status", "spark/status", "heard"]
    );
}

#[tokio::test]
async fn the_stream_of_a_device_holds_its_own_events_only() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/virtual-boron/events/t").await;
    world.publish("t-api", "x").await;
    device
        .say(json!({"type": "publish", "name": "other", "data": "x"}))
        .await;
    device
        .say(json!({"type": "publish", "name": "t-device", "data": "x"}))
        .await;
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
        device.hear().await.unwrap(),
        json!({"type": "rename", "name": "kitchen"})
    );
    drop(device);
    world.wait_for_device(ID, "attached", json!(false)).await;
    let mut again = Device::online(&world, &[]).await;
    assert_eq!(
        again.hear().await.unwrap(),
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
    assert_eq!(world.bench(ID).await["signaling"], true);
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
async fn the_bench_shows_the_device_and_does_what_a_hand_would_do() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    assert_eq!(
        world.bench("virtual-boron").await,
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
        assert_eq!(device.hear().await.unwrap(), told);
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
            .say(json!({"type": "serial", "line": format!("line {number}")}))
            .await;
    }
    device.say(json!({"type": "state", "running": true, "plugged": true, "power_source": 5, "battery": 50, "message": "printed"})).await;
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
        ("state", &json!(50.0))
    );
    device.say(json!({"type": "serial", "line": "new"})).await;
    assert_eq!(monitor.next().await.data, json!({"line": "new"}));
    device.say(json!({"type": "state", "running": false, "plugged": false, "power_source": null, "battery": null, "message": "unplugged"})).await;
    let state = monitor.next().await;
    assert_eq!(
        (&state.data["plugged"], &state.data["message"]),
        (&json!(false), &json!("unplugged"))
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
    assert_eq!(device.hear().await.unwrap()["name"], json!("answer"));
    let state = monitor.next().await;
    assert_eq!(
        (state.name.as_str(), &state.data["data_operations"]),
        ("state", &json!({"publishes": 0, "responses": 1}))
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
    assert_eq!(device.hear().await.unwrap()["name"], "e1");
}

#[tokio::test]
async fn a_line_that_is_no_message_ends_the_link_and_an_unknown_one_does_not() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    device.say(json!({"type": "from-the-future", "x": 1})).await;
    device.say(json!({"type": "state", "running": true, "plugged": true, "power_source": 2, "battery": null, "message": "still here"})).await;
    world
        .wait_for_device(ID, "message", json!("still here"))
        .await;
    device.write(b"{not json\n").await;
    assert_eq!(device.hear().await, None);
    world.wait_for_device(ID, "attached", json!(false)).await;
    for first in [
        r#"{"type":"online"}"#,
        r#"{"type":"hello","id":"short","name":"x","platform_id":13,"system_version":"6"}"#,
        "[]",
    ] {
        let mut stranger = Device::plug_in(&world);
        stranger.write(format!("{first}\n").as_bytes()).await;
        assert_eq!(stranger.hear().await, None, "{first}");
    }
    let mut endless = Device::online(&world, &[]).await;
    endless.write(&vec![b'x'; 1024 * 1024 + 2]).await;
    assert_eq!(endless.hear().await, None);
}

#[tokio::test]
async fn a_new_link_of_the_same_device_takes_over() {
    let world = start().await;
    let mut old = Device::online(&world, &["e"]).await;
    let mut new = Device::online(&world, &["e"]).await;
    new.message("second").await;
    world.wait_for_device(ID, "message", json!("second")).await;
    // The first link ends at the next thing it says, and takes nothing of the second with it.
    old.say(json!({"type": "offline"})).await;
    assert_eq!(old.hear().await, None);
    world.publish("e", "x").await;
    assert_eq!(new.hear().await.unwrap()["name"], "e");
    assert_eq!(world.bench(ID).await["online"], true);
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
    let hook =
        |body: &str| json!({"event": "e", "url": receiver.url(), "noDefaults": true, "body": body});
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
    device
        .say(json!({"type": "publish", "name": "e", "data": "x"}))
        .await;
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

fn multipart(name: &str, text: &str) -> Vec<u8> {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/x-c\r\n\r\n{text}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"build_target_version\"\r\n\r\n6.2.1\r\n--b--\r\n"
    )
    .into_bytes()
}

async fn put_file(world: &crate::support::World, name: &str, text: &str) -> crate::support::Answer {
    let bearer = format!("Bearer {}", world.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "multipart/form-data; boundary=b"),
    ];
    call(
        world.addr(),
        "PUT",
        &format!("/v1/devices/{ID}"),
        &headers,
        &multipart(name, text),
    )
    .await
}

#[tokio::test]
async fn a_flash_compiles_on_the_device_and_tells_its_steps_in_their_order() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let (answer, request) = tokio::join!(put_file(&world, "blink.cpp", "void setup() {}"), async {
        let asked = device.hear().await.unwrap();
        assert_eq!(
            (&asked["type"], &asked["files"]),
            (
                &json!("compile"),
                &json!([{"name": "blink.cpp", "text": "void setup() {}"}])
            )
        );
        let request = asked["request"].clone();
        device.say(json!({"type": "compiled", "request": request, "ok": true, "size": "text data bss"})).await;
        assert_eq!(
            device.hear().await.unwrap(),
            json!({"type": "flash", "request": request})
        );
        request
    });
    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({"ok": true, "id": ID, "status": "Update started", "message": "Update started"})
        )
    );
    device.say(json!({"type": "offline"})).await;
    device
        .say(json!({"type": "flashed", "request": request, "ok": true}))
        .await;
    device.say(json!({"type": "online"})).await;
    let mut told = Vec::new();
    for _ in 0..9 {
        let seen = stream.next().await;
        assert_eq!(seen.data["coreid"], ID);
        told.push((seen.name.clone(), seen.text().to_owned()));
    }
    let hash = told[4].1.clone();
    assert!(
        hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{hash}"
    );
    let expected = [
        ("spark/flash/status", "started "),
        ("spark/flash/status", "success "),
        ("spark/status", "offline"),
        ("spark/status", "online"),
        ("spark/device/app-hash", hash.as_str()),
        ("spark/device/last_reset", "update"),
        ("particle/device/updates/forced", "false"),
        ("particle/device/updates/pending", "false"),
        ("particle/device/updates/enabled", "true"),
    ];
    assert_eq!(
        told,
        expected.map(|(name, data)| (name.to_owned(), data.to_owned()))
    );
    assert_eq!(
        world
            .api("GET", &format!("/v1/devices/{ID}"), None)
            .await
            .json()["last_app"],
        "blink.cpp"
    );
    assert_eq!(world.bench(ID).await["firmware"], "blink.cpp");
}

#[tokio::test]
async fn a_program_that_does_not_compile_comes_back_with_the_compilers_words() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let (answer, ()) = tokio::join!(put_file(&world, "bad.ino", "oops"), async {
        let request = device.hear().await.unwrap()["request"].clone();
        device.say(json!({"type": "compiled", "request": request, "ok": false, "errors": "bad.ino:1:1: error: 'oops'"})).await;
    });
    assert_eq!(answer.status, 200);
    assert_eq!(
        (&answer.json()["ok"], &answer.json()["errors"]),
        (&json!(false), &json!(["bad.ino:1:1: error: 'oops'"]))
    );
    assert!(answer.json()["output"].as_str().is_some());
    world.publish("e", "x").await;
}

#[tokio::test]
async fn a_flash_that_fails_or_never_ends_is_told_as_failed() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    for says_so in [true, false] {
        let (answer, request) = tokio::join!(put_file(&world, "a.cpp", "x"), async {
            let request = device.hear().await.unwrap()["request"].clone();
            device
                .say(json!({"type": "compiled", "request": request, "ok": true, "size": ""}))
                .await;
            device.hear().await.unwrap()["request"].clone()
        });
        assert_eq!(answer.json()["ok"], true);
        let busy = put_file(&world, "b.cpp", "x").await;
        assert_eq!(busy.status, 409);
        if says_so {
            device
                .say(json!({"type": "flashed", "request": request, "ok": false}))
                .await;
        } else {
            world.clock.advance(Duration::from_secs(60));
        }
        let told = [stream.next().await, stream.next().await].map(|seen| seen.text().to_owned());
        assert_eq!(told, ["started ", "failed"]);
    }
}

#[tokio::test]
async fn of_two_flashes_at_once_one_has_the_device_and_the_other_is_told_so() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let (first, second, ()) = tokio::join!(
        put_file(&world, "a.cpp", "x"),
        put_file(&world, "b.cpp", "x"),
        async {
            let asked = [device.hear().await.unwrap(), device.hear().await.unwrap()];
            for one in &asked {
                let request = &one["request"];
                device
                    .say(json!({"type": "compiled", "request": request, "ok": true, "size": ""}))
                    .await;
            }
            let flashed = device.hear().await.unwrap();
            assert_eq!(flashed["type"], "flash");
            device
                .say(json!({"type": "flashed", "request": flashed["request"], "ok": true}))
                .await;
        }
    );
    let mut both = [first.status, second.status];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    let told = [stream.next().await, stream.next().await].map(|seen| seen.text().to_owned());
    assert_eq!(told, ["started ", "success "]);
}

#[tokio::test]
async fn a_file_that_is_too_long_for_the_link_is_refused_and_the_link_holds() {
    let world = start().await;
    let _device = Device::online(&world, &[]).await;
    // Small as a file, large as JSON: each of these is six characters there.
    let answer = put_file(&world, "a.cpp", &"\u{1}".repeat(400 * 1024)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(world.bench(ID).await["attached"], true);
    let answer = put_file(&world, "a.cpp", &" ".repeat(600 * 1024)).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn every_platform_can_be_compiled_for_without_a_token() {
    let world = start().await;
    let answer = call(world.addr(), "GET", "/v1/build_targets", &[], b"").await;
    let targets = answer.json();
    assert_eq!(targets["platforms"]["Argon"], 12);
    assert_eq!(targets["platforms"]["Boron"], 13);
    for (name, number) in targets["platforms"].as_object().unwrap() {
        let listed = targets["targets"][0]["platforms"].as_array().unwrap();
        assert!(listed.contains(number), "{name}");
        assert_eq!(
            targets["default_versions"][number.to_string()],
            targets["targets"][0]["version"],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_compiler_that_takes_thirty_seconds_is_given_up() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let (answer, late) = tokio::join!(put_file(&world, "a.cpp", "x"), async {
        let request = device.hear().await.unwrap()["request"].clone();
        world.clock.advance(Duration::from_secs(30));
        request
    });
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (408, &json!("Timed out."))
    );
    device
        .say(json!({"type": "compiled", "request": late, "ok": true, "size": ""}))
        .await;
    let (answer, ()) = tokio::join!(put_file(&world, "a.cpp", "x"), async {
        let request = device.hear().await.unwrap()["request"].clone();
        device
            .say(json!({"type": "compiled", "request": request, "ok": false, "errors": "now"}))
            .await;
    });
    assert_eq!(
        answer.json()["errors"],
        json!(["now"]),
        "a late answer disturbs nothing"
    );
}

#[tokio::test]
async fn a_flash_without_a_device_or_with_a_strange_file_is_refused() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    for name in [
        "../../etc/passwd.cpp",
        "/abs.cpp",
        "a.exe",
        "noextension",
        "a b.cpp",
        ".hidden.cpp",
        "a.bin",
    ] {
        let answer = put_file(&world, name, "x").await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
    }
    let large = put_file(&world, "a.cpp", &"x".repeat(600 * 1024)).await;
    assert_eq!(large.status, 413);
    let app = world
        .api(
            "PUT",
            &format!("/v1/devices/{ID}"),
            Some(json!({"app": "tinker"})),
        )
        .await;
    assert_eq!(app.status, 400);
    device.say(json!({"type": "state", "running": false, "plugged": false, "power_source": null, "battery": null, "message": null})).await;
    world.wait_for_device(ID, "plugged", json!(false)).await;
    let unplugged = put_file(&world, "a.cpp", "x").await;
    assert_eq!(
        (unplugged.status, &unplugged.json()["errors"]),
        (404, &json!(["Device is not connected."]))
    );
}

#[tokio::test]
async fn a_flash_from_another_page_is_refused_before_the_compiler_sees_it() {
    let world = start().await;
    let _device = Device::online(&world, &[]).await;
    let bearer = format!("Bearer {}", world.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "multipart/form-data; boundary=b"),
        ("Origin", "https://evil.example"),
    ];
    let answer = call(
        world.addr(),
        "PUT",
        &format!("/v1/devices/{ID}"),
        &headers,
        &multipart("a.cpp", "x"),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (403, &json!("forbidden_origin"))
    );
}

#[tokio::test]
async fn a_program_can_be_compiled_fetched_and_flashed_as_a_binary() {
    let world = start_with(Config {
        seed: None,
        ..config()
    })
    .await;
    let mut device = Device::online(&world, &[]).await;
    let bearer = format!("Bearer {}", world.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "multipart/form-data; boundary=b"),
    ];
    let body = multipart("a.cpp", "int x;");
    let (compiled, ()) = tokio::join!(
        call(world.addr(), "POST", "/v1/binaries", &headers, &body),
        async {
            let request = device.hear().await.unwrap()["request"].clone();
            device.say(json!({"type": "compiled", "request": request, "ok": true, "size": "   text\t   data\n 1\t2\n"})).await;
        }
    );
    let compiled = compiled.json();
    assert_eq!(
        (&compiled["ok"], &compiled["sizeInfo"]),
        (&json!(true), &json!("   text\t   data\n 1\t2\n"))
    );
    let binary = world
        .api("GET", compiled["binary_url"].as_str().unwrap(), None)
        .await;
    assert_eq!(
        binary.header("content-type"),
        Some("application/octet-stream")
    );
    let (flashed, files): (_, Value) = tokio::join!(
        put_file(&world, "a.bin", &binary.body),
        async {
            let asked = device.hear().await.unwrap();
            device.say(json!({"type": "compiled", "request": asked["request"], "ok": true, "size": ""})).await;
            device.hear().await.unwrap();
            asked["files"].clone()
        }
    );
    assert_eq!(
        (&flashed.json()["ok"], files),
        (&json!(true), json!([{"name": "a.cpp", "text": "int x;"}]))
    );
    assert_eq!(
        world.api("GET", "/v1/binaries/unknown", None).await.status,
        404
    );
}
