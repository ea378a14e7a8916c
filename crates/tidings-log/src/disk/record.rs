//! One event as bytes; the layout is in the head of [`disk`](super).

use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;
use tidings_hub::{Entry, Epoch, Position, Publication, Topic};

use super::bytes::Taker;

/// Bytes before those that the checksum covers: length and checksum.
pub(crate) const RECORD_HEAD: usize = 8;

const PRIVATE: u8 = 1;
const ID: u8 = 2;
const EVENT: u8 = 4;
const RETRY: u8 = 8;
const SOCKET: u8 = 16;

/// The secret of a segment. It seeds the checksums, so that bytes of another segment, or bytes that a publisher made
/// up to look like ours, never pass for this segment's; and it keys the hashes of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) [u8; 16]);

impl Key {
    /// A key made of the operating system's randomness, which is what [`RandomState`] hashes with. Not of `fastrand`'s:
    /// its numbers follow from one another, and the log's epoch, which every subscriber sees, is one of them.
    pub(crate) fn random() -> Self {
        let system = RandomState::new();
        let halves = [system.hash_one(0_u8), system.hash_one(1_u8)];
        let mut key = [0; 16];
        for (bytes, half) in key.chunks_exact_mut(8).zip(halves) {
            bytes.copy_from_slice(&half.to_le_bytes());
        }
        Self(key)
    }

    /// The checksum of a record, which also binds it to its offset.
    fn record_checksum(self, offset: u64, bytes: &[u8]) -> u32 {
        let seed = crc32c::crc32c_append(crc32c::crc32c(&self.0), &offset.to_le_bytes());
        crc32c::crc32c_append(seed, bytes)
    }

    /// The checksum of anything else.
    pub(crate) fn checksum(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.0), bytes)
    }

    /// What an id is looked up by in the segment's index: half of a keyed hash, so that nobody can make ids collide.
    pub(crate) fn fingerprint(self, id: &str) -> u32 {
        (siphasher::sip::SipHasher13::new_with_key(&self.0).hash(id.as_bytes()) >> 32) as u32
    }
}

/// The publication has a part that is longer than a record can say. Checked publications do not.
#[derive(Debug)]
pub(crate) struct Oversized;

/// Appends the record to `out`. What it has appended before an error is for the caller to take back.
pub(crate) fn encode(entry: &Entry, key: Key, out: &mut Vec<u8>) -> Result<(), Oversized> {
    let Entry { position, time, publication } = entry;
    let Publication { topics, data, event, id, retry, private, socket } = publication;
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEAD]);
    out.extend_from_slice(&time.to_le_bytes());
    let flag = |set, flag| if set { flag } else { 0 };
    out.push(
        flag(*private, PRIVATE)
            | flag(id.is_some(), ID)
            | flag(event.is_some(), EVENT)
            | flag(retry.is_some(), RETRY)
            | flag(socket.is_some(), SOCKET),
    );
    out.push(u8::try_from(topics.len()).map_err(|_| Oversized)?);
    for topic in topics {
        let name = topic.as_str();
        out.extend_from_slice(&u16::try_from(name.len()).map_err(|_| Oversized)?.to_le_bytes());
        out.extend_from_slice(name.as_bytes());
    }
    for text in [id, event, socket].into_iter().flatten() {
        out.push(u8::try_from(text.len()).map_err(|_| Oversized)?);
        out.extend_from_slice(text.as_bytes());
    }
    if let Some(retry) = retry {
        out.extend_from_slice(&retry.to_le_bytes());
    }
    out.extend_from_slice(data);
    let length = u32::try_from(out.len() - start - RECORD_HEAD).map_err(|_| Oversized)?;
    let checksum = key.record_checksum(position.offset, &out[start + RECORD_HEAD..]);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + RECORD_HEAD].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// Takes the record of this offset off the front: `None` when it is not whole. What follows it is left.
pub(crate) fn decode(input: &mut Taker<'_>, epoch: Epoch, offset: u64, key: Key) -> Option<Entry> {
    let length = input.u32()?;
    let checksum = input.u32()?;
    let bytes = input.bytes(length as usize)?;
    if key.record_checksum(offset, bytes) != checksum {
        return None;
    }
    let mut taker = Taker(bytes);
    let time = taker.u64()?;
    let flags = taker.u8()?;
    let mut topics = Vec::new();
    for _ in 0..taker.u8()? {
        let length = taker.u16()?;
        topics.push(Topic::new(text(&mut taker, length.into())?).ok()?);
    }
    let mut short = |set: bool| match set {
        true => {
            let length = taker.u8()?;
            Some(Some(Box::from(text(&mut taker, length.into())?)))
        }
        false => Some(None),
    };
    let id = short(flags & ID != 0)?;
    let event = short(flags & EVENT != 0)?;
    let socket = short(flags & SOCKET != 0)?;
    let retry = if flags & RETRY != 0 { Some(taker.u64()?) } else { None };
    let data = Bytes::copy_from_slice(taker.0);
    let private = flags & PRIVATE != 0;
    let publication = Publication { topics: topics.into(), data, event, id, retry, private, socket };
    Some(Entry { position: Position { epoch, offset }, time, publication })
}

fn text<'a>(taker: &mut Taker<'a>, length: usize) -> Option<&'a str> {
    std::str::from_utf8(taker.bytes(length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Entry> {
        let topics = proptest::collection::vec("[a-z/é]{1,20}", 1..5);
        let short = |pattern| proptest::option::of(pattern);
        let parts = (short("[a-z0-9]{1,255}"), short("[a-z]{1,9}"), short("[0-9]{1,9}[.][0-9]{1,9}"));
        let rest = (any::<u64>(), any::<u64>(), proptest::option::of(any::<u64>()), any::<bool>());
        (topics, parts, rest, proptest::collection::vec(any::<u8>(), 0..300)).prop_map(
            |(topics, (id, event, socket), (offset, time, retry, private), data)| Entry {
                position: Position { epoch: Epoch::new(7), offset },
                time,
                publication: Publication {
                    topics: topics.iter().map(|topic| Topic::new(topic).unwrap()).collect(),
                    data: data.into(),
                    event: event.map(Into::into),
                    id: id.map(Into::into),
                    retry,
                    private,
                    socket: socket.map(Into::into),
                },
            },
        )
    }

    proptest! {
        #[test]
        fn a_record_comes_back_and_no_changed_bit_passes(entry in entries(), at: prop::sample::Index, bit in 0..8_u32) {
            let key = Key([3; 16]);
            let mut bytes = Vec::new();
            encode(&entry, key, &mut bytes).unwrap();
            let offset = entry.position.offset;
            let decoded = decode(&mut Taker(&bytes), entry.position.epoch, offset, key);
            prop_assert_eq!(decoded.as_ref(), Some(&entry));
            prop_assert!(decode(&mut Taker(&bytes), entry.position.epoch, offset ^ 1, key).is_none());
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(decode(&mut Taker(&bytes), entry.position.epoch, offset, key).is_none());
        }
    }

    #[test]
    fn what_a_record_cannot_say_is_refused() {
        let mut publication = Publication::new(Topic::new("a").unwrap(), "x");
        publication.id = Some("i".repeat(256).into());
        let entry = Entry { position: Position { epoch: Epoch::new(1), offset: 0 }, time: 0, publication };
        assert!(encode(&entry, Key([0; 16]), &mut Vec::new()).is_err());
    }

    #[test]
    fn a_key_does_not_follow_from_numbers_that_everybody_sees() {
        let made = || {
            fastrand::seed(7);
            (Epoch::random(), Key::random())
        };
        let (one, other) = (made(), made());
        assert_eq!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }
}
