//! The accept loop of every port: the page, the hook port, the engine and the simulated cloud.
//!
//! It bounds what strangers may take before a router sees a request: the number of connections, the size and time of a
//! request head, and the time a response may wait for its reader. Bodies are bounded by the routers. There is no fairness
//! among thousands of silent connections: each ends at its timeout, and the rest is left to a tunnel or CDN.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, response::IntoResponse};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

use crate::{
    config::ServerLimits,
    limits::{MAX_HEADERS, MAX_URL},
    line_endings::StrictLineEndings,
};

/// The largest request head that is read, in bytes. It is more than the routers accept, so that a head somewhat too large gets
/// an error that says why.
const HEAD_BYTES: usize = 2 * (MAX_URL + MAX_HEADERS);
/// Most header lines of a request.
const HEAD_LINES: usize = 1024;
/// How long responses may take after the listener is stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A listener that is being served.
#[derive(Debug)]
pub struct Listener {
    /// Where it listens.
    pub addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Serves `router` until [`stop`](Self::stop). Handlers get the peer's address as [`ConnectInfo`].
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(
        listener: TcpListener,
        limits: ServerLimits,
        router: Router,
    ) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, limits, router, stopped));
        Ok(Listener { addr, stop, task })
    }

    /// Accepts no more connections, finishes the responses under way, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A panic of the loop has ended it as well.
        let _ = self.task.await;
    }
}

async fn serve(
    listener: TcpListener,
    limits: ServerLimits,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let stop = stopped.clone();
    loop {
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        // Forgets connections that have ended.
        while connections.try_join_next().is_some() {}
        let Ok((stream, peer, permit)) = accepted else {
            // Most likely out of file descriptors, which ending connections will give back.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let connection = serve_connection(stream, peer, limits, router.clone(), stop.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    // Connections that are left after that are dropped with the set.
    let _ =
        timeout(SHUTDOWN_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await;
}

/// The next connection, as soon as there is a permit for it. Until then it waits in the system's backlog.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    let (stream, peer) = listener.accept().await?;
    // Responses are small and need not wait to be joined with more.
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    limits: ServerLimits,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let router = router.clone();
        // Other HTTP software may disagree about where such a request ends, so nothing after it is taken for a request. With
        // `Expect`, a refusal leaves open whether its body follows.
        let is_last = [header::TRANSFER_ENCODING, header::UPGRADE, header::EXPECT]
            .iter()
            .any(|name| request.headers().contains_key(name));
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let handled = timeout(limits.request_timeout, router.oneshot(request));
            let mut response = match handled.await {
                Ok(response) => response?,
                Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
            };
            if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    // Reads need no timeout of their own: hyper limits the head's time, and the service above the body's.
    let (read, write) = stream.into_split();
    let mut write = Box::pin(TimeoutWriter::new(write));
    write.as_mut().set_timeout_pinned(Some(limits.write_timeout));
    let io = TokioIo::new(tokio::io::join(StrictLineEndings::new(read), write));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(HEAD_LINES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // An error of a connection is its peer's to see; an incomplete request was never handled.
        _ = connection.as_mut() => return,
        // (hyper-util's GracefulShutdown does not accept a connection with upgrades.)
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
