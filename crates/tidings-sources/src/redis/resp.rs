//! RESP2, as much as a subscriber meets: writing commands, reading replies. No I/O.
//!
//! See <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

/// The longest line that is not the content of a string: a number, a status or an error.
const MAX_LINE: usize = 64 << 10;
/// The longest string. Redis itself cuts off a subscriber that lags by 32 MiB in its default configuration.
const MAX_STRING: usize = 64 << 20;
/// The most elements of an array; a subscriber gets four at most.
const MAX_ELEMENTS: usize = 16;

/// A reply of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// `+OK`, or any value that is alone: a number, a string.
    Value(&'a [u8]),
    /// `-ERR …`
    Error(&'a [u8]),
    /// An array of strings and numbers; a null is an empty string.
    Array(Vec<&'a [u8]>),
}

/// The server does not speak RESP2, or sends what no subscriber should get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the server does not speak the Redis protocol")]
    Protocol,
    #[error("the server sent a message of more than {} MiB", MAX_STRING >> 20)]
    TooLong,
}

/// Encodes a command.
pub(super) fn command<T: AsRef<[u8]>>(
    arguments: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
) -> Vec<u8> {
    let arguments = arguments.into_iter();
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The reply that the bytes begin with and how many bytes it takes; `None` if it is not complete.
pub(super) fn reply(bytes: &[u8]) -> Result<Option<(Reply<'_>, usize)>, Malformed> {
    let mut reader = Reader { bytes, at: 0 };
    match reader.reply() {
        Ok(reply) => Ok(Some((reply, reader.at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed(malformed)) => Err(malformed),
    }
}

enum Stop {
    Incomplete,
    Malformed(Malformed),
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn reply(&mut self) -> Result<Reply<'a>, Stop> {
        let (kind, line) = self.line()?;
        match kind {
            b'-' => Ok(Reply::Error(line)),
            b'*' => {
                let count = length(line, MAX_ELEMENTS)?.unwrap_or(0);
                (0..count)
                    .map(|_| self.line().and_then(|(kind, line)| self.value(kind, line)))
                    .collect::<Result<_, _>>()
                    .map(Reply::Array)
            }
            kind => self.value(kind, line).map(Reply::Value),
        }
    }

    /// A value that is not an array, of which the first line has been read.
    fn value(&mut self, kind: u8, line: &'a [u8]) -> Result<&'a [u8], Stop> {
        match kind {
            b'+' | b':' => Ok(line),
            b'$' => match length(line, MAX_STRING)? {
                Some(length) => self.string(length),
                None => Ok(b""),
            },
            _ => Err(Stop::Malformed(Malformed::Protocol)),
        }
    }

    /// A line: its first byte, and the rest without the end.
    fn line(&mut self) -> Result<(u8, &'a [u8]), Stop> {
        let rest = &self.bytes[self.at..];
        let window = &rest[..rest.len().min(MAX_LINE)];
        let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
            return Err(match rest.len() >= MAX_LINE {
                true => Stop::Malformed(Malformed::Protocol),
                false => Stop::Incomplete,
            });
        };
        self.at += end + 2;
        let (&kind, line) = rest[..end].split_first().ok_or(Stop::Malformed(Malformed::Protocol))?;
        Ok((kind, line))
    }

    /// The content of a string, and its end.
    fn string(&mut self, length: usize) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        let end = rest.get(length..length + 2).ok_or(Stop::Incomplete)?;
        if end != b"\r\n" {
            return Err(Stop::Malformed(Malformed::Protocol));
        }
        self.at += length + 2;
        Ok(&rest[..length])
    }
}

/// A length, `None` for the null that −1 means.
fn length(line: &[u8], most: usize) -> Result<Option<usize>, Stop> {
    if line == b"-1" {
        return Ok(None);
    }
    let length = std::str::from_utf8(line).ok().and_then(|text| text.parse::<usize>().ok());
    match length.ok_or(Stop::Malformed(Malformed::Protocol))? {
        length if length > most => Err(Stop::Malformed(Malformed::TooLong)),
        length => Ok(Some(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] = b"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$2\r\nch\r\n$4\r\na\r\nb\r\n";

    #[test]
    fn replies_are_read() {
        let whole: Vec<&[u8]> = vec![b"pmessage", b"*", b"ch", b"a\r\nb"];
        assert_eq!(reply(MESSAGE), Ok(Some((Reply::Array(whole), MESSAGE.len()))));
        assert_eq!(reply(b"+OK\r\n+next"), Ok(Some((Reply::Value(b"OK"), 5))));
        assert_eq!(reply(b"-NOAUTH log in\r\n"), Ok(Some((Reply::Error(b"NOAUTH log in"), 16))));
        let subscribed: Vec<&[u8]> = vec![b"subscribe", b"a", b"1"];
        assert_eq!(
            reply(b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
            Ok(Some((Reply::Array(subscribed), 30)))
        );
        assert_eq!(reply(b"$-1\r\n"), Ok(Some((Reply::Value(b""), 5))));
    }

    #[test]
    fn every_shorter_piece_is_incomplete() {
        for end in 0..MESSAGE.len() {
            assert_eq!(reply(&MESSAGE[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn what_is_not_resp_is_refused() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"*x\r\n",
            b"*1\r\n*1\r\n",
            b"$1\r\nabc",
            b"\r\n",
            b"$-2\r\n",
        ] {
            assert_eq!(reply(bytes), Err(Malformed::Protocol), "{bytes:?}");
        }
        assert_eq!(reply(b"$99999999999\r\n"), Err(Malformed::TooLong));
        assert_eq!(reply(&[b'+'; MAX_LINE]), Err(Malformed::Protocol));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            reply(&bytes).ok();
        }

        #[test]
        fn a_command_reads_as_what_was_written(arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..5)) {
            let bytes = command(&arguments);
            let expected = arguments.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(reply(&bytes), Ok(Some((Reply::Array(expected), bytes.len()))));
        }
    }
}
