//! `kind = "command"`: a program whose output lines are events.

use std::{
    convert::Infallible,
    fmt, io,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process_group};
use tidings_hub::Topic;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::{
    backoff::Backoff,
    events,
    form::{Form, Input},
    lines::{Line, Lines},
    running::Context,
};

/// How long a program may take to end after SIGTERM, or after it has closed its output.
const GRACE: Duration = Duration::from_secs(1);
/// The longest line of standard error that is logged; of a longer one, nothing is.
const MAX_LOG_LINE: usize = 8 << 10;
/// How much is read at once.
const READ: usize = 16 << 10;

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) topic: Topic,
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) max_line: usize,
    pub(crate) form: Form,
}

/// Why the program does not run.
#[derive(Debug)]
enum Ended {
    NotStarted(io::Error),
    Exited(ExitStatus),
    /// It closed its standard output, did not end by itself and had to be killed.
    Closed,
    Lost(io::Error),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "the program cannot be started: {error}"),
            Self::Exited(status) => write!(f, "the program has ended ({status}) and is started again"),
            Self::Closed => {
                f.write_str("the program closed its standard output without ending; it is started again")
            }
            Self::Lost(error) => write!(f, "the program's output cannot be read: {error}"),
        }
    }
}

/// A running program and all that it has started, killed when this is dropped.
#[derive(Debug)]
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn start(plan: &Plan) -> io::Result<Self> {
        let child = Command::new(&plan.program)
            .args(&plan.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, named by the child's process id, so that what a shell starts ends with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        Ok(Self { child, id })
    }

    /// Sends a signal to every process of the group. That there may be none left is no error.
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            kill_process_group(id, signal).ok();
        }
    }

    /// Waits for the program to end. Cancel safe.
    async fn wait(&mut self) -> Result<ExitStatus, Ended> {
        self.child.wait().await.map_err(Ended::Lost)
    }

    /// Its output is at an end: so should be the program.
    async fn end(mut self) -> Ended {
        match timeout(GRACE, self.wait()).await {
            Ok(ended) => {
                // It ended by itself. What it left behind on purpose is not ours to kill, and the id may be another's.
                self.id = None;
                ended.map_or_else(|error| error, Ended::Exited)
            }
            Err(_) => Ended::Closed,
        }
    }

    async fn stop(mut self) {
        self.signal(Signal::TERM);
        timeout(GRACE, self.wait()).await.ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Runs the program again and again, until told to stop.
pub(crate) async fn run(plan: Plan, context: &Context) {
    let mut backoff = Backoff::new();
    loop {
        let started = Instant::now();
        let Some(ended) = run_once(&plan, context).await else { return };
        if started.elapsed() >= Backoff::RECOVERED {
            backoff.reset();
        }
        let pause = backoff.next();
        events::failed(&context.source, &ended, pause);
        tokio::select! {
            () = sleep(pause) => {}
            () = context.stopped() => return,
        }
    }
}

/// Runs the program once. Answers `None` when told to stop.
async fn run_once(plan: &Plan, context: &Context) -> Option<Ended> {
    let mut group = match Group::start(plan) {
        Ok(group) => group,
        Err(error) => return Some(Ended::NotStarted(error)),
    };
    let output = LineReader::new(group.child.stdout.take(), plan.max_line);
    let mut errors = LineReader::new(group.child.stderr.take(), MAX_LOG_LINE);
    events::works(&context.source);
    let reading = async {
        let read = tokio::select! {
            read = publish(plan, output, context) => read,
            never = log_for_ever(&mut errors, context) => match never {},
        };
        // Its last words may say why it ended.
        timeout(GRACE, log(&mut errors, context)).await.ok();
        read
    };
    tokio::select! {
        read = reading => Some(match read {
            Ok(()) => group.end().await,
            Err(error) => Ended::Lost(error),
        }),
        () = context.stopped() => {
            group.stop().await;
            None
        }
    }
}

/// Publishes every line until the output ends.
async fn publish(plan: &Plan, mut output: LineReader<ChildStdout>, context: &Context) -> io::Result<()> {
    while let Some(line) = output.next().await? {
        let Line::Whole(line) = line else {
            events::line_too_long(&context.source, plan.max_line);
            continue;
        };
        let input = Input { data: &line, channel: "", now: Timestamp::now() };
        let publication = plan.form.make(plan.topic.clone(), input, &context.source);
        context.outbox.push(publication, &context.source).await;
    }
    Ok(())
}

/// Logs every line of standard error until it ends. Cancel safe.
async fn log(errors: &mut LineReader<ChildStderr>, context: &Context) {
    while let Ok(Some(line)) = errors.next().await {
        match line {
            Line::Whole(line) => events::complained(&context.source, &String::from_utf8_lossy(&line)),
            Line::TooLong => events::complained(&context.source, "(a line that is too long for the log)"),
        }
    }
}

/// Logs standard error; that it ends, or cannot be read, is no reason to stop the program.
async fn log_for_ever(errors: &mut LineReader<ChildStderr>, context: &Context) -> Infallible {
    log(errors, context).await;
    std::future::pending().await
}

/// Lines of a pipe.
struct LineReader<R> {
    /// None once it has ended.
    input: Option<R>,
    lines: Lines,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    fn new(input: Option<R>, max: usize) -> Self {
        Self { input, lines: Lines::new(max) }
    }

    /// The next line, or `None` at the end. Cancel safe.
    async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            let Some(input) = &mut self.input else { return Ok(self.lines.finish()) };
            self.lines.space().reserve(READ);
            if input.read_buf(self.lines.space()).await? == 0 {
                self.input = None;
            }
        }
    }
}
