//! Reading a segment from its head to its end.

use std::{io, sync::Arc};

use tidings_hub::Entry;

use super::{
    index::{Active, Base, Index, MAX_SEGMENT_LEN},
    segment::{FRAME_HEAD, FrameHead, find_frame},
    vfs::VfsFile,
};

/// How much is read ahead.
const WINDOW: usize = 1 << 20;

/// What a segment holds.
pub(crate) struct Scan {
    /// The index of all whole frames; its end is where they end.
    pub(crate) active: Active,
    pub(crate) last: Option<Entry>,
    /// The length known to be durable when the last of the frames was written.
    pub(crate) synced: u32,
    /// The length of the file.
    pub(crate) len: u64,
}

impl Scan {
    /// Whether the file goes on behind the last whole frame.
    pub(crate) fn goes_on(&self) -> bool {
        u64::from(self.active.end()) < self.len
    }
}

/// Reads all frames up to the end, or to the first that is not whole.
pub(crate) fn scan(base: Arc<Base>, head_len: u32) -> io::Result<Scan> {
    let (file, head) = (base.file.clone(), &base.head);
    let (epoch, key) = (head.epoch(), head.key);
    let mut window = Window::new(&*file)?;
    let mut scan =
        Scan { active: Active::new(base.clone(), head_len), last: None, synced: head_len, len: window.len };
    loop {
        let start = u64::from(scan.active.end());
        let Some(head) = window.at(start, FRAME_HEAD)?.and_then(|bytes| FrameHead::decode(bytes, key)) else {
            break;
        };
        let body_start = start + FRAME_HEAD as u64;
        let end = body_start + u64::from(head.body);
        if head.first != scan.active.next() || head.count == 0 || end > MAX_SEGMENT_LEN {
            break;
        }
        let Some(body) = window.at(body_start, head.body as usize)? else { break };
        let Some(entries) = head.entries(body, epoch, key) else { break };
        for (place, entry) in entries {
            scan.active.push(&entry, body_start as u32 + place as u32);
            scan.last = Some(entry);
        }
        scan.active.set_end(end as u32);
        scan.synced = head.synced;
    }
    Ok(scan)
}

/// Whether nothing but zeros stands from here on: what was written ahead, and never anything else.
pub(crate) fn is_blank(base: &Base, from: u32) -> io::Result<bool> {
    let mut window = Window::new(&*base.file)?;
    let mut start = u64::from(from);
    while start < window.len {
        let count = (window.len - start).min(WINDOW as u64);
        match window.at(start, count as usize)? {
            Some(bytes) if bytes.iter().all(|&byte| byte == 0) => start += count,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether a frame behind `damage` says that the damaged place was durable once, so that it is no torn tail but lost
/// history.
pub(crate) fn was_durable(base: &Base, damage: u32) -> io::Result<bool> {
    let mut window = Window::new(&*base.file)?;
    let mut start = u64::from(damage);
    while start < window.len {
        let len = (window.len - start).min(WINDOW as u64) as usize;
        let Some(bytes) = window.at(start, len)? else { break };
        let mut from = 0;
        while let Some(at) = find_frame(bytes, from) {
            let frame =
                bytes.get(at..at + FRAME_HEAD).and_then(|bytes| FrameHead::decode(bytes, base.head.key));
            if frame.is_some_and(|frame| frame.synced > damage) {
                return Ok(true);
            }
            from = at + 1;
        }
        if len < WINDOW {
            break;
        }
        // A head may lie across the edge of two windows.
        start += (len - FRAME_HEAD) as u64;
    }
    Ok(false)
}

/// A piece of a file in memory.
struct Window<'a> {
    file: &'a dyn VfsFile,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a dyn VfsFile) -> io::Result<Self> {
        Ok(Self { file, len: file.len()?, start: 0, bytes: Vec::new() })
    }

    /// The bytes at a position: `None` when the file ends before.
    fn at(&mut self, position: u64, count: usize) -> io::Result<Option<&[u8]>> {
        let end = position + count as u64;
        if end > self.len {
            return Ok(None);
        }
        if position < self.start || end > self.start + self.bytes.len() as u64 {
            let ahead = (self.len - position).min(count.max(WINDOW) as u64);
            self.bytes.resize(ahead as usize, 0);
            self.start = position;
            self.file.read_exact_at(&mut self.bytes, position)?;
        }
        let from = (position - self.start) as usize;
        Ok(self.bytes.get(from..from + count))
    }
}
