//! `[proxies]`: whose word about the client is believed.

use tidings_http::{ForwardingHeader, Network, Networks};

use super::{
    section::Section,
    value::{self, Given, Parsed},
};

/// `[proxies]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxies {
    /// The proxies that are believed. Default: those on this machine.
    pub(crate) trusted: Networks,
    /// Where they say for whom they ask. Default: `X-Forwarded-For`.
    pub(crate) header: ForwardingHeader,
    /// Whether connections from them begin with a PROXY protocol header. Default: no.
    pub(crate) protocol: bool,
}

impl Default for Proxies {
    fn default() -> Self {
        let tidings_http::Proxies { trusted, header } = Default::default();
        Self { trusted, header, protocol: false }
    }
}

impl Proxies {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let header = value::one_of(&[
            ("x-forwarded-for", ForwardingHeader::XForwardedFor),
            ("forwarded", ForwardingHeader::Forwarded),
        ]);
        Self {
            trusted: section.read("trusted", networks).unwrap_or(default.trusted),
            header: section.read("header", header).unwrap_or(default.header),
            protocol: section.read("protocol", value::boolean).unwrap_or(default.protocol),
        }
    }
}

/// Networks, of which `loopback` is this machine.
fn networks(given: &Given<'_>) -> Parsed<Networks> {
    let network = |given: &Given<'_>| -> Parsed<Vec<Network>> {
        match value::string(given)?.as_str() {
            "loopback" => ["127.0.0.0/8", "::1"].into_iter().map(str::parse).collect(),
            text => Ok(vec![text.parse()?]),
        }
    };
    Ok(value::one_or_more(network)(given)?.concat().into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, problems};
    use super::*;

    #[test]
    fn this_machine_is_believed_and_others_can_be() {
        let proxies = load("", &[]).unwrap().proxies;
        assert_eq!(proxies, Proxies::default());
        assert!(proxies.trusted.contains("127.0.0.1".parse().unwrap()));
        let text = "[proxies]\ntrusted = ['loopback', '10.0.0.0/8']\nheader = 'forwarded'\nprotocol = true\n";
        let proxies = load(text, &[]).unwrap().proxies;
        for (address, expected) in [("::1", true), ("10.1.1.1", true), ("192.0.2.1", false)] {
            assert_eq!(proxies.trusted.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(proxies.protocol && proxies.header == ForwardingHeader::Forwarded);
        let nobody = load("[proxies]\ntrusted = []", &[]).unwrap().proxies.trusted;
        assert!(!nobody.contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for (key, value) in [("trusted", "['10.0.0.0/99']"), ("trusted", "['nginx']"), ("header", "'via'")] {
            let problems = problems(&format!("[proxies]\n{key} = {value}"), &[]);
            assert!(problems.contains(&format!("proxies.{key}")), "{problems}");
        }
    }
}
