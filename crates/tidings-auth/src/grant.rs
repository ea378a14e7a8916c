//! What somebody was found to be allowed.

use std::{fmt, sync::Arc, time::SystemTime};

use serde_json::value::RawValue;
use tidings_hub::{Bearer, Rights, Selection};

/// What somebody was found to be allowed, and who that is.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What they may do.
    pub rights: Rights,
    /// Whether they may administer the hub.
    pub admin: bool,
    /// What a revocation finds them by.
    pub bearer: Arc<Bearer>,
    /// How log lines call them.
    pub holder: Holder,
    /// When it ends.
    pub expires: Option<SystemTime>,
    /// What presence says about them.
    pub payloads: Vec<Payload>,
    /// The dialect of the token, if there was one.
    pub dialect: Option<Dialect>,
}

impl Grant {
    /// What presence says of a subscription to this: the value of the first payload whose selection holds it.
    pub fn payload(&self, matcher: &tidings_hub::Topic) -> Option<&RawValue> {
        self.payloads.iter().find(|payload| payload.selection.matches(matcher))?.value.as_deref()
    }
}

/// What presence says of a subscription.
#[derive(Clone)]
pub struct Payload {
    /// Of which subscriptions. What the subscription asks for is held against it as if it were a topic.
    pub selection: Selection,
    /// Any JSON. An entry without one hides those behind it.
    pub value: Option<Box<RawValue>>,
}

impl fmt::Debug for Payload {
    /// The value is the bearer's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("selection", &self.selection).finish_non_exhaustive()
    }
}

/// The kind of a token, by its claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Dialect {
    /// The claim `tidings`.
    #[serde(rename = "native")]
    Native,
    /// The claim `mercure`.
    #[serde(rename = "0.x")]
    V0,
    /// `typ: at+jwt` with `authorization_details`.
    #[serde(rename = "1.0")]
    V1,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::V0 => "Mercure 0.x",
            Self::V1 => "Mercure 1.0",
        })
    }
}

/// Whom a grant is for, in the words of a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder {
    /// Everybody: the hub is open.
    Everybody,
    /// Who presented nothing.
    Anonymous,
    /// An API key, by its name.
    Key(String),
    /// The user of a token, or whom the application named.
    User(String),
    /// A token that names no user, by its id.
    Token(String),
    /// Whom the application allowed, and did not name.
    Visitor,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Key(name) => write!(f, "key {name:?}"),
            Self::User(user) => write!(f, "user {user:?}"),
            Self::Token(id) => write!(f, "token {id:?}"),
            Self::Visitor => f.write_str("a visitor of the application"),
        }
    }
}
