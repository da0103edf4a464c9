//! A stack of its own for a test, and a person's keys to it.

use bytes::Bytes;
use delivery::{
    endpoint_info::EndpointInfo,
    key::{Endpoint, OwnerKey, ShareKey},
    log_page::LogPage,
};
use http::{Method, Request, Response, StatusCode};
use local::{
    Stack,
    config::{Config, EngineAt, Source, VirtualDevice},
};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{
    client::{self, Client},
    faults::proxy::FaultProxy,
};

/// A stack with its data in a folder that goes with it.
pub struct Home {
    /// The stack.
    pub stack: Stack,
    /// A client to talk to it.
    pub client: Client,
    /// Its data.
    pub data: TempDir,
}

/// The configuration of tests: ports of the system's choice, and no virtual device, which would have to be compiled. What the
/// functions log goes to standard output, which a test shows only if it fails.
pub fn config(data: &TempDir) -> Config {
    Config {
        port: 0,
        particle_port: 0,
        hook_port: 0,
        devices: Vec::new(),
        log: function_url::log::to_stdout(function_url::log::Level::Info),
        ..Config::new(data.path().join("data"))
    }
}

/// A virtual device that boots with the tutorial's firmware, as if it had been flashed, and so publishes at once.
pub fn tutorial_device() -> VirtualDevice {
    let name = "webhook-tutorial.cpp".to_owned();
    let text = include_str!("../../firmware/src/webhook-tutorial.cpp").to_owned();
    VirtualDevice { firmware: Some(vec![Source { name, text }]), ..VirtualDevice::default() }
}

impl Home {
    /// A stack as `cargo run --no-device` starts it.
    pub async fn start() -> Self {
        Home::start_with(|_| {}).await
    }

    /// A stack whose configuration a test changes.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().expect("a folder for a test's data");
        let mut config = config(&data);
        change(&mut config);
        let stack = Stack::start(config).await.expect("the stack starts");
        Home { stack, client: Client::default(), data }
    }

    /// A stack whose functions call its engine through a proxy, by which everything passes until a test says otherwise.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_proxied(change: impl FnOnce(&mut Config)) -> (Self, FaultProxy) {
        let engine = watch::Sender::new(None);
        let proxy = FaultProxy::before(engine.subscribe(), 0).await.expect("a free port");
        proxy.stop_failing();
        let home = Home::start_with(|config| {
            config.engine = EngineAt::OwnThrough(proxy.url.clone());
            change(config);
        })
        .await;
        engine.send_replace(home.stack.engine_url().map(str::to_owned));
        (home, proxy)
    }

    /// A person who pressed Start.
    ///
    /// # Panics
    /// If the endpoint is not made.
    pub async fn person(&self) -> Person {
        let person = Person::new(&self.stack.page_url, &self.client);
        let info = person.create().await;
        assert_eq!(info.endpoint, person.endpoint);
        person
    }
}

/// A person with an owner key.
#[derive(Clone, Debug)]
pub struct Person {
    /// The owner key.
    pub owner: OwnerKey,
    /// The key they may hand out.
    pub share: ShareKey,
    /// Their endpoint.
    pub endpoint: Endpoint,
    /// Where the page is.
    pub page_url: String,
    /// A client to talk to it.
    pub client: Client,
}

impl Person {
    /// A person with a fresh key, which no server knows yet.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn new(page_url: &str, client: &Client) -> Self {
        let bytes: [u8; 32] = std::array::from_fn(|_| (function_url::random() & 0xff) as u8);
        Person::of(OwnerKey::from_bytes(&bytes), page_url, client)
    }

    /// The person who has this owner key.
    pub fn of(owner: OwnerKey, page_url: &str, client: &Client) -> Self {
        let share = owner.share_key();
        Person {
            endpoint: share.endpoint(),
            owner,
            share,
            page_url: page_url.to_owned(),
            client: client.clone(),
        }
    }

    /// Their hook URL.
    pub fn hook_url(&self) -> String {
        format!("{}/hook/{}", self.page_url, self.endpoint)
    }

    /// A call with a key of any kind.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn call_with(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: &str,
    ) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.page_url))
            .header("authorization", format!("Bearer {key}"))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .expect("a test's request is one");
        self.client.send(request).await.expect("the api answers")
    }

    /// A call with the owner key.
    pub async fn call(&self, method: Method, path: &str, body: &str) -> Response<Bytes> {
        self.call_with(self.owner.reveal(), method, path, body).await
    }

    /// Makes the endpoint.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create(&self) -> EndpointInfo {
        let response = self.call(Method::PUT, "/api/endpoint", "").await;
        assert_eq!(response.status(), StatusCode::OK, "{:?}", response.body());
        serde_json::from_slice(response.body()).expect("an endpoint's JSON")
    }

    /// Sends a webhook.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn post(&self, content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
        let request = Request::post(self.hook_url())
            .header("content-type", content_type)
            .body(body.into())
            .expect("a test's request is one");
        self.client.send(request).await.expect("the receiver answers")
    }

    /// Sets what senders are answered, as the owner, and gives back what was said to that.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn reply_with(&self, setting: &str) -> serde_json::Value {
        let response = self.call(Method::PUT, "/api/reply", setting).await;
        assert_eq!(response.status(), StatusCode::OK, "{:?}", response.body());
        client::json(&response)
    }

    /// Sends a webhook whose `authorization` is `Bearer planted-secret`, for who may not see that.
    ///
    /// # Panics
    /// If it is not taken.
    pub async fn post_secret(&self) {
        let request = Request::post(self.hook_url())
            .header("authorization", "Bearer planted-secret")
            .body("shared body".into())
            .expect("a test's request is one");
        let taken = self.client.send(request).await.expect("an answer");
        assert_eq!(taken.status(), StatusCode::OK);
    }

    /// One answer of the log API.
    ///
    /// # Panics
    /// If it is not one.
    pub async fn log(&self, query: &str) -> LogPage {
        let response = self.call(Method::GET, &format!("/api/log?{query}"), "").await;
        assert_eq!(response.status(), StatusCode::OK, "{:?}", client::json(&response));
        serde_json::from_slice(response.body()).expect("a log page's JSON")
    }

    /// The whole log, page by page.
    pub async fn whole_log(&self) -> Vec<LogPage> {
        let mut pages = vec![self.log("limit=500").await];
        loop {
            let last = &pages[pages.len() - 1];
            let next = self.log(&format!("limit=500&after={}", last.cursor)).await;
            if next.deliveries.is_empty() && next.missing.is_empty() {
                return pages;
            }
            pages.push(next);
        }
    }
}
