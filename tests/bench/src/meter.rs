//! A proxy between the functions and the engine that measures how long the engine takes for each call.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls};

/// Sums over the calls so far.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    ns: AtomicU64,
    write_units: AtomicU64,
    read_half_units: AtomicU64,
}

/// The table's part in some events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    /// From a call's head being there to its answer being there.
    pub(crate) took: Duration,
    /// What they would be billed for: write request units.
    pub(crate) write_units: u64,
    /// And read request units, in halves.
    pub(crate) read_half_units: u64,
}

impl Meter {
    /// Everything since the last call of this.
    pub(crate) fn take(&self) -> Calls {
        Calls {
            took: Duration::from_nanos(self.ns.swap(0, Ordering::Relaxed)),
            write_units: self.write_units.swap(0, Ordering::Relaxed),
            read_half_units: self.read_half_units.swap(0, Ordering::Relaxed),
        }
    }
}

/// Listens on loopback and passes calls on to the engine, with TLS if there is an acceptor.
///
/// # Errors
/// If there is no port.
pub(crate) async fn start(
    engine: SocketAddr,
    tls: Option<TlsAcceptor>,
    meter: &Arc<Meter>,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let meter = Arc::clone(meter);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, meter) = (tls.clone(), Arc::clone(&meter));
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                match tls {
                    None => serve(stream, engine, meter).await,
                    Some(tls) => serve(tls.accept(stream).await?, engine, meter).await,
                }
            });
        }
    });
    Ok(addr)
}

/// One connection of a function, and one to the engine behind it. It ends with the function's process.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    engine: SocketAddr,
    meter: Arc<Meter>,
) -> anyhow::Result<()> {
    let behind = TcpStream::connect(engine).await?;
    behind.set_nodelay(true)?;
    let (send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(behind)).await?;
    tokio::spawn(connection);
    let send = Arc::new(tokio::sync::Mutex::new(send));
    let service = service_fn(move |request: Request<Incoming>| {
        let (meter, send) = (Arc::clone(&meter), Arc::clone(&send));
        async move { pass(request, &meter, &mut *send.lock().await).await }
    });
    let server = hyper::server::conn::http1::Builder::new();
    server.serve_connection(TokioIo::new(stream), service).await?;
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "measuring is what this is for")]
async fn pass(
    request: Request<Incoming>,
    meter: &Meter,
    send: &mut hyper::client::conn::http1::SendRequest<Full<Bytes>>,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let units = Units::of(&parts.headers, &body);
    send.ready().await?;
    let answer = send.send_request(Request::from_parts(parts, Full::new(body))).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    meter.ns.fetch_add(u64::try_from(began.elapsed().as_nanos())?, Ordering::Relaxed);
    if let Some(units) = units {
        meter.write_units.fetch_add(units.write, Ordering::Relaxed);
        meter.read_half_units.fetch_add(units.read_half(&body), Ordering::Relaxed);
    }
    Ok(Response::from_parts(parts, Full::new(body)))
}

/// What DynamoDB bills a call with: a write request unit for each KB begun of the item written, half a read request unit for
/// each 4 KB begun of what is read without strong consistency, a whole one with it
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>).
struct Units {
    write: u64,
    reads: bool,
    halves_a_block: u64,
}

impl Units {
    fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let operation = headers.get("x-amz-target")?.to_str().ok()?.rsplit('.').next()?.to_owned();
        let call: serde_json::Value = serde_json::from_slice(body).ok()?;
        let strong = call["ConsistentRead"].as_bool() == Some(true);
        let write = match operation.as_str() {
            "PutItem" => size_of_item(&call["Item"]).div_ceil(1024),
            // Only ever of a head, which is kept under 1 KB.
            "UpdateItem" => 1,
            _ => 0,
        };
        Some(Units {
            write,
            reads: matches!(operation.as_str(), "GetItem" | "Query"),
            halves_a_block: if strong { 2 } else { 1 },
        })
    }

    fn read_half(&self, answer: &[u8]) -> u64 {
        if !self.reads {
            return 0;
        }
        let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
        let items = answer["Items"].as_array();
        let bytes: u64 = match items {
            Some(items) => items.iter().map(size_of_item).sum(),
            None => size_of_item(&answer["Item"]),
        };
        bytes.div_ceil(4096).max(1) * self.halves_a_block
    }
}

/// The size of an item as DynamoDB counts it, from its JSON
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>).
fn size_of_item(item: &serde_json::Value) -> u64 {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() as u64 + size_of_value(value)).sum()
}

fn size_of_value(value: &serde_json::Value) -> u64 {
    let Some((kind, inner)) = value.as_object().and_then(|map| map.iter().next()) else {
        return 0;
    };
    match (kind.as_str(), inner) {
        ("S", serde_json::Value::String(text)) => text.len() as u64,
        // Two digits a byte, and one byte more.
        ("N", serde_json::Value::String(digits)) => digits.len() as u64 / 2 + 1,
        // In base64 here, and not there.
        ("B", serde_json::Value::String(base64)) => base64.len() as u64 * 3 / 4,
        ("L", serde_json::Value::Array(list)) => {
            3 + list.iter().map(|v| 1 + size_of_value(v)).sum::<u64>()
        }
        ("M", map) => {
            3 + size_of_item(map) + map.as_object().map_or(0, serde_json::Map::len) as u64
        }
        _ => 1,
    }
}

/// A certificate for loopback that nobody else trusts: the server's side, and its PEM for the functions' side.
///
/// # Errors
/// If the system has no chance to give.
pub(crate) fn certificate() -> anyhow::Result<(TlsAcceptor, String)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .context("make a certificate")?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(anyhow::Error::msg)?;
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_no_client_auth()
    .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}
