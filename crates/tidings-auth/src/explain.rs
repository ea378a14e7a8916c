//! Says whether somebody would receive a topic, and why not.

use std::time::SystemTime;

use serde::Serialize;
use tidings_hub::channel::is_private;

use crate::{
    grant::{Dialect, Grant},
    refusal::Refusal,
    settings::Action,
};

/// What is to be explained.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What is to be done.
    pub action: Action,
    /// With which topics: the canonical one and its alternates.
    pub topics: &'a [tidings_hub::Topic],
    /// Whether the event is private. In a channel whose name [says so](is_private) it is in any case.
    pub private: bool,
    /// The resource that is asked for, as in [`crate::Asked`].
    pub audience: &'a str,
}

/// Whether somebody would receive a topic, and why not.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Whether they would.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: String,
    /// Whom the token is for, when it is good.
    pub holder: Option<String>,
    /// Its kind.
    pub dialect: Option<Dialect>,
    /// What it grants, when it is good.
    pub grants: Option<Grants>,
    /// When it ends, in seconds since 1970.
    #[serde(with = "crate::time::seconds")]
    pub expires: Option<SystemTime>,
}

/// What a token grants, as selectors with commas between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// What it may publish to.
    pub publish: String,
    /// Where it sees public events.
    pub public: String,
    /// Where it sees private events.
    pub private: String,
    /// Whether it may administer the hub.
    pub admin: bool,
}

impl Grants {
    /// What a grant grants.
    pub fn of(grant: &Grant) -> Self {
        let read = &grant.rights.read;
        Self {
            publish: grant.rights.publish.to_string(),
            public: read.public.to_string(),
            private: read.private.to_string(),
            admin: grant.admin,
        }
    }
}

impl Explanation {
    /// What a grant says to the question.
    pub fn of(grant: &Grant, question: &Question<'_>) -> Self {
        let (allowed, reason) = answer(grant, question);
        Self {
            allowed,
            reason,
            holder: Some(grant.holder.to_string()),
            dialect: grant.dialect,
            grants: Some(Grants::of(grant)),
            expires: grant.expires,
        }
    }

    /// That nothing is granted at all.
    pub fn refused(refusal: &Refusal) -> Self {
        let reason = refusal.to_string();
        Self { allowed: false, reason, holder: None, dialect: None, grants: None, expires: None }
    }
}

fn answer(grant: &Grant, question: &Question<'_>) -> (bool, String) {
    let (holder, topics) = (&grant.holder, question.topics);
    match question.action {
        Action::Publish => match grant.rights.may_publish(topics) {
            Ok(()) => (true, format!("{holder} may publish to every one of the topics")),
            Err(topic) => (false, format!("{holder} may not publish to {:?}", topic.as_str())),
        },
        Action::Subscribe => {
            // As the hub publishes it.
            let private = question.private || topics.iter().any(|topic| is_private(topic.as_str()));
            let kind = if private { "private" } else { "public" };
            let seen = grant.rights.read.of(private);
            match topics.iter().find(|topic| seen.matches(topic)) {
                Some(topic) => (
                    true,
                    format!(
                        "{holder} sees {kind} events of {:?}, if subscribed to one of the topics",
                        topic.as_str()
                    ),
                ),
                None => (false, format!("{holder} sees no {kind} events of any of the topics")),
            }
        }
    }
}
