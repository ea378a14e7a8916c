//! The header by which a proxy says for whom it connects: the PROXY protocol, version 2, as HAProxy defines it
//! (`doc/proxy-protocol.txt`, section 2.2). Version 1, a line of text, is not read: whoever sends it can send this.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED: usize = 16;
/// Addresses, and what else proxies like to tell: certificates of clients, names, checksums.
const MAX_REST: usize = 4096;

/// For whom a proxy connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Itself.
    Proxy,
    /// A client of which it does not say who it is, or only that it came by a unix socket.
    Unknown,
    /// A client with this address.
    Client(IpAddr),
}

/// What is no header.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Malformed {
    #[error("the connection does not begin with a PROXY protocol header of version 2")]
    Signature,
    #[error("the PROXY protocol header has the unknown version and command {0:#04x}")]
    Command(u8),
    #[error("the PROXY protocol header has the family {0:#04x}, which is none of stream connections")]
    Family(u8),
    #[error("the PROXY protocol header has {0} bytes after its beginning, which its addresses cannot have")]
    Length(usize),
}

/// Reads the header, and nothing behind it.
///
/// # Errors
/// [`Malformed`] within an I/O error when it is none, and when the connection ends within it.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Origin> {
    let invalid = |malformed| io::Error::new(io::ErrorKind::InvalidData, malformed);
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).await?;
    let length = length(&fixed).map_err(invalid)?;
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    origin(fixed[12], fixed[13], &rest).map_err(invalid)
}

/// Whether an error is about the header, and not about the connection.
pub(super) fn is_malformed(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Malformed>())
}

/// How many bytes follow.
fn length(fixed: &[u8; FIXED]) -> Result<usize, Malformed> {
    if fixed[..SIGNATURE.len()] != SIGNATURE[..] {
        return Err(Malformed::Signature);
    }
    match usize::from(u16::from_be_bytes([fixed[14], fixed[15]])) {
        length if length > MAX_REST => Err(Malformed::Length(length)),
        length => Ok(length),
    }
}

fn origin(command: u8, family: u8, rest: &[u8]) -> Result<Origin, Malformed> {
    match command {
        // A health check; whatever else it says is of no account.
        0x20 => return Ok(Origin::Proxy),
        0x21 => {}
        command => return Err(Malformed::Command(command)),
    }
    let short = Malformed::Length(rest.len());
    // The source, and the destination of the same size; then the ports, and perhaps more.
    let address = match family {
        0x00 => return Ok(Origin::Unknown),
        0x11 => {
            let (source, _) = rest.split_first_chunk::<4>().filter(|_| rest.len() >= 12).ok_or(short)?;
            IpAddr::from(Ipv4Addr::from(*source))
        }
        0x21 => {
            let (source, _) = rest.split_first_chunk::<16>().filter(|_| rest.len() >= 36).ok_or(short)?;
            IpAddr::from(Ipv6Addr::from(*source)).to_canonical()
        }
        0x31 if rest.len() >= 216 => return Ok(Origin::Unknown),
        0x31 => return Err(short),
        family => return Err(Malformed::Family(family)),
    };
    Ok(Origin::Client(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    async fn outcome(bytes: &[u8]) -> Result<(Origin, usize), Option<Malformed>> {
        let mut left = bytes;
        match read(&mut left).await {
            Ok(origin) => Ok((origin, left.len())),
            Err(error) => Err(error.get_ref().and_then(|error| error.downcast_ref()).copied()),
        }
    }

    #[tokio::test]
    async fn a_header_names_the_client_and_what_follows_is_left() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        let mapped = [&[0; 10][..], &[0xff, 0xff, 192, 0, 2, 7], &[0; 20]].concat();
        let with_more = [&v4[..], &[0x04, 0, 3, 1, 2, 3]].concat();
        let client = |text: &str| Origin::Client(text.parse().unwrap());
        for (command, family, rest, expected) in [
            (0x21, 0x11, &v4[..], client("192.0.2.7")),
            (0x21, 0x11, &with_more, client("192.0.2.7")),
            (0x21, 0x21, &v6, client("2001:db8::7")),
            (0x21, 0x21, &mapped, client("192.0.2.7")),
            (0x21, 0x31, &[0; 216], Origin::Unknown),
            (0x21, 0x00, &[], Origin::Unknown),
            (0x20, 0x11, &v4, Origin::Proxy),
            (0x20, 0x00, &[], Origin::Proxy),
            (0x20, 0x00, &[9; MAX_REST], Origin::Proxy),
        ] {
            let mut bytes = header(command, family, rest);
            bytes.extend(b"GET /");
            assert_eq!(outcome(&bytes).await, Ok((expected, 5)), "{command:#x} {family:#x}");
            let whole = bytes.len() - 5;
            for length in 0..whole {
                assert_eq!(outcome(&bytes[..length]).await, Err(None), "cut at {length}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_told_apart() {
        let request = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(outcome(request).await, Err(Some(Malformed::Signature)));
        assert_eq!(outcome(b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n").await, Err(Some(Malformed::Signature)));
        for command in (0..=0xff).filter(|command| !matches!(command, 0x20 | 0x21)) {
            let bytes = header(command, 0x11, &[0; 12]);
            assert_eq!(outcome(&bytes).await, Err(Some(Malformed::Command(command))));
        }
        for family in (0..=0xff).filter(|family| !matches!(family, 0x00 | 0x11 | 0x21 | 0x31)) {
            let bytes = header(0x21, family, &[0; 216]);
            assert_eq!(outcome(&bytes).await, Err(Some(Malformed::Family(family))));
        }
        for (family, least) in [(0x11, 12), (0x21, 36), (0x31, 216)] {
            for length in 0..least {
                let bytes = header(0x21, family, &vec![0; length]);
                assert_eq!(outcome(&bytes).await, Err(Some(Malformed::Length(length))));
            }
        }
        let long = header(0x21, 0x11, &[0; MAX_REST + 1]);
        assert_eq!(outcome(&long).await, Err(Some(Malformed::Length(MAX_REST + 1))));
    }
}
