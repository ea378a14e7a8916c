//! All subscribers of a run, as one: in a thread of this process, or spread over worker processes.

mod group;
mod worker;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use mio::Waker;

use crate::{
    check::Sent,
    error::Error,
    limits,
    protocol::{Note, Order, Outcome, Plan, Progress},
};
use group::Group;
pub(crate) use worker::work;

/// How this program is told to be a worker.
const WORKER: [&str; 2] = ["bench", "worker"];
/// How often whoever watches is told how far things are, also when nothing happens.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// All subscribers of a run.
pub(crate) struct Crew {
    members: Vec<Member>,
    notes: Receiver<(usize, Note)>,
    progress: Vec<Progress>,
}

/// A group of subscribers.
enum Member {
    Thread { orders: Sender<Order>, waker: Option<Waker> },
    Process { child: Child, stdin: ChildStdin },
}

impl Crew {
    /// The subscribers of a plan: in this process if `processes` is 1, in as many workers otherwise.
    pub(crate) fn start(plan: Plan, processes: usize) -> Result<Self, Error> {
        let (sender, notes) = channel();
        let share = plan.count.div_ceil(processes.max(1)).max(1);
        limits::make_room(share)?;
        let mut members = Vec::new();
        if processes <= 1 {
            members.push(Member::thread(plan, sender)?);
        } else {
            for first in (0..plan.count).step_by(share) {
                let count = share.min(plan.count - first);
                let plan = Plan { first: plan.first + first, count, ..plan.clone() };
                members.push(Member::process(members.len(), &plan, sender.clone())?);
            }
        }
        let progress = vec![Progress::default(); members.len()];
        Ok(Self { members, notes, progress })
    }

    /// Subscribes all, and waits until all are subscribed, or will not be.
    pub(crate) fn connect(&mut self, watch: impl FnMut(Progress)) -> Result<(), Error> {
        self.order(&Order::Connect)?;
        self.wait(|note| matches!(note, Note::Held).then_some(()), watch)?;
        Ok(())
    }

    /// Lets all subscribe, and does not wait.
    pub(crate) fn begin_to_connect(&mut self) -> Result<(), Error> {
        self.order(&Order::Connect)
    }

    /// Closes all connections, and answers how many have no id to resume from.
    pub(crate) fn disconnect(&mut self) -> Result<usize, Error> {
        self.order(&Order::Disconnect)?;
        let answer = |note: Note| match note {
            Note::Disconnected { without_cursor } => Some(without_cursor),
            _ => None,
        };
        Ok(self.wait(answer, |_| {})?.into_iter().sum())
    }

    /// Waits until everything that was sent has come to everybody who is connected, and answers whether it has.
    pub(crate) fn await_all(&mut self, sent: &Sent, watch: impl FnMut(Progress)) -> Result<bool, Error> {
        self.order(&Order::Await(sent.clone()))?;
        let answer = |note: Note| match note {
            Note::Delivered { is_complete } => Some(is_complete),
            _ => None,
        };
        Ok(self.wait(answer, watch)?.into_iter().all(|is_complete| is_complete))
    }

    /// Watches until `is_over`.
    pub(crate) fn watch(
        &mut self,
        mut is_over: impl FnMut() -> bool,
        mut watch: impl FnMut(Progress),
    ) -> Result<(), Error> {
        while !is_over() {
            self.hear()?;
            watch(self.progress());
        }
        Ok(())
    }

    /// Lets all go, and answers what they have found.
    pub(crate) fn stop(mut self) -> Result<Outcome, Error> {
        self.order(&Order::Stop)?;
        let answer = |note: Note| match note {
            Note::Outcome(outcome) => Some(*outcome),
            _ => None,
        };
        let mut whole = Outcome::default();
        for outcome in self.wait(answer, |_| {})? {
            whole.merge(outcome);
        }
        Ok(whole)
    }

