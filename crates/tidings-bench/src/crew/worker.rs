//! A worker: subscribers in a process of their own, which is told what to do on standard input, tells what happens on
//! standard output, and ends with whoever has started it.

use std::{
    io::{self, BufRead as _},
    sync::mpsc::channel,
    thread,
};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::{group::Group, put_line};
use crate::{
    clock,
    error::Error,
    limits,
    protocol::{Note, Order, Plan},
};

/// Is a worker, until its work is done.
///
/// # Errors
/// When standard input or output fails. What goes wrong with the work is told on standard output.
pub(crate) fn work() -> Result<(), Error> {
    let failed = || Error::system("a worker cannot speak to the program that started it");
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| failed()(error.into()))?;
    let mut plan = String::new();
    io::stdin().read_line(&mut plan).map_err(failed())?;
    let plan: Plan = serde_json::from_str(&plan).map_err(|error| failed()(error.into()))?;
    let tell = |note: &Note| put_line(&mut io::stdout().lock(), note);
    match subscribers(plan) {
        Ok(()) => Ok(()),
        Err(error) => tell(&Note::Failed(error.to_string())).map_err(failed()),
    }
}

fn subscribers(plan: Plan) -> Result<(), Error> {
    limits::make_room(plan.count)?;
    let (group, waker) = Group::new(plan)?;
    let (sender, orders) = channel();
    thread::spawn(move || {
        let wake = || waker.as_ref().map_or(Ok(()), mio::Waker::wake);
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        let orders = lines.map_while(|line| serde_json::from_str::<Order>(&line).ok());
        for order in orders {
            if sender.send(order).is_err() || wake().is_err() {
                return;
            }
        }
        // No more orders: dropping the sender says so.
        drop(sender);
        wake().ok();
    });
    let tell = |mut note: Note| {
        if let Note::Outcome(outcome) = &mut note {
            outcome.cpu = clock::own_cpu();
        }
        // Should nobody read it, standard input has ended as well.
        put_line(&mut io::stdout().lock(), &note).ok();
    };
    group.run(&orders, tell).map_err(Error::system("the subscribers cannot go on"))
}
