//! The index of a segment, kept in memory: where each entry is, when it came, its topics, the entries of each topic,
//! and the ids that publishers gave. Entries are counted from the segment's first (`place`), topics by their place in
//! the segment's list.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tidings_hub::{Entry, Topic};

use super::{segment::Head, vfs::VfsFile};

/// The bit of a position that says that the entry has an id of its publisher's.
pub(crate) const HAS_ID: u32 = 1 << 31;
/// The length that a segment can have: positions have 31 bits.
pub(crate) const MAX_SEGMENT_LEN: u64 = HAS_ID as u64 - 1;

/// The file of a segment and what its head says.
pub(crate) struct Base {
    pub(crate) head: Head,
    pub(crate) name: String,
    pub(crate) file: Arc<dyn VfsFile>,
}

/// What readers ask of a segment, whether it is still written to or not.
pub(crate) trait Index {
    fn base(&self) -> &Arc<Base>;
    fn count(&self) -> u32;
    /// The position and [`HAS_ID`].
    fn marked_position(&self, place: u32) -> u32;
    /// Where the records end.
    fn end(&self) -> u32;
    fn time(&self, place: u32) -> u64;
    fn topics_of(&self, place: u32) -> &[u32];
    fn topics(&self) -> &[Topic];
    /// The places of the topic's entries, rising.
    fn postings(&self, topic: &Topic) -> &[u32];
    /// The places of entries that may have this id, newest last.
    fn with_fingerprint(&self, fingerprint: u32) -> Vec<u32>;

    fn first(&self) -> u64 {
        self.base().head.first
    }

    fn next(&self) -> u64 {
        self.first() + u64::from(self.count())
    }

    fn has_id(&self, place: u32) -> bool {
        self.marked_position(place) & HAS_ID != 0
    }

    /// Where the entry begins, and a bound of where it ends (a frame's head may lie in between).
    fn extent(&self, place: u32) -> (u32, u32) {
        let end =
            if place + 1 < self.count() { self.marked_position(place + 1) & !HAS_ID } else { self.end() };
        (self.marked_position(place) & !HAS_ID, end)
    }

    fn id_candidates(&self, id: &str) -> Vec<u32> {
        self.with_fingerprint(self.base().head.key.fingerprint(id))
    }

    /// The first place whose entry is not older than `time`.
    fn since(&self, time: u64) -> u32 {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// The index of the segment that is written to.
pub(crate) struct Active {
    base: Arc<Base>,
    end: u32,
    /// The length of the file, which is written ahead of the records.
    len: u32,
    base_time: u64,
    positions: Vec<u32>,
    times: Vec<u32>,
    topics: Vec<Topic>,
    numbers: HashMap<Topic, u32>,
    topics_ends: Vec<u32>,
    topics_of: Vec<u32>,
    postings: Vec<Vec<u32>>,
    ids: BTreeSet<(u32, u32)>,
}

impl Active {
    pub(crate) fn new(base: Arc<Base>, head_len: u32) -> Self {
        Self {
            base,
            end: head_len,
            len: head_len,
            base_time: 0,
            positions: Vec::new(),
            times: Vec::new(),
            topics: Vec::new(),
            numbers: HashMap::new(),
            topics_ends: Vec::new(),
            topics_of: Vec::new(),
            postings: Vec::new(),
            ids: BTreeSet::new(),
        }
    }

    /// Adds the next entry, which is at `position`.
    pub(crate) fn push(&mut self, entry: &Entry, position: u32) {
        let place = self.count();
        if place == 0 {
            self.base_time = entry.time;
        }
        let mut marked = position;
        if let Some(id) = &entry.publication.id {
            marked |= HAS_ID;
            self.ids.insert((self.base.head.key.fingerprint(id), place));
        }
        self.positions.push(marked);
        self.times.push(u32::try_from(entry.time.saturating_sub(self.base_time)).unwrap_or(u32::MAX));
        for topic in &entry.publication.topics {
            let number = match self.numbers.get(topic) {
                Some(&number) => number,
                None => {
                    let number = self.topics.len() as u32;
                    self.topics.push(topic.clone());
                    self.numbers.insert(topic.clone(), number);
                    self.postings.push(Vec::new());
                    number
                }
            };
            let postings = &mut self.postings[number as usize];
            // An event may name a topic twice.
            if postings.last() != Some(&place) {
                postings.push(place);
                self.topics_of.push(number);
            }
        }
        self.topics_ends.push(self.topics_of.len() as u32);
    }

    /// The records end here now.
    pub(crate) fn set_end(&mut self, end: u32) {
        self.end = end;
        self.len = self.len.max(end);
    }

    /// The length of the file.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// The file has this length now.
    pub(crate) fn set_len(&mut self, len: u32) {
        self.len = len;
    }

    /// The time of the first entry, if there is one.
    pub(crate) fn first_time(&self) -> Option<u64> {
        (!self.positions.is_empty()).then_some(self.base_time)
    }

    /// The same index in its compact form.
    pub(crate) fn seal(&self) -> Sealed {
        let mut order: Vec<u32> = (0..self.topics.len() as u32).collect();
        order.sort_unstable_by_key(|&number| &self.topics[number as usize]);
        let mut renumbered = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            renumbered[old as usize] = new as u32;
        }
        let parts = Parts {
            end: self.end,
            base_time: self.base_time,
            positions: self.positions.clone(),
            times: self.times.clone(),
            topics: order.iter().map(|&number| self.topics[number as usize].clone()).collect(),
            topics_ends: (self.topics_of.len() != self.positions.len()).then(|| self.topics_ends.clone()),
            topics_of: self.topics_of.iter().map(|&old| renumbered[old as usize]).collect(),
            ids: self.ids.iter().copied().collect(),
        };
        Sealed::new(self.base.clone(), parts)
    }
}

impl Index for Active {
    fn base(&self) -> &Arc<Base> {
        &self.base
    }

