//! The door of an HTTP/1 listener, for programs that strangers connect to.
//!
//! It bounds what somebody costs who sends nothing, sends slowly, or never takes an answer: the number of connections, the
//! size of a request's head, and how long a connection may be without a whole request. When all places are taken, the one
//! that has been waiting for its sender the longest is given to the next who comes, so that a crowd of silent
//! connections keeps nobody out. A connection whose request is being answered keeps its place.
//!
//! It knows nothing of what is asked and answered, which is why the local home, its engine and the simulated cloud, who know
//! nothing of each other, can share it. What it does not do: TLS, HTTP/2, a limit for each address (everybody is on loopback),
//! and limits of bodies, which are for whoever reads them.

mod body;
mod places;

use std::{error::Error, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{body::Body, server::conn::http1, service::Service};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

pub use crate::body::Incoming;
use crate::{
    body::Guarded,
    places::{Place, Places},
};

/// How much of a listener strangers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once.
    pub connections: usize,
    /// How long a connection may wait for its sender before its place can be given to another. Who is on time with a whole
    /// request is not let go in a rush of others who are.
    pub grace: Duration,
    /// How long a request's head may take, from its first byte or from the end of the answer before it.
    pub head_within: Duration,
    /// How long a connection may be without a whole request of which the answer is still being made. It covers what no other
    /// limit does: answers that nobody takes.
    pub whole_within: Duration,
    /// Most bytes of a request's head; at least 8 KiB.
    pub head_bytes: usize,
    /// Most header lines of a request.
    pub head_lines: usize,
    /// Whether a sender that has closed its half gets an answer still.
    pub half_close: bool,
    /// How long answers that are on their way may take when the listener ends.
    pub end_within: Duration,
}

impl Default for Bounds {
    /// Bounds with which three listeners stay below the 1,024 open files that a process has by default, the files of the calls
    /// that they make included.
    fn default() -> Self {
        Bounds {
            connections: 256,
            grace: Duration::from_millis(200),
            head_within: Duration::from_secs(15),
            whole_within: Duration::from_secs(60),
            head_bytes: 56 * 1024,
            head_lines: 1024,
            half_close: true,
            end_within: Duration::from_secs(3),
        }
    }
}

/// Serves a listener until `stop` says true or is gone, then lets answers on their way go out. `service` makes what answers
/// the requests of one connection.
pub async fn serve<S, B, E>(
    listener: TcpListener,
    bounds: Bounds,
    service: impl Fn(SocketAddr) -> S,
    stop: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = E> + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let places = Arc::new(Places::new(bounds.connections, bounds.grace));
    let mut stopping = stop.clone();
    let mut stopped = pin!(stopping.wait_for(|stop| *stop));
    let mut closing = pin!(places.keep_closing(bounds.whole_within));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            () = &mut closing => break,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of files, most likely: connections will end and give some back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let place = tokio::select! {
            _ = &mut stopped => break,
            () = &mut closing => break,
            place = places.take() => Arc::new(place),
        };
        // Answers are small and wait for nothing to join them.
        let _ = stream.set_nodelay(true);
        let service = Guarded::new(service(peer), Arc::clone(&place));
        connections.spawn(connection(
            TokioIo::new(stream),
            bounds,
            service,
            place,
            stop.clone(),
        ));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection<S, B, E>(
    stream: TokioIo<tokio::net::TcpStream>,
    bounds: Bounds,
    service: Guarded<S>,
    place: Arc<Place>,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = E> + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_within)
        .max_headers(bounds.head_lines)
        .max_buf_size(bounds.head_bytes)
        .half_close(bounds.half_close);
    let mut serving = pin!(builder.serve_connection(stream, service).with_upgrades());
    // A connection that broke is its sender's to know; a request that was not whole was never taken.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = place.lost() => return,
        _ = stop.wait_for(|stop| *stop) => serving.as_mut().graceful_shutdown(),
    }
    let _ = timeout(bounds.end_within, serving).await;
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use hyper::{body::Frame, service::service_fn};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;

    /// An answer without end.
    struct Endless;

    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 65536])))))
        }
    }

    #[tokio::test]
    async fn who_does_not_read_an_answer_without_end_makes_room_and_who_reads_it_stays() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (_stop, stopped) = watch::channel(false);
        let bounds = Bounds {
            connections: 2,
            ..Bounds::default()
        };
        let service = |_| service_fn(async |_| Ok::<_, Infallible>(Response::new(Endless)));
        tokio::spawn(serve(listener, bounds, service, stopped));
        let ask = async || {
            let mut stream = TcpStream::connect(addr).await.expect("the door");
            let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
            asked.expect("it is taken");
            stream
        };
        let mut reader = ask().await;
        let reading = tokio::spawn(async move {
            let mut bytes = vec![0; 65536];
            while reader.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
        });
        let idle = ask().await;
        let mut next = ask().await;
        let served = timeout(Duration::from_secs(60), next.read_u8()).await;
        assert_eq!(served.expect("there is room").expect("it is served"), b'H');
        assert!(!reading.is_finished());
        drop(idle);
    }
}
