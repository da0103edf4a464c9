//! Event streams: what they carry, how they stay alive, and who falls off.

use std::time::Duration;

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{PATIENCE, start};

#[tokio::test]
async fn a_stream_carries_an_event_in_the_real_form() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events?nonce=0.123").await;
    let head = stream.head.to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 200") && head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    assert_eq!(stream.line().await.as_deref(), Some(":ok"));
    world.publish("temp", "{\"t\":19}").await;
    let seen = stream.next().await;
    assert_eq!(seen.name, "temp");
    let userid = seen.data["userid"].clone();
    assert_eq!(
        seen.data,
        json!({
            "data": "{\"t\":19}", "ttl": 60, "published_at": "2026-11-23T11:00:00.000Z", "coreid": "api",
            "userid": userid, "version": 0, "public": false, "productID": 0,
        })
    );
}

#[tokio::test]
async fn a_prefix_may_hold_a_slash_and_is_case_sensitive() {
    let world = start().await;
    let mut encoded = world.listen("/v1/devices/events/Web%2FT").await;
    let mut plain = world.listen("/v1/events/Web/T").await;
    for name in ["Web", "web/T1", "Web/T1"] {
        world.publish(name, "x").await;
    }
    assert_eq!(encoded.next().await.name, "Web/T1");
    assert_eq!(plain.next().await.name, "Web/T1");
    assert_eq!(
        world.api("GET", "/v1/events", None).await.status,
        404,
        "the prefix is mandatory here"
    );
}

#[tokio::test]
async fn several_streams_see_the_same_events_in_the_same_order() {
    let world = start().await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(world.listen("/v1/devices/events").await);
    }
    let names: Vec<String> = (0..50).map(|number| format!("e{number}")).collect();
    for name in &names {
        world.publish(name, "").await;
    }
    for stream in &mut streams {
        assert_eq!(stream.names(50).await, names);
    }
}

#[tokio::test]
async fn a_silent_stream_says_every_nine_seconds_that_it_is_there() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    assert_eq!(stream.line().await.as_deref(), Some(":ok"));
    assert_eq!(stream.line().await.as_deref(), Some(""));
    for _ in 0..3 {
        let mut line = std::pin::pin!(stream.line());
        // The stream begins to wait a moment after its head; until then moving the clock wakes nobody.
        let told = tokio::time::timeout(PATIENCE, async {
            loop {
                world.clock.advance(Duration::from_secs(9));
                if let Ok(line) = tokio::time::timeout(Duration::from_millis(20), &mut line).await {
                    return line;
                }
            }
        });
        assert_eq!(
            told.await.expect("a sign of life comes").as_deref(),
            Some("")
        );
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    let second = world.sign_in(&[]).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        world
            .api("DELETE", "/v1/access_tokens/current", None)
            .await
            .status,
        200
    );
    let path = format!("/v1/devices/events?access_token={second}");
    let body = json!({"name": "secret", "data": "x"}).to_string();
    let headers = [("Content-Type", "application/json")];
    assert_eq!(
        crate::support::call(world.addr(), "POST", &path, &headers, body.as_bytes())
            .await
            .status,
        200
    );
    let rest = tokio::time::timeout(PATIENCE, async {
        let mut rest = String::new();
        while let Some(line) = stream.line().await {
            rest.push_str(&line);
        }
        rest
    });
    assert!(!rest.await.expect("the stream ends").contains("secret"));
}

#[tokio::test]
async fn a_form_publishes_as_json_does() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    let bearer = world.bearer();
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let body = crate::support::form(&[("name", "a/b"), ("data", "{\"t\":1}"), ("private", "true")]);
    let answer = crate::support::call(
        world.addr(),
        "POST",
        "/v1/devices/events",
        &headers,
        body.as_bytes(),
    )
    .await;
    assert_eq!(answer.json(), json!({"ok": true}));
    let seen = stream.next().await;
    assert_eq!((seen.name.as_str(), seen.text()), ("a/b", "{\"t\":1}"));
}

#[tokio::test]
async fn a_stream_without_a_token_is_refused_in_json() {
    let world = start().await;
    let answer = crate::support::call(
        world.addr(),
        "GET",
        "/v1/devices/events",
        &[("Authorization", "Bearer x")],
        b"",
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json()["error_description"]),
        (401, &json!("The access token provided is invalid."))
    );
}

#[tokio::test]
async fn more_than_a_hundred_streams_are_refused() {
    let world = start().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(world.listen("/v1/devices/events").await);
    }
    assert_eq!(
        world.api("GET", "/v1/devices/events", None).await.status,
        429
    );
    world.publish("still", "works").await;
    assert_eq!(streams[99].next().await.name, "still");
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_dropped_and_nobody_else_waits() {
    let world = start().await;
    let mut stuck = TcpStream::connect(world.addr()).await.unwrap();
    let request = format!(
        "GET /v1/devices/events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        world.addr(),
        world.token
    );
    stuck.write_all(request.as_bytes()).await.unwrap();
    let mut reading = world.listen("/v1/devices/events").await;
    // More than every buffer between the two ends holds.
    let data = "x".repeat(16_000);
    for number in 0..1500 {
        world.publish(&format!("e{number}"), &data).await;
        assert_eq!(reading.next().await.name, format!("e{number}"));
    }
    let mut bytes = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stuck, &mut bytes);
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("the stream of the stuck reader has ended")
        .unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("event: e1499\n"));
}
