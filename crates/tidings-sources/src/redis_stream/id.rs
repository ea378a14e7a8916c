//! The ids of entries, and the ids of events that are made of them.

use std::{fmt, str::FromStr};

/// The longest name of a stream in an event's id.
const MAX_NAME: usize = 190;

/// The id of an entry in its stream: milliseconds and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId {
    ms: u64,
    sequence: u64,
}

/// The text is not the id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAnEntryId;

impl FromStr for EntryId {
    type Err = NotAnEntryId;

    fn from_str(text: &str) -> Result<Self, NotAnEntryId> {
        let (ms, sequence) = text.split_once('-').ok_or(NotAnEntryId)?;
        let number = |text: &str| text.parse().map_err(|_| NotAnEntryId);
        Ok(Self { ms: number(ms)?, sequence: number(sequence)? })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.sequence)
    }
}

/// What the ids of a stream's events begin with: `redis.<server>.<stream>.`.
///
/// Two servers may give entries of streams of one name the same id in the same millisecond, and the log would take the
/// second for a repetition of the first. So the server is in it; as a checksum, because browsers see ids, and need not
/// know how machines are called. `None` if the stream's name is too long.
pub(super) fn prefix(place: &str, key: &str) -> Option<String> {
    let mut name = String::new();
    for byte in key.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b':' | b'.' => name.push(byte.into()),
            _ => name += &format!("%{byte:02x}"),
        }
    }
    (name.len() <= MAX_NAME).then(|| format!("redis.{:08x}.{name}.", checksum(place)))
}

/// FNV-1a: it stays what it is from version to version, as ids have to.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use tidings_hub::{Publication, Topic};

    use super::*;

    #[test]
    fn ids_of_entries_are_ordered_as_numbers() {
        let id = |text: &str| text.parse::<EntryId>().unwrap();
        assert!(id("9-9") < id("10-0") && id("10-2") < id("10-10"));
        assert_eq!(id("1795202753564-0").to_string(), "1795202753564-0");
        for text in ["", "1", "1-", "-1", "a-b", "1-2-3", "18446744073709551616-0"] {
            assert_eq!(text.parse::<EntryId>(), Err(NotAnEntryId), "{text}");
        }
    }

    #[test]
    fn the_hub_takes_the_ids_of_events() {
        for key in ["events", "laravel_database_events", "a b\n北", "{x}.1-1", &"x".repeat(MAX_NAME)] {
            let id = format!("{}{}", prefix("h:6379/0", key).unwrap(), EntryId { ms: u64::MAX, sequence: 7 });
            let publication =
                Publication { id: Some(id.into()), ..Publication::new(Topic::new("t").unwrap(), "x") };
            assert_eq!(publication.check(), Ok(()), "{key}");
        }
        assert_eq!(prefix("h:6379/0", &"北".repeat(30)), None);
    }

    #[test]
    fn servers_and_streams_are_told_apart() {
        assert_eq!(checksum("foobar"), 0xbf9c_f968);
        let mut ids: Vec<_> = ["a:6379/0", "b:6379/0", "a:6379/1"]
            .iter()
            .flat_map(|place| ["x", "x.", "%x", "%25x"].map(|key| prefix(place, key).unwrap()))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 12);
    }
}
