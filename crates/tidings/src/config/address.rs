//! An address to listen on.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// A host and a port to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or port 0 for any free one. A host
/// name is looked up when the port is bound.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Address(String);

impl Default for Address {
    /// `127.0.0.1:8080`.
    fn default() -> Self {
        Self("127.0.0.1:8080".to_owned())
    }
}

impl Address {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let bad = |what: &str| {
            Err(format!(
                "{text:?} is not an address to listen on ({what}): write one such as \"127.0.0.1:8080\""
            ))
        };
        if text.parse::<SocketAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        if text.contains("://") {
            return bad("it is a URL");
        }
        let Some((host, port)) = text.rsplit_once(':') else { return bad("it has no port") };
        if port.parse::<u16>().is_err() {
            return bad("its port is not a number up to 65535");
        }
        match host {
            "" => bad("it has no host; 0.0.0.0 is every address of this machine"),
            _ if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) => {
                bad("an IPv6 address stands in brackets")
            }
            _ if host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => bad("its host is no name"),
        }
    }

    /// The address as text, which is what to bind.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only this machine reaches it. `None` for a host name that has to be looked up to tell; `localhost` and
    /// names below it are always this machine (RFC 6761, section 6.3).
    pub(crate) fn is_loopback(&self) -> Option<bool> {
        if let Ok(address) = self.0.parse::<SocketAddr>() {
            return Some(address.ip().to_canonical().is_loopback());
        }
        let host = self.0.rsplit_once(':').map_or(self.0.as_str(), |(host, _)| host);
        (host == "localhost" || host.ends_with(".localhost")).then_some(true)
    }

    /// Whether any free port will do, so that it may be asked for twice.
    pub(super) fn is_any_port(&self) -> bool {
        self.0.ends_with(":0")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_ports_are_addresses() {
        for (text, is_loopback) in [
            ("127.0.0.1:8080", Some(true)),
            ("127.0.0.1:0", Some(true)),
            ("[::1]:8080", Some(true)),
            ("localhost:8080", Some(true)),
            ("LocalHost:8080", Some(true)),
            ("hub.example:80", None),
            ("0.0.0.0:8080", Some(false)),
            ("[::]:8080", Some(false)),
            ("10.0.0.1:80", Some(false)),
        ] {
            assert_eq!(Address::new(text).unwrap().is_loopback(), is_loopback, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in
            ["", "8080", ":8080", "127.0.0.1", "::1:8080", "http://127.0.0.1:8080", "a:65536", "a b:1"]
        {
            assert!(Address::new(text).unwrap_err().contains("\"127.0.0.1:8080\""), "{text}");
        }
    }
}
