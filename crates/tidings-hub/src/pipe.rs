//! A sink that hands shared bytes to an asynchronous reader, such as the body of an HTTP response: a short queue of
//! bounded bytes between a shard's thread and a task.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::Stream;

use crate::{
    shard::{Command, Inbox, SubscriberId},
    sink::{Gone, Sink},
};

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Bytes>,
    bytes: usize,
    reader: Option<Waker>,
    /// The shard was refused bytes and waits to be called.
    starved: bool,
    finished: bool,
    gone: bool,
}

#[derive(Debug)]
struct Pipe {
    state: Mutex<State>,
    limit: usize,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes both ends. `limit` bounds the bytes in between.
pub(crate) fn pipe(limit: usize, id: SubscriberId, shard: Arc<Inbox>) -> (PipeSink, PipeReader) {
    // With no room at all nothing would ever move.
    let pipe = Arc::new(Pipe { state: Mutex::default(), limit: limit.max(1) });
    (PipeSink(pipe.clone()), PipeReader { pipe, id, shard })
}

/// The shard's end.
#[derive(Debug)]
pub(crate) struct PipeSink(Arc<Pipe>);

impl Sink for PipeSink {
    fn write(&mut self, slices: &[Bytes]) -> Result<usize, Gone> {
        let mut state = self.0.lock();
        if state.gone {
            return Err(Gone);
        }
        let mut taken = 0;
        for slice in slices {
            let room = self.0.limit.saturating_sub(state.bytes);
            let part = slice.slice(..room.min(slice.len()));
            if part.len() < slice.len() {
                state.starved = true;
            }
            taken += part.len();
            state.bytes += part.len();
            if !part.is_empty() {
                state.queue.push_back(part);
            }
            if state.starved {
                break;
            }
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(taken)
    }

    fn finish(&mut self) {
        let mut state = self.0.lock();
        state.finished = true;
        let reader = state.reader.take();
        // Woken behind the lock: whatever the waker does, it may drop the other end.
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Drop for PipeSink {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The reader's end: a stream of bytes. Dropping it ends the subscription.
#[derive(Debug)]
pub(crate) struct PipeReader {
    pipe: Arc<Pipe>,
    id: SubscriberId,
    shard: Arc<Inbox>,
}

impl PipeReader {
    pub(crate) fn id(&self) -> SubscriberId {
        self.id
    }
}

impl Stream for PipeReader {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.pipe.lock();
        let Some(bytes) = state.queue.pop_front() else {
            if state.finished {
                return Poll::Ready(None);
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        state.bytes -= bytes.len();
        // Half empty is early enough to be refilled in time, and late enough to be worth a call.
        let call = state.starved && state.bytes <= self.pipe.limit / 2;
        if call {
            state.starved = false;
        }
        drop(state);
        if call {
            self.shard.send(Command::Writable(self.id));
        }
        Poll::Ready(Some(bytes))
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = self.pipe.lock();
        state.gone = true;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        drop(queue);
        self.shard.send(Command::Leave(self.id));
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use futures_util::{FutureExt as _, StreamExt as _};
    use proptest::prelude::*;

    use super::*;

    fn new(limit: usize) -> (PipeSink, PipeReader) {
        pipe(limit, 0, Inbox::new(0).unwrap().0)
    }

    proptest! {
        #[test]
        fn no_more_than_the_limit_is_in_between_and_nothing_is_lost(
            limit in 0..20usize,
            sizes in proptest::collection::vec(0..12usize, 1..20),
        ) {
            let (mut sink, mut reader) = new(limit);
            let mut offered: Vec<Bytes> = sizes.iter().map(|size| "abcdefghijkl"[..*size].to_owned().into()).collect();
            let whole = offered.concat();
            let mut read = Vec::new();
            while read.len() < whole.len() {
                let taken = sink.write(&offered).unwrap();
                prop_assert!(taken <= limit.max(1));
                let rest = offered.concat().split_off(taken);
                offered = vec![rest.into()];
                // Read until the shard would be called, or to the end.
                while let Some(Some(bytes)) = reader.next().now_or_never() {
                    read.extend(bytes);
                }
                prop_assert!(!sink.0.lock().starved);
            }
            prop_assert_eq!(read, whole);
        }
    }

    /// A waker that drops the reader, as an executor does that gives up the task it wakes.
    #[derive(Default)]
    struct DropsTheReader(Mutex<Option<PipeReader>>);

    impl Wake for DropsTheReader {
        fn wake(self: Arc<Self>) {
            let reader = self.0.lock().unwrap().take();
            drop(reader);
        }
    }

    #[test]
    fn the_reader_may_be_dropped_by_its_own_waker() {
        for finish in [false, true] {
            let (mut sink, mut reader) = new(9);
            let waker = Arc::<DropsTheReader>::default();
            assert!(reader.poll_next_unpin(&mut Context::from_waker(&waker.clone().into())).is_pending());
            *waker.0.lock().unwrap() = Some(reader);
            match finish {
                true => sink.finish(),
                false => assert_eq!(sink.write(&["x".into()]), Ok(1)),
            }
            assert_eq!(sink.write(&["x".into()]), Err(Gone));
        }
    }
}
