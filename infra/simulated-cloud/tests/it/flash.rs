//! Compiling and flashing: what the device is asked, and what is told of it.

use std::time::Duration;

use serde_json::json;
use simulated_cloud::Config;

use crate::{
    device::{Device, ID},
    support::{ApiResponse, World, call, config, start, start_with},
};

/// A call with one file in it.
async fn send_file(
    world: &World,
    (method, path): (&str, &str),
    (name, text): (&str, &str),
    origin: Option<&str>,
) -> ApiResponse {
    let bearer = world.bearer();
    let mut headers = vec![
        ("Authorization", bearer.as_str()),
        ("Content-Type", "multipart/form-data; boundary=b"),
    ];
    headers.extend(origin.map(|origin| ("Origin", origin)));
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/x-c\r\n\r\n{text}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"build_target_version\"\r\n\r\n6.2.1\r\n--b--\r\n"
    );
    call(world.addr(), method, path, &headers, body.as_bytes()).await
}

async fn flash(world: &World, name: &str, text: &str) -> ApiResponse {
    let path = format!("/v1/devices/{ID}");
    send_file(world, ("PUT", &path), (name, text), None).await
}

#[tokio::test]
async fn a_flash_compiles_on_the_device_and_tells_its_steps_in_their_order() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let (answer, request) = tokio::join!(flash(&world, "blink.cpp", "void setup() {}"), async {
        let asked = device.compile(Ok("text data bss")).await;
        assert_eq!(
            asked["files"],
            json!([{"name": "blink.cpp", "text": "void setup() {}"}])
        );
        let request = asked["request"].clone();
        assert_eq!(
            device.receive().await.unwrap(),
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
    device.send(json!({"type": "offline"})).await;
    device
        .send(json!({"type": "flashed", "request": request, "ok": true}))
        .await;
    device.send(json!({"type": "online"})).await;
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
    assert_eq!(world.device_state(ID).await["firmware"], "blink.cpp");
}

#[tokio::test]
async fn a_program_that_does_not_compile_comes_back_with_the_compilers_words() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let (answer, _) = tokio::join!(
        flash(&world, "bad.ino", "oops"),
        device.compile(Err("bad.ino:1:1: error: 'oops'"))
    );
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
        let (answer, request) = tokio::join!(flash(&world, "a.cpp", "x"), async {
            device.compile(Ok("")).await;
            device.receive().await.unwrap()["request"].clone()
        });
        assert_eq!(answer.json()["ok"], true);
        let busy = flash(&world, "b.cpp", "x").await;
        assert_eq!(busy.status, 409);
        if says_so {
            device
                .send(json!({"type": "flashed", "request": request, "ok": false}))
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
        flash(&world, "a.cpp", "x"),
        flash(&world, "b.cpp", "x"),
        async {
            let asked = [
                device.receive().await.unwrap(),
                device.receive().await.unwrap(),
            ];
            for one in &asked {
                device.compiled(&one["request"], Ok("")).await;
            }
            let flashed = device.receive().await.unwrap();
            assert_eq!(flashed["type"], "flash");
            device
                .send(json!({"type": "flashed", "request": flashed["request"], "ok": true}))
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
    let answer = flash(&world, "a.cpp", &"\u{1}".repeat(400 * 1024)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(world.device_state(ID).await["attached"], true);
    let answer = flash(&world, "a.cpp", &" ".repeat(600 * 1024)).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_compiler_that_takes_thirty_seconds_is_given_up() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let (answer, late) = tokio::join!(flash(&world, "a.cpp", "x"), async {
        let request = device.receive().await.unwrap()["request"].clone();
        world.clock.advance(Duration::from_secs(30));
        request
    });
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (408, &json!("Timed out."))
    );
    device.compiled(&late, Ok("")).await;
    let (answer, _) = tokio::join!(flash(&world, "a.cpp", "x"), device.compile(Err("now")));
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
        let answer = flash(&world, name, "x").await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
    }
    let large = flash(&world, "a.cpp", &"x".repeat(600 * 1024)).await;
    assert_eq!(large.status, 413);
    let app = world
        .api(
            "PUT",
            &format!("/v1/devices/{ID}"),
            Some(json!({"app": "tinker"})),
        )
        .await;
    assert_eq!(app.status, 400);
    device.unplugged("").await;
    world.wait_for_device(ID, "plugged", json!(false)).await;
    let unplugged = flash(&world, "a.cpp", "x").await;
    assert_eq!(
        (unplugged.status, &unplugged.json()["errors"]),
        (404, &json!(["Device is not connected."]))
    );
}

#[tokio::test]
async fn a_flash_from_another_page_is_refused_before_the_compiler_sees_it() {
    let world = start().await;
    let _device = Device::online(&world, &[]).await;
    let path = format!("/v1/devices/{ID}");
    let origin = Some("https://evil.example");
    let answer = send_file(&world, ("PUT", &path), ("a.cpp", "x"), origin).await;
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
    let size = "   text\t   data\n 1\t2\n";
    let (compiled, _) = tokio::join!(
        send_file(&world, ("POST", "/v1/binaries"), ("a.cpp", "int x;"), None),
        device.compile(Ok(size))
    );
    let compiled = compiled.json();
    assert_eq!(
        (&compiled["ok"], &compiled["sizeInfo"]),
        (&json!(true), &json!(size))
    );
    let binary = world
        .api("GET", compiled["binary_url"].as_str().unwrap(), None)
        .await;
    assert_eq!(
        binary.header("content-type"),
        Some("application/octet-stream")
    );
    let (flashed, asked) = tokio::join!(flash(&world, "a.bin", &binary.body), async {
        let asked = device.compile(Ok("")).await;
        device.receive().await.unwrap();
        asked
    });
    assert_eq!(
        (&flashed.json()["ok"], &asked["files"]),
        (&json!(true), &json!([{"name": "a.cpp", "text": "int x;"}]))
    );
    assert_eq!(
        world.api("GET", "/v1/binaries/unknown", None).await.status,
        404
    );
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
