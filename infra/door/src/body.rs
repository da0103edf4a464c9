//! Bodies that say when a request is whole and when its answer is out of our hands.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Frame, SizeHint},
    service::Service,
};

use crate::places::Place;

/// The body of a request. With its last byte the connection ceases to wait for its sender.
#[derive(Debug)]
pub struct Incoming {
    body: hyper::body::Incoming,
    place: Arc<Place>,
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let is_whole = match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(_))) => self.body.is_end_stream(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if is_whole && !self.place.works() {
            // The connection is being dropped, and this with it.
            return Poll::Pending;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. Whenever something of it was handed over, and when all of it was, the connection waits for its
/// sender to read; until more of it is wanted, which is not before there is room. So an answer that never ends keeps nobody's
/// place who does not read it.
#[derive(Debug)]
pub(crate) struct Outgoing<B> {
    body: B,
    place: Arc<Place>,
    is_handed_over: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Outgoing<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if std::mem::take(&mut self.is_handed_over) && !self.place.works() {
            // The connection is being dropped, and this with it.
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(Some(Ok(_)))) {
            self.is_handed_over = true;
            self.place.waits();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Outgoing<B> {
    fn drop(&mut self) {
        if !self.is_handed_over {
            self.place.waits();
        }
    }
}

/// A service whose connection keeps its place while it works.
pub(crate) struct Guarded<S> {
    service: S,
    place: Arc<Place>,
}

impl<S> Guarded<S> {
    pub(crate) fn new(service: S, place: Arc<Place>) -> Self {
        Guarded { service, place }
    }
}

impl<S, B, E> Service<Request<hyper::body::Incoming>> for Guarded<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = E>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    type Response = Response<Outgoing<B>>;
    type Error = E;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, E>> + Send>>;

    fn call(&self, request: Request<hyper::body::Incoming>) -> Self::Future {
        if request.body().is_end_stream() && !self.place.works() {
            return Box::pin(std::future::pending());
        }
        let place = Arc::clone(&self.place);
        let request = request.map(|body| Incoming {
            body,
            place: Arc::clone(&place),
        });
        let answer = self.service.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            Ok(answer.map(|body| Outgoing {
                body,
                place,
                is_handed_over: false,
            }))
        })
    }
}
