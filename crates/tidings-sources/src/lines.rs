//! Bytes into lines, within a bound. No I/O.

use bytes::{Buf, BytesMut};

/// Collects bytes and gives out lines.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    searched: usize,
    max: usize,
    /// Inside a line that is too long: everything up to its end is thrown away.
    skipping: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end (`\n` or `\r\n`).
    Whole(BytesMut),
    /// A line was longer than allowed and has been thrown away.
    TooLong,
}

impl Lines {
    /// Lines of at most `max` bytes, their ends not counted.
    pub(crate) fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, max, skipping: false }
    }

    /// Where to put what is read. Hold no more than one read's worth there: call [`Lines::next`] until it has no more.
    pub(crate) fn space(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next line, if its end is there.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let Some(end) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') else {
            // One more byte than allowed may be the `\r` of a line end.
            if self.skipping || self.buffer.len() > self.max.saturating_add(1) {
                self.skipping = true;
                self.buffer.clear();
            }
            self.searched = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(self.searched + end);
        self.buffer.advance(1);
        self.searched = 0;
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        Some(self.judge(line))
    }

    /// The last line, if the input ended without a line end.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        let line = self.buffer.split();
        self.searched = 0;
        match line.is_empty() && !self.skipping {
            true => None,
            false => Some(self.judge(line)),
        }
    }

    fn judge(&mut self, line: BytesMut) -> Line {
        let skipped = std::mem::take(&mut self.skipping);
        match skipped || line.len() > self.max {
            true => Line::TooLong,
            false => Line::Whole(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All lines of the chunks, a line that is too long as `None`.
    fn lines<'a>(max: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(max);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.space().extend_from_slice(chunk);
            while let Some(line) = lines.next() {
                found.push(line);
            }
        }
        found.extend(lines.finish());
        let whole = |line| match line {
            Line::Whole(line) => Some(line.to_vec()),
            Line::TooLong => None,
        };
        found.into_iter().map(whole).collect()
    }

    #[test]
    fn lines_end_with_a_newline_or_the_end() {
        let text: &[u8] = b"one\r\n\ntwo\rtwo\nlast";
        let expected = ["one", "", "two\rtwo", "last"].map(|line| Some(line.as_bytes().to_vec()));
        assert_eq!(lines(100, [text]), expected);
    }

    #[test]
    fn the_limit_is_exact_and_what_follows_is_unharmed() {
        let text: &[u8] = b"1234\r\n12345\r\n12345\n1234\n123456789";
        let ok = Some(b"1234".to_vec());
        assert_eq!(lines(4, [text]), [ok.clone(), None, None, ok, None]);
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(text in "[a\r\n]{0,40}", size in 1_usize..8, max in 1_usize..6) {
            prop_assert_eq!(lines(max, text.as_bytes().chunks(size)), lines(max, [text.as_bytes()]));
        }
    }
}
