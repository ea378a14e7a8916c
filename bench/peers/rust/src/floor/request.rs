//! The two requests that a floor knows, and its answers.

use httparse::{EMPTY_HEADER, Status};

/// What was asked for. A topic is taken as it stands in the URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Subscribe { topic: &'a [u8] },
    Publish { topic: &'a [u8], data: &'a [u8] },
}

/// Not one of the two requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// The head of a stream that ends with its connection, and a comment: the hub sends both at once, too.
pub(super) const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n:\n";

/// In place of the hub's, and as long.
const EPOCH: &str = "0000000000000";

const HEADERS: usize = 64;

/// The first request in `input` and its length in bytes, once it is there whole.
pub(super) fn parse(input: &[u8]) -> Result<Option<(Request<'_>, usize)>, Invalid> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let Status::Complete(head_length) = head.parse(input).map_err(|_| Invalid)? else { return Ok(None) };
    let body_length = content_length(head.headers)?;
    let Some(body) = input.get(head_length..head_length.saturating_add(body_length)) else { return Ok(None) };
    let request = match (head.method, head.path) {
        (Some("GET"), Some(path)) => {
            Request::Subscribe { topic: path.strip_prefix("/events?topic=").ok_or(Invalid)?.as_bytes() }
        }
        (Some("POST"), Some(path)) => {
            Request::Publish { topic: path.strip_prefix("/topics/").ok_or(Invalid)?.as_bytes(), data: body }
        }
        _ => return Err(Invalid),
    };
    Ok(Some((request, head_length + body_length)))
}

fn content_length(headers: &[httparse::Header<'_>]) -> Result<usize, Invalid> {
    let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"))
    else {
        return Ok(0);
    };
    std::str::from_utf8(header.value).ok().and_then(|text| text.parse().ok()).ok_or(Invalid)
}

/// An event as the hub would write it, so that every server moves the same number of bytes.
pub(super) fn encode_event(offset: u64, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(EPOCH.as_bytes());
    out.extend_from_slice(b"-");
    out.extend_from_slice(offset.to_string().as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

/// The answer to a publisher, as the hub's.
pub(super) fn published(offset: u64) -> Vec<u8> {
    let body = format!(r#"{{"id":"{EPOCH}-{offset}","epoch":"{EPOCH}","offset":{offset}}}"#);
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_one_after_the_other_once_they_are_whole() {
        let publish = b"POST /topics/news HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\n\r\nhello";
        for length in 0..publish.len() {
            assert_eq!(parse(&publish[..length]), Ok(None), "{length} bytes");
        }
        let pipelined = [&publish[..], b"GET /events?topic=news HTTP/1.1\r\n\r\n"].concat();
        let published = Request::Publish { topic: b"news", data: b"hello" };
        assert_eq!(parse(&pipelined), Ok(Some((published, publish.len()))));
        let rest = &pipelined[publish.len()..];
        assert_eq!(parse(rest), Ok(Some((Request::Subscribe { topic: b"news" }, rest.len()))));
    }

    #[test]
    fn anything_else_is_refused() {
        for input in ["GET / HTTP/1.1\r\n\r\n", "PUT /topics/a HTTP/1.1\r\n\r\n", "\0\r\n\r\n"] {
            assert_eq!(parse(input.as_bytes()), Err(Invalid), "{input:?}");
        }
    }
}
