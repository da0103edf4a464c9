//! A TCP proxy before the simulated cloud, which cuts the event streams that go through it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::Instant,
};

/// What a page asks for when it listens to events.
const STREAM: &[u8] = b"GET /v1/devices/events ";
/// The longest head of a request that is looked at.
const HEAD: usize = 16 * 1024;

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Cutter {
    /// Where it listens, as an origin.
    pub url: String,
    opened: Arc<Mutex<Vec<Instant>>>,
    cuts: watch::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Cutter {
    /// A proxy before `cloud`, which answers to its own address only: the `Host` of each request is changed to that.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn before(cloud: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let opened = Arc::new(Mutex::new(Vec::new()));
        let cuts = watch::Sender::new(0);
        let task = tokio::spawn(accept(listener, cloud, Arc::clone(&opened), cuts.clone()));
        Cutter { url, opened, cuts, task }
    }

    /// Ends the connections of all streams that are open now.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// When streams were opened, the first one first.
    ///
    /// # Panics
    /// Never in practice.
    pub fn opened(&self) -> Vec<Instant> {
        self.opened.lock().expect("nobody panics with it in hand").clone()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    cloud: SocketAddr,
    opened: Arc<Mutex<Vec<Instant>>>,
    cuts: watch::Sender<u64>,
) {
    let here = listener.local_addr().map(|addr| addr.to_string());
    let here = here.unwrap_or_default();
    while let Ok((near, _)) = listener.accept().await {
        let (here, opened, cuts) = (here.clone(), Arc::clone(&opened), cuts.subscribe());
        tokio::spawn(async move {
            // However it ends, both sides see it.
            let _ = pass(near, cloud, &here, &opened, cuts).await;
        });
    }
}

async fn pass(
    near: TcpStream,
    cloud: SocketAddr,
    here: &str,
    opened: &Mutex<Vec<Instant>>,
    mut cuts: watch::Receiver<u64>,
) -> std::io::Result<()> {
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = TcpStream::connect(cloud).await?.into_split();
    let (is_stream, mut streams) = watch::channel(false);
    let requests = async {
        let mut buffer = vec![0; HEAD];
        loop {
            let size = near_read.read(&mut buffer).await?;
            if size == 0 {
                return far_write.shutdown().await;
            }
            let bytes = &buffer[..size];
            if bytes.starts_with(STREAM) {
                opened.lock().expect("nobody panics with it in hand").push(Instant::now());
                is_stream.send_replace(true);
            }
            far_write
                .write_all(&replaced(bytes, here.as_bytes(), cloud.to_string().as_bytes()))
                .await?;
        }
    };
    let answers = async {
        tokio::io::copy(&mut far_read, &mut near_write).await?;
        near_write.shutdown().await
    };
    let cut = async {
        // A connection that carries no stream is not cut.
        let _ = streams.wait_for(|is| *is).await;
        cuts.borrow_and_update();
        let _ = cuts.changed().await;
    };
    tokio::select! {
        done = async { tokio::try_join!(requests, answers).map(drop) } => done,
        () = cut => Ok(()),
    }
}

/// `bytes` with the first `from` in it changed to `to`: a browser writes a request's head at once, the host in its first
/// lines.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match bytes.windows(from.len()).position(|window| window == from) {
        Some(at) => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
