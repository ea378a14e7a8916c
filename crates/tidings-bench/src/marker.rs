//! The marker: what the tool writes into an event's data, and finds again in whatever a server makes of it.
//!
//! `@tb.RRRRRRRR.TTTTTTTT.PPPP.SSSSSSSS.NNNNNNNNNNNNNNNN.`: run, topic, publisher, sequence and the time of sending, in
//! lower-case hexadecimal of fixed width. Nothing in it changes in JSON, in a URL's query or in an event stream, so that
//! it survives servers that wrap the data; the width is fixed so that eight digits are read with a few instructions, and
//! so that a request's length is known before its events are.

use std::fmt;

/// What a marker begins with. Rare in what servers add, because every one of them is looked at.
const SENTINEL: u8 = b'@';
/// What it ends with. Not a sentinel, so that a marker that is cut off cannot be ended by the next one's beginning.
const END: u8 = b'.';
/// The sentinel, `tb`, a dot, the run and a dot.
const PREFIX_LEN: usize = 13;
const TOPIC: usize = PREFIX_LEN;
const PUBLISHER: usize = TOPIC + 9;
const SEQUENCE: usize = PUBLISHER + 5;
const TIME: usize = SEQUENCE + 9;
/// The length of a marker.
pub const MARKER_LEN: usize = TIME + 16 + 1;

/// One event of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// The number of the topic that it was published to.
    pub topic: u32,
    /// The publisher that published it.
    pub publisher: u16,
    /// Its place among the events of this publisher to this topic, from 0.
    pub sequence: u32,
    /// When it was sent, or should have been, in nanoseconds of `CLOCK_MONOTONIC`, which all processes share.
    pub sent: u64,
}

/// What tells the events of one run from those of another, which a server may still have in its history.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Run {
    id: u32,
    prefix: [u8; PREFIX_LEN],
}

/// What stands at a place of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A marker of this run.
    Marker(Marker),
    /// What may become one with more bytes.
    Beginning,
    /// Anything else.
    Nothing,
}

impl Run {
    /// The run of this number.
    pub fn new(id: u32) -> Self {
        let mut prefix = *b"@tb.00000000.";
        prefix[4..12].copy_from_slice(&digits(id));
        Self { id, prefix }
    }

    /// Its number.
    pub fn id(self) -> u32 {
        self.id
    }

    /// Appends an event's data of at least this many bytes: padding, and the marker at the end, so that an event counts
    /// when all of its data is there.
    pub fn write_data(self, marker: Marker, size: usize, out: &mut Vec<u8>) {
        const PADDING: u8 = b'x';
        out.resize(out.len() + size.saturating_sub(MARKER_LEN), PADDING);
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&digits(marker.topic));
        out.push(b'.');
        out.extend_from_slice(&digits(marker.publisher.into())[4..]);
        out.push(b'.');
        out.extend_from_slice(&digits(marker.sequence));
        out.push(b'.');
        let [high, low] = halves(marker.sent);
        out.extend_from_slice(&digits(high));
        out.extend_from_slice(&digits(low));
        out.push(END);
    }

    /// What `bytes`, of which the first is a sentinel, begin with.
    pub(crate) fn read(self, bytes: &[u8]) -> Found {
        let Some(whole) = bytes.first_chunk::<MARKER_LEN>() else {
            let known = bytes.len().min(PREFIX_LEN);
            return if bytes[..known] == self.prefix[..known] { Found::Beginning } else { Found::Nothing };
        };
        match self.fields(whole) {
            Some(marker) => Found::Marker(marker),
            None => Found::Nothing,
        }
    }

    fn fields(self, whole: &[u8; MARKER_LEN]) -> Option<Marker> {
        let is_framed = whole[..PREFIX_LEN] == self.prefix
            && whole[PUBLISHER - 1] == b'.'
            && whole[SEQUENCE - 1] == b'.'
            && whole[TIME - 1] == b'.'
            && whole[MARKER_LEN - 1] == END;
        if !is_framed {
            return None;
        }
        // The publisher's four digits are read as eight, with zeros before them.
        let mut publisher = *b"00000000";
        publisher[4..].copy_from_slice(&whole[PUBLISHER..PUBLISHER + 4]);
        let eight = |at: usize| whole[at..].first_chunk::<8>().copied().and_then(number);
        Some(Marker {
            topic: eight(TOPIC)?,
            publisher: u16::try_from(number(publisher)?).ok()?,
            sequence: eight(SEQUENCE)?,
            sent: u64::from(eight(TIME)?) << 32 | u64::from(eight(TIME + 8)?),
        })
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Run({:08x})", self.id)
    }
}

