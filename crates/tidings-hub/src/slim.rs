//! Collections that give their room back after a crowd has left. Those of the standard library never do by themselves,
//! and what a hundred thousand subscribers needed would be held for the ten who are left.

use std::{collections::HashMap, hash::Hash};

use slab::Slab;

/// Room for so many things is not worth giving back.
const WORTH: usize = 1024;
/// What is fuller than one in so many keeps its room.
const SPARSE: usize = 8;

/// To be called after something was taken out. Each thing that is moved by this has at least seven that went before.
pub(crate) fn slim_map<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > WORTH && map.len() < map.capacity() / SPARSE {
        map.shrink_to(map.len() * 2);
    }
}

/// The same. What is in a slab cannot be moved, so that it waits until nothing is.
pub(crate) fn slim_slab<T>(slab: &mut Slab<T>) {
    if slab.capacity() > WORTH && slab.is_empty() {
        *slab = Slab::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_empty_gives_its_room_back_and_loses_nothing() {
        let mut map: HashMap<usize, usize> = (0..100_000).map(|number| (number, number)).collect();
        let full = map.capacity();
        for number in 100..100_000 {
            map.remove(&number);
            slim_map(&mut map);
        }
        assert!(map.capacity() < full / 50, "{}", map.capacity());
        assert!((0..100).all(|number| map[&number] == number));

        let mut slab: Slab<usize> = (0..2000).map(|number| (number, number)).collect();
        for number in 0..2000 {
            slab.remove(number);
            slim_slab(&mut slab);
        }
        assert_eq!(slab.capacity(), 0);
    }
}
