//! Which entries of a segment a selection matches, by its index alone.

use std::ops::Range;

use tidings_hub::{Selection, Topic};

use super::{index::Index, state::Floors};

/// The most entries that are looked at one by one while the shared state is locked: about a millisecond.
pub(crate) const MAX_SCAN: u32 = 65_536;

/// What was found in a range of a segment.
pub(crate) struct Selected {
    /// The places of the matching entries, rising.
    pub(crate) places: Vec<u32>,
    /// Everything below this place was considered.
    pub(crate) end: u32,
    /// The first place below `end` whose entry matched but is no longer kept by a topic's rule.
    pub(crate) gap: Option<u32>,
}

/// The first `cap` matching entries in the range, which is looked at up to [`MAX_SCAN`] entries far unless the
/// selection names topics only: those are looked up.
pub(crate) fn select<'a>(
    index: &'a dyn Index,
    range: Range<u32>,
    selection: &'a Selection,
    floors: &mut Floors<'a>,
    cap: usize,
) -> Selected {
    if selection.is_all() && floors.none() {
        let end = range.end.min(range.start.saturating_add(u32::try_from(cap).unwrap_or(u32::MAX)));
        return Selected { places: (range.start..end).collect(), end, gap: None };
    }
    if selection.is_exact() {
        look_up(index, range, selection.topics(), floors, cap)
    } else {
        scan(index, range, selection, floors, cap)
    }
}

fn look_up<'a>(
    index: &'a dyn Index,
    range: Range<u32>,
    topics: &'a [Topic],
    floors: &mut Floors<'a>,
    cap: usize,
) -> Selected {
    let mut places = Vec::new();
    let mut hidden: Option<u32> = None;
    for topic in topics {
        let postings = index.postings(topic);
        let postings = &postings[postings.partition_point(|&place| place < range.start)..];
        let postings = &postings[..postings.partition_point(|&place| place < range.end)];
        let Some(&first) = postings.first() else { continue };
        let floor = floors.of(topic);
        let below = postings.partition_point(|&place| index.first() + u64::from(place) < floor);
        if below > 0 {
            hidden = Some(hidden.map_or(first, |hidden| hidden.min(first)));
        }
        // The first `cap` of all are among the first `cap` of each.
        places.extend(postings[below..].iter().take(cap));
    }
    if topics.len() > 1 {
        places.sort_unstable();
        places.dedup();
    }
    let full = places.len() >= cap;
    places.truncate(cap);
    let end = if full { places.last().map_or(range.start, |&last| last + 1) } else { range.end };
    Selected { places, end, gap: hidden.filter(|&hidden| hidden < end) }
}

/// A topic's part in a scan: whether it matches, and from which offset on it keeps entries.
#[derive(Clone, Copy)]
enum Verdict {
    Other,
    From(u64),
}

fn scan<'a>(
    index: &'a dyn Index,
    range: Range<u32>,
    selection: &'a Selection,
    floors: &mut Floors<'a>,
    cap: usize,
) -> Selected {
    let topics = index.topics();
    // Each topic of the segment is matched at most once, when it is first met.
    let mut verdicts: Vec<Option<Verdict>> = vec![None; topics.len()];
    let stop = range.end.min(range.start.saturating_add(MAX_SCAN));
    let mut selected = Selected { places: Vec::new(), end: stop, gap: None };
    for place in range.start..stop {
        if selected.places.len() >= cap {
            selected.end = place;
            break;
        }
        let offset = index.first() + u64::from(place);
        let (mut matches, mut kept) = (false, false);
        for &number in index.topics_of(place) {
            let verdict = *verdicts[number as usize].get_or_insert_with(|| {
                let topic = &topics[number as usize];
                if selection.matches(topic) { Verdict::From(floors.of(topic)) } else { Verdict::Other }
            });
            if let Verdict::From(floor) = verdict {
                matches = true;
                kept |= offset >= floor;
            }
        }
        if kept {
            selected.places.push(place);
        } else if matches {
            selected.gap.get_or_insert(place);
        }
    }
    selected
}

/// Whether one of the entry's topics still keeps it.
pub(crate) fn is_kept<'a>(index: &'a dyn Index, place: u32, floors: &mut Floors<'a>) -> bool {
    let offset = index.first() + u64::from(place);
    floors.none()
        || index.topics_of(place).iter().any(|&number| floors.of(&index.topics()[number as usize]) <= offset)
}
