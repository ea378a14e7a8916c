//! The hub's own language: a question is `{"action": "subscribe", "topic": "orders.7"}`, a yes is `true` or an object with
//! `"allow": true`.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_TYPE, COOKIE, ORIGIN},
};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tidings_hub::Selector;

use super::{Answer, Question, Yes};
use crate::{object::object, refusal::Reason, settings::Action};

/// The longest that an answer can say it is good for: a year.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

#[derive(Deserialize)]
struct Body {
    allow: bool,
    user: Option<String>,
    /// In seconds.
    expires_in: Option<u64>,
    payload: Option<Box<RawValue>>,
    private: Option<bool>,
}

/// The headers that the application is given.
pub(super) fn forwarded() -> Vec<HeaderName> {
    vec![COOKIE, ORIGIN]
}

/// The headers by which it may know somebody.
pub(super) fn known_by() -> Vec<HeaderName> {
    vec![COOKIE]
}

pub(super) fn question(action: Action, selector: &Selector) -> Question {
    let body = match selector {
        Selector::Exact(topic) => json!({"action": action, "topic": topic.as_str()}),
        Selector::Pattern(pattern) => json!({"action": action, "pattern": pattern.as_str()}),
        Selector::Template(template) => json!({"action": action, "template": template.as_str()}),
        Selector::Url(pattern) => json!({"action": action, "url_pattern": pattern.as_str()}),
        _ => json!({"action": action, "all": true}),
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Question { headers, body: body.to_string() }
}

pub(super) fn read(body: &[u8]) -> Result<Answer, Reason> {
    const PLAIN: Body = Body { allow: true, user: None, expires_in: None, payload: None, private: None };
    let body = match serde_json::from_slice(body) {
        Ok(true) => PLAIN,
        Ok(false) => return Ok(Answer::No),
        Err(_) => object(body).map_err(|_| {
            Reason::NoAnswer("its answer is neither true, false nor an object with allow".to_owned())
        })?,
    };
    if !body.allow {
        return Ok(Answer::No);
    }
    let seconds = body.expires_in.map(|seconds| Duration::from_secs(seconds.min(MAX_SECONDS)));
    let expires = seconds.and_then(|seconds| SystemTime::now().checked_add(seconds));
    let private = body.private.unwrap_or(true);
    Ok(Answer::Yes(Arc::new(Yes { user: body.user, expires, payload: body.payload, private })))
}
