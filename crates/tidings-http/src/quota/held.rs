//! How many of something each holds.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Into how many parts the keys are divided, so that hardly anybody waits for a lock.
const PARTS: usize = 64;

/// Counts by key; there are only those of who holds something.
#[derive(Debug)]
pub(super) struct Held<K> {
    parts: Vec<Mutex<HashMap<K, u64>>>,
    hasher: RandomState,
}

impl<K> Default for Held<K> {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl<K: Hash + Eq + Clone> Held<K> {
    /// One more for this key, if it has fewer than so many.
    pub(super) fn take(self: &Arc<Self>, key: K, most: u64) -> Option<Ticket<K>> {
        let mut part = self.part(&key);
        match part.get_mut(&key) {
            Some(count) if *count >= most => return None,
            Some(count) => *count += 1,
            None if most == 0 => return None,
            None => drop(part.insert(key.clone(), 1)),
        }
        drop(part);
        Some(Ticket { held: self.clone(), key })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.lock().unwrap().is_empty())
    }
}

impl<K: Hash + Eq> Held<K> {
    fn give_back(&self, key: &K) {
        let mut part = self.part(key);
        if let Some(count) = part.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                part.remove(key);
            }
        }
        // A crowd that has left does not keep its room.
        if part.capacity() > 1024 && part.len() < part.capacity() / 4 {
            part.shrink_to_fit();
        }
    }

    fn part(&self, key: &K) -> MutexGuard<'_, HashMap<K, u64>> {
        let index = self.hasher.hash_one(key) as usize % self.parts.len();
        // Nothing that can panic runs under the lock.
        self.parts[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is held, until it is dropped.
#[derive(Debug)]
pub(super) struct Ticket<K: Hash + Eq> {
    held: Arc<Held<K>>,
    key: K,
}

impl<K: Hash + Eq> Drop for Ticket<K> {
    fn drop(&mut self) {
        self.held.give_back(&self.key);
    }
}
