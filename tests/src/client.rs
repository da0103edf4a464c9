//! HTTP as others send it.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client as Pool, rt::TokioExecutor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A client that keeps connections, as real senders do.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
}

impl Default for Client {
    fn default() -> Self {
        Client { pool: Pool::builder(TokioExecutor::new()).build_http() }
    }
}

impl Client {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// If there is no whole answer.
    pub async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let response = self.pool.request(request.map(Full::new)).await?;
        let (parts, body) = response.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }
}

/// What came back for bytes that no HTTP library would send.
#[derive(Debug)]
pub struct Raw {
    /// The status.
    pub status: u16,
    /// All of the answer, head and body.
    pub text: String,
}

/// Sends exact bytes on a connection of their own and reads until the other side closes.
///
/// # Errors
/// If no status line came back.
pub async fn raw(to: SocketAddr, request: &[u8]) -> anyhow::Result<Raw> {
    let mut stream = TcpStream::connect(to).await?;
    // The other side may refuse before it has read everything.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Raw { status: status.with_context(|| format!("no status in {text:?}"))?, text })
}

/// A response's body as JSON.
///
/// # Panics
/// If it is none; shows it.
pub fn json(response: &Response<Bytes>) -> serde_json::Value {
    serde_json::from_slice(response.body())
        .unwrap_or_else(|error| panic!("{error} in {:?} {:?}", response.status(), response.body()))
}

/// A header's value as text; empty if absent.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
