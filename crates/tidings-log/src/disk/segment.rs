//! The head of a segment and the frames in it, as bytes; the layout is in the head of [`disk`](super).

use tidings_hub::{Entry, Epoch};

use super::{
    bytes::Taker,
    record::{self, Key},
};

const MAGIC: &[u8; 8] = b"TIDSEG\r\n";
const VERSION: u32 = 1;
/// The earlier lives that a segment remembers; ids of older ones become unknown.
pub(crate) const MAX_LIVES: usize = 256;
/// The bytes of a head without earlier lives, and of each of those.
const HEAD_LEN: usize = 60;
const LIFE_LEN: usize = 16;
/// The longest head: what has to be read to be certain of all of it.
pub(crate) const MAX_HEAD_LEN: usize = HEAD_LEN + MAX_LIVES * LIFE_LEN;

const FRAME_MAGIC: &[u8; 4] = b"FRM\xf5";
/// The bytes of a frame before its records.
pub(crate) const FRAME_HEAD: usize = 32;
/// The most bytes of records in a frame, which bounds what one batch can be.
pub(crate) const MAX_FRAME_BODY: usize = 64 << 20;

/// One life of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) epoch: Epoch,
    /// Its first offset.
    pub(crate) first: u64,
}

/// What a segment says of itself before its first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first: u64,
    pub(crate) key: Key,
    /// The lives of the log up to the segment's own, which is the last. Never empty.
    pub(crate) lives: Vec<Life>,
}

impl Head {
    pub(crate) fn epoch(&self) -> Epoch {
        self.life().epoch
    }

    fn life(&self) -> Life {
        self.lives.last().copied().unwrap_or(Life { epoch: Epoch::new(0), first: self.first })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let life = self.life();
        let earlier = &self.lives[..self.lives.len().saturating_sub(1)];
        let earlier = &earlier[earlier.len().saturating_sub(MAX_LIVES)..];
        let mut out = Vec::with_capacity(HEAD_LEN + earlier.len() * LIFE_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(earlier.len() as u32).to_le_bytes());
        out.extend_from_slice(&life.epoch.number().to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&life.first.to_le_bytes());
        out.extend_from_slice(&self.key.0);
        for life in earlier {
            out.extend_from_slice(&life.epoch.number().to_le_bytes());
            out.extend_from_slice(&life.first.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The head at the front of `bytes` and its length.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, usize), &'static str> {
        let cut = "it ends within its head";
        let mut taker = Taker(bytes);
        if taker.bytes(MAGIC.len()).ok_or(cut)? != MAGIC {
            return Err("it does not begin like a segment of this log");
        }
        if taker.u32().ok_or(cut)? != VERSION {
            return Err("it was written by another version of the program");
        }
        let earlier = taker.u32().ok_or(cut)? as usize;
        if earlier > MAX_LIVES {
            return Err("its head is damaged");
        }
        let length = HEAD_LEN + earlier * LIFE_LEN;
        let checked = bytes.get(..length - 4).ok_or(cut)?;
        let epoch = Epoch::new(taker.u64().ok_or(cut)?);
        let first = taker.u64().ok_or(cut)?;
        let life = Life { epoch, first: taker.u64().ok_or(cut)? };
        let key = Key(taker.key().ok_or(cut)?);
        let mut lives = Vec::with_capacity(earlier + 1);
        for _ in 0..earlier {
            lives.push(Life { epoch: Epoch::new(taker.u64().ok_or(cut)?), first: taker.u64().ok_or(cut)? });
        }
        lives.push(life);
        if taker.u32().ok_or(cut)? != crc32c::crc32c(checked) || !lives.is_sorted_by_key(|life| life.first) {
            return Err("its head is damaged");
        }
        Ok((Self { first, key, lives }, length))
    }
}

/// What a frame says of itself before its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    /// Bytes of its records.
    pub(crate) body: u32,
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// The length of the segment that was known to be durable when the frame was written: whatever is damaged below
    /// it is no torn tail.
    pub(crate) synced: u32,
    checksum: u32,
}

impl FrameHead {
    /// Writes the head into the first [`FRAME_HEAD`] bytes of a frame whose records follow.
    pub(crate) fn seal(frame: &mut [u8], first: u64, count: u32, synced: u32, key: Key) {
        let (head, body) = frame.split_at_mut(FRAME_HEAD);
        head[..4].copy_from_slice(FRAME_MAGIC);
        head[4..8].copy_from_slice(&(body.len() as u32).to_le_bytes());
        head[8..16].copy_from_slice(&first.to_le_bytes());
        head[16..20].copy_from_slice(&count.to_le_bytes());
        head[20..24].copy_from_slice(&synced.to_le_bytes());
        head[24..28].copy_from_slice(&key.checksum(body).to_le_bytes());
        let checksum = key.checksum(&head[..28]);
        head[28..].copy_from_slice(&checksum.to_le_bytes());
    }

    pub(crate) fn decode(bytes: &[u8], key: Key) -> Option<Self> {
        let mut taker = Taker(bytes);
        if taker.bytes(4)? != FRAME_MAGIC {
            return None;
        }
        let body = taker.u32()?;
        let head = Self {
            body,
            first: taker.u64()?,
            count: taker.u32()?,
            synced: taker.u32()?,
            checksum: taker.u32()?,
        };
        let whole = taker.u32()? == key.checksum(bytes.get(..28)?) && body as usize <= MAX_FRAME_BODY;
        whole.then_some(head)
    }

    /// The entries of the frame, each with its place in the body: `None` when the body is not what was written.
    pub(crate) fn entries(&self, body: &[u8], epoch: Epoch, key: Key) -> Option<Vec<(usize, Entry)>> {
        if body.len() != self.body as usize || key.checksum(body) != self.checksum {
            return None;
        }
        let mut taker = Taker(body);
        let mut entries = Vec::new();
        while !taker.0.is_empty() {
            let place = body.len() - taker.0.len();
            let offset = self.first.checked_add(entries.len() as u64)?;
            entries.push((place, record::decode(&mut taker, epoch, offset, key)?));
        }
        (entries.len() == self.count as usize).then_some(entries)
    }
}

/// Where in `bytes` something begins that looks like a frame, from `from` on.
pub(crate) fn find_frame(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(FRAME_MAGIC.len()).position(|window| window == FRAME_MAGIC).map(|at| from + at)
}
