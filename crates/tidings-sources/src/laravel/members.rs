//! The members of a JSON object as they stand in its text, so that one can be cut out and the others stay untouched:
//! their escapes, their order, the spelling of their numbers.

use std::{borrow::Cow, fmt, ops::Range};

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A member: name and value as they stand.
#[derive(Debug)]
pub(super) struct Member<'a> {
    name: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Member<'a> {
    /// Name and value, each as it stands.
    pub(super) fn text(&self) -> (&'a str, &'a str) {
        (self.name, self.value)
    }

    /// Whether this is its name, in whatever spelling.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let plain = |text: &str| text.strip_prefix('"')?.strip_suffix('"').map(|text| text == name);
        plain(self.name) == Some(true)
            || (self.name.contains('\\')
                && serde_json::from_str::<Cow<'_, str>>(self.name).is_ok_and(|text| text == name))
    }
}

/// The members of the object that `text` is, in their order; `None` if it is something else.
pub(super) fn members(text: &str) -> Option<Vec<Member<'_>>> {
    if !text.starts_with('{') {
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

struct Members;

impl<'a> Visitor<'a> for Members {
    type Value = Vec<Member<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            members.push(Member { name: name.get(), value: value.get() });
        }
        Ok(members)
    }
}

/// The text of the object without one member and the comma that the member needed.
pub(super) fn without(text: &str, members: &[Member<'_>], index: usize) -> Option<String> {
    let member = members.get(index)?;
    let start = place(text, member.name).start;
    let end = place(text, member.value).end;
    let cut = match (members.get(index + 1), index.checked_sub(1).and_then(|before| members.get(before))) {
        (Some(next), _) => start..place(text, next.name).start,
        (None, Some(before)) => place(text, before.value).end..end,
        (None, None) => start..end,
    };
    Some([text.get(..cut.start)?, text.get(cut.end..)?].concat())
}

/// Where a part of the text stands in it.
fn place(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}
