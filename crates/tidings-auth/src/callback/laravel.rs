//! The language of Laravel's `/broadcasting/auth`: a form with the channel's name and a socket id. Each of Laravel's
//! drivers answers in its own way, and none can be told by its `Content-Type`: `true` comes as `text/html`.
//!
//! Laravel decides about private and presence channels, and there about subscriptions. It is asked about nothing else.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, REFERER, USER_AGENT},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_hub::{Selector, channel};
use url::form_urlencoded;

use super::{Answer, Question, Yes};
use crate::{object::object, refusal::Reason, settings::Action};

/// How the names begin of the channels that Laravel decides about. Of [`channel::TO_USER`], which is private as well, it
/// knows nothing: that one is Pusher's.
const DECIDED: [&str; 2] = [channel::PRIVATE, channel::PRESENCE];

/// Names the connection that an event came from (`toOthers()`).
const X_SOCKET_ID: HeaderName = HeaderName::from_static("x-socket-id");
/// Tells Laravel, as `Accept` does, that it is no page that is asked for.
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// What stands for the socket id of those who have none: the drivers `pusher` and `reverb` sign one.
const NO_SOCKET: &str = "0.0";

/// Why an answer is none.
const NO_ANSWER: &str = "its answer is none of Laravel's /broadcasting/auth: neither true, false nor an object with auth or channel_data";
const NOBODY: &str = "its answer allows a presence channel and does not say who joins (channel_data): let the channel's \
                      callback return an array about the user";

/// An answer that is an object. Which members it has is the driver's business.
#[derive(Deserialize)]
struct Body<'a> {
    /// The signature of `pusher` and `reverb`, which is for another server than this.
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
    /// Who joins a presence channel: an object of the driver `redis`, and a string with JSON in it of the others.
    #[serde(borrow)]
    channel_data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChannelData<'a> {
    /// A number or a string.
    #[serde(borrow)]
    user_id: &'a RawValue,
    user_info: Option<Box<RawValue>>,
}

/// The headers that the application is given: what its session, its tokens and its protection against forged requests
/// go by (Sanctum looks at `Referer` or `Origin`), and the browser's name, which it keeps with the session.
pub(super) fn forwarded() -> Vec<HeaderName> {
    vec![
        COOKIE,
        AUTHORIZATION,
        HeaderName::from_static("x-xsrf-token"),
        HeaderName::from_static("x-csrf-token"),
        ORIGIN,
        REFERER,
        USER_AGENT,
        X_SOCKET_ID,
    ]
}

/// The headers by which it may know somebody.
pub(super) fn known_by() -> Vec<HeaderName> {
    vec![COOKIE, AUTHORIZATION]
}

/// Whether Laravel is asked about this.
pub(super) fn is_decided(action: Action, selector: &Selector) -> bool {
    let Selector::Exact(topic) = selector else { return false };
    action == Action::Subscribe && DECIDED.iter().any(|prefix| topic.as_str().starts_with(prefix))
}

/// `None` for what Laravel is not asked about.
pub(super) fn question(headers: &HeaderMap, action: Action, selector: &Selector) -> Option<Question> {
    let Selector::Exact(topic) = selector else { return None };
    if !is_decided(action, selector) {
        return None;
    }
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("channel_name", topic.as_str())
        .append_pair("socket_id", socket_id(headers))
        .finish();
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        (X_REQUESTED_WITH, HeaderValue::from_static("XMLHttpRequest")),
    ]);
    Some(Question { headers, body })
}

pub(super) fn read(body: &[u8], selector: &Selector) -> Result<Answer, Reason> {
    let is_presence = matches!(selector, Selector::Exact(topic) if channel::is_presence(topic.as_str()));
    let yes = |user, payload| Ok(Answer::Yes(Arc::new(Yes { user, expires: None, payload, private: true })));
    let no_answer = |problem: &str| Err(Reason::NoAnswer(problem.to_owned()));
    let body: Body<'_> = match serde_json::from_slice(body) {
        Ok(false) => return Ok(Answer::No),
        // Such a yes does not say who is there, which is all that the members of a presence channel want to know.
        Ok(true) if is_presence => return no_answer(NOBODY),
        Ok(true) => return yes(None, None),
        // What the drivers `log` and `null` say to everything.
        Err(_) if body.trim_ascii().is_empty() => {
            return no_answer("its answer is empty: is its broadcaster redis, reverb or pusher?");
        }
        Err(_) => match object(body) {
            Ok(body) => body,
            Err(_) => return no_answer(NO_ANSWER),
        },
    };
    match body {
        Body { channel_data: Some(data), .. } => {
            let Some((user, payload)) = member(data) else {
                return no_answer("its channel_data has no user_id that is a number or a text");
            };
            yes(Some(user), payload)
        }
        Body { auth: Some(auth), .. } if is_text(auth) && is_presence => no_answer(NOBODY),
        Body { auth: Some(auth), .. } if is_text(auth) => yes(None, None),
        Body { .. } => no_answer(NO_ANSWER),
    }
}

/// The user's id, and what the others are told about them, in the bytes of the answer.
fn member(data: &RawValue) -> Option<(String, Option<Box<RawValue>>)> {
    let text: String;
    let json = if is_text(data) {
        text = serde_json::from_str(data.get()).ok()?;
        &*text
    } else {
        data.get()
    };
    let ChannelData { user_id, user_info } = object(json.as_bytes()).ok()?;
    let user = match user_id.get().as_bytes().first()? {
        b'"' => serde_json::from_str(user_id.get()).ok()?,
        b'-' | b'0'..=b'9' => user_id.get().to_owned(),
        _ => return None,
    };
    (!user.is_empty()).then_some((user, user_info))
}

fn is_text(json: &RawValue) -> bool {
    json.get().starts_with('"')
}

/// The request's own, if it is one: Laravel fails at others.
fn socket_id(headers: &HeaderMap) -> &str {
    let given = headers.get(X_SOCKET_ID).and_then(|value| value.to_str().ok());
    given.filter(|id| channel::is_socket_id(id)).unwrap_or(NO_SOCKET)
}
