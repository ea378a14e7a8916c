//! From a message's channel to its topic.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use tidings_hub::{Publication, Topic, channel::is_private};

use super::prefix::{Prefixes, is_guarded, seeming_prefix};
use crate::{events, form::Input, message::MessageForm, status::Tracker, topic::topic};

#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) prefixes: Prefixes,
    /// The channels known by name.
    pub(crate) channels: HashSet<String>,
    /// Topics of single channels.
    pub(crate) topics: BTreeMap<String, Topic>,
    /// The topic of all others, if they have one.
    pub(crate) topic: Option<Topic>,
    pub(crate) form: MessageForm,
}

impl Router {
    /// The publication of a message; `None`, and an event that says why, if there cannot be one.
    pub(super) fn publication(&self, channel: &[u8], data: &[u8], source: &Tracker) -> Option<Publication> {
        let channel = String::from_utf8_lossy(channel);
        let name = self.name(&channel);
        let known = self.channels.contains(name);
        if let Some(prefix) = seeming_prefix(&channel, name).filter(|_| !known) {
            events::prefixed(source, &channel, prefix);
        }
        let topic = match self.topics.get(name).or(self.topic.as_ref()) {
            Some(topic) => topic.clone(),
            None => match topic(name) {
                Ok(topic) => topic,
                Err(error) => {
                    events::bad_channel(source, name, &error);
                    return None;
                }
            },
        };
        let guarded = if known { is_private(name) } else { is_guarded(name) };
        let private = guarded || is_private(topic.as_str());
        let input = Input { data, channel: name, now: Timestamp::now() };
        Some(self.form.publication(topic, input, private, source))
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
    use crate::form::FormKeys;

    fn router(channels: &[&str], topics: &[(&str, &str)], topic: Option<&str>) -> Router {
        Router {
            prefixes: Prefixes::new(&["*_database_".to_owned()]).unwrap(),
            channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
            topics: topics.iter().map(|&(c, t)| (c.to_owned(), Topic::new(t).unwrap())).collect(),
            topic: topic.map(|topic| Topic::new(topic).unwrap()),
            form: MessageForm::new(FormKeys::default(), true).unwrap(),
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
    fn nobody_speaks_for_the_hub() {
        let router = router(&[], &[], None);
        let source = Tracker::new("s".to_owned(), "redis");
        for channel in
            ["tidings/echo/x", "laravel_database_tidings/x", "/.well-known/mercure/subscriptions/a/b"]
        {
            assert_eq!(router.publication(channel.as_bytes(), b"x", &source), None, "{channel}");
        }
        assert_eq!(source.status().dropped, 3);
    }

    #[test]
    fn messages_of_private_channels_are_private() {
        let router = router(&[], &[], None);
        let source = Tracker::new("s".to_owned(), "redis");
        let envelope = br#"{"event":"e","data":{"socket":null},"socket":null}"#;
        for data in [&b"x"[..], envelope] {
            let private =
                |channel: &str| router.publication(channel.as_bytes(), data, &source).unwrap().private;
            assert!(private("laravel_database_private-orders.7"));
            assert!(private("presence-room"));
            assert!(private("#server-to-user-7"));
            // Behind a prefix that should have been taken off.
            assert!(private("laravel-database-private-orders.7"));
            assert!(private("my:private-orders.7"));
            assert!(private("shop-presence-room"));
            // Behind one of which only a part was taken off.
            assert!(private("my_database_shop_database_private-orders.7"));
            assert!(!private("laravel_database_orders"));
        }
    }

    #[test]
    fn a_prefix_that_nobody_takes_off_is_noticed() {
        let router = router(&[], &[], None);
        let source = Tracker::new("s".to_owned(), "redis");
        router.publication(b"laravel_database_x", b"x", &source).unwrap();
        assert!(source.once_for("prefix", "laravel_database_"), "was taken off");
        let source = Tracker::new("s".to_owned(), "redis");
        router.publication(b"laravel-database-x", b"x", &source).unwrap();
        assert!(!source.once_for("prefix", "laravel-database-"), "was not");
        assert!(source.once_for("prefix", "shop-database-"), "another one");
        router.publication(b"my_database_shop_database_private-x", b"x", &source).unwrap();
        assert!(!source.once_for("prefix", "my_database_shop_database_"), "was not whole");
    }

    #[test]
    fn prefixes_that_were_noticed_take_bounded_memory() {
        let source = Tracker::new("s".to_owned(), "redis");
        let noticed = (0..1000).filter(|number| source.once_for("prefix", &number.to_string())).count();
        assert_eq!(noticed, 100);
    }
}
