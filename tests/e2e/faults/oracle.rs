//! What each subscriber should have seen, worked out from what publishers were answered and from one witness, who reads
//! everything from the first event on.
//!
//! The witness is held against the publishers: an answered event stands at the offset of its receipt, each publisher's
//! events stand in their order and once. Everybody else is held against the witness: from where a subscriber begins, it
//! sees each event that it asked for, once and in order; after a reset it may have missed what is really gone from the
//! history, and nothing else. So what anybody has seen once is never taken back, answered or not.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::event::{Key, Selection};

/// What is known so far.
#[derive(Debug, Default)]
pub(crate) struct Oracle(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What the witness saw; the place is the offset.
    witnessed: Vec<Key>,
    /// The offsets of each publisher's events, by number.
    places: HashMap<u8, Vec<Option<u32>>>,
    /// What was answered and has not been witnessed yet, by offset.
    answered: BTreeMap<u64, Key>,
    count_answered: u64,
    /// What is wrong, in the order in which it was found.
    faults: Vec<String>,
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With this offset.
    At(u64),
    /// Not known: with the first that it sees.
    WithTheFirst,
}

/// One thing that a subscriber saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Event(Key),
    /// A reset, and the oldest offset that the hub had a moment later.
    Reset {
        oldest: u64,
    },
}

/// All that one subscriber saw.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) selection: Selection,
    pub(crate) start: Start,
    pub(crate) seen: Vec<Seen>,
    /// How often it connected; one in all if it noticed nothing.
    pub(crate) connections: usize,
}

impl Oracle {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A publisher was answered.
    pub(crate) fn answered(&self, key: Key, offset: u64) {
        let mut known = self.known();
        known.count_answered += 1;
        match known.witnessed.get(usize::try_from(offset).unwrap()).copied() {
            Some(witnessed) => known.compare(offset, key, witnessed),
            None => {
                // The same publication may be answered twice, as the same.
                let other = known.answered.insert(offset, key);
                if let Some(other) = other.filter(|other| *other != key) {
                    known
                        .faults
                        .push(format!("{key:?} and {other:?} were both answered with offset {offset}"));
                }
            }
        }
    }

    /// The witness has seen the next event, at this offset if its id tells.
    pub(crate) fn witnessed(&self, key: Key, offset: Option<u64>) {
        let mut known = self.known();
        let next = known.witnessed.len() as u64;
        if offset.is_some_and(|offset| offset != next) {
            known.faults.push(format!("the witness saw {key:?} at {offset:?} instead of at {next}"));
        }
        if let Some(answered) = known.answered.remove(&next) {
            known.compare(next, answered, key);
        }
        if key != Key::END && key != Key::ASIDE {
            let places = known.places.entry(key.publisher).or_default();
            let number = key.number as usize;
            if number < places.len() {
                known.faults.push(format!("{key:?} came again or was overtaken, at {next}"));
            } else {
                places.resize(number, None);
                places.push(Some(u32::try_from(next).unwrap()));
            }
        }
        known.witnessed.push(key);
    }

    pub(crate) fn is_witnessed(&self, key: Key) -> bool {
        self.known().place(key).is_some()
    }

    /// How many have been answered and witnessed.
    pub(crate) fn counts(&self) -> (u64, usize) {
        let known = self.known();
        (known.count_answered, known.witnessed.len())
    }

    /// Holds a subscriber against the witness, who must have seen all that it saw. `to_the_end`: it must have come as
    /// far as the witness.
    pub(crate) fn check(&self, record: &Record, to_the_end: bool) {
        let mut known = self.known();
        if let Err(fault) = known.check(record, to_the_end) {
            let Record { name, selection, start, connections, .. } = record;
            known
                .faults
                .push(format!("{name} ({}, {start:?}, {connections} connections): {fault}", selection.query));
        }
    }

    /// Says that something is wrong.
    pub(crate) fn fault(&self, text: String) {
        self.known().faults.push(text);
    }

    /// Nothing is wrong so far.
    pub(crate) fn assert_well(&self) {
        const SHOWN: usize = 5;
        let known = self.known();
        let faults = &known.faults;
        let shown = faults.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
        assert!(faults.is_empty(), "{} faults, the first of them:\n{shown}", faults.len());
    }

    /// Nothing is wrong, and nothing that was answered is missing.
    pub(crate) fn assert_all_is_there(&self) {
        self.assert_well();
        let known = self.known();
        let lost = known.answered.first_key_value();
        assert!(lost.is_none(), "{} events were answered and are lost: {lost:?}", known.answered.len());
    }
}

impl Known {
    fn compare(&mut self, offset: u64, answered: Key, witnessed: Key) {
        if answered != witnessed {
            self.faults
                .push(format!("{answered:?} was answered with offset {offset}, where {witnessed:?} is"));
        }
    }

    fn place(&self, key: Key) -> Option<usize> {
        if key == Key::END {
            return self.witnessed.iter().rposition(|witnessed| *witnessed == Key::END);
        }
        let place = self.places.get(&key.publisher)?.get(key.number as usize)?;
        place.map(|place| place as usize)
    }

