//! A set that is small as a rule, and can be large.

use std::{collections::HashSet, hash::Hash};

/// From how many on they are hashed: a topic that everybody listens to must not be searched for whoever leaves.
const MANY: usize = 32;

#[derive(Debug)]
pub(super) enum Values<T> {
    /// Most sets have one, which needs no memory of its own.
    One(T),
    Few(Vec<T>),
    Many(HashSet<T>),
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<T: Hash + Eq> Values<T> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Few(values) => values.is_empty(),
            Self::Many(values) => values.is_empty(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let (few, many) = match self {
            Self::One(value) => (std::slice::from_ref(value), None),
            Self::Few(values) => (&**values, None),
            Self::Many(values) => (&[][..], Some(values)),
        };
        few.iter().chain(many.into_iter().flatten())
    }

    /// Adds a value that is not there.
    pub(super) fn add(&mut self, value: T) {
        *self = match std::mem::take(self) {
            Self::Few(few) if few.is_empty() => Self::One(value),
            Self::One(other) => Self::Few(vec![other, value]),
            Self::Few(few) if few.len() + 1 == MANY => Self::Many(few.into_iter().chain([value]).collect()),
            Self::Few(mut few) => {
                few.push(value);
                Self::Few(few)
            }
            Self::Many(mut many) => {
                many.insert(value);
                Self::Many(many)
            }
        };
    }

    pub(super) fn remove(&mut self, value: &T) {
        match self {
            Self::One(other) if other == value => *self = Self::default(),
            Self::One(_) => {}
            Self::Few(few) => {
                if let Some(at) = few.iter().position(|other| other == value) {
                    few.swap_remove(at);
                }
            }
            Self::Many(many) => {
                many.remove(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_are_a_set_of_any_size(
            changes in proptest::collection::vec((any::<bool>(), 0..99_u8), 0..400),
        ) {
            let mut model = HashSet::new();
            let mut values = Values::default();
            for (add, value) in changes {
                if !add {
                    model.remove(&value);
                    values.remove(&value);
                } else if model.insert(value) {
                    values.add(value);
                }
                prop_assert_eq!(values.is_empty(), model.is_empty());
                prop_assert_eq!(values.iter().count(), model.len());
            }
            prop_assert_eq!(values.iter().copied().collect::<HashSet<_>>(), model);
        }
    }
}
