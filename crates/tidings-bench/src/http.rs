//! As much of HTTP/1.1 as a client needs that reads answers in pieces: heads, and where bodies end.

mod answer;
mod chunked;

use thiserror::Error;

pub(crate) use answer::Answer;
use chunked::Chunked;

/// The longest head that is read.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// Header fields in one head; more is an error.
const MAX_FIELDS: usize = 100;

/// Why an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Malformed {
    /// Not a head.
    #[error("the answer is not HTTP/1.1: is this the address of an HTTP server without TLS?")]
    Head,
    /// No end in sight.
    #[error("the answer's head is longer than 64 KiB")]
    LongHead,
    /// A chunk's length or end is wrong.
    #[error("the answer's chunked encoding is broken")]
    Chunk,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// Whether the connection can take another request after this answer.
    pub(crate) keeps_alive: bool,
}

/// How a body is delimited (RFC 9112, section 6), and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked(Chunked),
    ToTheEnd,
}

impl Head {
    /// Reads the final head at the beginning of `bytes`, and how long it is; `None` while it is not all there. Interim
    /// answers (1xx) are passed over.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut passed = 0;
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            let mut response = httparse::Response::new(&mut fields);
            match response.parse(&bytes[passed..]) {
                Err(_) => return Err(Malformed::Head),
                Ok(httparse::Status::Partial) if bytes.len() > MAX_HEAD => return Err(Malformed::LongHead),
                Ok(httparse::Status::Partial) => return Ok(None),
                Ok(httparse::Status::Complete(length)) => {
                    passed += length;
                    let head = Self::of(&response)?;
                    if head.status >= 200 {
                        return Ok(Some((head, passed)));
                    }
                }
            }
        }
    }

    fn of(response: &httparse::Response<'_, '_>) -> Result<Self, Malformed> {
        let status = response.code.ok_or(Malformed::Head)?;
        let is = |name: &str, value: &str| {
            let fields = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            fields
                .filter_map(|field| std::str::from_utf8(field.value).ok())
                .any(|text| text.split(',').any(|one| one.trim().eq_ignore_ascii_case(value)))
        };
        let length = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
        let framing = if matches!(status, 100..200 | 204 | 304) {
            Framing::Length(0)
        } else if is("transfer-encoding", "chunked") {
            Framing::Chunked(Chunked::default())
        } else if let Some(field) = length {
            let text = std::str::from_utf8(field.value).map_err(|_| Malformed::Head)?;
            Framing::Length(text.trim().parse().map_err(|_| Malformed::Head)?)
        } else {
            Framing::ToTheEnd
        };
        let keeps_alive = framing != Framing::ToTheEnd
            && if response.version == Some(0) {
                is("connection", "keep-alive")
            } else {
                !is("connection", "close")
            };
        Ok(Self { status, framing, keeps_alive })
    }
}

impl Framing {
    /// Takes the next bytes of the body from the front of `input`. `None` once the input is used up or the body has
    /// ended; what follows the body stays in `input`.
    pub(crate) fn take<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        match self {
            Self::ToTheEnd => Ok((!input.is_empty()).then(|| std::mem::take(input))),
            Self::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                let (part, rest) = input.split_at(taken);
                *input = rest;
                *left -= taken as u64;
                Ok((!part.is_empty()).then_some(part))
            }
            Self::Chunked(chunked) => chunked.take(input),
        }
    }

    /// Whether the body has ended.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::ToTheEnd => false,
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_over(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(Head, usize)>, Malformed> {
        Head::read(text.as_bytes())
    }

    #[test]
    fn a_head_says_how_its_body_ends_and_whether_another_answer_may_follow() {
        for (text, status, framing, keeps_alive) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", 200, Framing::Length(12), true),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n",
                200,
                Framing::Length(0),
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                200,
                Framing::Chunked(Chunked::default()),
                true,
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", 200, Framing::ToTheEnd, false),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, Framing::Length(0), true),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", 200, Framing::Length(1), false),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 X\r\nContent-Length: 1\r\n\r\n",
                503,
                Framing::Length(1),
                true,
            ),
        ] {
            let expected = Head { status, framing, keeps_alive };
            assert_eq!(head(text), Ok(Some((expected, text.len()))), "{text:?}");
            assert_eq!(head(&text[..text.len() - 1]), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_head_is_an_error() {
        assert_eq!(head("SSH-2.0-OpenSSH\r\n"), Err(Malformed::Head));
        assert_eq!(head("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), Err(Malformed::Head));
        assert_eq!(
            head(&format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(MAX_HEAD))),
            Err(Malformed::LongHead)
        );
    }
}
