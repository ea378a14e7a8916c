//! The prefixes that applications put before every channel.

use tidings_hub::channel::{before_private, is_private};

use super::glob::escape;
use crate::invalid::InvalidSourceReason;

/// The prefixes to take off, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes(Vec<Prefix>);

#[derive(Clone, Debug)]
struct Prefix {
    /// Whether any characters may come before the text.
    any_start: bool,
    text: String,
}

/// What Laravel's default prefixes, of any application, end with.
const USUAL: [&str; 2] = ["_database_", "-database-"];

impl Prefixes {
    pub(crate) fn new(prefixes: &[String]) -> Result<Self, InvalidSourceReason> {
        let parse = |prefix: &String| {
            let (any_start, text) = match prefix.strip_prefix('*') {
                Some(text) => (true, text),
                None => (false, prefix.as_str()),
            };
            match text.is_empty() || text.contains('*') {
                true => Err(InvalidSourceReason::Prefix(prefix.clone())),
                false => Ok(Prefix { any_start, text: text.to_owned() }),
            }
        };
        prefixes.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Redis patterns for what `pattern` matches, with each prefix before it.
    pub(super) fn before<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.iter().map(move |prefix| {
            let star = if prefix.any_start { "*" } else { "" };
            format!("{star}{}{pattern}", escape(&prefix.text))
        })
    }

    /// The channel without its prefix: the first that fits, and of those that may have anything before them the one by which
    /// the least is taken off. A name is never taken off whole, nor cut within that of a channel that needs a right.
    pub(crate) fn strip<'a>(&self, channel: &'a str) -> Option<&'a str> {
        let mut fitting = self.0.iter().filter_map(|prefix| Some((prefix.any_start, prefix.end(channel)?)));
        let end = match fitting.next()? {
            (false, end) => end,
            (true, end) => {
                fitting.filter_map(|(any_start, end)| any_start.then_some(end)).fold(end, usize::min)
            }
        };
        channel.get(end..)
    }

    /// Whether the channel is `name` behind one of the prefixes.
    pub(super) fn is_before(&self, name: &str, channel: &str) -> bool {
        channel.strip_suffix(name).is_some_and(|start| {
            self.0.iter().any(|prefix| match prefix.any_start {
                true => start.ends_with(&prefix.text),
                false => start == prefix.text,
            })
        })
    }
}

impl Prefix {
    /// Where the prefix ends in the channel's name, if it has it.
    fn end(&self, channel: &str) -> Option<usize> {
        let (start, most) = match self.any_start {
            true => (channel.find(&self.text)?, start_of_private(channel).unwrap_or(channel.len())),
            false => (channel.starts_with(&self.text).then_some(0)?, channel.len()),
        };
        Some(start + self.text.len()).filter(|end| *end <= most && *end < channel.len())
    }
}

/// Where the name of a channel that needs a right begins in this one.
fn start_of_private(channel: &str) -> Option<usize> {
    match is_private(channel) {
        true => Some(0),
        false => before_private(channel).map(str::len),
    }
}

/// The prefix that a channel's name seems to have, and that was not taken off, or not whole, when `name` was left of it: one
/// of Laravel's, or whatever stands before a private channel.
pub(crate) fn seeming_prefix<'a>(channel: &'a str, name: &str) -> Option<&'a str> {
    let ends = USUAL.iter().filter_map(|usual| channel.find(usual).map(|at| at + usual.len()));
    let usual = ends.min().filter(|end| *end < channel.len() && name == channel);
    let taken_off = channel.len() - name.len();
    let end = usual.or_else(|| before_private(name).map(|before| taken_off + before.len()));
    channel.get(..end?)
}

/// Whether what comes under this name needs a right: it is a private channel's, or has a private channel's at its end. A
/// prefix that was forgotten publishes under another name, and must not publish to everybody.
pub(crate) fn is_guarded(name: &str) -> bool {
    is_private(name) || before_private(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(texts: &[&str]) -> Prefixes {
        Prefixes::new(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn laravels_prefixes_of_any_application_are_taken_off() {
        let prefixes = prefixes(&["*_database_", "*-database-"]);
        for (channel, stripped) in [
            ("laravel_database_messages-channel", Some("messages-channel")),
            ("my_shop_database_x", Some("x")),
            ("my-shop-database-private-orders.7", Some("private-orders.7")),
            ("_database_x", Some("x")),
            ("laravel_database_user_database_changes", Some("user_database_changes")),
            ("messages-channel", None),
            ("laravel_database_", None),
            ("laravel-database-x_database_9", Some("x_database_9")),
            ("laravel-database-private-x_database_9", Some("private-x_database_9")),
            ("laravel_database_presence-a-database-b", Some("presence-a-database-b")),
            ("private-tenant_database_5", None),
            ("#server-to-user-my-database-7", None),
        ] {
            assert_eq!(prefixes.strip(channel), stripped, "{channel}");
        }
    }

    #[test]
    fn the_first_prefix_that_fits_is_taken_off() {
        let prefixes = prefixes(&["my_database_shop_database_", "*_database_", "app:"]);
        assert_eq!(prefixes.strip("my_database_shop_database_x"), Some("x"));
        assert_eq!(prefixes.strip("app:x"), Some("x"));
        assert_eq!(prefixes.strip("my app:x"), None);
    }

    #[test]
    fn a_name_is_known_behind_a_prefix() {
        let prefixes = prefixes(&["*_database_", "app:"]);
        assert!(prefixes.is_before("x", "my_database_shop_database_x"));
        assert!(prefixes.is_before("x", "app:x"));
        assert!(!prefixes.is_before("x", "my app:x"));
        assert!(!prefixes.is_before("x", "x"));
    }

    #[test]
    fn what_looks_like_a_prefix_is_named() {
        for (channel, prefix) in [
            ("laravel_database_x", Some("laravel_database_")),
            ("my-shop-database-a_database_x", Some("my-shop-database-")),
            ("_database_x", Some("_database_")),
            ("laravel_database_", None),
            ("database_x", None),
            ("my:private-orders.7", Some("my:")),
            ("private-orders.7", None),
        ] {
            assert_eq!(seeming_prefix(channel, channel), prefix, "{channel}");
        }
        let channel = "my_database_shop_database_private-x";
        assert_eq!(seeming_prefix(channel, "shop_database_private-x"), Some("my_database_shop_database_"));
        assert_eq!(seeming_prefix("my_database_shop_database_x", "shop_database_x"), None);
    }
}
