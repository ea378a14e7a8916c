//! A bounded memory of answers.

use std::{collections::HashMap, time::Instant};

use crate::digest::Digest;

/// Answers by the digest of their question, each good until its time is over, and no more of them than fit: so many, and
/// of so much weight together.
///
/// There are two generations. When the young one is full the old one is forgotten and the young one becomes the old;
/// what is asked for again moves to the young. So the least used are forgotten, at no cost, in the order of use.
#[derive(Debug)]
pub(crate) struct Generations<V> {
    young: Generation<V>,
    old: Generation<V>,
    /// How much one generation may hold.
    each: Bounds,
}

/// How much is remembered at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many answers.
    pub(crate) answers: usize,
    /// How many bytes, as whoever inserts them weighs them.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Generation<V> {
    answers: HashMap<Digest, Answer<V>>,
    bytes: usize,
}

#[derive(Debug)]
struct Answer<V> {
    value: V,
    until: Instant,
    bytes: usize,
}

impl<V: Clone> Generations<V> {
    /// Remembers so much and no more.
    pub(crate) fn new(limit: Bounds) -> Self {
        let each = Bounds { answers: (limit.answers / 2).max(1), bytes: limit.bytes / 2 };
        Self { young: Generation::default(), old: Generation::default(), each }
    }

    /// The answer, if it is remembered and good.
    pub(crate) fn get(&mut self, question: &Digest, now: Instant) -> Option<V> {
        if let Some(answer) = self.young.answers.get(question) {
            return (answer.until > now).then(|| answer.value.clone());
        }
        let answer = self.old.remove(question).filter(|answer| answer.until > now)?;
        let value = answer.value.clone();
        self.keep(*question, answer);
        Some(value)
    }

    /// Remembers an answer of so many bytes for some time. One that is too heavy is not remembered.
    pub(crate) fn insert(&mut self, question: Digest, value: V, bytes: usize, until: Instant) {
        self.keep(question, Answer { value, until, bytes });
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.answers.len() + self.old.answers.len()
    }

    fn keep(&mut self, question: Digest, answer: Answer<V>) {
        self.young.remove(&question);
        self.old.remove(&question);
        if answer.bytes > self.each.bytes {
            return;
        }
        let is_full = self.young.answers.len() >= self.each.answers
            || self.young.bytes + answer.bytes > self.each.bytes;
        if is_full {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.bytes += answer.bytes;
        self.young.answers.insert(question, answer);
    }
}

impl<V> Generation<V> {
    fn remove(&mut self, question: &Digest) -> Option<Answer<V>> {
        let answer = self.answers.remove(question)?;
        self.bytes -= answer.bytes;
        Some(answer)
    }
}

impl<V> Default for Generation<V> {
    fn default() -> Self {
        Self { answers: HashMap::new(), bytes: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn question(number: usize) -> Digest {
        Digest::of(&[&number.to_le_bytes()])
    }

    fn ten() -> Generations<usize> {
        Generations::new(Bounds { answers: 10, bytes: 1_000 })
    }

    #[test]
    fn an_answer_is_good_until_its_time_is_over() {
        let (now, mut answers) = (Instant::now(), ten());
        answers.insert(question(1), 7, 1, now + Duration::from_secs(1));
        assert_eq!(answers.get(&question(1), now), Some(7));
        assert_eq!(answers.get(&question(1), now + Duration::from_secs(1)), None);
        assert_eq!(answers.get(&question(2), now), None);
    }

    #[test]
    fn answers_are_bounded_and_the_used_ones_stay() {
        let (now, mut answers) = (Instant::now(), ten());
        let later = now + Duration::from_secs(1);
        for number in 0..1_000 {
            answers.insert(question(number), number, 1, later);
            assert_eq!(answers.get(&question(0), now), Some(0), "{number}");
            assert!(answers.len() <= 10);
        }
    }

    #[test]
    fn heavy_answers_are_bounded_by_their_weight() {
        let (now, mut answers) = (Instant::now(), ten());
        let later = now + Duration::from_secs(1);
        for number in 0..1_000 {
            // Also what is answered anew counts once.
            for bytes in [50, 200] {
                answers.insert(question(number), number, bytes, later);
            }
            assert_eq!(answers.get(&question(number), now), Some(number));
            let weight = |generation: &Generation<_>| generation.answers.values().map(|it| it.bytes).sum();
            for generation in [&answers.young, &answers.old] {
                let bytes: usize = weight(generation);
                assert!(bytes == generation.bytes && bytes <= 500, "{bytes}");
            }
        }
        answers.insert(question(7), 7, 501, later);
        assert_eq!(answers.get(&question(7), now), None);
    }
}
