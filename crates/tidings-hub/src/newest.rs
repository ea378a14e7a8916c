//! Where the newest so many events begin that somebody asked for and may see. The log finds what is asked for; what of
//! it may be seen is known only when it has been read.

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};

use crate::{
    log::{Log, ReadError, ReadLimit},
    manner::Eye,
    selector::Selection,
};

/// How many events are looked at, at most, for those that may be seen among them.
const MAX_LOOK: usize = 20_000;
/// What is read at a time.
const PAGE: ReadLimit = ReadLimit { entries: NonZeroUsize::new(1024).unwrap(), bytes: 256 << 10 };

/// The offset from which the newest `count` events that `selection` matches and that may be seen can be read; fewer, if fewer
/// are kept or if too many others lie between them. With nothing to read, the end of the log.
pub(crate) async fn newest(
    log: &dyn Log,
    selection: &Arc<Selection>,
    eye: &Eye<'_>,
    count: usize,
) -> Result<u64, ReadError> {
    if count == 0 || eye.sees_all() {
        return log.newest(selection.clone(), count).await;
    }
    let mut looked_for = count.min(MAX_LOOK);
    loop {
        let from = log.newest(selection.clone(), looked_for).await?;
        let seen = seen(log, selection, eye, from, count).await?;
        if seen.offsets.len() == count || seen.looked_at < looked_for || looked_for >= MAX_LOOK {
            return Ok(seen.offsets.front().copied().unwrap_or(seen.end));
        }
        looked_for = looked_for.saturating_mul(4).min(MAX_LOOK);
    }
}

/// What a look from an offset to the end of the log finds.
struct Seen {
    /// The last so many that may be seen.
    offsets: VecDeque<u64>,
    /// How many matched.
    looked_at: usize,
    end: u64,
}

async fn seen(
    log: &dyn Log,
    selection: &Arc<Selection>,
    eye: &Eye<'_>,
    from: u64,
    count: usize,
) -> Result<Seen, ReadError> {
    let mut seen = Seen { offsets: VecDeque::new(), looked_at: 0, end: from };
    let end = log.status().next;
    while seen.end < end {
        let page = log.read(seen.end, selection.clone(), PAGE).await?;
        seen.looked_at += page.entries.len();
        for entry in &page.entries {
            if eye.sees(&entry.publication) {
                seen.offsets.push_back(entry.position.offset);
            }
        }
        let superfluous = seen.offsets.len().saturating_sub(count);
        seen.offsets.drain(..superfluous);
        if page.next <= seen.end {
            break;
        }
        seen.end = page.next;
    }
    Ok(seen)
}
