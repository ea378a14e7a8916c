//! Who asks: the address of the client, also behind proxies, which say for whom they ask.
//!
//! A proxy is believed if it is one of the trusted; each adds the address that it was asked from to the end of a header. So
//! the header is read from its end: the first address that is no trusted proxy is the client's. What stands before it the
//! client may have written itself.

mod forwarded;

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, Request, header, request::Parts};

use crate::{
    networks::Networks,
    quota::{Place, Quotas, TooMany},
    server::Peer,
};

/// The header that nearly all proxies set.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How many proxies one behind the other are looked through. More are a mistake, or somebody's attempt to keep us busy.
const MAX_HOPS: usize = 16;

/// Whose word about the client is believed, and where it stands.
#[derive(Clone, Debug)]
pub struct Proxies {
    /// The proxies. Connections from a unix socket are believed, too: only what runs on this machine can make them.
    pub trusted: Networks,
    /// The header that they set.
    pub header: ForwardingHeader,
}

/// Where proxies write for whom they ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Default for Proxies {
    fn default() -> Self {
        Self { trusted: Networks::loopback(), header: ForwardingHeader::default() }
    }
}

impl Proxies {
    /// The client that asks by a connection from `peer`, and whether that is a proxy's word. What is malformed says nothing:
    /// the client is the proxy then.
    fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> (Option<IpAddr>, bool) {
        let is_trusted = peer.is_none_or(|peer| self.trusted.contains(peer));
        let named = if is_trusted { self.named(headers) } else { None };
        (named.or(peer.map(|peer| peer.to_canonical())), named.is_some())
    }

    /// The client that trusted proxies name. Where all are trusted, it is the one farthest away.
    fn named(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardingHeader::XForwardedFor => (X_FORWARDED_FOR, forwarded::address),
            ForwardingHeader::Forwarded => (header::FORWARDED, forwarded::element),
        };
        let mut farthest = None;
        // What the client wrote stands before what proxies did, and must not spoil it.
        let lines = headers.get_all(name).iter().rev().map(|line| line.to_str().unwrap_or_default());
        for hop in lines.flat_map(forwarded::rsplit).take(MAX_HOPS) {
            let address = read(hop)?;
            if !self.trusted.contains(address) {
                return Some(address);
            }
            farthest = Some(address);
        }
        farthest
    }
}

/// The client of a request, in its extensions.
#[derive(Clone, Debug, Default)]
pub struct Client {
    address: Option<IpAddr>,
    quotas: Option<Arc<Quotas>>,
    /// By what it is counted, if it is.
    counted: Option<IpAddr>,
}

impl Client {
    /// The client of this request, as its connection and the proxies have it.
    pub(crate) fn of<B>(request: &Request<B>, proxies: &Proxies, quotas: &Arc<Quotas>) -> Self {
        let peer: Option<&Peer> = request.extensions().get();
        let address = peer.and_then(|peer| peer.address);
        let (address, is_named) = match peer.is_some_and(|peer| peer.is_unnamed) {
            true => (address, false),
            false => proxies.client(address, request.headers()),
        };
        // Programs on this machine are the operator's own; and a proxy that says nothing of its clients brings everybody.
        let is_exempt =
            |address: &IpAddr| address.is_loopback() || !is_named && proxies.trusted.contains(*address);
        let counted = address.filter(|address| !is_exempt(address)).map(neighbourhood);
        Self { address, quotas: Some(quotas.clone()), counted }
    }

    /// Its address. `None` on a unix socket where no proxy says more.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// By what it is counted: `None` for this machine and proxies, which no limit of addresses is for.
    pub(crate) fn counted(&self) -> Option<IpAddr> {
        self.counted
    }

    /// Whether the memory is short, so that nobody new is let in.
    pub(crate) fn is_kept_out(&self) -> bool {
        self.quotas.as_ref().is_some_and(|quotas| quotas.keep_out())
    }

    /// A place for a stream, `None` if it has its share already.
    pub(crate) fn place(&self, user: Option<&str>) -> Option<Place> {
        match &self.quotas {
            Some(quotas) => quotas.place(self.counted, user),
            None => Some(Place::default()),
        }
    }

