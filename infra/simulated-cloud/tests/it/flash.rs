//! Compiling and flashing: what the device is sent, and what is published.

use std::time::Duration;

use serde_json::{Value, json};
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
async fn a_flash_that_fails_or_never_ends_is_published_as_failed() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    for is_reported in [true, false] {
        let (response, request) = tokio::join!(flash(&world, "a.cpp", "x"), async {
            device.compile(Ok("")).await;
            device.receive().await.unwrap()["request"].clone()
        });
        assert_eq!(response.json()["ok"], true);
        if is_reported {
            let flashed = json!({"type": "flashed", "request": request, "ok": false});
            device.send(flashed).await;
        } else {
            world.clock.advance(Duration::from_secs(60));
        }
        assert_eq!(stream.next().await.text(), "started ");
        assert_eq!(stream.next().await.text(), "failed");
    }
}

#[tokio::test]
async fn a_flash_waits_until_the_one_before_it_is_over() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let mut stream = world.listen("/v1/devices/events").await;
    let both = async { tokio::join!(flash(&world, "a.cpp", "x"), flash(&world, "b.cpp", "x")) };
    let (both, ()) = tokio::join!(both, async {
        for _ in 0..2 {
            device.compile(Ok("")).await;
            let flash = device.receive().await.unwrap();
            assert_eq!(flash["type"], "flash");
            let flashed = json!({"type": "flashed", "request": flash["request"], "ok": true});
            device.send(flashed).await;
            device.send(json!({"type": "offline"})).await;
            device.send(json!({"type": "online"})).await;
        }
    });
    assert_eq!((both.0.status, both.1.status), (200, 200));
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let event = stream.next().await;
        if event.name == "spark/flash/status" {
            seen.push(event.text().to_owned());
        }
    }
    assert_eq!(seen, ["started ", "success ", "started ", "success "]);
}

#[tokio::test]
async fn a_flash_does_not_wait_for_ever_and_few_wait() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let (first, _) = tokio::join!(flash(&world, "a.cpp", "x"), device.compile(Ok("")));
    assert_eq!(first.status, 200);
    let waiting: Vec<_> = (0..8).map(|_| flash(&world, "b.cpp", "x")).collect();
    let given_up = async {
        // The last of the eight finds no place in the line; then time passes.
        let mut waiting: futures_util::stream::FuturesUnordered<_> = waiting.into_iter().collect();
        let mut statuses = vec![futures_util::StreamExt::next(&mut waiting).await.unwrap().status];
        world.clock.advance(Duration::from_secs(20));
        while let Some(response) = futures_util::StreamExt::next(&mut waiting).await {
            statuses.push(response.status);
        }
        statuses
    };
    assert_eq!(given_up.await, [409; 8]);
}

#[tokio::test]
async fn a_project_is_compiled_for_a_version_that_the_cloud_has() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let bearer = world.bearer();
    let headers =
        [("Authorization", bearer.as_str()), ("Content-Type", "multipart/form-data; boundary=b")];
    let part = |number: usize, name: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"file{number}\"; filename=\"{name}\"\r\n\r\nx\r\n"
        )
    };
    let files: String =
        ["project.properties", "src/x.cpp", "lib/util/library.properties", "lib/util/src/util.h"]
            .iter()
            .enumerate()
            .map(|(number, name)| part(number, name))
            .collect();
    let body = |version: &str| {
        format!(
            "{files}--b\r\nContent-Disposition: form-data; name=\"build_target_version\"\r\n\r\n{version}\r\n--b--\r\n"
        )
    };
    let versions = world.get("/v1/device-os/versions?platform_id=13&per_page=100").await;
    let version = versions["versions"][0]["version"].as_str().unwrap();
    let body_of = body(version);
    let (compiled, asked) = tokio::join!(
        call(world.addr(), "POST", "/v1/binaries", &headers, body_of.as_bytes()),
        device.compile(Ok(""))
    );
    assert_eq!(compiled.status, 200, "{}", compiled.body);
    let files = [
        json!({"name": "src/x.cpp", "text": "x"}),
        json!({"name": "lib/util/src/util.h", "text": "x"}),
    ];
    assert_eq!(asked["files"], json!(files));
    let unknown =
        call(world.addr(), "POST", "/v1/binaries", &headers, body("0.1.0").as_bytes()).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.contains("Invalid build target version 0.1.0"), "{}", unknown.body);
    let none = world.get("/v1/device-os/versions?platform_id=6").await;
    assert_eq!(none["versions"], json!([]));
}

