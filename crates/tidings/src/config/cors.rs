//! `[cors]`: which pages of other origins may talk to the hub.

use std::net::Ipv6Addr;

use super::{
    mercure_env::Reference,
    section::Section,
    value::{self, Given, Parsed},
};

/// What stands for every origin.
const ANY: &str = "*";

/// `[cors]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cors {
    /// Exact origins, in the form that browsers send them (`https://app.example`), or `*` alone for every origin, then
    /// without credentials. Default: none, only the hub's own pages.
    pub(crate) origins: Vec<String>,
}

impl Cors {
    pub(super) fn read(section: &mut Section<'_, '_>, reference: &Reference) -> Self {
        let origins = section.read("origins", value::list(|given| value::string(given).and_then(origin)));
        let origins = origins.or_else(|| reference.cors_origins.clone()).unwrap_or_default();
        if origins.len() > 1 && origins.iter().any(|origin| origin == ANY) {
            section.reject("origins", "\"*\" is every origin: name it alone, or exact origins without it");
        }
        Self { origins }
    }

    /// Those that are named, which are trusted further than all.
    pub(super) fn exact(&self) -> Vec<String> {
        self.origins.iter().filter(|origin| *origin != ANY).cloned().collect()
    }
}

/// Origins whose pages may publish with a cookie: exact ones, ones with a `*` within, or `*` for all.
pub(super) fn publish_origins(given: &Given<'_>) -> Parsed<Vec<String>> {
    value::list(|given| value::string(given).and_then(publish_origin))(given)
}

/// [`origin`], in which one `*` may stand for a part of the host or for the port.
pub(super) fn publish_origin(text: String) -> Result<String, String> {
    match text.split_once(ANY) {
        Some((before, after)) if text != ANY => {
            if after.contains(ANY) {
                return Err(format!("{text:?} has two wildcards, and an origin can have one"));
            }
            // What stands for a name is held against the rule as one, and what stands for a port likewise.
            let stands_for = if before.ends_with(':') { "1" } else { "a" };
            origin(format!("{before}{stands_for}{after}")).map_err(|_| {
                format!(
                    "{text:?} is not an origin with a wildcard: write one such as \"https://*.app.example\""
                )
            })?;
            Ok(text)
        }
        _ => origin(text),
    }
}

/// Checks that a browser can send this origin (RFC 6454, section 6.1), so that comparing text decides.
pub(super) fn origin(text: String) -> Result<String, String> {
    if text == ANY {
        return Ok(text);
    }
    let bad = |what: &str| {
        Err(format!("{text:?} is not an origin ({what}): write one such as \"https://app.example\""))
    };
    if text == "null" {
        return bad("it is what sandboxed pages of every site send");
    }
    let Some((scheme, authority)) = text.split_once("://") else { return bad("it has no scheme") };
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return bad("browsers send it in lower case");
    }
    if !scheme.starts_with(|c: char| c.is_ascii_lowercase())
        || !scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
    {
        return bad("its scheme is no scheme");
    }
    if authority.contains(['/', '?', '#', '@']) {
        return bad("it ends after the host and port, without a slash");
    }
    if authority.contains(ANY) {
        return bad("a part of it cannot be a wildcard");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    if !is_host {
        return bad("its host is no name; write names of other scripts in their xn-- form");
    }
    match (scheme, port.map(str::parse::<u16>)) {
        (_, Some(Err(_) | Ok(0))) => bad("its port is not a number from 1 to 65535"),
        ("https", Some(Ok(443))) | ("http", Some(Ok(80))) => {
            bad("browsers leave the scheme's usual port out")
        }
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_publish_from_origins_that_may_have_a_wildcard() {
        for good in ["*", "https://a.example", "https://*.a.example", "http://localhost:*", "https://*"] {
            assert_eq!(publish_origin(good.to_owned()), Ok(good.to_owned()));
        }
        for bad in ["null", "*.a.example", "https://*.*.example", "https://*.a.example/", "*://a.example:0"] {
            assert!(publish_origin(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_those_that_a_browser_sends() {
        for good in [
            "*",
            "https://app.example",
            "http://localhost:3000",
            "http://[::1]:3000",
            "https://[::1]",
            "capacitor://localhost",
            "https://xn--bcher-kva.example",
        ] {
            assert_eq!(origin(good.to_owned()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "null",
            "app.example",
            "https://",
            "https://app.example/",
            "https://App.example",
            "https://*.app.example",
            "https://app.example:443",
            "http://app.example:80",
            "https://app.example:0",
            "https://app.example:http",
            "https://user@app.example",
            "https://bücher.example",
            "://app.example",
        ] {
            assert!(origin(bad.to_owned()).unwrap_err().contains("\"https://app.example\""), "{bad}");
        }
    }
}
