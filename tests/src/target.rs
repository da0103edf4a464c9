//! A program on this machine to which webhooks are forwarded.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{Router, body::to_bytes, extract::State};
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::task::JoinHandle;

/// What it got, and what it answers. It ends when it is dropped.
#[derive(Debug)]
pub struct Target {
    /// Where it listens, as an origin.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    got: Mutex<Vec<Request<Bytes>>>,
    status: AtomicU16,
}

impl Target {
    /// A program that answers 200 with what it got.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let shared = Arc::new(Shared { got: Mutex::default(), status: 200.into() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Target { url, shared, task }
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// Every request it got, the first one first.
    ///
    /// # Panics
    /// Never in practice.
    pub fn got(&self) -> Vec<Request<Bytes>> {
        self.shared.got.lock().expect("nobody panics with it in hand").clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    request: Request<axum::body::Body>,
) -> (StatusCode, Bytes) {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let request = Request::from_parts(parts, body.clone());
    shared.got.lock().expect("nobody panics with it in hand").push(request);
    let status = StatusCode::from_u16(shared.status.load(Ordering::SeqCst));
    (status.expect("a test's status is one"), body)
}
