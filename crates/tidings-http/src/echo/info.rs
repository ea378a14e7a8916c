//! What the application tells the members of a presence channel about each other: any JSON, passed on byte for byte.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The description of a member.
#[derive(Clone)]
pub(super) struct Info(Arc<RawValue>);

impl Info {
    pub(super) fn new(value: &RawValue) -> Self {
        Self(value.to_owned().into())
    }

    /// The JSON.
    pub(super) fn get(&self) -> &str {
        self.0.get()
    }
}

impl fmt::Debug for Info {
    /// It is the member's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info").finish_non_exhaustive()
    }
}

impl Serialize for Info {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Info {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|value| Self(value.into()))
    }
}
