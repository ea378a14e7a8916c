//! An address to listen on.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::Path,
};

/// What begins the address of a unix socket.
const UNIX: &str = "unix:";
/// The longest path of a unix socket (`sun_path` of unix(7), with its final zero).
const MAX_PATH: usize = 107;

/// Where to listen: a host and a port (`127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or port 0 for any free one), or
/// a unix socket (`unix:/run/tidings.sock`). A host name is looked up when the port is bound.
#[derive(Clone)]
pub(crate) struct Address {
    text: String,
    is_default: bool,
}

impl Default for Address {
    /// `127.0.0.1:8080`.
    fn default() -> Self {
        Self { text: "127.0.0.1:8080".to_owned(), is_default: true }
    }
}

impl Address {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let bad = |what: &str| {
            Err(format!(
                "{text:?} is not an address to listen on ({what}): write one such as \"127.0.0.1:8080\" or \
                 \"unix:/run/tidings/tidings.sock\""
            ))
        };
        let good = |text: &str| Ok(Self { text: text.to_owned(), is_default: false });
        if let Some(path) = text.strip_prefix(UNIX) {
            return match path {
                _ if path.contains("//") || path.ends_with('/') => {
                    bad("it names no file; one slash is enough")
                }
                _ if !path.starts_with('/') => bad("a unix socket needs the whole path, from the root"),
                _ if path.len() > MAX_PATH => bad("systems allow no more than 107 bytes in such a path"),
                _ if path.contains('\0') => bad("no path contains a null byte"),
                _ => good(text),
            };
        }
        if text.parse::<SocketAddr>().is_ok() {
            return good(text);
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
                good(&text.to_ascii_lowercase())
            }
            _ => bad("its host is no name"),
        }
    }

    /// The address as text, which is what to bind.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The path, if it is a unix socket.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.text.strip_prefix(UNIX).map(Path::new)
    }

    /// Whether nobody asked for it: the hub's own idea of where to listen.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// Whether only this machine reaches it. `None` for a host name that has to be looked up to tell; `localhost` and
    /// names below it are always this machine (RFC 6761, section 6.3).
    pub(crate) fn is_loopback(&self) -> Option<bool> {
        if self.path().is_some() {
            return Some(true);
        }
        if let Ok(address) = self.text.parse::<SocketAddr>() {
            return Some(address.ip().to_canonical().is_loopback());
        }
        let host = self.text.rsplit_once(':').map_or(self.text.as_str(), |(host, _)| host);
        (host == "localhost" || host.ends_with(".localhost")).then_some(true)
    }

    /// Whether any free port will do, so that it may be asked for twice.
    pub(super) fn is_any_port(&self) -> bool {
        self.path().is_none() && self.text.ends_with(":0")
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_ports_and_paths_are_addresses() {
        for (text, is_loopback) in [
            ("127.0.0.1:8080", Some(true)),
            ("127.0.0.1:0", Some(true)),
            ("[::1]:8080", Some(true)),
            ("localhost:8080", Some(true)),
            ("LocalHost:8080", Some(true)),
            ("unix:/run/Tidings:0", Some(true)),
            ("hub.example:80", None),
            ("0.0.0.0:8080", Some(false)),
            ("[::]:8080", Some(false)),
            ("10.0.0.1:80", Some(false)),
        ] {
            assert_eq!(Address::new(text).unwrap().is_loopback(), is_loopback, "{text}");
        }
        assert_eq!(Address::new("unix:/run/Tidings:0").unwrap().path(), Some(Path::new("/run/Tidings:0")));
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        let long = format!("unix:/{}", "a".repeat(107));
        for text in [
            "",
            "8080",
            ":8080",
            "127.0.0.1",
            "::1:8080",
            "http://127.0.0.1:8080",
            "a:65536",
            "a b:1",
            "unix:",
            "unix:tidings.sock",
            "unix:///run/tidings.sock",
            "unix:/run/",
            &long,
        ] {
            assert!(Address::new(text).unwrap_err().contains("\"127.0.0.1:8080\""), "{text}");
        }
    }
}
