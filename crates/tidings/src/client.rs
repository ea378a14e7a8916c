//! What `tidings publish` and `tidings subscribe` share: the hub's address, the token, and how they speak to it.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::Deserialize;

use crate::{exit::Fault, token};

/// How long a connection may take to be made. A hub that is there answers at once; this is for firewalls that drop.
const CONNECT: Duration = Duration::from_secs(10);

/// The hub to speak to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Hub {
    /// The hub's address, with the path it is mounted at, if any
    #[arg(
        long,
        value_name = "URL",
        env = "TIDINGS_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    url: Url,
    /// A file that holds the token or the key's secret to show the hub [env: TIDINGS_TOKEN holds the token itself]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Hub {
    /// A request with the token, if there is one. A file is read anew each time, so that a token that was replaced is
    /// the one that is shown.
    ///
    /// # Errors
    /// When the token cannot be read, or cannot stand in a header.
    pub(crate) fn authorized(&self, request: RequestBuilder) -> anyhow::Result<RequestBuilder> {
        let Some(token) = token::of_client(self.token_file.as_deref())? else { return Ok(request) };
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
            Fault::Data.because("the token holds characters that a header cannot: is it the right file?")
        })?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }

    /// Where the hub is, without what a URL may hold besides.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The URL of one of the hub's paths (`publish`).
    ///
    /// # Errors
    /// When the address is not one of HTTP.
    pub(crate) fn path(&self, path: &str) -> anyhow::Result<Url> {
        let mut url = self.url.clone();
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Fault::Data
                .because(format_args!("--url {url}: write an address such as http://127.0.0.1:8080")));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(path);
        }
        Ok(url)
    }
}

/// The builder of a client with what all have in common.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder().connect_timeout(CONNECT).user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
}

/// What a problem document (RFC 9457) says.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// An answer other than success, as an error that shows its detail.
pub(crate) async fn refused(response: Response) -> anyhow::Error {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let detail = match serde_json::from_str::<Problem>(&body) {
        Ok(problem) => problem.detail,
        Err(_) => format!("the hub answered {status}: is a Tidings hub at this address?"),
    };
    match status {
        StatusCode::UNAUTHORIZED => {
            fault_of(status).because(format_args!("{detail} (--token-file or TIDINGS_TOKEN)"))
        }
        _ => fault_of(status).because(detail),
    }
}

/// A request that got no answer.
pub(crate) fn unreachable(url: &Url, error: reqwest::Error) -> anyhow::Error {
    let origin = url.origin().ascii_serialization();
    // The URL may hold a password, and reqwest's own text would show it.
    let error = anyhow::Error::new(error.without_url());
    Fault::Unavailable.because(format_args!("cannot reach the hub at {origin}: {error:#}"))
}

/// Whether sending the same again later may help.
pub(crate) fn is_temporary(status: StatusCode) -> bool {
    const TEMPORARY: [StatusCode; 3] =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    status.is_server_error() || TEMPORARY.contains(&status)
}

fn fault_of(status: StatusCode) -> Fault {
    if is_temporary(status) { Fault::Unavailable } else { Fault::Data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_below_the_address() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/publish"),
            ("https://hub.example/", "https://hub.example/publish"),
            ("https://app.example/hub", "https://app.example/hub/publish"),
            ("https://app.example/hub/", "https://app.example/hub/publish"),
        ] {
            let hub = Hub { url: url.parse().unwrap(), token_file: None };
            assert_eq!(hub.path("publish").unwrap().as_str(), expected);
        }
        assert!(Hub { url: "localhost:8080".parse().unwrap(), token_file: None }.path("publish").is_err());
    }
}
