//! The readers' questions, answered from the shared state and, where the entries themselves are needed, the segments.
//!
//! Each locks the state for a bounded look at the indexes; files are read without the lock.

use std::ops::Bound;

use tidings_hub::{Lookup, Page, Position, ReadError, ReadLimit, Selection, Topic, TopicSummary};

use super::{
    fetch::{Want, fetch},
    index::Index,
    select::{MAX_SCAN, is_kept, select},
    state::{Floors, Shared},
};
use crate::{place::behind, sync::read};

/// How many topics one look at the list of them passes over.
const MAX_TOPICS: usize = 8192;

/// What a page will be made of.
pub(crate) struct Plan {
    wants: Vec<Want>,
    next: u64,
    gap: bool,
}

impl Plan {
    /// Whether it takes no I/O.
    pub(crate) fn is_here(&self) -> bool {
        self.wants.iter().all(Want::is_here)
    }

    pub(crate) fn page(self) -> Result<Page, ReadError> {
        Ok(Page { entries: fetch(self.wants)?, next: self.next, gap: self.gap })
    }
}

/// Whether planning this read is a matter of microseconds, so that a caller may do it itself.
pub(crate) fn is_near(shared: &Shared, from: u64, selection: &Selection) -> bool {
    /// Entries whose topics may be matched one by one.
    const FEW: u64 = 1024;
    let state = read(&shared.state);
    let looked_up = selection.is_exact() && selection.topics().len() <= 64;
    let in_memory = state.tail.front().is_none_or(|first| first.position.offset <= from);
    from >= state.next() || in_memory && (looked_up || state.next() - from <= FEW)
}

/// Finds what a page will consist of.
pub(crate) fn plan(shared: &Shared, from: u64, selection: &Selection, limit: ReadLimit) -> Plan {
    let state = &*read(&shared.state);
    let mut floors = Floors::new(state, shared);
    let end = state.next();
    let mut plan =
        Plan { wants: Vec::new(), next: from.max(state.oldest()).min(end), gap: from < state.oldest() };
    if selection.is_empty() {
        plan.next = end;
        return plan;
    }
    let (mut scanned, mut bytes) = (0, 0_usize);
    while plan.next < end && scanned < MAX_SCAN {
        let cap = limit.entries.get() - plan.wants.len();
        if cap == 0 {
            break;
        }
        let index = state.segment_of(plan.next);
        let start = (plan.next - index.first()) as u32;
        let selected = select(index, start..index.count(), selection, &mut floors, cap);
        if !selection.is_exact() {
            scanned += selected.end - start;
        }
        for place in selected.places {
            let (from, to) = index.extent(place);
            bytes = bytes.saturating_add((to - from) as usize);
            if bytes > limit.bytes && !plan.wants.is_empty() {
                plan.next = index.first() + u64::from(place);
                plan.gap |= selected.gap.is_some_and(|gap| gap < place);
                return plan;
            }
            plan.wants.push(Want::new(state, index, place));
        }
        plan.next = index.first() + u64::from(selected.end);
        plan.gap |= selected.gap.is_some();
    }
    plan
}

/// The answer for an id, or the entries that may have it, newest first.
pub(crate) enum Found {
    Known(Lookup),
    Candidates(Vec<Want>),
}

pub(crate) fn find(shared: &Shared, id: &str) -> Found {
    match id.parse::<Position>() {
        Ok(position) => Found::Known(find_position(shared, position)),
        Err(_) => match candidates(shared, id) {
            none if none.is_empty() => Found::Known(Lookup::Unknown),
            some => Found::Candidates(some),
        },
    }
}

fn find_position(shared: &Shared, position: Position) -> Lookup {
    let state = &*read(&shared.state);
    let offset = position.offset;
    let Some(life) = state.lives.iter().position(|life| life.epoch == position.epoch) else {
        return Lookup::Unknown;
    };
    let end = state.lives.get(life + 1).map_or(state.next(), |next| next.first);
    if offset < state.lives[life].first || offset >= end {
        return Lookup::Unknown;
    }
    behind(offset, state.oldest())
}

