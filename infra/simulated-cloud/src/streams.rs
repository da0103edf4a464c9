//! The open event streams.

use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use tokio::sync::mpsc;

use crate::event::Event;

/// The real cloud's limit for one address; all clients here have one address.
const MAX_STREAMS: usize = 100;
/// New streams within [`WINDOW_MS`].
const MAX_NEW: usize = 100;
const WINDOW_MS: i64 = 5 * 60 * 1000;
/// Frames that wait for a reader; one that falls further behind is dropped, so that no other waits for it.
const WAITING_FRAMES: usize = 256;

/// Which events a stream carries.
pub(crate) struct Filter {
    pub(crate) prefix: String,
    pub(crate) device: Option<String>,
    pub(crate) product: Option<i64>,
}

impl Filter {
    fn matches(&self, event: &Event) -> bool {
        event.name.starts_with(&self.prefix)
            && self.device.as_ref().is_none_or(|id| event.coreid == *id)
            && self.product.is_none_or(|product| event.in_product && event.product_id == product)
    }
}

#[derive(Default)]
pub(crate) struct Streams(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    listeners: Vec<(Filter, mpsc::Sender<Bytes>)>,
    /// When the latest streams were opened.
    opened: Vec<i64>,
}

impl Streams {
    /// The frames from now on; none if there are too many streams.
    pub(crate) fn listen(&self, filter: Filter, now_ms: i64) -> Option<mpsc::Receiver<Bytes>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.listeners.retain(|(_, sender)| !sender.is_closed());
        inner.opened.retain(|at| at + WINDOW_MS > now_ms);
        if inner.listeners.len() >= MAX_STREAMS || inner.opened.len() >= MAX_NEW {
            return None;
        }
        inner.opened.push(now_ms);
        let (sender, receiver) = mpsc::channel(WAITING_FRAMES);
        inner.listeners.push((filter, sender));
        Some(receiver)
    }

    pub(crate) fn send(&self, event: &Event) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.listeners.is_empty() {
            return;
        }
        let frame = Bytes::from(event.frame());
        // A full queue and a closed one end the stream alike.
        inner.listeners.retain(|(filter, sender)| {
            !filter.matches(event) || sender.try_send(frame.clone()).is_ok()
        });
    }
}
