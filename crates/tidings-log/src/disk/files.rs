//! The names of the log's files, and making them.

use std::{io, sync::Arc};

use super::{
    index::{Base, Index, Sealed},
    record::Key,
    segment::{Head, Life},
    sidecar,
    vfs::{Vfs, write_whole},
};

/// The mark that the log was opened with a durability other than "always" and has not been closed since: what was
/// shown may be lost.
pub(crate) const UNSYNCED: &str = "unsynced";
const SEGMENT: &str = ".log";
const SIDECAR: &str = ".idx";

pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}{SEGMENT}")
}

pub(crate) fn sidecar_name(first: u64) -> String {
    format!("{first:020}{SIDECAR}")
}

/// The first offset of the segment that this is the name of.
pub(crate) fn segment_of_name(name: &str) -> Option<u64> {
    offset_of_name(name, SEGMENT)
}

/// The first offset of the segment that this is the name of the sidecar of.
pub(crate) fn sidecar_of_name(name: &str) -> Option<u64> {
    offset_of_name(name, SIDECAR)
}

fn offset_of_name(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Makes a new segment and returns it and the length of its head. Safe to repeat after an error. The directory is still
/// to be synced.
pub(crate) fn create_segment(vfs: &dyn Vfs, first: u64, lives: Vec<Life>) -> io::Result<(Arc<Base>, u32)> {
    let head = Head { first, key: Key::random(), lives };
    let name = segment_name(first);
    let bytes = head.encode();
    let file = write_whole(vfs, &name, &bytes)?;
    Ok((Arc::new(Base { head, name, file }), bytes.len() as u32))
}

/// Makes the sidecar of a sealed segment.
pub(crate) fn write_sidecar(vfs: &dyn Vfs, sealed: &mut Sealed) -> io::Result<()> {
    let bytes = sidecar::encode(sealed.parts(), sealed.first(), sealed.base().head.key);
    write_whole(vfs, &sidecar_name(sealed.first()), &bytes)?;
    vfs.sync_dir()?;
    sealed.sidecar_len = bytes.len() as u64;
    Ok(())
}
