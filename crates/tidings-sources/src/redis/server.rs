//! Which Redis server, and how to get in.

use std::{fmt, io, path::Path};

use redis::{ConnectionAddr, ConnectionInfo};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::tls;
use crate::invalid::InvalidSourceReason;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A server's address and credentials.
pub(crate) struct Server {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    login: Vec<u8>,
    database: i64,
}

impl Server {
    /// Reads `redis://[[user]:password@]host[:port][/db]`, or `rediss://…` for TLS, which trusts the certificates of
    /// `ca_file`, if there is one, else those of the system. The text of the error holds nothing of the URL.
    pub(crate) fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, InvalidSourceReason> {
        let bad = |reason: &str| {
            InvalidSourceReason::Url(format!("{reason}: write redis://[[USER]:PASSWORD@]HOST[:PORT]"))
        };
        // What the library says of a bad URL may quote from it.
        let info: ConnectionInfo = url.parse().map_err(|_| bad("not the address of a Redis server"))?;
        let (host, port, encrypted) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (host.clone(), *port, false),
            ConnectionAddr::TcpTls { host, port, insecure: false, .. } => (host.clone(), *port, true),
            ConnectionAddr::TcpTls { .. } => {
                return Err(bad(
                    "TLS that trusts anybody is no protection, give a ca_file instead of #insecure",
                ));
            }
            _ => return Err(bad("only TCP is supported")),
        };
        if host.is_empty() {
            return Err(bad("it names no host"));
        }
        let tls = match (encrypted, ca_file) {
            (false, None) => None,
            (false, Some(_)) => return Err(InvalidSourceReason::CaFile(tls::NOT_ENCRYPTED.to_owned())),
            (true, ca_file) => {
                let name = ServerName::try_from(host.clone()).map_err(|_| bad("its host is no name"))?;
                Some((tls::connector(ca_file)?, name))
            }
        };
        let redis = info.redis_settings();
        let login = match (redis.username(), redis.password()) {
            (None, None) => Vec::new(),
            (Some(_), None) => return Err(bad("it has a user and no password")),
            (user, Some(password)) => redis::cmd("AUTH").arg(user).arg(password).get_packed_command(),
        };
        Ok(Self { host, port, tls, login, database: redis.db() })
    }

    /// Connects. Dropping the future gives it up.
    pub(super) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        Ok(match &self.tls {
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
            None => Box::new(stream),
        })
    }

    /// The command that logs in; empty if there is nothing to log in with.
    pub(crate) fn login(&self) -> &[u8] {
        &self.login
    }

    /// The number of the database, which matters to all but Pub/Sub.
    pub(crate) fn database(&self) -> i64 {
        self.database
    }

    /// What tells databases of different servers apart.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.database)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_server_and_credentials() {
        let server = |url| Server::new(url, None).unwrap();
        let plain = server("redis://cache.example");
        assert_eq!((plain.host.as_str(), plain.port, plain.login()), ("cache.example", 6379, &b""[..]));
        let full = server("valkey://me:p%40ss@[::1]:6390/3");
        assert_eq!((full.host.as_str(), full.port), ("::1", 6390));
        assert_eq!(full.login(), b"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\np@ss\r\n");
        assert_eq!(server("redis://:pw@h").login(), b"*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n");
        assert!(!format!("{full:?}").contains("p@ss"));
    }
}
