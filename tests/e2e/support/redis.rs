//! A real Redis server, on a port of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{BOUND, wait_until};

/// A server, killed when this is dropped.
pub(crate) struct Redis {
    pub(crate) port: u16,
    child: Option<Child>,
    /// Where it keeps what it has, if it does.
    directory: Option<TempDir>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_in(None)
    }

    /// One that keeps what it was told, each command before it answers.
    pub(crate) fn start_keeping() -> Self {
        Self::start_in(Some(tempfile::tempdir().unwrap()))
    }

    fn start_in(directory: Option<TempDir>) -> Self {
        // Free now; that another program takes it before the server does is possible and very unlikely.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { port, child: None, directory };
        server.launch();
        server
    }

    /// Starts it, for the first time or again, and waits until it answers.
    pub(crate) fn launch(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", ""]);
        match &self.directory {
            Some(directory) => command
                .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
                .arg(directory.path()),
            None => command.args(["--appendonly", "no"]),
        };
        let child = command.stdout(Stdio::null()).spawn();
        self.child =
            Some(child.expect("a real Redis is needed: install it with `apt-get install redis-server`"));
        wait_until("redis-server answers", || self.try_command(&["PING"]).is_some());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().unwrap().id();
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a command, which must be obeyed.
    pub(crate) fn command(&self, command: &[&str]) {
        let answer = self.try_command(command).expect("Redis answers");
        assert!(!answer.starts_with('-'), "Redis answers {answer} to {command:?}");
    }

    /// Publishes once somebody is subscribed to the channel.
    pub(crate) fn publish(&self, channel: &str, data: &str) {
        wait_until("Redis has the subscription", || {
            self.try_command(&["PUBLISH", channel, data]).is_some_and(|answer| answer != ":0")
        });
    }

    /// Sends a command and answers the first line of what Redis says.
    pub(crate) fn try_command(&self, command: &[&str]) -> Option<String> {
        Self::ask(self.port, command)
    }

    /// The same of the server on this port, which may be gone.
    pub(crate) fn ask(port: u16, command: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(BOUND)).ok()?;
        let mut bytes = format!("*{}\r\n", command.len());
        for argument in command {
            bytes += &format!("${}\r\n{argument}\r\n", argument.len());
        }
        stream.write_all(bytes.as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        (!line.is_empty()).then(|| line.trim_end().to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
