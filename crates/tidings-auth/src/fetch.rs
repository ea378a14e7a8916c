//! Asks other servers, with bounds on how long and how much they may answer.

use std::{error::Error, fmt, time::Duration};

use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use url::Url;

/// Why there is no answer. The texts hold nothing of the URL, which may have a password in it.
#[derive(Debug)]
pub(crate) enum Failed {
    TooLarge(usize),
    TimedOut,
    Http(reqwest::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(max) => write!(f, "the answer has more than {max} bytes"),
            Self::TimedOut => f.write_str("there was no answer in time"),
            Self::Http(error) => {
                write!(f, "{error}")?;
                // What reqwest says itself is general; the reason ("connection refused") is further down.
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
        }
    }
}

impl Error for Failed {}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        match error.is_timeout() {
            true => Self::TimedOut,
            false => Self::Http(error.without_url()),
        }
    }
}

/// A client for one server. It follows no redirects: whom the hub believes is configured, and nobody else.
pub(crate) fn client(url: &Url, timeout: Duration) -> Result<Client, String> {
    let builder = || {
        Client::builder()
            .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(Policy::none())
    };
    let client = builder().build().or_else(|error| match url.scheme() {
        // A container without certificates can do without TLS.
        "http" => builder().tls_certs_only([]).build(),
        _ => Err(error),
    });
    client.map_err(|error| Failed::from(error).to_string())
}

/// Sends a request and reads the answer, of which at most `max` bytes. Dropping the future gives the request up.
pub(crate) async fn send(request: RequestBuilder, max: usize) -> Result<(Response, Vec<u8>), Failed> {
    let mut response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max {
            return Err(Failed::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response, body))
}
