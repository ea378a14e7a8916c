//! One compiled selector for all who write the same.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// The compiled selectors of one kind that are in use, by the hash of what they were compiled from. It is a hash of this
/// process alone, so that nobody can make two collide; those that do all the same are not shared, which does no harm.
#[derive(Debug)]
pub(super) struct Shared<T> {
    hashes: RandomState,
    entries: Mutex<HashMap<u64, Weak<T>>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { hashes: RandomState::new(), entries: Mutex::default() }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Weak<T>>> {
        // Nothing that can panic runs under the lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was compiled from this source and is still in use; where there is none, what `compile` makes.
    pub(super) fn get<E>(
        &self,
        source: impl Hash,
        is_from_it: impl FnOnce(&T) -> bool,
        compile: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let hash = self.hashes.hash_one(source);
        let known = self.lock().get(&hash).and_then(Weak::upgrade);
        if let Some(known) = known
            && is_from_it(&known)
        {
            return Ok(known);
        }
        let new = Arc::new(compile()?);
        self.lock().insert(hash, Arc::downgrade(&new));
        Ok(new)
    }

    /// For the destructor of what was compiled.
    pub(super) fn forget(&self, source: impl Hash, compiled: &T) {
        let hash = self.hashes.hash_one(source);
        let mut entries = self.lock();
        // Another may have its place by now.
        if entries.get(&hash).is_some_and(|entry| std::ptr::eq(entry.as_ptr(), compiled)) {
            entries.remove(&hash);
        }
    }

    #[cfg(test)]
    pub(super) fn contains(&self, source: impl Hash) -> bool {
        self.lock().contains_key(&self.hashes.hash_one(source))
    }
}
