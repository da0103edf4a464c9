//! A device at the other end of the link.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::support::{PATIENCE, World};

pub(crate) const ID: &str = "e00fce68ece1d3d21a73dcc9";

/// Both ends of any stream of bytes.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

pub(crate) struct Device(BufReader<Box<dyn Wire>>);

impl Device {
    /// A link on which nothing was sent yet.
    pub(crate) fn plug_in(world: &World) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        world.cloud.device_links().connect(theirs);
        Self(BufReader::new(Box::new(ours)))
    }

    /// A device that has connected and subscribed, as the tutorial's firmware does.
    pub(crate) async fn online(world: &World, prefixes: &[&str]) -> Self {
        let mut device = Self::plug_in(world);
        device.boot(ID, prefixes).await;
        world.wait_for_device(ID, "message", json!("ready")).await;
        device
    }

    pub(crate) async fn boot(&mut self, id: &str, prefixes: &[&str]) {
        self.send(json!({
            "type": "hello", "id": id, "name": "virtual-boron", "platform_id": 13, "system_version": "6.2.1",
            "firmware": "webhook-tutorial.cpp", "compiler": "g++ 12",
        }))
        .await;
        self.send(json!({"type": "state", "running": true, "plugged": true, "power_source": 2, "battery": 85.5, "message": null}))
            .await;
        self.send(json!({"type": "online"})).await;
        for prefix in prefixes {
            self.send(json!({"type": "subscribe", "prefix": prefix})).await;
        }
        // Sent last: once it is visible, the rest has arrived.
        self.message("ready").await;
    }

    /// Changes nothing but the line for a person.
    pub(crate) async fn message(&mut self, message: &str) {
        self.send(json!({
            "type": "state", "running": true, "plugged": true, "power_source": 2, "battery": 85.5, "message": message,
        }))
        .await;
    }

    /// Its power is gone.
    pub(crate) async fn unplugged(&mut self, message: &str) {
        self.send(json!({
            "type": "state", "running": false, "plugged": false, "power_source": null, "battery": null, "message": message,
        }))
        .await;
    }

    pub(crate) async fn publish(&mut self, name: &str, data: &str) {
        self.send(json!({"type": "publish", "name": name, "data": data})).await;
    }

    /// Receives a request to compile, and responds with this size or these errors.
    pub(crate) async fn compile(&mut self, result: Result<&str, &str>) -> Value {
        let asked = self.receive().await.unwrap();
        assert_eq!(asked["type"], "compile");
        self.compiled(&asked["request"], result).await;
        asked
    }

    pub(crate) async fn compiled(&mut self, request: &Value, result: Result<&str, &str>) {
        let (size, errors) = (result.ok(), result.err());
        self.send(json!({
            "type": "compiled", "request": request, "ok": result.is_ok(), "size": size, "errors": errors,
        }))
        .await;
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.0.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // The other side may close the link before it has read everything.
        let _ = self.0.write_all(bytes).await;
    }

    /// The next message of the cloud; none at the end of the link.
    pub(crate) async fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_line(&mut line)).await;
        match read.expect("a message comes") {
            Ok(1..) => Some(serde_json::from_str(&line).unwrap()),
            _ => None,
        }
    }
}

/// Becomes a link by the HTTP upgrade, the way a device in another process does.
pub(crate) async fn upgrade(world: &World, headers: &str) -> Result<Device, String> {
    let mut stream = TcpStream::connect(world.addr()).await.unwrap();
    let request =
        format!("GET /simulated/devices/link HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", world.addr());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    if head.starts_with("HTTP/1.1 101 ") {
        Ok(Device(BufReader::new(Box::new(stream))))
    } else {
        Err(head)
    }
}

impl World {
    /// How a simulated device is.
    pub(crate) async fn device_state(&self, id: &str) -> Value {
        self.get(&format!("/simulated/devices/{id}")).await
    }

    /// Waits until the device's state shows a value.
    pub(crate) async fn wait_for_device(&self, id: &str, key: &str, value: Value) {
        let seen = tokio::time::timeout(PATIENCE, async {
            // At first the device may be unknown.
            let path = format!("/simulated/devices/{id}");
            while self.api("GET", &path, Value::Null).await.json()[key] != value {
                tokio::task::yield_now().await;
            }
        });
        assert!(
            seen.await.is_ok(),
            "the device never shows {key} = {value}: {}",
            self.device_state(id).await
        );
    }
}
