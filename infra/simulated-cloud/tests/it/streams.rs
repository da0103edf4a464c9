//! Event streams: what they carry, how they stay alive, and when they end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{JSON, PATIENCE, call, start};

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
    // Here the prefix is mandatory.
    assert_eq!(world.status("GET", "/v1/events", Value::Null).await, 404);
}

#[tokio::test]
async fn a_silent_stream_sends_a_line_end_every_nine_seconds() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    assert_eq!(stream.line().await.as_deref(), Some(":ok"));
    assert_eq!(stream.line().await.as_deref(), Some(""));
    let mut line = std::pin::pin!(stream.line());
    // The stream begins to wait a moment after its head; until then moving the clock wakes nothing.
    let next = timeout(PATIENCE, async {
        loop {
            world.clock.advance(Duration::from_secs(9));
            if let Ok(line) = timeout(Duration::from_millis(20), &mut line).await {
                return line;
            }
        }
    });
    assert_eq!(next.await.expect("a line end comes").as_deref(), Some(""));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let world = start().await;
    let mut stream = world.listen("/v1/devices/events").await;
    let second = world.sign_in(&[]).await.json();
    let current = "/v1/access_tokens/current";
    world.ok("DELETE", current, Value::Null).await;
    let token = second["access_token"].as_str().unwrap();
    let path = format!("/v1/devices/events?access_token={token}");
    let body = json!({"name": "secret", "data": "x"}).to_string();
    let published = call(world.addr(), "POST", &path, &[JSON], body.as_bytes()).await;
    assert_eq!(published.status, 200);
    let rest = timeout(PATIENCE, async {
        let mut rest = String::new();
        while let Some(line) = stream.line().await {
            rest.push_str(&line);
        }
        rest
    });
    assert!(!rest.await.expect("the stream ends").contains("secret"));
}

#[tokio::test]
async fn more_than_a_hundred_streams_are_refused() {
    let world = start().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(world.listen("/v1/devices/events").await);
    }
    let path = "/v1/devices/events";
    assert_eq!(world.status("GET", path, Value::Null).await, 429);
    world.publish("still", "works").await;
    assert_eq!(streams[99].next().await.name, "still");
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_dropped_alone() {
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
    let read = timeout(PATIENCE, stuck.read_to_end(&mut bytes)).await;
    read.expect("the stuck stream has ended").unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("event: e1499\n"));
}
