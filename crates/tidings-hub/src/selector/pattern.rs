//! Patterns over topic names, in which `*` stands for anything.

use std::{fmt, sync::Arc};

use crate::topic::{TopicError, check_name};

/// A pattern over topic names, in which `*` stands for any run of characters, the empty one included.
///
/// `orders.*` matches `orders.7` and `orders.7.items`, not `orders`. Every other character stands for itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Makes a pattern of `text`, which obeys the same rule as a topic's name.
    ///
    /// # Errors
    /// As [`Topic::new`](crate::Topic::new).
    pub fn new(text: impl AsRef<str>) -> Result<Self, TopicError> {
        let text = text.as_ref();
        check_name(text)?;
        Ok(Self(Arc::from(text)))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it consists of stars alone and so matches everything.
    pub(super) fn is_all(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    /// What every name that the pattern matches begins with.
    pub(crate) fn prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    /// Whether the pattern matches this name. Each literal piece is searched once, left to right, which is enough
    /// because the leftmost match of a piece never rules out a later one.
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, written for clarity and not for speed.
    fn matches_by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                matches_by_definition(&pattern[1..], name)
                    || (!name.is_empty() && matches_by_definition(pattern, &name[1..]))
            }
            (Some(p), Some(n)) if p == n => matches_by_definition(&pattern[1..], &name[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(pattern in "[ab*]{1,8}", name in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(
                Pattern::new(&pattern).unwrap().matches(&name),
                matches_by_definition(&chars(&pattern), &chars(&name))
            );
        }
    }
}
