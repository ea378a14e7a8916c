//! Durations as people write them: `"500ms"`, `"1s"`, `"1h 30m"`, `"7d"`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

/// A duration that is written with its unit: `ns`, `us`, `ms`, `s`, `m`, `h`, `d`, `w` and their long names, several
/// parts adding up (`"1m 30s"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(pub Duration);

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{text:?} is not a duration ({reason}): write a number and a unit, for instance \"500ms\", \"10s\" or \"7d\""
)]
pub struct NotADuration {
    text: String,
    reason: humantime::DurationError,
}

impl HumanDuration {
    /// A duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for HumanDuration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|reason| NotADuration { text: text.to_owned(), reason })
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, milliseconds) in
            [("500ms", 500), ("1s", 1000), ("10s", 10_000), ("1m 30s", 90_000), ("7d", 604_800_000)]
        {
            assert_eq!(text.parse(), Ok(HumanDuration(Duration::from_millis(milliseconds))), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_an_example() {
        for text in ["", "10", "fast", "-1s"] {
            let error = text.parse::<HumanDuration>().unwrap_err().to_string();
            assert!(error.contains("\"500ms\""), "{error}");
        }
    }
}
