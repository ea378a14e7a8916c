//! Whoever reads what the program prints may go away, or stand still.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Stdio},
    time::Duration,
};

use crate::support::{Program, nobody};

/// The end of a pipe that nobody reads any more.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A program that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_summary_that_nobody_reads_does_not_change_the_exit_code() {
    let program = Program::new();
    let status = program.command(&["check-config"]).stdout(unread()).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let url = format!("http://{}", nobody());
    let program = Program::new();
    let status = program.command(&["publish", "--url", &url, "x"]).stderr(unread()).status().unwrap();
    assert_eq!(status.code(), Some(69));
}

/// Starts a hub with this standard error, and begins so many subscriptions.
fn subscribe_to_a_hub(stderr: Stdio, subscriptions: usize) {
    let program = Program::new();
    let mut hub =
        Running(program.command(&["serve", "--listen", "127.0.0.1:0"]).stderr(stderr).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(hub.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();

    // Each subscription is two lines of the log, written by whichever thread has it.
    let topic = "x".repeat(1000);
    for _ in 0..subscriptions {
        let mut stream = TcpStream::connect(address).unwrap();
        // A bound on a hub that hangs, not an expectation.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "GET /events?topic={topic} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
    }
    assert!(hub.0.try_wait().unwrap().is_none(), "the hub has ended");
}

#[test]
fn a_hub_whose_logs_nobody_reads_serves_on() {
    subscribe_to_a_hub(unread(), 3);
}

#[test]
fn a_hub_whose_logs_are_not_read_on_serves_on() {
    let (reader, writer) = std::io::pipe().unwrap();
    // More than the 64 KiB that a pipe holds.
    subscribe_to_a_hub(writer.into(), 200);
    drop(reader);
}