#[tokio::test]
async fn a_file_too_long_for_the_link_is_refused() {
    let world = start().await;
    let _device = Device::online(&world, &[]).await;
    // Small as a file, large as JSON: each of these is six characters there.
    let escaped = "\u{1}".repeat(400 * 1024);
    for text in [escaped, " ".repeat(600 * 1024)] {
        assert_eq!(flash(&world, "a.cpp", &text).await.status, 413);
    }
    assert_eq!(world.device_state(ID).await["attached"], true);
}

#[tokio::test]
async fn a_compiler_that_takes_too_long_is_given_up() {
    let world = start().await;
    let mut device = Device::online(&world, &[]).await;
    let (response, late) = tokio::join!(flash(&world, "a.cpp", "x"), async {
        let request = device.receive().await.unwrap()["request"].clone();
        world.clock.advance(Duration::from_secs(65));
        request
    });
    assert_eq!(response.status, 408);
    assert_eq!(response.json()["error"], "Timed out.");
    // A late result changes nothing.
    device.compiled(&late, Ok("")).await;
    let (response, _) = tokio::join!(flash(&world, "a.cpp", "x"), device.compile(Err("now")));
    assert_eq!(response.json()["errors"], json!(["now"]));
}

#[tokio::test]
async fn a_flash_without_a_device_or_of_a_strange_file_is_refused() {
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
        let refused = flash(&world, name, "x").await;
        assert_eq!(refused.status, 400, "{name}: {}", refused.body);
    }
    let path = format!("/v1/devices/{ID}");
    let app = json!({"app": "tinker"});
    assert_eq!(world.status("PUT", &path, app).await, 400);
    device.unplugged("").await;
    world.wait_for_device(ID, "plugged", json!(false)).await;
    let unplugged = flash(&world, "a.cpp", "x").await;
    assert_eq!(unplugged.status, 404);
    let errors = json!(["Device is not connected."]);
    assert_eq!(unplugged.json()["errors"], errors);
}

#[tokio::test]
async fn a_flash_from_another_page_never_reaches_the_compiler() {
    let world = start().await;
    let _device = Device::online(&world, &[]).await;
    let path = format!("/v1/devices/{ID}");
    let origin = Some("https://evil.example");
    let refused = send_file(&world, ("PUT", &path), ("a.cpp", "x"), origin).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"], "forbidden_origin");
}

#[tokio::test]
async fn a_program_can_be_compiled_fetched_and_flashed_as_a_binary() {
    let world = start_with(Config { seed: None, ..config() }).await;
    let mut device = Device::online(&world, &[]).await;
    let size = "   text\t   data\n 1\t2\n";
    let file = ("a.cpp", "int x;");
    let (compiled, _) = tokio::join!(
        send_file(&world, ("POST", "/v1/binaries"), file, None),
        device.compile(Ok(size))
    );
    let compiled = compiled.json();
    assert_eq!(compiled["ok"], true);
    assert_eq!(compiled["sizeInfo"], size);
    let url = compiled["binary_url"].as_str().unwrap();
    let binary = world.api("GET", url, Value::Null).await;
    let kind = Some("application/octet-stream");
    assert_eq!(binary.header("content-type"), kind);
    let (flashed, asked) = tokio::join!(flash(&world, "a.bin", &binary.body), async {
        let asked = device.compile(Ok("")).await;
        device.receive().await.unwrap();
        asked
    });
    assert_eq!(flashed.json()["ok"], true);
    let files = json!([{"name": "a.cpp", "text": "int x;"}]);
    assert_eq!(asked["files"], files);
    let unknown = "/v1/binaries/unknown";
    assert_eq!(world.status("GET", unknown, Value::Null).await, 404);
}
