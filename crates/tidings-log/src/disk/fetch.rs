//! Getting entries that the index has found: from memory, or from their segments with few and bounded reads.

use std::sync::Arc;

use tidings_hub::{Entry, ReadError};

use super::{
    bytes::Taker,
    index::{Base, Index},
    record,
    state::State,
};

/// Two records at most this far apart are read in one go: a second read costs more than these bytes.
const MAX_WASTE: u32 = 4096;
/// The most bytes that are read in one go, unless a single record is larger.
const MAX_READ: u32 = 1 << 20;

/// An entry that is wanted.
pub(crate) enum Want {
    Here(Arc<Entry>),
    There { base: Arc<Base>, offset: u64, from: u32, to: u32 },
}

impl Want {
    /// The entry at this place of the index.
    pub(crate) fn new(state: &State, index: &dyn Index, place: u32) -> Self {
        let offset = index.first() + u64::from(place);
        match state.in_tail(offset) {
            Some(entry) => Self::Here(entry.clone()),
            None => {
                let (from, to) = index.extent(place);
                Self::There { base: index.base().clone(), offset, from, to }
            }
        }
    }

    pub(crate) fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }
}

/// The entries, in the order wanted.
pub(crate) fn fetch(wants: Vec<Want>) -> Result<Vec<Arc<Entry>>, ReadError> {
    let mut entries = Vec::with_capacity(wants.len());
    let mut buffer = Vec::new();
    let mut rest = &wants[..];
    while let Some(want) = rest.first() {
        let (base, start, mut end) = match want {
            Want::Here(entry) => {
                entries.push(entry.clone());
                rest = &rest[1..];
                continue;
            }
            Want::There { base, from, to, .. } => (base, *from, *to),
        };
        let near = rest.iter().skip(1).take_while(|next| match next {
            Want::There { base: its, from, to, .. } => {
                let joins = Arc::ptr_eq(base, its)
                    && *from >= end
                    && *from - end <= MAX_WASTE
                    && *to - start <= MAX_READ;
                if joins {
                    end = *to;
                }
                joins
            }
            Want::Here(_) => false,
        });
        let together = 1 + near.count();
        buffer.resize((end - start) as usize, 0);
        base.file
            .read_exact_at(&mut buffer, start.into())
            .map_err(|error| ReadError(format!("reading {} at byte {start}: {error}", base.name)))?;
        for want in &rest[..together] {
            if let Want::There { base, offset, from, .. } = want {
                let bytes = &buffer[(from - start) as usize..];
                let entry = record::decode(&mut Taker(bytes), base.head.epoch(), *offset, base.head.key);
                entries.push(Arc::new(entry.ok_or_else(|| {
                    ReadError(format!(
                        "{} is damaged at byte {from} (event {offset}): check the disk, and restore the file from a backup",
                        base.name
                    ))
                })?));
            }
        }
        rest = &rest[together..];
    }
    Ok(entries)
}
