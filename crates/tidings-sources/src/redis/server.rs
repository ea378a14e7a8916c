//! Which Redis server, and how to get in.

use std::fmt;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::resp::command;
use crate::invalid::InvalidSourceReason;

const DEFAULT_PORT: u16 = 6379;

/// A server's address and credentials.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    user: Option<String>,
    password: Option<String>,
}

impl Server {
    /// Reads `redis://[[user]:password@]host[:port][/db]`. The text of the error holds nothing of the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidSourceReason> {
        let bad = |reason: &str| {
            InvalidSourceReason::Url(format!("{reason}: write redis://[[USER]:PASSWORD@]HOST[:PORT]"))
        };
        let url = Url::parse(url).map_err(|error| bad(&error.to_string()))?;
        match url.scheme() {
            "redis" | "valkey" => {}
            "rediss" | "valkeys" => {
                return Err(bad("TLS to Redis is not supported, use a local tunnel such as stunnel for it"));
            }
            _ => return Err(bad("not the address of a Redis server")),
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        let decode = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(String::from)
                .map_err(|_| bad("user or password is not UTF-8 behind its % escapes"))
        };
        let user = Some(url.username()).filter(|user| !user.is_empty()).map(decode).transpose()?;
        let password = url.password().map(decode).transpose()?;
        if user.is_some() && password.is_none() {
            return Err(bad("it has a user and no password"));
        }
        // An IPv6 address stands in brackets in a URL and without them everywhere else.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(DEFAULT_PORT), user, password })
    }

    /// The command that logs in, if there is something to log in with.
    pub(crate) fn login(&self) -> Option<Vec<u8>> {
        let password = self.password.as_deref()?;
        Some(match &self.user {
            Some(user) => command(["AUTH", user, password]),
            None => command(["AUTH", password]),
        })
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
        let server = |url| Server::parse(url).unwrap();
        let plain = server("redis://cache.example");
        assert_eq!((plain.host.as_str(), plain.port, plain.login()), ("cache.example", 6379, None));
        let full = server("redis://me:p%40ss@[::1]:6390/3");
        assert_eq!((full.host.as_str(), full.port), ("::1", 6390));
        assert_eq!(full.login().unwrap(), command(["AUTH", "me", "p@ss"]));
        assert_eq!(server("redis://:pw@h").login().unwrap(), command(["AUTH", "pw"]));
        assert!(!format!("{full:?}").contains("p@ss"));
    }
}
