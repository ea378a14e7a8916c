//! HTTP/2 that keeps no rule: frames made by hand. A connection may be ended for it (GOAWAY), never the process.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::Watched;
use crate::support::BOUND;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How many frames a flood has.
const FLOOD: u32 = 20_000;

/// Types (RFC 9113, section 6) and flags.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET /events?topic=a`, or another path of fewer than 127 bytes, by HPACK without a table of its own.
fn get(path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    [&[0x82, 0x86, 0x04, length], path.as_bytes(), &[0x01, 9], b"localhost".as_slice()].concat()
}

fn request(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &get(path))
}

/// The ids of the streams that a client opens.
fn streams() -> impl Iterator<Item = u32> {
    (0..FLOOD).map(|n| 2 * n + 1)
}

fn flood(frames: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    frames.flatten().collect()
}

/// Sends what follows the preface, while what is answered is read, until the hub closes or has said all it has to say.
fn send(watched: &Watched, frames: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(watched.hub.address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| {
            let mut answer = Vec::new();
            // It ends in a reset where the hub gave up before it had read everything.
            (&stream).read_to_end(&mut answer).ok();
            answer
        });
        let begin = [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat();
        (&stream).write_all(&begin).and_then(|()| (&stream).write_all(frames)).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        read.join().unwrap()
    })
}

#[test]
fn frames_that_keep_no_rule_end_the_connection_at_most() {
    let mut watched = Watched::start();
    for (what, frames) in [
        ("data on no stream", frame(DATA, 0, 1, b"x")),
        ("headers on stream 0", frame(HEADERS, END_HEADERS, 0, &get("/livez"))),
        ("headers on a stream of the server", request(2, "/livez")),
        ("a stream twice", [request(3, "/livez"), request(3, "/livez")].concat()),
        ("a stream behind a later one", [request(5, "/livez"), request(1, "/livez")].concat()),
        ("a promise", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82])),
        ("a stream that waits for itself", frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 0])),
        ("settings of half a length", frame(SETTINGS, 0, 0, b"half")),
        ("a window of nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        (
            "a window that overflows",
            flood((0..3).map(|_| frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]))),
        ),
        ("a ping of another length", frame(PING, 0, 0, b"ping")),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, b"")),
        (
            "headers cut in two by another frame",
            [frame(HEADERS, 0, 1, &get("/livez")), frame(PING, 0, 0, &[0; 8])].concat(),
        ),
        ("no HPACK", frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 40])),
        ("a frame too long", [&[0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1][..], &[0; 1 << 20]].concat()),
        ("an unknown frame", frame(0xfa, 0xff, 0x7fff_ffff, b"?")),
        ("half a frame", request(1, "/livez")[..12].to_vec()),
        ("noise", (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
    ] {
        send(&watched, &frames);
        watched.is_unharmed(what);
    }
    watched.is_bounded();
}

#[test]
fn floods_of_frames_cost_little() {
    let mut watched = Watched::start();
    let continuations = std::iter::once(frame(HEADERS, END_STREAM, 1, &get("/livez")))
        .chain((0..FLOOD).map(|_| frame(CONTINUATION, 0, 1, &[0x00, 1, b'x', 1, b'y'].repeat(20))));
    for (what, frames) in [
        (
            "rapid reset",
            flood(streams().map(|id| {
                [request(id, "/events?topic=a"), frame(RST_STREAM, 0, id, &[0, 0, 0, 8])].concat()
            })),
        ),
        ("streams", flood(streams().map(|id| request(id, "/events?topic=a")))),
        ("continuations", flood(continuations)),
        ("settings", flood((0..FLOOD).map(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])))),
        ("pings", flood((0..FLOOD).map(|_| frame(PING, 0, 0, &[0; 8])))),
        (
            "empty data",
            [
                frame(HEADERS, END_HEADERS, 1, &get("/livez")),
                flood((0..FLOOD).map(|_| frame(DATA, 0, 1, b""))),
            ]
            .concat(),
        ),
        // Nothing that is answered may be sent: the window of each stream is zero.
        (
            "no window",
            [
                frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]),
                flood(streams().take(200).map(|id| request(id, "/metrics"))),
            ]
            .concat(),
        ),
    ] {
        send(&watched, &frames);
        watched.is_unharmed(what);
    }
    crate::support::wait_until("all streams are gone but the listener's", || {
        watched.hub.stats()["subscribers"] == 1
    });
    watched.is_bounded();
}
