//! The topics below the hub's own address, which only the hub publishes to (section 1.4).

use percent_encoding::percent_decode_str;
use url::Url;

use super::PATH;

/// Whether a topic, taken for a reference from the hub's address, is that address or something below it, on whatever
/// host: a subscriber that resolves it could take it for one of the hub's own.
pub(super) fn is_reserved(topic: &str, hub: &Url) -> bool {
    let Ok(url) = hub.join(topic) else { return false };
    let path = unescaped(url.path());
    // The hub's own topics are below the well-known path, wherever a proxy says that the hub is.
    [PATH, hub.path()].iter().any(|own| {
        path.strip_prefix(own.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
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

/// The rule of 0.x, which looks at the text alone.
pub(crate) fn is_reserved_v0(topic: &str) -> bool {
    topic.contains(PATH)
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

    // 2 Publish
    #[test]
    fn in_0_x_the_text_decides() {
        for topic in ["https://a/.well-known/mercure", "x/.well-known/mercureXXX"] {
            assert!(is_reserved_v0(topic), "{topic}");
        }
        for topic in ["mercure/x", "/.well-known/%6Dercure", ""] {
            assert!(!is_reserved_v0(topic), "{topic}");
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