    fn count(&self) -> u32 {
        self.positions.len() as u32
    }

    fn marked_position(&self, place: u32) -> u32 {
        self.positions[place as usize]
    }

    fn end(&self) -> u32 {
        self.end
    }

    fn time(&self, place: u32) -> u64 {
        self.base_time + u64::from(self.times[place as usize])
    }

    fn topics_of(&self, place: u32) -> &[u32] {
        slice_of(&self.topics_ends, &self.topics_of, place)
    }

    fn topics(&self) -> &[Topic] {
        &self.topics
    }

    fn postings(&self, topic: &Topic) -> &[u32] {
        self.numbers.get(topic).map_or(&[], |&number| &self.postings[number as usize])
    }

    fn with_fingerprint(&self, fingerprint: u32) -> Vec<u32> {
        self.ids.range((fingerprint, 0)..=(fingerprint, u32::MAX)).map(|&(_, place)| place).collect()
    }
}

/// What a sealed segment's index is made of; what a sidecar holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) end: u32,
    pub(crate) base_time: u64,
    pub(crate) positions: Vec<u32>,
    /// After `base_time`, in milliseconds.
    pub(crate) times: Vec<u32>,
    /// By name.
    pub(crate) topics: Vec<Topic>,
    /// Where each entry's topics end in `topics_of`; `None` when each has one.
    pub(crate) topics_ends: Option<Vec<u32>>,
    pub(crate) topics_of: Vec<u32>,
    /// Fingerprints and places, sorted.
    pub(crate) ids: Vec<(u32, u32)>,
}

/// The index of a segment that is complete.
pub(crate) struct Sealed {
    base: Arc<Base>,
    parts: Parts,
    postings_ends: Box<[u32]>,
    postings: Box<[u32]>,
    /// The length of the sidecar, for the log's size.
    pub(crate) sidecar_len: u64,
}

impl Sealed {
    pub(crate) fn new(base: Arc<Base>, mut parts: Parts) -> Self {
        parts.positions.shrink_to_fit();
        parts.times.shrink_to_fit();
        parts.topics_of.shrink_to_fit();
        // Count, then sum up, then place: each topic's entries in their order.
        let mut ends = vec![0_u32; parts.topics.len()];
        for &topic in &parts.topics_of {
            ends[topic as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            let count = *end;
            *end = sum;
            sum += count;
        }
        let mut postings = vec![0; parts.topics_of.len()];
        let mut sealed =
            Self { base, parts, postings_ends: Box::default(), postings: Box::default(), sidecar_len: 0 };
        for place in 0..sealed.count() {
            for &topic in sealed.topics_of(place) {
                let end = &mut ends[topic as usize];
                postings[*end as usize] = place;
                *end += 1;
            }
        }
        sealed.postings_ends = ends.into();
        sealed.postings = postings.into();
        sealed
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn last_time(&self) -> u64 {
        self.count().checked_sub(1).map_or(self.parts.base_time, |last| self.time(last))
    }

    /// The bytes on disk, the sidecar's too.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.parts.end) + self.sidecar_len
    }

    /// How many entries each topic has, by the topic's number.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&Topic, u32, u64)> {
        (0_u32..).zip(&self.parts.topics).map(|(number, topic)| {
            let postings = slice_of(&self.postings_ends, &self.postings, number);
            let last = postings.last().map_or(self.first(), |&place| self.first() + u64::from(place));
            (topic, postings.len() as u32, last)
        })
    }
}

impl Index for Sealed {
    fn base(&self) -> &Arc<Base> {
        &self.base
    }

    fn count(&self) -> u32 {
        self.parts.positions.len() as u32
    }

    fn marked_position(&self, place: u32) -> u32 {
        self.parts.positions[place as usize]
    }

    fn end(&self) -> u32 {
        self.parts.end
    }

    fn time(&self, place: u32) -> u64 {
        self.parts.base_time + u64::from(self.parts.times[place as usize])
    }

    fn topics_of(&self, place: u32) -> &[u32] {
        match &self.parts.topics_ends {
            Some(ends) => slice_of(ends, &self.parts.topics_of, place),
            None => std::slice::from_ref(&self.parts.topics_of[place as usize]),
        }
    }

    fn topics(&self) -> &[Topic] {
        &self.parts.topics
    }

    fn postings(&self, topic: &Topic) -> &[u32] {
        match self.parts.topics.binary_search(topic) {
            Ok(number) => slice_of(&self.postings_ends, &self.postings, number as u32),
            Err(_) => &[],
        }
    }

    fn with_fingerprint(&self, fingerprint: u32) -> Vec<u32> {
        let from = self.parts.ids.partition_point(|&(known, _)| known < fingerprint);
        let same = self.parts.ids[from..].iter().take_while(|&&(known, _)| known == fingerprint);
        same.map(|&(_, place)| place).collect()
    }
}

/// The `number`th of the slices whose ends are listed.
fn slice_of<'a>(ends: &[u32], all: &'a [u32], number: u32) -> &'a [u32] {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &all[start as usize..ends[number] as usize]
}
