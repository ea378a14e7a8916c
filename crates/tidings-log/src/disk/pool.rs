//! A few threads that read files for callers who must not wait.

use std::{
    fmt, io,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use tidings_hub::{BoxFuture, ReadError};
use tokio::sync::oneshot;

use crate::sync::lock;

type Job = Box<dyn FnOnce() + Send>;

/// The threads; they end when this is dropped and the jobs are done.
pub(crate) struct Pool {
    jobs: mpsc::Sender<Job>,
}

impl Pool {
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads {
            let queue = queue.clone();
            thread::Builder::new().name(format!("tidings-read-{number}")).spawn(move || {
                loop {
                    // The lock is held while waiting: the next idle thread waits for the lock instead.
                    let job = lock(&queue).recv();
                    match job {
                        Ok(job) => job(),
                        Err(mpsc::RecvError) => break,
                    }
                }
            })?;
        }
        Ok(Self { jobs })
    }

    /// Does the job on one of the threads, unless nobody waits for it any more when its turn comes.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> BoxFuture<Result<T, ReadError>> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            if !answer.is_closed() {
                answer.send(job()).ok();
            }
        });
        let ended = || ReadError("its reader has ended unexpectedly; restart the program".into());
        if self.jobs.send(job).is_err() {
            return Box::pin(async move { Err(ended()) });
        }
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(ended())) })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
