//! Finding the markers in a stream that is cut anywhere.

use crate::marker::{Found, MARKER_LEN, Marker, Run, next_sentinel};

/// Finds the markers of a run in the bytes of one stream. Between two pieces it keeps what may be a marker's beginning,
/// and nothing else.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Shorter than a marker; begins with a sentinel unless it is empty.
    kept: Vec<u8>,
}

impl Scanner {
    /// Hands each marker that ends in this piece to `found`, once.
    pub fn feed(&mut self, run: Run, piece: &[u8], mut found: impl FnMut(Marker)) {
        let mut rest = if self.kept.is_empty() {
            piece
        } else {
            match self.finish_kept(run, piece, &mut found) {
                Some(rest) => rest,
                None => return,
            }
        };
        while let Some(at) = next_sentinel(rest) {
            rest = &rest[at..];
            let read = match run.read(rest) {
                Found::Marker(marker) => {
                    found(marker);
                    MARKER_LEN
                }
                Found::Nothing => 1,
                Found::Beginning => {
                    self.kept.extend_from_slice(rest);
                    return;
                }
            };
            rest = &rest[read..];
        }
    }

    /// Reads what begins in the kept bytes, and answers where in the piece to go on; `None` when all of it is kept.
    fn finish_kept<'a>(
        &mut self,
        run: Run,
        piece: &'a [u8],
        found: &mut impl FnMut(Marker),
    ) -> Option<&'a [u8]> {
        let kept = self.kept.len();
        // Enough for a marker that begins with the last kept byte.
        let borrowed = piece.len().min(MARKER_LEN - 1);
        self.kept.extend_from_slice(&piece[..borrowed]);
        let mut at = 0;
        while let Some(sentinel) = self.kept.get(at..kept).and_then(next_sentinel) {
            at += sentinel;
            match run.read(&self.kept[at..]) {
                Found::Marker(marker) => {
                    found(marker);
                    at += MARKER_LEN;
                }
                Found::Nothing => at += 1,
                // The piece was too short to decide, so all of it has been borrowed.
                Found::Beginning => {
                    self.kept.drain(..at);
                    return None;
                }
            }
        }
        self.kept.clear();
        Some(&piece[at.saturating_sub(kept)..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUN: u32 = 0xabcd;

    fn marker(sequence: u32) -> Marker {
        Marker { sequence, topic: 3, publisher: 2, sent: 99 }
    }

    fn written(run: u32, sequence: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        Run::new(run).write_data(marker(sequence), 0, &mut bytes);
        bytes
    }

    fn scan(text: &[u8], mut lengths: impl Iterator<Item = usize>) -> Vec<Marker> {
        let (mut scanner, mut markers, mut rest) = (Scanner::default(), Vec::new(), text);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(lengths.next().unwrap_or(rest.len()).clamp(1, rest.len()));
            scanner.feed(Run::new(RUN), piece, |marker| markers.push(marker));
            rest = after;
        }
        markers
    }

    #[test]
    fn a_marker_in_two_pieces_counts_once_wherever_it_is_cut() {
        let mut text = written(RUN, 1);
        text.extend(written(RUN, 2));
        for cut in 1..text.len() {
            assert_eq!(scan(&text, [cut].into_iter()), [marker(1), marker(2)], "{cut}");
        }
    }

    #[test]
    fn a_beginning_that_comes_to_nothing_hides_no_marker() {
        for beginning in 1..MARKER_LEN {
            let mut text = written(RUN, 1)[..beginning].to_vec();
            text.extend(written(RUN, 2));
            for cut in 1..text.len() {
                assert_eq!(scan(&text, [cut].into_iter()), [marker(2)], "{beginning} {cut}");
            }
            assert_eq!(scan(&text, std::iter::repeat(1)), [marker(2)], "{beginning}");
        }
    }

    /// What a stream may be made of.
    fn part() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => (0..9u32).prop_map(|sequence| written(RUN, sequence)),
            1 => (0..9u32).prop_map(|sequence| written(RUN + 1, sequence)),
            2 => (0..9u32, 0..MARKER_LEN).prop_map(|(sequence, length)| written(RUN, sequence)[..length].to_vec()),
            1 => Just(b"@".to_vec()),
            1 => "[@a-z\n]{0,40}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            parts in proptest::collection::vec(part(), 0..12),
            lengths in proptest::collection::vec(1..80usize, 0..40),
        ) {
            let text = parts.concat();
            let whole = scan(&text, std::iter::empty());
            prop_assert_eq!(&scan(&text, lengths.into_iter()), &whole);
            prop_assert_eq!(&scan(&text, std::iter::repeat(1)), &whole);
            let is_whole = |part: &&Vec<u8>| part.len() == MARKER_LEN && part.starts_with(b"@tb.0000abcd.");
            prop_assert_eq!(whole.len(), parts.iter().filter(is_whole).count());
        }
    }
}
