//! Sends one webhook request, to this computer only, and waits for the response.
//!
//! There is no TLS and no name is looked up: a hook of the simulated cloud can reach servers on the loopback addresses and
//! nothing else, so nothing leaves the machine whatever a learner types into the URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    guesses::{Guess, NETWORK_ERROR_TEXT_GUESS, RESET_TEXT, SIMULATED_ONLY},
    hook::request::Outgoing,
};

/// How much of a response is read. A response template sees this much; at most 100 KB are published anyway.
const MAX_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct HookResponse {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no response, as text for the hook-error event.
#[derive(Debug)]
pub(crate) struct SendError {
    pub(crate) text: String,
    pub(crate) guess: Guess,
    /// Whether it counts in the rating of the host.
    pub(crate) is_server_fault: bool,
}

/// The addresses behind a URL's host, if it is this computer.
pub(crate) fn addresses(
    request: &Outgoing,
    own: SocketAddr,
    only_port: Option<u16>,
) -> Result<Vec<SocketAddr>, SendError> {
    let refused = |text: &str| SendError {
        text: text.to_owned(),
        guess: SIMULATED_ONLY,
        is_server_fault: false,
    };
    if request.uri.scheme_str() == Some("https") {
        return Err(refused("the simulated cloud sends plain http, to this computer only"));
    }
    let host = request.host();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = request.uri.port_u16().unwrap_or(80);
    let ips: Vec<IpAddr> = match host {
        "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        host => host.parse().into_iter().filter(IpAddr::is_loopback).collect(),
    };
    if ips.is_empty() {
        return Err(refused(
            "the simulated cloud sends to this computer only: 127.0.0.1, localhost or [::1]",
        ));
    }
    if port == own.port() {
        return Err(refused("the simulated cloud does not send webhooks to itself"));
    }
    if let Some(only) = only_port.filter(|only| *only != port) {
        return Err(refused(&format!(
            "other computers can reach this simulated cloud, so it sends to port {only} only"
        )));
    }
    Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

pub(crate) async fn send(
    request: Outgoing,
    addresses: Vec<SocketAddr>,
) -> Result<HookResponse, SendError> {
    let message = message(request);
    let stream = connect(&addresses)
        .await
        .map_err(|address| network(format!("connect ECONNREFUSED {address}")))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(reset)?;
    // The connection ends with the sender; nothing is kept open between two webhooks.
    let connection = tokio::spawn(connection);
    let response = match sender.send_request(message).await {
        Ok(response) => read(response).await,
        Err(error) => Err(reset(error)),
    };
    connection.abort();
    response
}

fn network(text: String) -> SendError {
    SendError { text, guess: NETWORK_ERROR_TEXT_GUESS, is_server_fault: true }
}

fn reset(_: hyper::Error) -> SendError {
    network(RESET_TEXT.to_owned())
}

fn message(request: Outgoing) -> http::Request<Full<Bytes>> {
    let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut builder = http::Request::builder().method(request.method.as_str()).uri(path);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from(request.body.unwrap_or_default()));
    builder.body(body).expect("the headers were checked when the request was made")
}

/// Reads a response, of its body the start.
async fn read(response: http::Response<Incoming>) -> Result<HookResponse, SendError> {
    let status = response.status().as_u16();
    let content_type = response
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(reset)?;
        if let Some(data) = frame.data_ref() {
            body.extend_from_slice(&data[..data.len().min(MAX_BYTES - body.len())]);
        }
        if body.len() >= MAX_BYTES {
            break;
        }
    }
    Ok(HookResponse { status, content_type, body })
}

/// The first address that listens, or the last one tried.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut tried = String::new();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A small request should not wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(_) => tried = address.to_string(),
        }
    }
    Err(tried)
}