    /// How far they were when they told last.
    pub(crate) fn progress(&self) -> Progress {
        let mut whole = Progress::default();
        self.progress.iter().for_each(|part| whole += *part);
        whole
    }

    fn order(&mut self, order: &Order) -> Result<(), Error> {
        self.members.iter_mut().try_for_each(|member| member.order(order))
    }

    /// Waits until each member has given an answer.
    fn wait<T>(
        &mut self,
        answer: impl Fn(Note) -> Option<T>,
        mut watch: impl FnMut(Progress),
    ) -> Result<Vec<T>, Error> {
        let mut answers = Vec::new();
        while answers.len() < self.members.len() {
            if let Some(note) = self.hear()? {
                answers.extend(answer(note));
            }
            watch(self.progress());
        }
        Ok(answers)
    }

    /// The next note that is not about progress, if one comes soon.
    fn hear(&mut self) -> Result<Option<Note>, Error> {
        loop {
            match self.notes.recv_timeout(WATCH_EVERY) {
                Ok((member, Note::Progress(progress))) => self.progress[member] = progress,
                Ok((_, Note::Failed(reason))) => return Err(Error::Worker(reason)),
                Ok((_, note)) => return Ok(Some(note)),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Worker("it ended before its time".to_owned()));
                }
            }
        }
    }
}

impl Member {
    fn thread(plan: Plan, notes: Sender<(usize, Note)>) -> Result<Self, Error> {
        let (orders, received) = channel();
        let (ready, made) = channel();
        thread::spawn(move || {
            // Made here, for not all that it has may go from thread to thread.
            let group = match Group::new(plan) {
                Ok((group, waker)) => {
                    ready.send(Ok(waker)).unwrap_or_default();
                    group
                }
                Err(error) => return ready.send(Err(error)).unwrap_or_default(),
            };
            // Nobody listens only when the run has been given up.
            let tell = |note| notes.send((0, note)).unwrap_or_default();
            if let Err(error) = group.run(&received, tell) {
                tell(Note::Failed(error.to_string()));
            }
        });
        let waker = made.recv().map_err(|_| Error::Worker("it ended before its time".to_owned()))??;
        Ok(Self::Thread { orders, waker })
    }

    fn process(number: usize, plan: &Plan, notes: Sender<(usize, Note)>) -> Result<Self, Error> {
        let failed = Error::system("a worker cannot be started");
        let start = || {
            let mut command = Command::new(std::env::current_exe()?);
            let mut child = command.args(WORKER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let pipes = child.stdin.take().zip(child.stdout.take());
            let (mut stdin, stdout) = pipes.ok_or_else(|| std::io::Error::other("it has no pipes"))?;
            put_line(&mut stdin, plan)?;
            Ok((child, stdin, stdout))
        };
        let (child, stdin, stdout) = start().map_err(failed)?;
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let note = line.map_err(|error| error.to_string());
                let note =
                    note.and_then(|line| serde_json::from_str(&line).map_err(|error| error.to_string()));
                let is_last = matches!(note, Ok(Note::Outcome(_)) | Err(_));
                if notes.send((number, note.unwrap_or_else(Note::Failed))).is_err() || is_last {
                    return;
                }
            }
            notes.send((number, Note::Failed("it ended before its time".to_owned()))).unwrap_or_default();
        });
        Ok(Self::Process { child, stdin })
    }

    fn order(&mut self, order: &Order) -> Result<(), Error> {
        match self {
            Self::Thread { orders, waker } => {
                orders.send(order.clone()).map_err(|_| Error::Worker("it has ended".to_owned()))?;
                waker
                    .as_ref()
                    .map_or(Ok(()), Waker::wake)
                    .map_err(Error::system("the subscribers cannot be woken"))
            }
            Self::Process { stdin, .. } => {
                put_line(stdin, order).map_err(Error::system("a worker does not listen"))
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Self::Process { child, .. } = self {
            // One that has done its work has ended or is about to; one that has not is not wanted any more.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn put_line(out: &mut impl std::io::Write, value: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}
