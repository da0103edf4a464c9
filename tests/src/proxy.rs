//! A TCP proxy before the engine, which can be told to fail.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
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
    /// Passes everything on, each call [`SLOW`] later.
    Slow = 3,
}

/// How long a slow call takes: nearly as long as the SDK waits for one attempt.
const SLOW: Duration = Duration::from_millis(1000);

/// Where a call is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The engine never hears of it.
    Call,
    /// The engine did it, and its answer never comes.
    Answer,
}

/// A call that is to be stopped once.
#[derive(Debug, Default)]
struct Stop {
    next: Mutex<Option<(&'static str, At)>>,
    happened: AtomicBool,
}

impl Stop {
    /// Where these bytes are to be stopped, if they are the call in question. Its name is in its head, which clients write
    /// at once.
    fn at(&self, bytes: &[u8]) -> Option<At> {
        let mut next = self.next.lock().expect("nobody panics with it in hand");
        let (_, at) = next.take_if(|(operation, _)| {
            let name = operation.as_bytes();
            bytes.windows(name.len()).any(|window| window == name)
        })?;
        Some(at)
    }
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens, for the SDK.
    pub url: String,
    mood: Arc<AtomicU8>,
    stop: Arc<Stop>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy before `to`, which is `http://address`.
    ///
    /// # Panics
    /// If `to` is no such address or no port is free.
    pub async fn before(to: &str) -> Self {
        let to: SocketAddr = to
            .trim_start_matches("http://")
            .parse()
            .expect("http://address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let mood = Arc::new(AtomicU8::new(Mood::Well as u8));
        let stop = Arc::new(Stop::default());
        let task = tokio::spawn(accept(listener, to, Arc::clone(&mood), Arc::clone(&stop)));
        Proxy {
            url,
            mood,
            stop,
            task,
        }
    }

    /// Stops the next call of this operation, such as `PutItem`, and its connection with it.
    ///
    /// # Panics
    /// Never in practice.
    pub fn stop_next(&self, operation: &'static str, at: At) {
        self.stop.happened.store(false, Ordering::SeqCst);
        *self
            .stop
            .next
            .lock()
            .expect("nobody panics with it in hand") = Some((operation, at));
    }

    /// Whether that call has come and was stopped.
    pub fn has_stopped(&self) -> bool {
        self.stop.happened.load(Ordering::SeqCst)
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

async fn accept(listener: TcpListener, to: SocketAddr, mood: Arc<AtomicU8>, stop: Arc<Stop>) {
    while let Ok((near, _)) = listener.accept().await {
        let (mood, stop) = (Arc::clone(&mood), Arc::clone(&stop));
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(to).await else {
                return;
            };
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            let hold_answer = AtomicBool::new(false);
            let calls = Way {
                mood: &mood,
                stop: &stop,
                hold_answer: &hold_answer,
                is_calls: true,
            };
            let answers = Way {
                is_calls: false,
                ..calls
            };
            tokio::select! {
                () = pass(near_read, far_write, calls) => {}
                () = pass(far_read, near_write, answers) => {}
            }
        });
    }
}

/// One direction of a connection.
#[derive(Clone, Copy)]
struct Way<'a> {
    mood: &'a AtomicU8,
    stop: &'a Stop,
    /// Whether the answer on this connection is the one that never comes.
    hold_answer: &'a AtomicBool,
    is_calls: bool,
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    way: Way<'_>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        match way.mood.load(Ordering::SeqCst) {
            mood if mood == Mood::Gone as u8 => return,
            mood if mood == Mood::Hung as u8 => std::future::pending().await,
            mood if mood == Mood::Slow as u8 && way.is_calls => tokio::time::sleep(SLOW).await,
            _ => {}
        }
        let stops_here = if way.is_calls {
            let at = way.stop.at(&buffer[..read]);
            if at == Some(At::Answer) {
                way.hold_answer.store(true, Ordering::SeqCst);
            }
            at == Some(At::Call)
        } else {
            way.hold_answer.load(Ordering::SeqCst)
        };
        if stops_here {
            way.stop.happened.store(true, Ordering::SeqCst);
            return std::future::pending().await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
