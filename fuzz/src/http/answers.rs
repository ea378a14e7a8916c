//! What a server may answer to any bytes: whole HTTP/1.1 heads, or whole HTTP/2 frames, or nothing.

use std::{
    io::{self, Read},
    net::TcpStream,
};

/// What an HTTP/2 client begins with (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest frame that a client has to take (RFC 9113, section 4.2).
const MAX_FRAME: usize = 16 << 10;
const STREAM: &[u8] = b"text/event-stream";
const FRAME_HEAD: usize = 9;
const MAX_HEADERS: usize = 64;

/// Panics if this cannot be the answer of an HTTP server.
pub(super) fn check(sent: &[u8], answer: &[u8]) {
    if answer.is_empty() {
        return;
    }
    if sent.starts_with(PREFACE) {
        return frames(answer);
    }
    let (status, length) =
        head(answer).unwrap_or_else(|| panic!("no HTTP: {:?}", String::from_utf8_lossy(answer)));
    assert!((200..600).contains(&status), "{status}");
    // The answer to HEAD has a length and no body.
    if let Some(length) = length
        && !sent.windows(4).any(|window| window == b"HEAD")
    {
        let behind = head_length(answer) + length;
        assert!(behind <= answer.len(), "{} bytes of {behind}", answer.len());
        if behind < answer.len() {
            assert!(
                answer[behind..].starts_with(b"HTTP/1."),
                "{:?}",
                String::from_utf8_lossy(&answer[behind..])
            );
        }
    }
}

/// Whether one of the answers is a stream of events, which does not end.
pub(super) fn is_stream(answer: &[u8]) -> bool {
    answer.windows(STREAM.len()).any(|window| window == STREAM)
}

/// Whether a connection on which nothing is to come is still open.
pub(super) fn is_open(stream: &TcpStream) -> bool {
    let look = || {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    look().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn frames(mut rest: &[u8]) {
    while !rest.is_empty() {
        assert!(rest.len() >= FRAME_HEAD, "half a frame: {rest:?}");
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        assert!(length <= MAX_FRAME, "a frame of {length} bytes");
        let whole = FRAME_HEAD + length;
        assert!(rest.len() >= whole, "{} bytes of a frame of {whole}", rest.len());
        rest = &rest[whole..];
    }
}

/// Status and length of an answer, if its whole head is there.
fn head(answer: &[u8]) -> Option<(u16, Option<usize>)> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(answer).ok()?.is_complete().then_some(())?;
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    Some((response.code?, length))
}

fn head_length(answer: &[u8]) -> usize {
    answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4)
}

/// Reads one answer that has a length.
pub(super) fn read(stream: &mut TcpStream) -> io::Result<(u16, String)> {
    let mut answer = Vec::new();
    let mut part = [0; 2048];
    loop {
        if let Some((status, length)) = head(&answer) {
            let begin = head_length(&answer);
            if let Some(body) = answer.get(begin..begin + length.unwrap_or_default()) {
                return Ok((status, String::from_utf8_lossy(body).into_owned()));
            }
        }
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => answer.extend_from_slice(&part[..read]),
        }
    }
}
