//! The sidecar of a sealed segment: its index as a file, so that opening the log does not read the segment. It can be
//! lost or damaged at any time; then it is made again. The layout is in the head of [`disk`](super).

use tidings_hub::Topic;

use super::{
    bytes::Taker,
    index::{HAS_ID, Parts},
    record::Key,
};

const MAGIC: &[u8; 8] = b"TIDIDX\r\n";
const VERSION: u32 = 1;

pub(crate) fn encode(parts: &Parts, first: u64, key: Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + parts.positions.len() * 20);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&key.0);
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&parts.end.to_le_bytes());
    out.extend_from_slice(&parts.base_time.to_le_bytes());
    let counts = [parts.positions.len(), parts.topics.len(), parts.topics_of.len(), parts.ids.len()];
    for count in counts {
        out.extend_from_slice(&(count as u32).to_le_bytes());
    }
    out.push(u8::from(parts.topics_ends.is_some()));
    let ends = parts.topics_ends.iter().flatten();
    for number in parts.positions.iter().chain(&parts.times).chain(ends).chain(&parts.topics_of) {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for (fingerprint, place) in &parts.ids {
        out.extend_from_slice(&fingerprint.to_le_bytes());
        out.extend_from_slice(&place.to_le_bytes());
    }
    for topic in &parts.topics {
        // A topic's name is at most `MAX_TOPIC_BYTES` long.
        out.extend_from_slice(&(topic.as_str().len() as u16).to_le_bytes());
        out.extend_from_slice(topic.as_str().as_bytes());
    }
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// The parts, when these are the bytes of a whole sidecar of the segment with this first offset and key. Whatever the
/// bytes are, what comes back can be indexed with itself.
pub(crate) fn decode(bytes: &[u8], first: u64, key: Key) -> Option<Parts> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    let mut taker = Taker(content);
    let known = taker.bytes(MAGIC.len())? == MAGIC
        && taker.u32()? == VERSION
        && taker.key()? == key.0
        && taker.u64()? == first
        && crc32c::crc32c(content) == u32::from_le_bytes(*checksum);
    if !known {
        return None;
    }
    let end = taker.u32()?;
    let base_time = taker.u64()?;
    let mut count = || taker.u32().map(|count| count as usize);
    let (entries, topics, topics_of, ids) = (count()?, count()?, count()?, count()?);
    let several = taker.u8()? != 0;
    let parts = Parts {
        end,
        base_time,
        positions: taker.u32s(entries)?,
        times: taker.u32s(entries)?,
        topics_ends: if several { Some(taker.u32s(entries)?) } else { None },
        topics_of: taker.u32s(topics_of)?,
        ids: taker.u32s(ids.checked_mul(2)?)?.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
        topics: names(&mut taker, topics)?,
    };
    (taker.0.is_empty() && is_sound(&parts)).then_some(parts)
}

fn names(taker: &mut Taker<'_>, count: usize) -> Option<Vec<Topic>> {
    // A name has at least three bytes here, so a false count does not allocate more than the file is long.
    let mut names = Vec::with_capacity(count.min(taker.0.len() / 3));
    for _ in 0..count {
        let length = taker.u16()?;
        names.push(Topic::new(std::str::from_utf8(taker.bytes(length.into())?).ok()?).ok()?);
    }
    Some(names)
}

/// Whether every number refers to something that is there.
fn is_sound(parts: &Parts) -> bool {
    let positions = || parts.positions.iter().map(|position| position & !HAS_ID);
    let topics_fit = match &parts.topics_ends {
        Some(ends) => {
            ends.is_sorted() && ends.last().is_none_or(|&last| last as usize == parts.topics_of.len())
        }
        None => parts.topics_of.len() == parts.positions.len(),
    };
    topics_fit
        && (!parts.positions.is_empty() || parts.topics_of.is_empty())
        && positions().is_sorted_by(|a, b| a < b)
        && positions().next_back().is_none_or(|last| last < parts.end)
        && parts.times.is_sorted()
        && parts.base_time.checked_add(u32::MAX.into()).is_some()
        && parts.topics.is_sorted_by(|a, b| a < b)
        && parts.topics_of.iter().all(|&topic| (topic as usize) < parts.topics.len())
        && parts.ids.is_sorted()
        && parts.ids.iter().all(|&(_, place)| (place as usize) < parts.positions.len())
}
