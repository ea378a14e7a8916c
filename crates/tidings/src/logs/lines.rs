//! Lines on their way to standard error. Whoever writes one goes on at once: a collector of logs that stands still, or
//! a terminal whose output somebody has stopped, must not stop the hub's threads, which never wait for anybody.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The most bytes that wait; lines beyond are dropped, and counted.
const MAX_BYTES: usize = 1 << 20;
/// How long anybody waits for what is not written yet, who has a reason to: the program's end, say.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes lines and has them written, all that wait at once, by a thread that lives as long as the program.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines that were dropped since the last ones were taken.
    dropped: u64,
    /// What was taken is being written.
    writing: bool,
}

impl Lines {
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self(Arc::default());
        let shared = lines.0.clone();
        thread::Builder::new().name("tidings-logs".into()).spawn(move || shared.write_to(out))?;
        Ok(lines)
    }

    /// Waits until everything is written, for [`PATIENCE`] at most.
    pub(super) fn wait_until_written(&self) {
        let unwritten = |waiting: &mut Waiting| waiting.writing || !waiting.bytes.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), PATIENCE, unwritten);
        drop(waited);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic runs under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut out: impl Write) {
        loop {
            let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty();
            let waiting = self.changed.wait_while(self.lock(), nothing);
            let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let (bytes, dropped) = (mem::take(&mut waiting.bytes), mem::take(&mut waiting.dropped));
            waiting.writing = true;
            drop(waiting);
            // When nobody reads any more, there is nobody to tell either.
            out.write_all(&bytes).and_then(|()| out.flush()).ok();
            if dropped > 0 {
                tracing::warn!(
                    lines = dropped,
                    "log lines were dropped: standard error was not read for a while"
                );
            }
            self.lock().writing = false;
            self.changed.notify_all();
        }
    }
}

/// Each call is one line. It never waits and never fails.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.is_empty() || waiting.bytes.len() + line.len() <= MAX_BYTES {
            waiting.bytes.extend_from_slice(line);
        } else {
            waiting.dropped += 1;
        }
        drop(waiting);
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    /// Hands on what is written, and waits for leave before it takes it.
    struct Slow {
        leave: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.leave.recv().map_err(io::Error::other)?;
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_writes_never_waits_and_what_waits_is_bounded() {
        let ((leave, may), (written, result)) = (mpsc::channel(), mpsc::channel());
        let mut lines = Lines::to(Slow { leave: may, written }).unwrap();
        let line = [b'x'; 1000];
        lines.write_all(&line).unwrap();
        // It has been taken, and is being written as long as there is no leave.
        let begun = Instant::now();
        while !lines.0.lock().bytes.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nobody takes the lines");
        }
        for _ in 0..3 * MAX_BYTES / line.len() {
            lines.write_all(&line).unwrap();
        }
        let waiting = lines.0.lock();
        assert!(waiting.bytes.len() <= MAX_BYTES);
        assert!(waiting.dropped > 0);
        drop(waiting);
        // With leave, all that was not dropped is written. The time is a bound, not an expectation.
        (0..9).for_each(|_| leave.send(()).unwrap());
        let mut written = 0;
        while written < line.len() + MAX_BYTES / line.len() * line.len() {
            written += result.recv_timeout(Duration::from_secs(60)).unwrap().len();
        }
    }
}
