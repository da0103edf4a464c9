//! A device on the simulated cloud's link, as the virtual device's program would speak for it.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use crate::home::Home;

/// A device that is online.
pub struct Device {
    /// Its id.
    pub id: String,
    link: DuplexStream,
}

impl Device {
    /// Attaches a device to the simulated cloud of a stack; it subscribes to what comes back to it.
    ///
    /// # Panics
    /// If the simulated cloud is gone.
    pub async fn online(home: &Home, id: &str, name: &str) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        home.stack.cloud().device_links().connect(theirs);
        let mut device = Device { id: id.to_owned(), link: ours };
        let hello = json!({ "type": "hello", "id": id, "name": name, "platform_id": 13, "system_version": "6.2.1", "firmware": null, "compiler": null });
        let state = json!({ "type": "state", "running": true, "plugged": true, "power_source": 2, "battery": 85.5, "message": null });
        let prefix = format!("{id}/hook-response/WebhookTutorial01");
        let subscribe = json!({ "type": "subscribe", "prefix": prefix });
        for message in [hello, state, json!({ "type": "online" }), subscribe] {
            device.say(message).await;
        }
        device
    }

    async fn say(&mut self, message: Value) {
        let line = format!("{message}\n");
        let said = self.link.write_all(line.as_bytes()).await;
        said.expect("the link is open");
    }

    /// Publishes an event.
    ///
    /// # Panics
    /// If the simulated cloud is gone.
    pub async fn publish(&mut self, name: &str, data: &Value) {
        self.say(json!({ "type": "publish", "name": name, "data": data.to_string() })).await;
    }

    /// Waits until the device has got an event whose name begins so.
    ///
    /// # Panics
    /// If none comes.
    pub async fn gets(&mut self, prefix: &str) -> Value {
        let mut lines = BufReader::new(&mut self.link).lines();
        loop {
            let line = tokio::time::timeout(crate::DEADLINE, lines.next_line());
            let line = line.await.expect("the device is told something");
            let line = line.expect("the link is open").expect("the link is open");
            let said: Value = serde_json::from_str(&line).expect("a message is JSON");
            let name = said["name"].as_str();
            if name.is_some_and(|name| name.starts_with(prefix)) {
                return said;
            }
        }
    }
}
