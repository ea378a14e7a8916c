//! Replies out of bytes, as they arrive: the parser of the `redis` crate, fed by hand. No I/O.

use std::io::{self, Read};

use bytes::{Buf, BytesMut};
use redis::{Parser, Value};

/// How much room there is for what arrives at once.
const READ: usize = 64 << 10;
/// The longest reply. Redis itself cuts off a subscriber that lags by 32 MiB in its default configuration; the parser
/// has no limit of its own.
const MAX_REPLY: usize = 64 << 20;

/// The server does not speak the Redis protocol, or sends what no subscriber should get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the server does not speak the Redis protocol")]
    Protocol,
    #[error("the server sent a message of more than {} MiB", MAX_REPLY >> 20)]
    TooLong,
}

/// Bytes that have arrived, and the parser that takes them. After an error nothing more can be read.
pub(super) struct Replies {
    parser: Parser,
    arrived: BytesMut,
    /// How many bytes the parser has taken since the last whole reply.
    unfinished: usize,
}

impl Replies {
    pub(super) fn new() -> Self {
        Self { parser: Parser::new(), arrived: BytesMut::new(), unfinished: 0 }
    }

    /// Where to put what arrives: behind what is there.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.arrived.reserve(READ);
        &mut self.arrived
    }

    /// The next reply; `None` if more bytes are needed for it.
    pub(super) fn next(&mut self) -> Result<Option<Value>, Malformed> {
        let before = self.arrived.len();
        match self.parser.parse_value(Arrived(&mut self.arrived)) {
            Ok(reply) => {
                self.unfinished = 0;
                Ok(Some(reply))
            }
            Err(error) if error.is_timeout() => {
                self.unfinished += before - self.arrived.len();
                match self.unfinished > MAX_REPLY {
                    true => Err(Malformed::TooLong),
                    false => Ok(None),
                }
            }
            Err(_) => Err(Malformed::Protocol),
        }
    }
}

/// Reads what has arrived. Behind it is not the end, at which the parser would give up, but `WouldBlock`, at which it
/// keeps what it has and goes on from there the next time.
struct Arrived<'a>(&'a mut BytesMut);

impl Read for Arrived<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.is_empty() {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => self.0.reader().read(into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] = b"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$2\r\nch\r\n$5\r\na\r\n\xe9b\r\n";

    fn message() -> Value {
        let parts = [&b"pmessage"[..], b"*", b"ch", b"a\r\n\xe9b"];
        Value::Array(parts.map(|part| Value::BulkString(part.to_vec())).into())
    }

    /// All replies in bytes that arrive in pieces of this length.
    fn replies(bytes: &[u8], piece: usize) -> Result<Vec<Value>, Malformed> {
        let (mut replies, mut got) = (Replies::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            replies.room().extend_from_slice(piece);
            while let Some(reply) = replies.next()? {
                got.push(reply);
            }
        }
        Ok(got)
    }

    #[test]
    fn replies_are_read_whatever_pieces_they_arrive_in() {
        let bytes = [MESSAGE, b"+OK\r\n", MESSAGE, b"-NOAUTH log in\r\n:7\r\n", MESSAGE].concat();
        for piece in 1..=bytes.len() {
            let got = replies(&bytes, piece).unwrap();
            let [first, Value::Okay, second, Value::ServerError(error), Value::Int(7), third] = &got[..]
            else {
                panic!("in pieces of {piece}: {got:?}")
            };
            assert_eq!([first, second, third], [&message(); 3]);
            assert_eq!((error.code(), error.details()), ("NOAUTH", Some("log in")));
        }
    }

    #[test]
    fn a_part_of_a_reply_is_none() {
        assert_eq!(replies(&MESSAGE[..MESSAGE.len() - 1], 7), Ok(vec![]));
    }

    #[test]
    fn what_is_not_the_protocol_is_refused() {
        let nested = "*1\r\n".repeat(10_000);
        for bytes in
            [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"*x\r\n", b"$1\r\nabc", b"\r\n", nested.as_bytes()]
        {
            assert_eq!(replies(bytes, READ), Err(Malformed::Protocol), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn memory_is_bounded() {
        // Nothing is set aside for what is only announced.
        for announced in ["$9223372036854775807\r\n", "*9223372036854775807\r\n", "$99999999\r\n"] {
            assert_eq!(replies(announced.as_bytes(), READ), Ok(vec![]), "{announced}");
        }
        let mut bytes = b"$99999999\r\n".to_vec();
        bytes.resize(MAX_REPLY + 1, b'x');
        assert_eq!(replies(&bytes, READ), Err(Malformed::TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in "([-+:$*_,#!=(>%~|][-0-9a-z ]{0,3}\r\n|[a-z0-9]{0,4}|\r\n){0,20}", piece in 1_usize..30) {
            replies(bytes.as_bytes(), piece).ok();
        }

        #[test]
        fn commands_and_replies_are_one_language(arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 1..5), piece in 1_usize..30) {
            let mut command = redis::Cmd::new();
            command.arg(&arguments);
            let expected = Value::Array(arguments.into_iter().map(Value::BulkString).collect());
            prop_assert_eq!(replies(&command.get_packed_command(), piece), Ok(vec![expected]));
        }
    }
}
