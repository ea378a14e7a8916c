//! A real Redis server, and a client small enough to be trusted.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use super::BOUND;

/// A server on a port of its own, killed when this is dropped.
pub(crate) struct Redis {
    pub(crate) port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// A server with these further arguments, not started yet.
    pub(crate) fn prepared(arguments: &[&str]) -> Self {
        Self {
            port: free_port(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            child: None,
        }
    }

    pub(crate) fn start() -> Self {
        let mut server = Self::prepared(&[]);
        server.launch();
        server
    }

    /// Starts the server, again or for the first time, and waits until it answers.
    pub(crate) fn launch(&mut self) {
        let child = Command::new("redis-server")
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("these tests need a real Redis: install it with `apt-get install redis-server`");
        self.child = Some(child);
        let deadline = Instant::now() + BOUND;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends the server's process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().unwrap().id();
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), signal).unwrap();
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        Client(BufReader::new(stream))
    }
}

/// The port is free now; that another process takes it before the server does is possible and very unlikely.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Sends commands in one go and returns their answers: numbers, texts, or the lines of an array.
    pub(crate) fn pipeline(&mut self, commands: &[Vec<&[u8]>]) -> Vec<String> {
        let mut bytes = Vec::new();
        for command in commands {
            write!(bytes, "*{}\r\n", command.len()).unwrap();
            for argument in command {
                write!(bytes, "${}\r\n", argument.len()).unwrap();
                bytes.extend_from_slice(argument);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.0.get_mut().write_all(&bytes).unwrap();
        commands.iter().map(|_| self.answer()).collect()
    }

    pub(crate) fn command(&mut self, command: &[&[u8]]) -> String {
        self.pipeline(&[command.to_vec()]).remove(0)
    }

    /// Publishes, and answers how many subscriptions the message was sent to.
    pub(crate) fn publish(&mut self, channel: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> u64 {
        self.command(&[b"PUBLISH", channel.as_ref(), data.as_ref()]).parse().unwrap()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "$" if rest == "-1" => String::new(),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.0.read_exact(&mut text).unwrap();
                String::from_utf8_lossy(&text[..text.len() - 2]).into_owned()
            }
            "*" => {
                let count = rest.parse().unwrap();
                (0..count).map(|_| self.answer()).collect::<Vec<_>>().join("\n")
            }
            "-" => panic!("Redis answers {rest}"),
            _ => rest.to_owned(),
        }
    }
}
