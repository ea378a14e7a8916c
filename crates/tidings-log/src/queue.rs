//! The queue between publishers and a log's writer thread.

use std::{
    collections::VecDeque,
    mem,
    sync::{Condvar, Mutex},
    time::Instant,
};

use tidings_hub::{AppendError, Appended, BoxFuture, Publication};
use tokio::sync::oneshot;

use crate::{company::Company, page::memory_bytes, sync::lock};

/// The writer takes this much at a time, or a single larger batch: its memory is bounded, and a flush is still shared
/// by all that a disk takes in that time.
const GROUP_BYTES: usize = 8 << 20;

/// What is said when the writer has ended without being told to.
const FAILED: &str = "its writer has ended unexpectedly; restart the program";

pub(crate) type Answer = Result<Vec<Appended>, AppendError>;

/// One publisher's batch and where it waits for the answer.
pub(crate) struct Request {
    pub(crate) batch: Vec<Publication>,
    pub(crate) answer: oneshot::Sender<Answer>,
    /// When it was queued.
    pub(crate) since: Instant,
    bytes: usize,
}

/// What the writer is to do next.
pub(crate) enum Work {
    /// Append these.
    Group(Vec<Request>),
    /// The time that was asked for has come.
    Tick,
    /// Everything has been taken and nothing more will come.
    Close,
}

enum Phase {
    Open,
    /// The writer still finishes; these wait for its end.
    Closing(Vec<oneshot::Sender<()>>),
    Closed,
    /// The writer has ended without being told to.
    Failed,
}

struct State {
    requests: VecDeque<Request>,
    /// How many requests the writer sleeps for; `None` while it is awake, so that nobody pays for waking it then.
    sleeps_for: Option<usize>,
    /// Bytes of what is queued or being appended.
    bytes: usize,
    phase: Phase,
}

/// Requests in their order, bounded in bytes.
pub(crate) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    bound: usize,
}

impl Queue {
    pub(crate) fn new(bound: usize) -> Self {
        let state = State { requests: VecDeque::new(), sleeps_for: None, bytes: 0, phase: Phase::Open };
        Self { state: Mutex::new(state), ready: Condvar::new(), bound }
    }

    /// Queues a batch before it returns; the future is only for the answer.
    pub(crate) fn push(&self, batch: Vec<Publication>) -> BoxFuture<Answer> {
        let bytes = batch.iter().map(memory_bytes).sum();
        let mut state = lock(&self.state);
        match state.phase {
            Phase::Open => {}
            Phase::Closing(_) | Phase::Closed => return Box::pin(async { Err(AppendError::Closed) }),
            Phase::Failed => return Box::pin(async { Err(AppendError::Stopped(FAILED.into())) }),
        }
        // A batch alone always fits: whether it is too large as such is for the engine to say.
        if state.bytes > 0 && state.bytes.saturating_add(bytes) > self.bound {
            let waiting = state.bytes;
            return Box::pin(async move {
                Err(AppendError::Unavailable(format!(
                    "{waiting} bytes of events already wait to be written; publish more slowly, or check whether the disk is slow"
                )))
            });
        }
        let ((answer, answered), since) = (oneshot::channel(), Instant::now());
        state.bytes = state.bytes.saturating_add(bytes);
        state.requests.push_back(Request { batch, answer, since, bytes });
        let wake = state.sleeps_for.is_some_and(|wanted| state.has(wanted));
        if wake {
            state.sleeps_for = None;
        }
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(AppendError::Stopped(FAILED.into()))) })
    }

    /// Waits for work until `tick`, and for company as long as that says.
    pub(crate) fn take(&self, tick: Instant, company: Company) -> Work {
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            let open = matches!(state.phase, Phase::Open);
            let alone = !open || now >= company.until;
            let wanted = if alone { 1 } else { company.expected };
            if state.has(wanted) {
                return Work::Group(state.group());
            }
            if !open {
                return Work::Close;
            }
            if now >= tick {
                return Work::Tick;
            }
            let until = if alone { tick } else { company.until.min(tick) };
            state.sleeps_for = Some(wanted);
            state = match self.ready.wait_timeout(state, until.saturating_duration_since(now)) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
            state.sleeps_for = None;
        }
    }

    /// Counts requests that were taken as done, and says how many wait.
    pub(crate) fn done(&self, bytes: usize) -> usize {
        let mut state = lock(&self.state);
        state.bytes = state.bytes.saturating_sub(bytes);
        state.requests.len()
    }

    /// Refuses further batches; the future ends when the writer has.
    pub(crate) fn close(&self) -> BoxFuture<()> {
        let mut state = lock(&self.state);
        let (done, ended) = oneshot::channel();
        match &mut state.phase {
            Phase::Open => state.phase = Phase::Closing(vec![done]),
            Phase::Closing(waiting) => waiting.push(done),
            Phase::Closed | Phase::Failed => drop(done),
        }
        drop(state);
        self.ready.notify_one();
        // An error is a sender that was dropped, which says the same: the writer has ended.
        Box::pin(async move { ended.await.unwrap_or_default() })
    }

    /// The writer has ended: answers everybody who waits, by dropping their senders.
    pub(crate) fn ended(&self, failed: bool) {
        let mut state = lock(&self.state);
        state.phase = if failed { Phase::Failed } else { Phase::Closed };
        state.requests.clear();
    }

    /// Why nothing can be appended any more, if the writer has failed.
    pub(crate) fn trouble(&self) -> Option<String> {
        matches!(lock(&self.state).phase, Phase::Failed).then(|| FAILED.into())
    }
}

