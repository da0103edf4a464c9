//! A program on this machine to which webhooks are forwarded.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{Router, body::to_bytes, extract::State};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
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
    /// 0 for no answer at all.
    status: AtomicU16,
    headers: Mutex<HeaderMap>,
}

impl Target {
    /// A program that answers 200 with what it got.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let shared = Arc::new(Shared {
            got: Mutex::default(),
            status: 200.into(),
            headers: Mutex::default(),
        });
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

    /// Reads what it gets, and answers nothing from now on.
    pub fn answer_never(&self) {
        self.answer_with(0);
    }

    /// Answers with these headers from now on.
    ///
    /// # Panics
    /// If they are not headers.
    pub fn answer_headers(&self, headers: &[(&'static str, &'static str)]) {
        let mut answered = self.shared.headers.lock().expect("nobody panics with it in hand");
        *answered = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
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
) -> (StatusCode, HeaderMap, Bytes) {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let request = Request::from_parts(parts, body.clone());
    shared.got.lock().expect("nobody panics with it in hand").push(request);
    let status = shared.status.load(Ordering::SeqCst);
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let status = StatusCode::from_u16(status).expect("a test's status is one");
    let headers = shared.headers.lock().expect("nobody panics with it in hand").clone();
    (status, headers, body)
}