/// Where the next sentinel stands.
pub(crate) fn next_sentinel(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(SENTINEL, bytes)
}

fn halves(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Eight hexadecimal digits, all at once: each byte of a word holds one.
fn digits(number: u32) -> [u8; 8] {
    let mut nibbles = u64::from(number);
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & (0x0f * ONES);
    expand(nibbles).to_be_bytes()
}

/// The number that eight lower-case hexadecimal digits write, if they are that.
fn number(digits: [u8; 8]) -> Option<u32> {
    let word = u64::from_be_bytes(digits);
    let letters = word >> 6 & ONES;
    // A byte that is no digit may carry into its neighbour here; then what is written back is not what was read.
    let nibbles = (word & (0x0f * ONES)).wrapping_add(letters * 9) & (0x0f * ONES);
    if expand(nibbles) != word {
        return None;
    }
    let mut packed = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    packed = (packed | packed >> 8) & 0x0000_ffff_0000_ffff;
    packed = (packed | packed >> 16) & 0xffff_ffff;
    u32::try_from(packed).ok()
}

/// The digits of the numbers below 16 that the bytes of a word hold.
fn expand(nibbles: u64) -> u64 {
    const AFTER_NINE: u64 = (b'a' - b'9' - 1) as u64;
    let letters = (nibbles + 6 * ONES) >> 4 & ONES;
    nibbles + b'0' as u64 * ONES + letters * AFTER_NINE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_marker_is_readable_text_of_its_length() {
        let marker = Marker { topic: 7, publisher: 0x10, sequence: 0xabc, sent: 1 << 40 };
        let mut data = Vec::new();
        Run::new(0xdead_beef).write_data(marker, 60, &mut data);
        let text = String::from_utf8(data).unwrap();
        assert_eq!(text, "xxxxxxx@tb.deadbeef.00000007.0010.00000abc.0000010000000000.");
        assert_eq!(text.trim_start_matches('x').len(), MARKER_LEN);
    }

    #[test]
    fn only_whole_markers_of_this_run_are_read() {
        let run = Run::new(1);
        let mut bytes = Vec::new();
        run.write_data(Marker::default(), 0, &mut bytes);
        assert_eq!(run.read(&bytes), Found::Marker(Marker::default()));
        assert_eq!(Run::new(2).read(&bytes), Found::Nothing);
        for length in 1..MARKER_LEN {
            assert_eq!(run.read(&bytes[..length]), Found::Beginning, "{length}");
        }
        for at in 0..MARKER_LEN {
            for byte in *b"/:@`gAF\0\xff" {
                let mut wrong = bytes.clone();
                if std::mem::replace(&mut wrong[at], byte) != byte {
                    assert_eq!(run.read(&wrong), Found::Nothing, "{byte} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(topic: u32, publisher: u16, sequence: u32, sent: u64, id: u32) {
            let marker = Marker { topic, publisher, sequence, sent };
            let mut bytes = Vec::new();
            Run::new(id).write_data(marker, 0, &mut bytes);
            prop_assert_eq!(Run::new(id).read(&bytes), Found::Marker(marker));
        }

        #[test]
        fn digits_are_those_of_the_standard_library(number: u32, text: [u8; 8]) {
            let digits = digits(number);
            let expected = format!("{number:08x}");
            prop_assert_eq!(&digits[..], expected.as_bytes());
            prop_assert_eq!(super::number(digits), Some(number));
            let is_hex = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            prop_assert_eq!(super::number(text).is_some(), is_hex);
        }
    }
}
