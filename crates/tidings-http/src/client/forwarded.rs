//! The text of headers that say for whom a proxy asks. No I/O.

use std::net::{IpAddr, SocketAddr};

/// The elements of a list, from its end. Commas within quotes are no separators (RFC 9110, section 5.6.1). Quotes are paired
/// from the end, too: one that the client has left open is before all that proxies add.
pub(super) fn rsplit(line: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let elements = line.rsplit(move |c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    elements.map(|element| element.trim_matches([' ', '\t']))
}

/// An address, as proxies write it in `X-Forwarded-For`: some with the port.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// The address in an element of `Forwarded` (RFC 7239, section 4): its one parameter `for`. Names that hide an address say
/// nothing.
pub(super) fn element(text: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in text.split(';') {
        let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    let value = found?;
    // No node has anything in it that would need to be escaped.
    let value = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    address(value)
}