/// The kept entries whose publisher-given id may be this one, newest first.
pub(crate) fn candidates(shared: &Shared, id: &str) -> Vec<Want> {
    let state = &*read(&shared.state);
    let mut floors = Floors::new(state, shared);
    let mut wants = Vec::new();
    for index in state.backwards() {
        for place in index.id_candidates(id).into_iter().rev() {
            if is_kept(index, place, &mut floors) {
                wants.push(Want::new(state, index, place));
            }
        }
    }
    wants
}

/// Which of the candidates has the id.
pub(crate) fn verify(candidates: Vec<Want>, id: &str) -> Result<Option<u64>, ReadError> {
    for want in candidates {
        for entry in fetch(vec![want])? {
            if entry.publication.id.as_deref() == Some(id) {
                return Ok(Some(entry.position.offset));
            }
        }
    }
    Ok(None)
}

pub(crate) fn newest(shared: &Shared, selection: &Selection, count: usize) -> u64 {
    let mut found = read(&shared.state).next();
    let mut end = found;
    let mut left = count;
    loop {
        let state = &*read(&shared.state);
        let mut floors = Floors::new(state, shared);
        if left == 0 || end <= state.oldest() || selection.is_empty() {
            return found;
        }
        if selection.is_all() && floors.none() {
            return end.saturating_sub(count as u64).max(state.oldest());
        }
        let index = state.segment_of(end - 1);
        let to = (end - index.first()) as u32;
        let from = if selection.is_exact() { 0 } else { to.saturating_sub(MAX_SCAN) };
        let places = select(index, from..to, selection, &mut floors, usize::MAX).places;
        let first = places.len().saturating_sub(left);
        left -= places.len() - first;
        if let Some(&place) = places.get(first) {
            found = index.first() + u64::from(place);
        }
        end = index.first() + u64::from(from);
    }
}

pub(crate) fn topics(
    shared: &Shared,
    selection: &Selection,
    mut after: Option<Topic>,
    limit: usize,
) -> Result<Vec<TopicSummary>, ReadError> {
    let mut summaries: Vec<TopicSummary> = Vec::new();
    let mut wants = Vec::new();
    while summaries.len() < limit {
        let state = &*read(&shared.state);
        let mut floors = Floors::new(state, shared);
        let behind = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut last_seen = None;
        for (topic, kept) in state.topics.range::<Topic, _>((behind, Bound::Unbounded)).take(MAX_TOPICS) {
            if summaries.len() == limit {
                break;
            }
            last_seen = Some(topic.clone());
            if !selection.matches(topic) {
                continue;
            }
            let kept = floors.kept(topic, *kept);
            if kept.events == 0 {
                continue;
            }
            let index = state.segment_of(kept.last);
            let place = (kept.last - index.first()) as u32;
            let last_id = state.position(kept.last).to_string();
            if index.has_id(place) {
                wants.push((summaries.len(), Want::new(state, index, place)));
            }
            summaries.push(TopicSummary { topic: topic.clone(), events: kept.events, last_id });
        }
        if last_seen.is_none() {
            break;
        }
        after = last_seen;
    }
    for (number, want) in wants {
        for entry in fetch(vec![want])? {
            summaries[number].last_id = entry.id();
        }
    }
    Ok(summaries)
}

/// The id of the oldest entry kept once `skip` segments are gone.
pub(crate) fn oldest_id(shared: &Shared, skip: usize) -> Result<Option<String>, ReadError> {
    let want = {
        let state = &*read(&shared.state);
        let index: &dyn Index = match state.sealed.get(skip) {
            Some(sealed) => &**sealed,
            None => &state.active,
        };
        if index.count() == 0 {
            return Ok(None);
        }
        if !index.has_id(0) {
            return Ok(Some(state.position(index.first()).to_string()));
        }
        Want::new(state, index, 0)
    };
    Ok(fetch(vec![want])?.first().map(|entry| entry.id()))
}