    /// Whether it may publish so much, now.
    pub(crate) fn publish(&self, publications: usize) -> Result<(), TooMany> {
        match (&self.quotas, self.counted) {
            (Some(quotas), Some(address)) => quotas.publish(address, publications),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// What an address is counted by. A customer has at least a /64 of IPv6, and could take each connection from another
/// address of it.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::networks::Network;

    fn proxies(header: ForwardingHeader) -> Proxies {
        let trusted: Vec<Network> = ["127.0.0.0/8", "10.0.0.0/8"].map(|text| text.parse().unwrap()).into();
        Proxies { trusted: trusted.into(), header }
    }

    fn client(peer: Option<&str>, name: &'static str, lines: &[&str]) -> (Option<String>, bool) {
        let header = match name {
            "forwarded" => ForwardingHeader::Forwarded,
            _ => ForwardingHeader::XForwardedFor,
        };
        let headers = lines
            .iter()
            .map(|line| (HeaderName::from_static(name), HeaderValue::from_bytes(line.as_bytes()).unwrap()));
        let (address, is_named) =
            proxies(header).client(peer.map(|peer| peer.parse().unwrap()), &headers.collect());
        (address.map(|address| address.to_string()), is_named)
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_clients() {
        for (peer, lines, expected) in [
            (Some("127.0.0.1"), &["192.0.2.1"][..], Some("192.0.2.1")),
            (Some("127.0.0.1"), &["8.8.8.8, 192.0.2.1, 10.0.0.7"], Some("192.0.2.1")),
            (Some("10.0.0.7"), &["nonsense, 192.0.2.1"], Some("192.0.2.1")),
            (Some("10.0.0.7"), &["8.8.8.8", "192.0.2.1,10.0.0.8"], Some("192.0.2.1")),
            // On a unix socket.
            (None, &["192.0.2.1"], Some("192.0.2.1")),
            // All are proxies.
            (Some("127.0.0.1"), &["10.0.0.9, 10.0.0.8"], Some("10.0.0.9")),
            (Some("127.0.0.1"), &["[2001:db8::1]:443"], Some("2001:db8::1")),
            (Some("127.0.0.1"), &["::ffff:192.0.2.1"], Some("192.0.2.1")),
            // What the client wrote does not spoil what the proxy adds.
            (Some("127.0.0.1"), &["\", 192.0.2.1"], Some("192.0.2.1")),
            (Some("127.0.0.1"), &["\u{e9}", "192.0.2.1"], Some("192.0.2.1")),
        ] {
            let expected = (expected.map(str::to_owned), true);
            assert_eq!(client(peer, "x-forwarded-for", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn nobody_else_is_believed_and_nonsense_says_nothing() {
        for (peer, lines) in [
            (Some("192.0.2.9"), &["192.0.2.1"][..]),
            (Some("127.0.0.1"), &[]),
            (Some("127.0.0.1"), &["192.0.2.1, unknown"]),
            (Some("127.0.0.1"), &["192.0.2.1,"]),
            (Some("127.0.0.1"), &["", "\t"]),
            (None, &["not an address"]),
        ] {
            let expected = (peer.map(str::to_owned), false);
            assert_eq!(client(peer, "x-forwarded-for", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_by_its_own_rules() {
        for (line, expected) in [
            ("for=192.0.2.1", Some("192.0.2.1")),
            (
                "for=8.8.8.8;proto=https, For=\"192.0.2.1:4711\"; by=10.0.0.7 , for=10.0.0.8",
                Some("192.0.2.1"),
            ),
            ("proto=https;for=\"[2001:db8::1]:443\"", Some("2001:db8::1")),
            ("for=\", for=192.0.2.1", Some("192.0.2.1")),
            ("for=\"[2001:db8::1]\";host=\"a, b\"", Some("2001:db8::1")),
            ("for=unknown", None),
            ("for=_hidden", None),
            ("by=192.0.2.1", None),
            ("for=192.0.2.1;for=192.0.2.2", None),
            ("for=\"192.0.2.1", None),
        ] {
            let expected = (expected.unwrap_or("127.0.0.1").to_owned(), expected.is_some());
            let (address, is_named) = client(Some("127.0.0.1"), "forwarded", &[line]);
            assert_eq!((address.unwrap(), is_named), expected, "{line}");
        }
    }

    #[test]
    fn many_hops_are_not_followed() {
        let line = ["10.0.0.1"; MAX_HOPS + 1].join(",");
        let line = format!("192.0.2.1, {line}");
        assert_eq!(
            client(Some("127.0.0.1"), "x-forwarded-for", &[&line]),
            (Some("10.0.0.1".to_owned()), true)
        );
    }

    #[test]
    fn neighbours_of_ipv6_count_together() {
        let of = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn this_machine_and_a_silent_proxy_are_not_counted() {
        let counted = |peer: Option<&str>, said: Option<&str>, is_unnamed| {
            let mut request = Request::new(());
            let address = peer.map(|peer| peer.parse().unwrap());
            request.extensions_mut().insert(Peer { address, is_secure: false, is_unnamed });
            if let Some(said) = said {
                request.headers_mut().insert(X_FORWARDED_FOR, said.parse().unwrap());
            }
            let quotas = Arc::default();
            let client = Client::of(&request, &proxies(ForwardingHeader::XForwardedFor), &quotas);
            (client.counted().is_some(), client.address().map(|address| address.to_string()))
        };
        // What somebody says of themselves whom a proxy does not name.
        assert_eq!(counted(Some("10.0.0.7"), Some("127.0.0.1"), true).1.as_deref(), Some("10.0.0.7"));
        assert_eq!(counted(None, Some("192.0.2.1"), true).1, None);
        for (peer, said, expected) in [
            (Some("192.0.2.1"), None, true),
            (Some("127.0.0.1"), None, false),
            (Some("10.0.0.7"), None, false),
            (None, None, false),
            (Some("127.0.0.1"), Some("192.0.2.1"), true),
            (Some("127.0.0.1"), Some("127.0.0.1"), false),
            // Somebody inside, whom a proxy names.
            (Some("127.0.0.1"), Some("10.0.0.9"), true),
        ] {
            assert_eq!(counted(peer, said, false).0, expected, "{peer:?} {said:?}");
        }
    }
}
