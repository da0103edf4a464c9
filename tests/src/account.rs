//! The account of a stack's simulated cloud, as a program uses it.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::{
    client::{self, Client},
    eventually,
    home::Home,
};

/// Somebody who is signed in to the simulated cloud.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where the cloud is.
    pub api: String,
    /// The access token.
    pub token: String,
    client: Client,
}

impl Account {
    /// Signs in to the demo account.
    ///
    /// # Panics
    /// If the cloud refuses.
    pub async fn of(home: &Home) -> Self {
        let demo = home.stack.cloud().credentials();
        let api = format!("http://{}", home.stack.cloud().addr());
        Self::at(&api, &demo.username, &demo.password).await
    }

    /// Signs in to the account of a cloud that runs in another process.
    ///
    /// # Panics
    /// If the cloud refuses.
    pub async fn at(api: &str, username: &str, password: &str) -> Self {
        let client = Client::default();
        let form = format!(
            "grant_type=password&client_id=particle&client_secret=particle&username={username}&password={password}"
        );
        let request = Request::post(format!("{api}/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into())
            .expect("a test's request is one");
        let answer = client.send(request).await.expect("the cloud answers");
        Account {
            api: api.to_owned(),
            token: client::json(&answer)["access_token"].as_str().expect("a token").to_owned(),
            client,
        }
    }

    /// A call with the token; the body is JSON, or nothing where it is null.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> Response<Bytes> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(text.into())
            .expect("a test's request is one");
        self.client.send(request).await.expect("the cloud answers")
    }

    /// A device, as the cloud shows it, once it is online.
    pub async fn online(&self, id: &str) -> Value {
        eventually(&format!("device {id} is online"), || async {
            let answer = self.call(Method::GET, &format!("/v1/devices/{id}"), Value::Null).await;
            let device = client::json(&answer);
            (device["online"] == json!(true)).then_some(device)
        })
        .await
    }

    /// Flashes a source file, and gives back the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn flash(&self, id: &str, name: &str, text: &str) -> Response<Bytes> {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b--\r\n"
        );
        let request = Request::put(format!("{}/v1/devices/{id}", self.api))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body.into())
            .expect("a test's request is one");
        self.client.send(request).await.expect("the cloud answers")
    }

    /// A virtual device, as its controls show it.
    pub async fn controls(&self, id: &str) -> Value {
        let path = format!("/simulated/devices/{id}");
        client::json(&self.call(Method::GET, &path, Value::Null).await)
    }

    /// Somebody who has another token of the same account.
    pub fn with_token(home: &Home, token: &str) -> Self {
        Account {
            api: format!("http://{}", home.stack.cloud().addr()),
            token: token.to_owned(),
            client: home.client.clone(),
        }
    }

    /// What a call answers, as JSON.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        client::json(&answer)
    }

    /// The integrations of the account.
    pub async fn hooks(&self) -> Vec<Value> {
        let found = self.ask(Method::GET, "/v1/integrations", Value::Null).await;
        found.as_array().cloned().unwrap_or_default()
    }

    /// Where the first of them is.
    ///
    /// # Panics
    /// If there is none.
    pub async fn hook_path(&self) -> String {
        let hooks = self.hooks().await;
        let id = hooks.first().and_then(|hook| hook["id"].as_str());
        format!("/v1/integrations/{}", id.expect("an integration"))
    }

    /// Publishes an event.
    pub async fn publish(&self, name: &str, data: &str) {
        let event = json!({ "name": name, "data": data, "private": true });
        self.ask(Method::POST, "/v1/devices/events", event).await;
    }

    /// Waits until the cloud does not take the token any more.
    pub async fn ended(&self) {
        eventually("the token is not taken any more", || async {
            let answer = self.call(Method::GET, "/v1/user", Value::Null).await;
            (answer.status() == http::StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
    }
}
