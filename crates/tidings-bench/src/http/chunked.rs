//! The chunked transfer coding (RFC 9112, section 7.1), decoded without copying.

use super::Malformed;

/// Where in the coding the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a chunk's length.
    #[default]
    Start,
    /// Among the digits.
    Length,
    /// In an extension, or at the end of the line, which nobody needs.
    Extension,
    /// In the chunk.
    Data,
    /// Behind it, where a line end must be.
    DataEnd,
    /// At the beginning of a trailer's line, or of the empty line that ends the body.
    Trailer,
    /// Further on in a trailer's line.
    TrailerLine,
    /// Behind the body.
    Over,
}

/// The state of the decoder between two pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunked {
    state: State,
    /// Of the chunk.
    left: u64,
}

impl Chunked {
    pub(super) fn is_over(self) -> bool {
        self.state == State::Over
    }

    /// See [`Framing::take`](super::Framing::take).
    pub(super) fn take<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        loop {
            if self.state == State::Data {
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
                let (part, rest) = input.split_at(taken);
                *input = rest;
                self.left -= taken as u64;
                if self.left == 0 {
                    self.state = State::DataEnd;
                }
                return Ok((!part.is_empty()).then_some(part));
            }
            if self.state == State::Over {
                return Ok(None);
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
            *input = rest;
            self.state = self.step(byte)?;
        }
    }

    fn step(&mut self, byte: u8) -> Result<State, Malformed> {
        Ok(match (self.state, byte) {
            (State::Start, _) => {
                self.left = digit(byte)?;
                State::Length
            }
            (State::Length, b';' | b' ' | b'\t' | b'\r') => State::Extension,
            (State::Length | State::Extension, b'\n') if self.left == 0 => State::Trailer,
            (State::Length | State::Extension, b'\n') => State::Data,
            (State::Length, _) => {
                self.left = self.left.checked_mul(16).ok_or(Malformed::Chunk)? | digit(byte)?;
                State::Length
            }
            (State::Extension, _) => State::Extension,
            (State::DataEnd, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Start,
            (State::DataEnd, _) => return Err(Malformed::Chunk),
            (State::Trailer, b'\r') => State::Trailer,
            (State::Trailer, b'\n') => State::Over,
            (State::TrailerLine, b'\n') => State::Trailer,
            (State::Trailer | State::TrailerLine, _) => State::TrailerLine,
            // These two take no single bytes.
            (State::Data | State::Over, _) => self.state,
        })
    }
}

fn digit(byte: u8) -> Result<u64, Malformed> {
    char::from(byte).to_digit(16).map(u64::from).ok_or(Malformed::Chunk)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body, whether it is over, and what follows it.
    fn decode(
        text: &[u8],
        lengths: impl IntoIterator<Item = usize>,
    ) -> Result<(Vec<u8>, bool, Vec<u8>), Malformed> {
        let (mut chunked, mut body, mut after, mut rest) = (Chunked::default(), Vec::new(), Vec::new(), text);
        let mut lengths = lengths.into_iter();
        while !rest.is_empty() {
            let (mut piece, others) =
                rest.split_at(lengths.next().unwrap_or(rest.len()).clamp(1, rest.len()));
            while let Some(part) = chunked.take(&mut piece)? {
                body.extend_from_slice(part);
            }
            after.extend_from_slice(piece);
            rest = others;
        }
        Ok((body, chunked.is_over(), after))
    }

    #[test]
    fn bodies_end_where_they_say() {
        for (text, body, is_over, after) in [
            ("0\r\n\r\n", "", true, ""),
            ("3\r\nabc\r\n0\r\n\r\nHTTP", "abc", true, "HTTP"),
            (
                "003;a=\"b\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nz",
                "abc0123456789",
                true,
                "z",
            ),
            ("3\nabc\n0\n\n", "abc", true, ""),
            ("5\r\nab", "ab", false, ""),
        ] {
            let expected = (body.as_bytes().to_vec(), is_over, after.as_bytes().to_vec());
            assert_eq!(decode(text.as_bytes(), []), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_the_coding_is_an_error() {
        for text in ["x\r\n", "\r\n", "3\r\nabcd\r\n", "11112222333344445\r\n", "3x\r\nabc"] {
            assert_eq!(decode(text.as_bytes(), []), Err(Malformed::Chunk), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            chunks in proptest::collection::vec("[a-z\r\n]{1,40}", 0..8),
            extension in "(;[a-z]{0,5}(=[a-z]{1,5})?)?",
            trailers in proptest::collection::vec("[A-Z]{1,5}: [a-z]{0,5}\r\n", 0..3),
            lengths in proptest::collection::vec(1..30usize, 0..60),
        ) {
            let mut text = String::new();
            for chunk in &chunks {
                text += &format!("{:x}{extension}\r\n{chunk}\r\n", chunk.len());
            }
            text += &format!("0{extension}\r\n{}\r\nafter", trailers.concat());
            let expected = (chunks.concat().into_bytes(), true, b"after".to_vec());
            prop_assert_eq!(decode(text.as_bytes(), lengths), Ok(expected.clone()));
            prop_assert_eq!(decode(text.as_bytes(), std::iter::repeat(1)), Ok(expected));
        }

        #[test]
        fn no_bytes_make_it_panic(text: Vec<u8>, lengths in proptest::collection::vec(1..9usize, 0..40)) {
            decode(&text, lengths).ok();
        }
    }
}
