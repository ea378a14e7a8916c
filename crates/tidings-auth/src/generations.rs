//! A bounded memory of answers.

use std::{collections::HashMap, time::Instant};

use crate::digest::Digest;

/// Answers by the digest of their question, each good until its time is over, and no more than a fixed number of them.
///
/// There are two generations. When the young one is full the old one is forgotten and the young one becomes the old;
/// what is asked for again moves to the young. So the least used are forgotten, at no cost, in the order of use.
#[derive(Debug)]
pub(crate) struct Generations<V> {
    young: HashMap<Digest, (V, Instant)>,
    old: HashMap<Digest, (V, Instant)>,
    /// How many one generation may hold.
    each: usize,
}

impl<V: Clone> Generations<V> {
    /// Remembers at most `limit` answers.
    pub(crate) fn new(limit: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), each: (limit / 2).max(1) }
    }

    /// The answer, if it is remembered and good.
    pub(crate) fn get(&mut self, question: &Digest, now: Instant) -> Option<V> {
        if let Some((answer, until)) = self.young.get(question) {
            return (*until > now).then(|| answer.clone());
        }
        let (answer, until) = self.old.remove(question)?;
        if until <= now {
            return None;
        }
        self.insert(*question, answer.clone(), until);
        Some(answer)
    }

    /// Remembers an answer for some time.
    pub(crate) fn insert(&mut self, question: Digest, answer: V, until: Instant) {
        if self.young.len() >= self.each && !self.young.contains_key(&question) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(question, (answer, until));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn question(number: usize) -> Digest {
        Digest::of(&[&number.to_le_bytes()])
    }

    #[test]
    fn an_answer_is_good_until_its_time_is_over() {
        let (now, mut answers) = (Instant::now(), Generations::new(10));
        answers.insert(question(1), "a", now + Duration::from_secs(1));
        assert_eq!(answers.get(&question(1), now), Some("a"));
        assert_eq!(answers.get(&question(1), now + Duration::from_secs(1)), None);
        assert_eq!(answers.get(&question(2), now), None);
    }

    #[test]
    fn answers_are_bounded_and_the_used_ones_stay() {
        let (now, mut answers) = (Instant::now(), Generations::new(10));
        let later = now + Duration::from_secs(1);
        for number in 0..1_000 {
            answers.insert(question(number), number, later);
            assert_eq!(answers.get(&question(0), now), Some(0), "{number}");
            assert!(answers.young.len() + answers.old.len() <= 10);
        }
    }
}
