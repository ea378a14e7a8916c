//! Revocations: tokens and users that are refused although their signature is good.

use std::{io, time::SystemTime};

use serde::{Deserialize, Serialize};
use tidings_hub::Bearer;

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A token, by its id: its `jti`, else the digest of what is signed. An API key is `key:NAME`.
    Token(String),
    /// Every token of a user, by the `sub`.
    User(String),
}

/// A revocation. In JSON `{"token": "ID"}` or `{"user": "NAME"}`, and perhaps `"until"` in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// What is revoked.
    #[serde(flatten)]
    pub target: Target,
    /// When it ends, as when the token expires anyway. Without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::seconds")]
    pub until: Option<SystemTime>,
}

impl Revocation {
    /// Whether this is one whom it refuses.
    pub fn covers(&self, bearer: &Bearer) -> bool {
        match &self.target {
            Target::Token(id) => bearer.token.as_deref() == Some(id),
            Target::User(user) => bearer.user.as_deref() == Some(user),
        }
    }
}

/// Why revocations cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The file cannot be read or written.
    #[error("{0}: check the path, its permissions and the room on the disk")]
    Io(#[from] io::Error),
    /// A line of the file is not one that was written there.
    #[error("line {0} is not a revocation: repair or remove it")]
    Line(usize),
}