impl State {
    /// Whether so many requests wait, or as much as makes a group.
    fn has(&self, wanted: usize) -> bool {
        self.requests.len() >= wanted || self.bytes >= GROUP_BYTES && !self.requests.is_empty()
    }

    /// Takes what makes a group off the front.
    fn group(&mut self) -> Vec<Request> {
        let mut bytes = 0_usize;
        let fit = self.requests.iter().take_while(|request| {
            bytes = bytes.saturating_add(request.bytes);
            bytes <= GROUP_BYTES
        });
        let count = fit.count().max(1);
        if count == self.requests.len() {
            return mem::take(&mut self.requests).into();
        }
        self.requests.drain(..count).collect()
    }
}

impl Request {
    /// What this counts towards the queue's bound.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use tidings_hub::Topic;

    use super::*;

    fn batch() -> Vec<Publication> {
        vec![Publication::new(Topic::new("a").unwrap(), "x".repeat(1000))]
    }

    fn nobody() -> Company {
        Company::none(Instant::now())
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn more_than_the_bound_is_refused_at_once_until_some_is_done() {
        let queue = Queue::new(3000);
        let waiting = [queue.push(batch()), queue.push(batch())];
        assert!(matches!(queue.push(batch()).await, Err(AppendError::Unavailable(_))));
        let Work::Group(group) = queue.take(far(), nobody()) else { panic!("there is work") };
        assert!(
            matches!(queue.push(batch()).await, Err(AppendError::Unavailable(_))),
            "what is taken still counts"
        );
        queue.done(group.iter().map(Request::bytes).sum());
        let later = queue.push(batch());
        drop(group);
        for answer in waiting {
            assert!(
                matches!(answer.await, Err(AppendError::Stopped(_))),
                "a writer that died leaves nobody waiting"
            );
        }
        assert_eq!(queue.trouble(), None);
        queue.ended(true);
        assert!(matches!(later.await, Err(AppendError::Stopped(_))));
        assert!(matches!(queue.push(batch()).await, Err(AppendError::Stopped(_))));
        assert!(queue.trouble().is_some());
        queue.close().await;
    }

    #[tokio::test]
    async fn a_group_is_bounded_and_a_large_batch_comes_alone() {
        let queue = Queue::new(usize::MAX);
        let large = || vec![Publication::new(Topic::new("a").unwrap(), vec![b'x'; GROUP_BYTES + 1])];
        let mut waiting = Vec::new();
        for batch in [batch(), large(), batch(), batch()] {
            waiting.push(queue.push(batch));
        }
        let sizes: Vec<_> = std::iter::from_fn(|| match queue.take(Instant::now(), nobody()) {
            Work::Group(group) => Some(group.len()),
            Work::Tick | Work::Close => None,
        })
        .collect();
        assert_eq!(sizes, [1, 1, 2]);
    }

    #[tokio::test]
    async fn company_is_waited_for_until_it_is_there_or_its_time_has_passed() {
        let queue = Arc::new(Queue::new(usize::MAX));
        let size = |work| match work {
            Work::Group(group) => group.len(),
            Work::Tick | Work::Close => 0,
        };
        let mut waiting = vec![queue.push(batch())];
        let soon = Company { expected: 2, until: Instant::now() + Duration::from_millis(5) };
        assert_eq!(size(queue.take(far(), soon)), 1, "it has not come in time");

        let writer = thread::spawn({
            let queue = queue.clone();
            move || size(queue.take(far(), Company { expected: 3, until: far() }))
        });
        waiting.extend((0..3).map(|_| queue.push(batch())));
        assert_eq!(writer.join().unwrap(), 3);

        waiting.push(queue.push(batch()));
        let end = queue.close();
        assert_eq!(size(queue.take(far(), Company { expected: 9, until: far() })), 1, "nobody else can come");
        queue.ended(false);
        end.await;
    }
}
