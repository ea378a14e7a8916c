//! Things that are to be found by texts which begin as they do.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, Hash, Hasher as _, RandomState},
};

use super::values::Values;
use crate::slim::slim_map;

/// Things by their prefix. A text is looked up once for each length of prefix that there is, up to its own; it is hashed
/// once for all of them.
///
/// Prefixes are kept as their hashes alone: what is found for a text is to be matched against it anyway.
#[derive(Debug)]
pub(super) struct Prefixes<T> {
    hashes: RandomState,
    by_hash: HashMap<u64, Values<T>>,
    /// How many there are of each length, in bytes.
    lengths: BTreeMap<usize, usize>,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self { hashes: RandomState::new(), by_hash: HashMap::new(), lengths: BTreeMap::new() }
    }
}

impl<T: Hash + Eq> Prefixes<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Puts in what is not there. The prefix may come in pieces.
    pub(super) fn insert<const N: usize>(&mut self, prefix: [&str; N], thing: T) {
        let (hash, length) = self.hash(prefix);
        self.by_hash.entry(hash).or_default().add(thing);
        *self.lengths.entry(length).or_default() += 1;
    }

    /// Takes out what is there.
    pub(super) fn remove<const N: usize>(&mut self, prefix: [&str; N], thing: &T) {
        let (hash, length) = self.hash(prefix);
        if let Some(things) = self.by_hash.get_mut(&hash) {
            things.remove(thing);
            if things.is_empty() {
                self.by_hash.remove(&hash);
                slim_map(&mut self.by_hash);
            }
        }
        if let Some(count) = self.lengths.get_mut(&length) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&length);
            }
        }
    }

    /// Calls `f` with whatever may have a prefix of the text.
    pub(super) fn find<const N: usize>(&self, text: [&str; N], mut f: impl FnMut(&T)) {
        let mut hasher = self.hashes.build_hasher();
        let mut bytes = text.iter().flat_map(|piece| piece.bytes());
        let mut hashed = 0;
        for &length in self.lengths.keys() {
            while hashed < length {
                let Some(byte) = bytes.next() else { return };
                hasher.write_u8(byte);
                hashed += 1;
            }
            if let Some(things) = self.by_hash.get(&hasher.finish()) {
                things.iter().for_each(&mut f);
            }
        }
    }

    /// Byte by byte, so that a text's hash so far is that of its prefix.
    fn hash<const N: usize>(&self, prefix: [&str; N]) -> (u64, usize) {
        let mut hasher = self.hashes.build_hasher();
        prefix.iter().flat_map(|piece| piece.bytes()).for_each(|byte| hasher.write_u8(byte));
        (hasher.finish(), prefix.iter().map(|piece| piece.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_find_what_they_begin_with() {
        let mut prefixes = Prefixes::default();
        let all = ["", "a", "ab", "é", "ab/", "b"];
        for prefix in all {
            prefixes.insert([prefix], prefix);
        }
        let find = |prefixes: &Prefixes<_>, text: [&str; 2]| {
            let mut found = Vec::new();
            prefixes.find(text, |prefix: &&str| found.push(*prefix));
            found
        };
        assert_eq!(find(&prefixes, ["ab", "/c"]), ["", "a", "ab", "ab/"]);
        assert_eq!(find(&prefixes, ["", ""]), [""]);
        assert_eq!(find(&prefixes, ["日", ""]), [""]);
        assert_eq!(find(&prefixes, ["", "éa"]), ["", "é"]);
        prefixes.remove(["ab"], &"ab");
        assert_eq!(find(&prefixes, ["ab", "/c"]), ["", "a", "ab/"]);
        for prefix in all.iter().filter(|prefix| **prefix != "ab") {
            prefixes.remove([prefix], prefix);
        }
        assert!(prefixes.is_empty() && prefixes.by_hash.is_empty());
    }
}
