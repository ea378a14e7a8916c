//! From bytes to lines: the byte order mark, the three line ends, and lines cut by the network.
//!
//! Linear time: every byte of the input is looked at once here. A line that lies whole in one chunk is lent out of the
//! chunk; only the beginning of a line whose end has not arrived is copied, and what was copied is never scanned again.

use std::mem;

use memchr::memchr2;

const BYTE_ORDER_MARK: [u8; 3] = *b"\xEF\xBB\xBF";

/// Up to this capacity the buffer for cut lines is kept for the next one; a larger one is freed, so that a long line
/// is not paid for by an idle connection.
const KEPT_CAPACITY: usize = 4096;

/// A line was longer than the room there was for it. It is reported once, and the rest of the line is dropped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Splits a stream into lines. They are bytes, not text: CR and LF never occur within a UTF-8 sequence, so that a line
/// can be decoded by itself, whatever is invalid in it.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// What has arrived of a line that no chunk holds whole.
    partial: Vec<u8>,
    /// `partial` was lent out as a complete line by the last call, and is to be emptied by the next.
    lent: bool,
    /// The last line was too long and its end has not been seen: drop bytes up to there.
    discarding: bool,
    /// The last line ended with CR: an LF that follows belongs to it. The line itself was handed out without waiting
    /// for that, since nothing may ever follow.
    after_cr: bool,
    mark: Mark,
}

/// The byte order mark that may open a stream, and only there; it may come in pieces.
#[derive(Debug)]
enum Mark {
    /// So many of its bytes have been seen, and nothing else.
    Possible(usize),
    /// It has been stripped, or something else was there.
    Decided,
}

impl Default for Mark {
    fn default() -> Self {
        Mark::Possible(0)
    }
}

impl Lines {
    /// Takes the next line, without its end, from the front of `input`; `None` when `input` is used up before a line
    /// ends. A line may have up to `room` bytes.
    pub(crate) fn next<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
        room: usize,
    ) -> Option<Result<&'a [u8], TooLong>> {
        if mem::take(&mut self.lent) {
            self.forget_partial();
        }
        self.strip_mark(input);
        if self.discarding && !self.discard(input) {
            return None;
        }
        if self.after_cr && !input.is_empty() {
            self.after_cr = false;
            *input = input.strip_prefix(b"\n").unwrap_or(input);
        }
        let Some(end) = memchr2(b'\n', b'\r', input) else {
            let beginning = mem::take(input);
            if self.partial.len() + beginning.len() > room {
                self.forget_partial();
                self.discarding = true;
                return Some(Err(TooLong));
            }
            self.partial.extend_from_slice(beginning);
            return None;
        };
        let line = self.take_line(input, end);
        if self.partial.len() + line.len() > room {
            self.forget_partial();
            return Some(Err(TooLong));
        }
        if self.partial.is_empty() {
            return Some(Ok(line));
        }
        self.partial.extend_from_slice(line);
        self.lent = true;
        Some(Ok(&self.partial))
    }

    /// How many bytes of an unfinished line are held.
    pub(crate) fn held(&self) -> usize {
        if self.lent { 0 } else { self.partial.len() }
    }

    /// Removes the line that ends at `end`, and one byte of its end, from the front of `input`.
    fn take_line<'a>(&mut self, input: &mut &'a [u8], end: usize) -> &'a [u8] {
        let (line, rest) = input.split_at(end);
        self.after_cr = rest.starts_with(b"\r");
        *input = rest.get(1..).unwrap_or_default();
        line
    }

    /// Drops the rest of a line that was too long; true once it has ended.
    fn discard(&mut self, input: &mut &[u8]) -> bool {
        match memchr2(b'\n', b'\r', input) {
            Some(end) => {
                self.take_line(input, end);
                self.discarding = false;
            }
            None => *input = &[],
        }
        !self.discarding
    }

    fn strip_mark(&mut self, input: &mut &[u8]) {
        while let Mark::Possible(seen) = self.mark
            && let Some((first, rest)) = input.split_first()
        {
            if *first != BYTE_ORDER_MARK[seen] {
                self.partial.extend_from_slice(&BYTE_ORDER_MARK[..seen]);
                self.mark = Mark::Decided;
                return;
            }
            *input = rest;
            self.mark =
                if seen + 1 == BYTE_ORDER_MARK.len() { Mark::Decided } else { Mark::Possible(seen + 1) };
        }
    }

    fn forget_partial(&mut self) {
        if self.partial.capacity() > KEPT_CAPACITY {
            self.partial = Vec::new();
        } else {
            self.partial.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_line_is_lent_out_of_the_input() {
        let mut input = &b"data: a\nrest"[..];
        let start = input.as_ptr();
        let mut lines = Lines::default();
        let line = lines.next(&mut input, 100).unwrap().unwrap();
        assert_eq!((line, line.as_ptr()), (&b"data: a"[..], start));
        assert_eq!((input, lines.partial.capacity()), (&b"rest"[..], 0));
    }

    #[test]
    fn a_line_too_long_is_reported_once_and_never_held() {
        let mut lines = Lines::default();
        for piece in [&b"12345"[..], b"6789"] {
            assert_eq!(lines.next(&mut &piece[..], 8), (piece.len() == 4).then_some(Err(TooLong)));
        }
        for _ in 0..100 {
            assert_eq!(lines.next(&mut &b"0123456789"[..], 8), None);
        }
        assert_eq!(lines.held(), 0);
        let mut input = &b"end\r\n12345678\n"[..];
        assert_eq!(lines.next(&mut input, 8), Some(Ok(&b"12345678"[..])));
    }

    #[test]
    fn a_long_line_leaves_no_large_buffer_behind() {
        let mut lines = Lines::default();
        assert_eq!(lines.next(&mut &vec![b'x'; 100_000][..], usize::MAX), None);
        let mut input = &b"\nshort"[..];
        assert_eq!(lines.next(&mut input, usize::MAX).unwrap().unwrap().len(), 100_000);
        assert_eq!(lines.next(&mut input, usize::MAX), None);
        assert!(lines.partial.capacity() <= KEPT_CAPACITY);
    }
}
