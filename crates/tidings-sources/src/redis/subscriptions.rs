//! What to subscribe to, and which delivery of a message counts.
//!
//! Redis sends a message once for each subscription that matches its channel: once for the exact name and once for
//! each pattern. Deliveries can't be compared (two equal messages may well be meant), so one subscription per channel
//! is the one that counts: the exact name if it is subscribed to, else the first pattern that matches. The exact names
//! are subscribed to before the patterns, and all patterns by one command, so that there is no moment at which another
//! subscription of a channel works and the one that counts does not.

use std::collections::HashSet;

use super::{glob, prefix::Prefixes};
use crate::invalid::InvalidSourceReason;

#[derive(Clone, Debug)]
pub(crate) struct Subscriptions {
    channels: Vec<String>,
    exact: HashSet<Vec<u8>>,
    patterns: Vec<String>,
}

impl Subscriptions {
    pub(crate) fn new(
        channels: &[String],
        patterns: &[String],
        prefixes: &Prefixes,
    ) -> Result<Self, InvalidSourceReason> {
        if channels.is_empty() && patterns.is_empty() {
            return Err(InvalidSourceReason::NoChannels);
        }
        if channels.iter().chain(patterns).any(String::is_empty) {
            return Err(InvalidSourceReason::EmptyChannel);
        }
        // Everything is everything: anything besides would only be sent twice.
        if let Some(all) = patterns.iter().find(|pattern| pattern.bytes().all(|byte| byte == b'*')) {
            return Ok(Self { channels: Vec::new(), exact: HashSet::new(), patterns: vec![all.clone()] });
        }
        let mut wanted = patterns.to_vec();
        // A pattern that begins with a star matches with any prefix as it is.
        for pattern in patterns.iter().filter(|pattern| !pattern.starts_with('*')) {
            wanted.extend(prefixes.before(pattern));
        }
        for channel in channels {
            wanted.extend(prefixes.before(&glob::escape(channel)));
        }
        let exact: HashSet<_> = channels.iter().map(|channel| channel.clone().into_bytes()).collect();
        Ok(Self { channels: unique(channels.to_vec()), exact, patterns: unique(wanted) })
    }

    /// The commands that subscribe.
    pub(super) fn commands(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (verb, names) in [("SUBSCRIBE", &self.channels), ("PSUBSCRIBE", &self.patterns)] {
            if !names.is_empty() {
                bytes.extend(redis::cmd(verb).arg(names).get_packed_command());
            }
        }
        bytes
    }

    /// How many confirmations the server owes for [`Subscriptions::commands`].
    pub(super) fn confirmations(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Whether this delivery of a message counts: one by exact name (`None`) or by pattern.
    pub(super) fn counts(&self, pattern: Option<&[u8]>, channel: &[u8]) -> bool {
        let Some(pattern) = pattern else { return true };
        if self.exact.contains(channel) {
            return false;
        }
        match self.patterns.iter().find(|pattern| glob::matches(pattern.as_bytes(), channel)) {
            Some(first) => first.as_bytes() == pattern,
            // A server that understands patterns otherwise: rather twice than never.
            None => true,
        }
    }
}

/// The names without doubles, in their order.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriptions(channels: &[&str], patterns: &[&str]) -> Subscriptions {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let prefixes = Prefixes::new(&owned(&["*_database_", "*-database-"])).unwrap();
        Subscriptions::new(&owned(channels), &owned(patterns), &prefixes).unwrap()
    }

    #[test]
    fn a_channel_is_subscribed_to_with_and_without_prefixes() {
        let subscriptions = subscriptions(&["a*b", "a*b"], &["orders.*", "*.log"]);
        assert_eq!(subscriptions.channels, ["a*b"]);
        assert_eq!(
            subscriptions.patterns,
            [
                "orders.*",
                "*.log",
                "*_database_orders.*",
                "*\\-database\\-orders.*",
                "*_database_a\\*b",
                "*\\-database\\-a\\*b"
            ]
        );
        assert_eq!(subscriptions.confirmations(), 7);
    }

    #[test]
    fn one_delivery_of_a_message_counts() {
        let subscriptions = subscriptions(&["x"], &["x*", "?"]);
        assert!(subscriptions.counts(None, b"x"));
        assert!(!subscriptions.counts(Some(b"x*"), b"x"));
        assert!(subscriptions.counts(Some(b"x*"), b"xy"));
        assert!(!subscriptions.counts(Some(b"?"), b"x"));
        assert!(subscriptions.counts(Some(b"?"), b"y"));
        assert!(subscriptions.counts(Some(b"*_database_x*"), b"my_database_x"));
        assert!(!subscriptions.counts(Some(b"*_database_x"), b"my_database_x"));
    }

    #[test]
    fn everything_needs_nothing_besides() {
        let subscriptions = subscriptions(&["x"], &["y", "*"]);
        assert_eq!((subscriptions.confirmations(), subscriptions.patterns), (1, vec!["*".to_owned()]));
    }
}
