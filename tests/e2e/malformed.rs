//! Requests that no honest client sends: smuggling, heads and bodies that are none, HTTP/2 that keeps no rule. After each of
//! them the same must hold: the process lives, a stream on another connection gets each event and nothing else, so that
//! nothing that was hidden in a request was carried out, and the memory is bounded.
//!
//! What is slow, and what is only too much, is in `limits.rs`.

mod http2;
mod nginx;
mod smuggling;
mod texts;

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::support::{BOUND, Hub, Listener};

/// What the hub may take at most, whatever it is sent.
const PEAK_MIB: u64 = 200;

/// A hub, and somebody who listens to everything on it.
struct Watched {
    hub: Hub,
    listener: Listener,
    events: u32,
}

impl Watched {
    fn start() -> Self {
        // So that connections end soon on which nothing more comes.
        let hub = Hub::configured("[limits]\nhead_time = '1s'\nbody_time = '1s'");
        let listener = hub.listen("pattern=*");
        Self { hub, listener, events: 0 }
    }

    /// Sends bytes, and reads to the end of the connection.
    fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        send(self.hub.address, bytes)
    }

    /// Nobody has noticed anything: the next event that the listener gets is one that is published now.
    fn is_unharmed(&mut self, after: &str) {
        self.events += 1;
        let data = format!("healthy {}", self.events);
        self.hub.publish("healthy", &data);
        assert_eq!(self.listener.event().data, data, "after {after:?}");
    }

    fn is_bounded(&self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.hub.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak = peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10;
        assert!(peak < PEAK_MIB, "{peak} MiB");
    }
}

/// Sends bytes, and reads to the end of the connection. It is not closed for writing: a request is given up whose client is
/// gone.
fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    // Who is refused may be cut off before all is sent.
    stream.write_all(bytes.as_ref()).ok();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the connection stays open"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of the answers, one behind the other.
fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.split("HTTP/1.").skip(1);
    lines.filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect()
}
