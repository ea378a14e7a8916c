//! The PROXY protocol, from real HAProxy and byte by byte.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
};

use super::support::Serving;
use crate::support::{BOUND, Connection, Running, wait_until};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const LIMITED: &str = "listen = ['127.0.0.1:0']\n[admin]\nlisten = ['unix:DIR/admin.sock']\n[proxies]\nprotocol = true\n\
     [limits]\nconnections_per_address = 2\nhead_time = '2s'\n";

/// A header for a client with this address.
fn header(client: [u8; 4], more: &[u8]) -> Vec<u8> {
    let length = u16::try_from(12 + more.len()).unwrap().to_be_bytes();
    let addresses = [&client[..], &[127, 0, 0, 1, 0x12, 0x34, 0, 80]].concat();
    [SIGNATURE, &[0x21, 0x11], &length, &addresses, more].concat()
}

/// What is answered to these bytes until the connection is closed.
fn answer(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A connection that is closed with something unread is reset.
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

#[test]
fn connections_count_for_the_client_that_the_header_names() {
    let mut hub = Serving::start(LIMITED);
    let address = hub.address();
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut connection = Connection::open(address, BOUND).unwrap();
            connection.send(header([192, 0, 2, 1], b"")).unwrap();
            assert_eq!(connection.request("GET", "/livez", &[], b"").unwrap().status(), 200);
            connection
        })
        .collect();
    let stream = |client, more: &[u8]| {
        let request = b"GET /events?topic=a HTTP/1.1\r\nhost: localhost\r\n\r\n";
        answer(address, &[&header(client, more), &request[..]].concat())
    };
    // One more is told to come back, and somebody else is not.
    assert!(stream([192, 0, 2, 1], b"").contains("retry:"));
    let live = [&header([192, 0, 2, 2], &[0x04, 0, 1, 0]), REQUEST].concat();
    assert!(answer(address, &live).starts_with("HTTP/1.1 200"));
    drop(held);
}

#[test]
fn what_does_not_begin_with_a_header_is_closed() {
    let mut hub = Serving::start(LIMITED);
    let address = hub.address();
    let local = [SIGNATURE, &[0x20, 0, 0, 0], REQUEST].concat();
    assert!(answer(address, &local).starts_with("HTTP/1.1 200"));
    assert_eq!(answer(address, REQUEST), "");
    let unknown = [SIGNATURE, &[0x21, 0x12, 0, 0], REQUEST].concat();
    assert_eq!(answer(address, &unknown), "");
    // A part of one, and silence: closed when the time of a head is over.
    assert_eq!(answer(address, &header([192, 0, 2, 1], b"")[..20]), "");
    assert_eq!(answer(address, b""), "");
}

#[test]
fn haproxy_speaks_for_its_clients() {
    let mut hub =
        Serving::start("listen = ['127.0.0.1:0']\n[proxies]\nprotocol = true\n[logs]\nlevel = 'debug'\n");
    let back = hub.address();
    let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configuration = format!(
        "defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n\
         listen hub\n bind {front}\n server hub {back} send-proxy-v2 check check-send-proxy inter 100\n"
    );
    fs::write(hub.path("haproxy.cfg"), configuration).unwrap();
    let mut haproxy = Command::new("haproxy");
    haproxy.arg("-db").arg("-f").arg(hub.path("haproxy.cfg")).stdout(Stdio::null()).stderr(Stdio::null());
    let _haproxy = Running(haproxy.spawn().unwrap());
    wait_until("HAProxy passes requests on", || {
        let connection = Connection::open(front, BOUND);
        connection.is_ok_and(|mut connection| {
            connection.request("GET", "/livez", &[], b"").is_ok_and(|response| response.status() == 200)
        })
    });
    // Its checks, which begin with LOCAL, go on all the time.
    assert!(!hub.stderr().contains("PROXY protocol header"), "{}", hub.stderr());
}
