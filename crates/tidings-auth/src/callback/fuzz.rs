//! What must be true of any answer of the application: the check of the fuzz target `answer`.

use std::time::{Duration, SystemTime};

use tidings_hub::{Selector, Topic, channel};

use super::{Answer, json, laravel};

/// The longest that an answer can be good for, and some time for the check itself.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Takes bytes for the body of an answer, in both languages. What is neither a clear yes nor a clear no is a failure.
pub fn fuzz(bytes: &[u8]) {
    check(json::read(bytes).ok(), false);
    for name in ["private-a", "presence-a"] {
        let Ok(topic) = Topic::new(name) else { continue };
        let answer = laravel::read(bytes, &Selector::Exact(topic));
        check(answer.ok(), channel::is_presence(name));
    }
    if bytes.trim_ascii() == b"false" {
        assert!(matches!(json::read(bytes), Ok(Answer::No)));
    }
    // Only these two say yes with a word.
    let is_word = serde_json::from_slice::<bool>(bytes).is_ok();
    if !is_word && !bytes.trim_ascii().starts_with(b"{") {
        assert!(json::read(bytes).is_err(), "neither a word nor an object says yes or no");
    }
}

fn check(answer: Option<Answer>, is_presence: bool) {
    let Some(Answer::Yes(yes)) = answer else { return };
    assert!(!is_presence || yes.user.as_ref().is_some_and(|user| !user.is_empty()), "nobody joins");
    assert!(yes.expires.is_none_or(|expires| expires < SystemTime::now() + LONGEST));
}
