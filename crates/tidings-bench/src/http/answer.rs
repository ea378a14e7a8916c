//! One answer after the other on a connection, read in pieces.

use super::{Framing, Head, Malformed};

/// An answer being read.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The beginning of a head that is not all there.
    pending: Vec<u8>,
    head: Option<Head>,
}

impl Answer {
    /// Its head, once that has been read.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Reads on, handing out the body's parts, and answers whether this answer is over. What follows it stays in
    /// `input`, for the next.
    pub(crate) fn read(&mut self, input: &mut &[u8], mut body: impl FnMut(&[u8])) -> Result<bool, Malformed> {
        let head = match &mut self.head {
            Some(head) => head,
            None => match read_head(&mut self.pending, input)? {
                Some(head) => self.head.insert(head),
                None => return Ok(false),
            },
        };
        while let Some(part) = head.framing.take(input)? {
            body(part);
        }
        Ok(head.framing.is_over())
    }

    /// Whether the end of the connection is the end of this answer.
    pub(crate) fn ends_with_connection(&self) -> bool {
        self.head.is_some_and(|head| head.framing == Framing::ToTheEnd)
    }
}

/// Reads a head off the front of `input`, of which `pending` may have the beginning.
fn read_head(pending: &mut Vec<u8>, input: &mut &[u8]) -> Result<Option<Head>, Malformed> {
    let known = pending.len();
    let read = if known == 0 {
        Head::read(input)?
    } else {
        pending.extend_from_slice(input);
        Head::read(pending)?
    };
    match read {
        Some((head, length)) => {
            // It was not complete before, so it ends within this input.
            *input = &input[length - known..];
            *pending = Vec::new();
            Ok(Some(head))
        }
        None => {
            if known == 0 {
                pending.extend_from_slice(input);
            }
            *input = &[];
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\
        HTTP/1.1 204 No Content\r\n\r\n\
        HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n\
        HTTP/1.1 500 X\r\nContent-Length: 1\r\n\r\nf";

    #[test]
    fn answers_follow_each_other_however_they_are_cut() {
        for length in 1..ANSWERS.len() {
            let mut answers = Vec::new();
            let (mut answer, mut text) = (Answer::default(), String::new());
            for mut piece in ANSWERS.as_bytes().chunks(length) {
                while !piece.is_empty() {
                    let put = |part: &[u8]| text += std::str::from_utf8(part).unwrap();
                    if answer.read(&mut piece, put).unwrap() {
                        answers.push((answer.head().unwrap().status, std::mem::take(&mut text)));
                        answer = Answer::default();
                    }
                }
            }
            let expected = [(200, "abc"), (204, ""), (200, "de"), (500, "f")];
            assert_eq!(answers, expected.map(|(status, text)| (status, text.to_owned())), "{length}");
        }
    }
}
