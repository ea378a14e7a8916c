//! From a message's channel to its topic.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use tidings_hub::{Publication, Topic};

use super::prefix::{Prefixes, looks_prefixed};
use crate::{
    events,
    form::{Form, Input},
    status::Tracker,
};

/// How Laravel and Pusher begin the names of channels that need a right.
const PRIVATE: [&str; 2] = ["private-", "presence-"];

#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) prefixes: Prefixes,
    /// The channels known by name.
    pub(crate) channels: HashSet<String>,
    /// Topics of single channels.
    pub(crate) topics: BTreeMap<String, Topic>,
    /// The topic of all others, if they have one.
    pub(crate) topic: Option<Topic>,
    pub(crate) form: Form,
    /// The same form, private.
    pub(crate) private_form: Form,
}

impl Router {
    /// The publication of a message; `None`, and an event that says why, if there cannot be one.
    pub(super) fn publication(&self, channel: &[u8], data: &[u8], source: &Tracker) -> Option<Publication> {
        let channel = String::from_utf8_lossy(channel);
        let name = self.name(&channel);
        if name == channel && !self.channels.contains(name) && looks_prefixed(name) {
            events::prefixed(source, name);
        }
        let topic = match self.topics.get(name).or(self.topic.as_ref()) {
            Some(topic) => topic.clone(),
            None => match Topic::new(name) {
                Ok(topic) => topic,
                Err(error) => {
                    events::bad_channel(source, name, &error);
                    return None;
                }
            },
        };
        let form = match PRIVATE.iter().any(|private| name.starts_with(private)) {
            true => &self.private_form,
            false => &self.form,
        };
        Some(form.make(topic, Input { data, channel: name, now: Timestamp::now() }, source))
    }

    /// The channel without its prefix. One that is known by name is recognised behind any prefix, the longest first;
    /// of another, as little as possible is taken off.
    fn name<'a>(&'a self, channel: &'a str) -> &'a str {
        if self.channels.contains(channel) {
            return channel;
        }
        let known = self.channels.iter().filter(|name| self.prefixes.is_before(name, channel));
        match known.max_by_key(|name| name.len()) {
            Some(name) => name,
            None => self.prefixes.strip(channel).unwrap_or(channel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{form::FormKeys, template::Offers};

    fn router(channels: &[&str], topics: &[(&str, &str)], topic: Option<&str>) -> Router {
        let form = |private| {
            let keys = FormKeys { private, ..FormKeys::default() };
            Form::new(keys, Offers::Message).unwrap()
        };
        Router {
            prefixes: Prefixes::new(&["*_database_".to_owned()]).unwrap(),
            channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
            topics: topics.iter().map(|&(c, t)| (c.to_owned(), Topic::new(t).unwrap())).collect(),
            topic: topic.map(|topic| Topic::new(topic).unwrap()),
            form: form(false),
            private_form: form(true),
        }
    }

    fn topic(router: &Router, channel: &str) -> Option<String> {
        let source = Tracker::new("s".to_owned(), "redis");
        let publication = router.publication(channel.as_bytes(), b"x", &source)?;
        Some(publication.topics[0].to_string())
    }

    #[test]
    fn the_topic_is_the_channel_without_its_prefix() {
        let router = router(&["x", "a_database_x"], &[], None);
        for (channel, expected) in [
            ("x", "x"),
            ("laravel_database_x", "x"),
            ("my_database_shop_database_x", "x"),
            ("laravel_database_a_database_x", "a_database_x"),
            ("a_database_x", "a_database_x"),
            ("laravel_database_other_database_y", "other_database_y"),
        ] {
            assert_eq!(topic(&router, channel).as_deref(), Some(expected), "{channel}");
        }
    }

    #[test]
    fn topics_go_before_the_topic() {
        let router = router(&[], &[("x", "special")], Some("all"));
        assert_eq!(topic(&router, "laravel_database_x").as_deref(), Some("special"));
        assert_eq!(topic(&router, "laravel_database_y").as_deref(), Some("all"));
    }

    #[test]
    fn a_channel_that_cannot_be_a_topic_is_counted() {
        let router = router(&[], &[], None);
        let source = Tracker::new("s".to_owned(), "redis");
        assert_eq!(router.publication(b"a\nb", b"x", &source), None);
        assert_eq!(source.status().dropped, 1);
    }

    #[test]
    fn messages_of_private_channels_are_private() {
        let router = router(&[], &[], None);
        let source = Tracker::new("s".to_owned(), "redis");
        let private = |channel: &str| router.publication(channel.as_bytes(), b"x", &source).unwrap().private;
        assert!(private("laravel_database_private-orders.7"));
        assert!(private("presence-room"));
        assert!(!private("laravel_database_orders"));
    }

    #[test]
    fn a_prefix_that_nobody_takes_off_is_noticed() {
        let router = router(&[], &[], None);
        let source = Tracker::new("s".to_owned(), "redis");
        router.publication(b"laravel_database_x", b"x", &source).unwrap();
        assert!(source.once("prefixed"), "was taken off");
        let source = Tracker::new("s".to_owned(), "redis");
        router.publication(b"laravel-database-x", b"x", &source).unwrap();
        assert!(!source.once("prefixed"), "was not");
    }
}