    fn check(&self, record: &Record, to_the_end: bool) -> Result<(), String> {
        // The offset from which on nothing may be missing.
        let mut next = match record.start {
            Start::At(offset) => Some(usize::try_from(offset).unwrap()),
            Start::WithTheFirst => None,
        };
        let mut oldest = None;
        for seen in &record.seen {
            let key = match *seen {
                Seen::Reset { oldest: now } => {
                    // An id that its publisher gave is forgotten with its event, so that the next may be there yet.
                    if next.is_none_or(|next| now < next as u64) {
                        return Err(format!("a reset at {next:?}, while the history began at {now}"));
                    }
                    oldest = Some(usize::try_from(now).unwrap());
                    continue;
                }
                Seen::Event(key) => key,
            };
            let place = self.place(key).ok_or_else(|| format!("{key:?} came, and is not in the log"))?;
            if !record.selection.matches(key) {
                return Err(format!("{key:?} came, and was not asked for"));
            }
            if let Some(next) = next {
                if place < next {
                    return Err(format!("{key:?}, offset {place}, came where {next} was to come"));
                }
                let from = next.max(oldest.take().unwrap_or(0));
                self.nothing_is_missing(record, from, place)?;
            }
            next = Some(place + 1);
        }
        match next {
            Some(next) if to_the_end => {
                self.nothing_is_missing(record, next.max(oldest.unwrap_or(0)), self.witnessed.len())
            }
            None if to_the_end => Err("it saw nothing at all".into()),
            _ => Ok(()),
        }
    }

    /// Nothing that the subscriber asked for stands in `from..to`.
    fn nothing_is_missing(&self, record: &Record, from: usize, to: usize) -> Result<(), String> {
        let between = self.witnessed.get(from..to).unwrap_or_default();
        match between.iter().position(|key| record.selection.matches(*key)) {
            Some(at) => {
                let missed = between.iter().filter(|key| record.selection.matches(**key)).count();
                Err(format!("missed {missed} up to offset {to}, first {:?} at {}", between[at], from + at))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(topic: u8, number: u32) -> Key {
        Key { topic, publisher: 0, number }
    }

    /// Six events, on topic 0 and 1 in turn.
    fn oracle() -> Oracle {
        let oracle = Oracle::default();
        for number in 0..6 {
            oracle.witnessed(key(u8::from(number % 2 == 1), number), Some(number.into()));
        }
        oracle
    }

    fn fault(start: Start, seen: &[Seen], to_the_end: bool) -> Option<String> {
        let oracle = oracle();
        let (selection, seen) = (Selection::all(), seen.to_vec());
        let record = Record { name: "one".into(), selection, start, seen, connections: 1 };
        oracle.check(&record, to_the_end);
        let known = oracle.known();
        known.faults.first().cloned()
    }

    fn events(numbers: impl IntoIterator<Item = u32>) -> Vec<Seen> {
        numbers.into_iter().map(|number| Seen::Event(key(u8::from(number % 2 == 1), number))).collect()
    }

    #[test]
    fn whoever_sees_everything_once_and_in_order_is_well() {
        assert_eq!(fault(Start::At(0), &events(0..6), true), None);
        assert_eq!(fault(Start::At(2), &events(2..4), false), None);
        assert_eq!(fault(Start::WithTheFirst, &events(3..6), true), None);
    }

    #[test]
    fn what_is_missing_doubled_or_turned_around_is_told() {
        let missed = |fault: Option<String>| assert!(fault.unwrap().contains("missed"));
        missed(fault(Start::At(0), &events(1..6), true));
        missed(fault(Start::At(0), &events([0, 1, 3]), false));
        missed(fault(Start::At(0), &events(0..5), true));
        for turned in [[0, 1, 1], [1, 0, 2], [0, 2, 1]] {
            assert!(fault(Start::WithTheFirst, &events(turned), false).is_some());
        }
        assert!(fault(Start::At(6), &events([]), true).is_none());
        assert!(fault(Start::WithTheFirst, &events([]), true).is_some());
        assert!(fault(Start::At(6), &events([7]), false).unwrap().contains("not in the log"));
    }

    #[test]
    fn a_reset_excuses_what_is_gone_and_nothing_else() {
        let reset = |oldest: u64, rest: Vec<Seen>| {
            let mut seen = events(0..1);
            seen.push(Seen::Reset { oldest });
            seen.extend(rest);
            fault(Start::At(0), &seen, true)
        };
        assert_eq!(reset(3, events(3..6)), None);
        assert!(reset(3, events(4..6)).unwrap().contains("missed"));
        assert!(reset(0, events(1..6)).unwrap().contains("a reset"));
    }

    #[test]
    fn the_witness_is_held_against_the_answers() {
        let told = |oracle: &Oracle| oracle.known().faults.len();
        let oracle = oracle();
        oracle.answered(key(0, 4), 4);
        oracle.answered(key(0, 6), 6);
        oracle.answered(key(0, 6), 6);
        oracle.witnessed(key(0, 6), None);
        assert_eq!(told(&oracle), 0);
        oracle.assert_all_is_there();
        oracle.answered(key(0, 4), 3);
        assert_eq!(told(&oracle), 1, "another is there");
        oracle.witnessed(key(0, 6), None);
        assert_eq!(told(&oracle), 2, "it came again");
        oracle.witnessed(key(0, 9), Some(9));
        assert_eq!(told(&oracle), 3, "at another offset");
    }
}
