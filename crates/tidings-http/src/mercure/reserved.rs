//! The topics below the hub's own address, which only the hub publishes to (section 1.4).

use percent_encoding::percent_decode_str;
use url::Url;

use super::PATH;

/// Below the hub's path, where its announcements are.
const SUBSCRIPTIONS: &str = "/subscriptions";

/// Whether a topic, taken for a reference from the hub's address, is that address or something below it, on whatever
/// host: a subscriber that resolves it could take it for one of the hub's own.
pub(super) fn is_reserved(topic: &str, hub: &Url) -> bool {
    is_below(topic, hub, "")
}

/// Whether somebody who subscribes to the hub's announcements could be sent events of this topic among them: what is
/// refused of publishers whom the rule of 1.0 does not bind. Subscribers of 0.x look at the text, those of 1.0 at what it
/// resolves to. A relative topic such as `mercure/news` stays a name like others.
pub(crate) fn is_like_announcements(topic: &str, hub: &Url) -> bool {
    let below = if Url::parse(topic).is_ok() { "" } else { SUBSCRIPTIONS };
    topic.contains(PATH) || is_below(topic, hub, below)
}

/// Whether a topic, taken for a reference, is what is `below` the hub's address, or something below that in turn.
fn is_below(topic: &str, hub: &Url, below: &str) -> bool {
    let Ok(url) = hub.join(topic) else { return false };
    let path = unescaped(url.path());
    // The hub's own topics are below the well-known path, wherever a proxy says that the hub is.
    [PATH, hub.path()].iter().any(|own| {
        let rest = path.strip_prefix(own.as_bytes()).and_then(|rest| rest.strip_prefix(below.as_bytes()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// A path whose escapes of unreserved characters are undone, for they mean the same (RFC 3986, section 6.2.2.2). Others
/// stay: `%2F` is no slash.
fn unescaped(path: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.extend(rest[..at].bytes());
        rest = &rest[at..];
        let escape = rest.get(..3).unwrap_or(rest);
        match percent_decode_str(escape).collect::<Vec<_>>()[..] {
            [byte] if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(byte),
            _ => out.extend(escape.bytes()),
        }
        rest = &rest[escape.len()..];
    }
    out.extend(rest.bytes());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reserved(topic: &str) -> bool {
        is_reserved(topic, &Url::parse("https://example.com/.well-known/mercure").unwrap())
    }

    // 1.4, the whole table
    #[test]
    fn what_resolves_to_the_hub_or_below_is_reserved() {
        for topic in [
            "https://example.com/.well-known/mercure",
            "https://example.com/.well-known/mercure/subscriptions/foo",
            "http://other/.well-known/mercure/x",
            "/.well-known/mercure",
            "/.well-known/mercure/subscriptions/foo",
            "mercure/subscriptions/foo",
            "./mercure",
            "https://example.com/.well-known/%6Dercure/x",
            "https://example.com/%2Ewell-known/mercure",
            "https://example.com/a/../.well-known/mercure",
            "https://example.com/a/%2e%2e/.well-known/mercure",
            "https://example.com\\.well-known\\mercure\\subscriptions",
            "https://example.com/.well-known/mercure?x=y",
            "https://example.com/.well-known/mercure#x",
            "",
        ] {
            assert!(reserved(topic), "{topic:?}");
        }
        for topic in [
            "/.well-known/mercureXXX",
            "/foo/.well-known/mercure/bar",
            "subscriptions/foo",
            "bar",
            "../mercure/x",
            "urn:example:mercure",
            "a topic with spaces",
            "https://example.com/.well-known/mercure%2Fsubscriptions",
            "https://example.com/books/1",
            "*",
        ] {
            assert!(!reserved(topic), "{topic:?}");
        }
    }

    // 1.4
    #[test]
    fn the_well_known_path_is_reserved_wherever_the_hub_is() {
        let hub = Url::parse("https://example.com/hub/.well-known/mercure").unwrap();
        assert!(is_reserved("/.well-known/mercure/subscriptions/exact/a/b", &hub));
        assert!(is_reserved("mercure/x", &hub));
        assert!(!is_reserved("/elsewhere", &hub));
    }

    // 2 Publish, and the native front
    #[test]
    fn what_announcements_could_be_taken_for_is_like_them() {
        let hub = Url::parse("https://example.com/.well-known/mercure").unwrap();
        for topic in [
            "https://a/.well-known/mercure",
            "x/.well-known/mercureXXX",
            "mercure/subscriptions",
            "mercure/subscriptions/exact/a/urn%3Auuid%3A1",
            "./mercure/subscriptions/x",
            "../.well-known\\mercure\\subscriptions\\exact\\a\\b",
            "\\.well-known\\mercure\\subscriptions\\exact\\a\\b",
            "/.well-known/%6Dercure/subscriptions/x",
            "mercure/%73ubscriptions/x",
            " mercure/subscriptions/x",
            "https://example.com\\.well-known\\mercure",
            "https://example.com/.well-known/%6Dercure/x",
            "https:mercure/subscriptions/x",
        ] {
            assert!(is_like_announcements(topic, &hub), "{topic}");
        }
        for topic in [
            "mercure",
            "mercure/news",
            "mercure/subscriptionsXXX",
            "/.well-known/%6Dercure",
            "subscriptions/x",
            "news",
            "https://example.com/news",
            "urn:mercure:subscriptions",
        ] {
            assert!(!is_like_announcements(topic, &hub), "{topic}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_reserved_or_not(topic in "(\\PC|[%/\\\\.:?#]){0,40}") {
            reserved(&topic);
        }

        #[test]
        fn below_the_hub_everything_is_reserved(rest in "[a-z0-9/%]{0,20}") {
            prop_assume!(!rest.contains(".."));
            let topic = format!("/.well-known/mercure/{rest}");
            prop_assert!(reserved(&topic));
        }
    }
}
