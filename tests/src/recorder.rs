//! A Particle cloud on an origin of its own that writes down what it is asked: everything is passed on to the simulated cloud.
//!
//! It reads HTTP/1.1 as browsers write it, with whole bodies of a stated length, and passes each request on with the name of
//! the simulated cloud, which answers to no other; what comes back goes through as it is.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

/// What a browser says of itself with every request, which no documentation of an API names.
const OF_BROWSERS: [&str; 11] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "host",
    "origin",
    "pragma",
    "referer",
    "user-agent",
];

/// One request that came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its method.
    pub method: String,
    /// Path and query, as they stood in its first line.
    pub target: String,
    /// Its headers in lower case, without those that every browser sends.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// A cloud that writes down what it is asked, until it is dropped.
#[derive(Debug)]
pub struct Recorder {
    /// Its origin.
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    to: Arc<OnceLock<SocketAddr>>,
    task: tokio::task::JoinHandle<()>,
}

impl Recorder {
    /// Listens. Connections wait until [`leads_to`](Self::leads_to) has said where they lead.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::new(OnceLock::new());
        let task = tokio::spawn(accept(listener, Arc::clone(&to), Arc::clone(&heard)));
        Recorder { url, heard, to, task }
    }

    /// Where it passes everything on to.
    ///
    /// # Panics
    /// If that was said before.
    pub fn leads_to(&self, addr: SocketAddr) {
        self.to.set(addr).expect("it leads to one place");
    }

    /// What came since the last time.
    ///
    /// # Panics
    /// Never in practice.
    pub fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock().expect("nobody panics with it in hand"))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    to: Arc<OnceLock<SocketAddr>>,
    heard: Arc<Mutex<Vec<Heard>>>,
) {
    let own = listener.local_addr().map(|addr| addr.to_string());
    let own = own.expect("a bound port");
    while let Ok((near, _)) = listener.accept().await {
        let (heard, own) = (Arc::clone(&heard), own.clone());
        let Some(to) = to.get().copied() else {
            continue;
        };
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(to).await else {
                return;
            };
            let (mut near_read, mut near_write) = near.into_split();
            let (mut far_read, mut far_write) = far.into_split();
            let calls = async {
                let mut unread = Vec::new();
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = near_read.read(&mut buffer).await {
                    unread.extend_from_slice(&buffer[..read]);
                    while let Some((one, head, length)) = first(&unread) {
                        let request: Vec<u8> = unread.drain(..length).collect();
                        let renamed = String::from_utf8_lossy(&request[..head])
                            .replace(&own, &to.to_string());
                        // Written down before it is passed on, so that nothing can follow from a call that is not there yet.
                        // Asking whether one may ask is the browser's own, as often as it likes.
                        if one.method != "OPTIONS" {
                            heard.lock().expect("nobody panics with it in hand").push(one);
                        }
                        let passed = [renamed.as_bytes(), &request[head..]].concat();
                        if far_write.write_all(&passed).await.is_err() {
                            return;
                        }
                    }
                }
            };
            tokio::select! {
                () = calls => {}
                _ = copy(&mut far_read, &mut near_write) => {}
            }
        });
    }
}

/// The first whole request of what came on a connection, and how long its head and all of it are, in bytes.
fn first(bytes: &[u8]) -> Option<(Heard, usize, usize)> {
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut line = lines.next()?.split(' ');
    let (method, target) = (line.next()?.to_owned(), line.next()?.to_owned());
    let all: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = all
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap_or(0));
    let body = bytes.get(head_end + 4..head_end + 4 + length)?;
    let headers = all
        .into_iter()
        .filter(|(name, _)| !OF_BROWSERS.contains(&name.as_str()) && !name.starts_with("sec-"))
        .collect();
    let heard = Heard { method, target, headers, body: String::from_utf8_lossy(body).into_owned() };
    Some((heard, head_end, head_end + 4 + length))
}

impl Heard {
    /// The path, without a query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body's fields, a line each: of JSON, of a form, or of a form with files.
    pub fn fields(&self) -> Vec<String> {
        let content_type = self
            .headers
            .iter()
            .find(|(name, _)| name == "content-type")
            .map_or("", |(_, value)| value.as_str());
        if content_type == "application/json" {
            return match serde_json::from_str::<Value>(&self.body) {
                Ok(Value::Object(fields)) => {
                    fields.iter().map(|(name, value)| format!("{name}: {value}")).collect()
                }
                other => vec![format!("{other:?}")],
            };
        }
        if let Some((_, boundary)) = content_type.split_once("boundary=") {
            return self
                .body
                .split(&format!("--{boundary}"))
                .filter_map(|part| part.split_once("\r\n\r\n"))
                .map(|(head, value)| {
                    let head = head
                        .trim()
                        .replace("\r\n", "; ")
                        .replace("Content-Disposition: form-data; ", "");
                    let value = value.trim_end();
                    if head.contains("filename=") {
                        format!("{head}: {} lines", value.lines().count())
                    } else {
                        format!("{head}: {value}")
                    }
                })
                .collect();
        }
        self.body
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.replacen('=', ": ", 1))
            .collect()
    }
}
