//! Where an event stands in the log: the epoch (which life of the log) and the offset in it.

use std::{fmt, str::FromStr};

/// One life of a log. A log that lost events it may have shown begins a new one, so that a cursor from before is
/// never mistaken for another event. Written as 13 lower-case base-32 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(u64);

/// The digits of an epoch: no `i`, `l`, `o` or `u`, so that ids read out loud survive it.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 digits of 5 bits hold 65 bits, enough for all 64.
const EPOCH_LEN: usize = 13;

impl Epoch {
    /// The epoch of this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// A new epoch: random, so that two logs do not share one.
    pub fn random() -> Self {
        Self(fastrand::u64(..))
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; EPOCH_LEN];
        for (place, digit) in text.iter_mut().rev().enumerate() {
            *digit = DIGITS[(self.0 >> (5 * place)) as usize & 31];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Epoch {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        if text.len() != EPOCH_LEN {
            return Err(NotAPosition);
        }
        let mut number: u64 = 0;
        for (place, byte) in text.bytes().enumerate() {
            let digit = DIGITS.iter().position(|&d| d == byte).ok_or(NotAPosition)? as u64;
            if place == 0 && digit > 15 {
                return Err(NotAPosition);
            }
            number = number << 5 | digit;
        }
        Ok(Self(number))
    }
}

/// Where an event stands: unique among all events of all logs. Its text, `<epoch>-<offset>`, is the generated id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The place in the log, counted from 0 over all its epochs, without gaps.
    pub offset: u64,
}

/// The text is not a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position of the form <epoch>-<offset>")]
pub struct NotAPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (epoch, offset) = text.split_once('-').ok_or(NotAPosition)?;
        // Only the text that `Display` writes: one position has one id.
        if offset.is_empty() || (offset.len() > 1 && offset.starts_with('0')) || offset.starts_with('+') {
            return Err(NotAPosition);
        }
        Ok(Self { epoch: epoch.parse()?, offset: offset.parse().map_err(|_| NotAPosition)? })
    }
}

/// Whether an id has the form of generated ones, which a publisher's own must not have.
pub(crate) fn is_generated_form(id: &str) -> bool {
    id.parse::<Position>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_position_survives_its_text(epoch: u64, offset: u64) {
            let position = Position { epoch: Epoch::new(epoch), offset };
            let text = position.to_string();
            prop_assert_eq!(text.parse(), Ok(position));
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        }

        #[test]
        fn one_position_has_one_text(text in "[0-9a-z]{13}-[0-9]{1,4}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_not_positions() {
        for text in [
            "",
            "-",
            "0000000000000-",
            "0000000000000-01",
            "0000000000000-+1",
            "000000000000u-1",
            "1-1",
            "z000000000000-1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(NotAPosition), "{text}");
        }
    }
}
