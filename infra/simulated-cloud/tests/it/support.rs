//! A running cloud, a server that receives its webhooks, and an HTTP client that sends exactly the bytes it is given.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use simulated_cloud::{Clock, Config, SimulatedCloud};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

/// Nothing in these tests takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const PAGE: &str = "http://127.0.0.1:8787";
/// 2026-11-23T11:00:00Z
pub(crate) const START_MS: i64 = 1_795_431_600_000;

pub(crate) struct World {
    pub(crate) cloud: SimulatedCloud,
    pub(crate) clock: Clock,
    pub(crate) token: String,
}

pub(crate) fn config() -> Config {
    Config {
        page_origins: vec![PAGE.to_owned()],
        clock: Clock::standing_at(START_MS),
        seed: Some(7),
        ..Config::default()
    }
}

pub(crate) async fn start() -> World {
    start_with(config()).await
}

pub(crate) async fn start_with(config: Config) -> World {
    let clock = config.clock.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let cloud = SimulatedCloud::new(addr, config).await.unwrap();
    let router = cloud.router();
    tokio::spawn(async { axum::serve(listener, router).await });
    let mut world = World { cloud, clock, token: String::new() };
    let signed_in = world.sign_in(&[]).await.json();
    let token = signed_in["access_token"].as_str();
    world.token = token.unwrap_or_default().to_owned();
    world
}

/// A cloud with the tutorial's integration, the server to which it sends, and the integration's id.
pub(crate) async fn start_with_hook() -> (World, Receiver, String) {
    let (world, receiver) = (start().await, Receiver::start().await);
    let id = world.create_hook(tutorial_hook(&receiver.url())).await;
    (world, receiver, id)
}

impl World {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.cloud.addr()
    }

    pub(crate) async fn sign_in(&self, headers: &[(&str, &str)]) -> ApiResponse {
        let demo = self.cloud.credentials();
        let form = form(&[
            ("grant_type", "password"),
            ("username", &demo.username),
            ("password", &demo.password),
            ("client_id", "particle"),
            ("expires_in", "3600"),
        ]);
        let headers = [&[FORM], headers].concat();
        call(self.addr(), "POST", "/oauth/token", &headers, form.as_bytes()).await
    }

    /// The `Authorization` header of the signed-in account.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// A call with the token and a JSON body; null sends none.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Value) -> ApiResponse {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bearer = self.bearer();
        let headers = [("Authorization", bearer.as_str()), JSON];
        call(self.addr(), method, path, &headers, body.as_bytes()).await
    }

    /// The JSON of a call that succeeds.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let response = self.api(method, path, body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        response.json()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, Value::Null).await
    }

    pub(crate) async fn status(&self, method: &str, path: &str, body: Value) -> u16 {
        self.api(method, path, body).await.status
    }

    pub(crate) async fn create_hook(&self, hook: Value) -> String {
        let created = self.ok("POST", "/v1/integrations", hook).await;
        created["id"].as_str().unwrap().to_owned()
    }

    /// What the cloud shows of one integration.
    pub(crate) async fn hook(&self, id: &str) -> Value {
        self.get(&format!("/v1/integrations/{id}")).await
    }

    pub(crate) async fn publish(&self, name: &str, data: &str) {
        let event = json!({"name": name, "data": data, "private": true});
        let published = self.ok("POST", "/v1/devices/events", event).await;
        assert_eq!(published, json!({"ok": true}));
    }

    pub(crate) async fn listen(&self, path: &str) -> Stream {
        Stream::open(self.addr(), path, &self.token).await
    }
}

pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl ApiResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        assert!(
            self.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
            "{self:?}"
        );
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One request and its response; the host is the address unless the headers name one.
pub(crate) async fn call(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> ApiResponse {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str(&format!("Host: {addr}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()));
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses a body may close before it has read it all.
        let _ = stream.write_all(body).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        bytes
    };
    let bytes = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer comes");
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) =
        text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no whole answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    ApiResponse { status: status.parse().unwrap(), headers, body: body.to_owned() }
}

/// An open event stream.
pub(crate) struct Stream(Lines<BufReader<TcpStream>>);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Seen {
    pub(crate) fn text(&self) -> &str {
        self.data["data"].as_str().unwrap_or_default()
    }

    pub(crate) fn guesses(&self) -> Vec<String> {
        serde_json::from_value(self.data["simulated_guess"].clone()).unwrap_or_default()
    }
}

impl Stream {
    /// By HTTP/1.0, whose bodies are not in chunks.
    pub(crate) async fn open(addr: SocketAddr, path: &str, token: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self(BufReader::new(stream).lines());
        let head = async { while !stream.line().await.expect("a head").is_empty() {} };
        tokio::time::timeout(PATIENCE, head).await.expect("a head comes");
        stream
    }

    /// The next line; none when the stream ends.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.0.next_line().await.ok().flatten()
    }

    pub(crate) async fn next(&mut self) -> Seen {
        tokio::time::timeout(PATIENCE, self.event())
            .await
            .expect("an event comes")
            .expect("the stream goes on")
    }

    async fn event(&mut self) -> Option<Seen> {
        let mut name = None;
        loop {
            let line = self.line().await?;
            if let Some(given) = line.strip_prefix("event: ") {
                name = Some(given.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some(Seen {
                    name: name.expect("a name comes first"),
                    data: serde_json::from_str(data).unwrap(),
                });
            }
        }
    }

    /// The names of the next events.
    pub(crate) async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.next().await.name);
        }
        names
    }

    /// The next event with this name, ignoring those before it.
    pub(crate) async fn named(&mut self, name: &str) -> Seen {
        loop {
            let seen = self.next().await;
            if seen.name == name {
                return seen;
            }
        }
    }
}

/// How a receiver responds.
#[derive(Clone)]
pub(crate) enum Reply {
    Respond {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
    /// Keeps the connection open without a response.
    Silence,
    /// Closes the connection in the middle of the response.
    HalfAResponse,
}

pub(crate) fn respond(status: u16, body: &str) -> Reply {
    Reply::Respond { status, content_type: "application/json", body: body.as_bytes().to_vec() }
}

/// A server that receives webhooks.
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    next: Arc<Mutex<VecDeque<Reply>>>,
    otherwise: watch::Sender<Reply>,
    seen: mpsc::UnboundedReceiver<String>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let next: Arc<Mutex<VecDeque<Reply>>> = Arc::default();
        let (otherwise, says) = watch::channel(respond(200, r#"{"ok":true}"#));
        let (sender, seen) = mpsc::unbounded_channel();
        let script = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, says, sender) = (Arc::clone(&script), says.clone(), sender.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut text = String::new();
                    while !text.ends_with("\r\n\r\n") {
                        if stream.read_line(&mut text).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let length = text
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length: "))
                        .unwrap_or("0");
                    let mut body = vec![0; length.parse().unwrap()];
                    stream.read_exact(&mut body).await.unwrap();
                    text.push_str(&String::from_utf8(body).unwrap());
                    let what =
                        script.lock().unwrap().pop_front().unwrap_or_else(|| says.borrow().clone());
                    // Not every test looks at the requests.
                    let _ = sender.send(text);
                    match what {
                        Reply::Respond { status, content_type, body } => {
                            let head = format!(
                                "HTTP/1.1 {status} Whatever\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                                body.len()
                            );
                            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
                        }
                        Reply::HalfAResponse => {
                            let _ = stream
                                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                                .await;
                        }
                        Reply::Silence => {
                            let mut rest = Vec::new();
                            let _ = stream.read_to_end(&mut rest).await;
                        }
                    }
                });
            }
        });
        Self { addr, next, otherwise, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook/x", self.addr)
    }

    /// The responses to the next requests, one each.
    pub(crate) fn then(&self, says: impl IntoIterator<Item = Reply>) {
        self.next.lock().unwrap().extend(says);
    }

    /// The response to every other request.
    pub(crate) fn always(&self, say: Reply) {
        self.otherwise.send_replace(say);
    }

    /// The next request, head and body as they came.
    pub(crate) async fn request(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.seen.recv()).await.expect("a request comes").unwrap()
    }
}

/// The tutorial's own integration, pointed at a receiver.
pub(crate) fn tutorial_hook(url: &str) -> Value {
    let mut hook: Value = serde_json::from_str(simulated_cloud::WEBHOOK_JSON).unwrap();
    hook["url"] = json!(url);
    hook
}

/// An integration whose requests are nothing but this text.
pub(crate) fn text_hook(event: &str, receiver: &Receiver, text: &str) -> Value {
    json!({"event": event, "url": receiver.url(), "noDefaults": true, "body": text})
}
