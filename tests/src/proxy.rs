//! A TCP proxy in front of the engine that can hang.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the proxy does with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    /// Passes everything on.
    Well = 0,
    /// Takes connections and bytes, and answers nothing.
    Hung = 1,
    /// Closes every connection.
    Gone = 2,
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, for the SDK.
    pub url: String,
    mood: Arc<AtomicU8>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy before `to`, which is `http://address`.
    ///
    /// # Panics
    /// If `to` is no such address or no port is free.
    pub async fn before(to: &str) -> Self {
        let to: SocketAddr = to.trim_start_matches("http://").parse().expect("http://address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let mood = Arc::new(AtomicU8::new(Mood::Well as u8));
        let task = tokio::spawn(accept(listener, to, Arc::clone(&mood)));
        Proxy { url, mood, task }
    }

    /// Changes what it does, for connections that are open too.
    pub fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, mood: Arc<AtomicU8>) {
    while let Ok((near, _)) = listener.accept().await {
        let mood = Arc::clone(&mood);
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(to).await else {
                return;
            };
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::select! {
                () = forward(near_read, far_write, &mood) => {}
                () = forward(far_read, near_write, &mood) => {}
            }
        });
    }
}

/// Forwards one direction of a connection.
async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mood: &AtomicU8,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        match mood.load(Ordering::SeqCst) {
            mood if mood == Mood::Gone as u8 => return,
            mood if mood == Mood::Hung as u8 => std::future::pending().await,
            _ => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
