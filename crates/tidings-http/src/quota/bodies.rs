//! The bytes of all request bodies that are being read: a flood of large ones waits instead of filling the memory.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::limit::{Limit, LimitHits};

/// How long a piece of a body waits for others to be done.
const PATIENCE: Duration = Duration::from_secs(5);

/// The bytes that are left, of so many.
#[derive(Debug)]
pub(super) struct Bodies {
    left: Arc<Semaphore>,
    most: u32,
}

impl Bodies {
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self { left: Arc::new(Semaphore::new(bytes)), most: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }
}

/// Why a body is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoom {
    /// Others' bodies have taken all that there is.
    #[error(
        "so many bodies are being read that there is no room for this one (setting limits.bodies): try again"
    )]
    Bodies,
    /// There is no memory.
    #[error("the hub has as much memory as it may have (setting limits.memory): try again later")]
    Memory,
}

/// A body whose pieces are counted, until it is dropped.
pub(crate) struct Budgeted {
    body: Body,
    bodies: Arc<Bodies>,
    hits: Arc<LimitHits>,
    held: Option<OwnedSemaphorePermit>,
    refused: Option<Limit>,
    /// A piece that is there and has no room yet.
    waiting: Option<(Bytes, BoxFuture<'static, Option<OwnedSemaphorePermit>>)>,
}

impl Budgeted {
    pub(super) fn new(body: Body, bodies: Arc<Bodies>, refused: Option<Limit>, hits: Arc<LimitHits>) -> Self {
        Self { body, bodies, hits, held: None, refused, waiting: None }
    }

    fn keep(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
    }

    fn no_room(&self, limit: Limit) -> axum::Error {
        self.hits.hit(limit);
        axum::Error::new(if limit == Limit::Memory { NoRoom::Memory } else { NoRoom::Bodies })
    }

    /// The piece that waits, once it has room.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some((_, room)) = &mut self.waiting else { return Poll::Ready(None) };
        let permit = ready!(room.as_mut().poll(cx));
        let piece = self.waiting.take().map(|(piece, _)| piece).unwrap_or_default();
        Poll::Ready(Some(match permit {
            Some(permit) => {
                self.keep(permit);
                Ok(Frame::data(piece))
            }
            None => Err(self.no_room(Limit::Bodies)),
        }))
    }
}

impl HttpBody for Budgeted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Some(limit) = this.refused {
            return Poll::Ready(Some(Err(this.no_room(limit))));
        }
        if this.waiting.is_some() {
            return this.poll_waiting(cx);
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        let piece = match frame.into_data() {
            Ok(piece) => piece,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        // A piece that is larger than all that there is passes once nobody else has anything.
        let bytes = u32::try_from(piece.len()).unwrap_or(u32::MAX).min(this.bodies.most);
        let left = &this.bodies.left;
        match left.clone().try_acquire_many_owned(bytes) {
            Ok(permit) => this.keep(permit),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
                let room = left.clone().acquire_many_owned(bytes);
                let room = async move { tokio::time::timeout(PATIENCE, room).await.ok()?.ok() };
                this.waiting = Some((piece, Box::pin(room)));
                return this.poll_waiting(cx);
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_none() && self.refused.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn budgeted(bodies: &Arc<Bodies>, bytes: usize, refused: Option<Limit>) -> Budgeted {
        let hits = Arc::<LimitHits>::default();
        Budgeted::new(Body::from(vec![b'x'; bytes]), bodies.clone(), refused, hits)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_others_and_not_for_ever() {
        let bodies = Arc::new(Bodies::new(10));
        let mut first = budgeted(&bodies, 8, None);
        assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap().len(), 8);
        let error = budgeted(&bodies, 3, None).collect().await.unwrap_err().into_inner();
        assert_eq!(error.downcast_ref(), Some(&NoRoom::Bodies));
        let waiting = tokio::spawn(budgeted(&bodies, 3, None).collect());
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap().unwrap().to_bytes().len(), 3);
        assert_eq!(bodies.left.available_permits(), 10);
    }

    #[tokio::test]
    async fn one_larger_than_all_passes_alone_and_none_without_memory() {
        let bodies = Arc::new(Bodies::new(10));
        assert_eq!(budgeted(&bodies, 100, None).collect().await.unwrap().to_bytes().len(), 100);
        let error = budgeted(&bodies, 1, Some(Limit::Memory)).collect().await.unwrap_err().into_inner();
        assert_eq!(error.downcast_ref(), Some(&NoRoom::Memory));
    }
}
