//! `[anonymous]` and `[auth]`: what those may do who show nothing, and how tokens are taken.

use std::time::Duration;

use http::HeaderName;
use tidings_auth::{Anonymous, Callback, CallbackKind};
use tidings_hub::Selection;

use super::{
    cors::{self, Cors},
    mercure_env::Reference,
    section::Section,
    value::{self, Given, Parsed},
};

/// `[auth]`.
#[derive(Debug, Clone)]
pub(crate) struct Auth {
    /// The cookie that the native front reads a token from. Default: `tidings_token`.
    pub(crate) cookie: String,
    /// Whether the native front reads a token from `?access_token=`, which shows in the logs of proxies. Default: no.
    pub(crate) query: bool,
    /// The origins whose pages may publish with a cookie: exact, with a `*` within, or `*`. Default: the exact origins
    /// of `[cors]`.
    pub(crate) publish_origins: Vec<String>,
    /// How long before a token ends its streams are told so. Default: 10 s.
    pub(crate) expiry_notice: Duration,
    /// `[auth.callback]`.
    pub(crate) callback: Option<Callback>,
}

impl Auth {
    pub(super) fn read(section: &mut Section<'_, '_>, cors: &Cors) -> Self {
        Self {
            cookie: section.read("cookie", value::cookie_name).unwrap_or_else(|| "tidings_token".to_owned()),
            query: section.read("query", value::boolean).unwrap_or_default(),
            publish_origins: section
                .read("publish_origins", cors::publish_origins)
                .unwrap_or_else(|| cors.exact()),
            expiry_notice: section
                .read("expiry_notice", value::duration_or_none)
                .unwrap_or(Duration::from_secs(10)),
            callback: super::section(section, "callback", callback),
        }
    }
}

/// `[auth.callback]`. A problem in it still leaves one, so that the hub does not pass for an open one.
fn callback(section: &mut Section<'_, '_>) -> Option<Callback> {
    const KINDS: &[(&str, CallbackKind)] =
        &[("json", CallbackKind::Json), ("laravel", CallbackKind::Laravel)];
    let default = Callback::new(section.read("url", value::http_url).map(String::from).unwrap_or_default());
    let callback = Callback {
        kind: section.read("kind", value::one_of(KINDS)).unwrap_or(default.kind),
        timeout: section.read("timeout", value::duration).unwrap_or(default.timeout),
        headers: section.read("headers", value::list(header)).unwrap_or(default.headers),
        cache: section.read("cache", value::duration_or_none).unwrap_or(default.cache),
        url: default.url,
    };
    if section.is_given() && !section.has("url") {
        section.reject("url", "it is missing: which URL of the application is asked?");
    }
    section.is_given().then_some(callback)
}

fn header(given: &Given<'_>) -> Parsed<String> {
    let text = value::string(given)?;
    match text.parse::<HeaderName>() {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(_) => Err(format!("{text:?} is not the name of a header: write one such as \"X-Tenant\"")),
    }
}

/// `[anonymous]`. The table alone, with nothing in it, means that a right is needed for everything.
pub(super) fn anonymous(section: &mut Section<'_, '_>, reference: &Reference) -> Option<Anonymous> {
    let anonymous = Anonymous {
        publish: section.read("publish", value::selection).unwrap_or_default(),
        subscribe: section.read("subscribe", value::selection).unwrap_or_default(),
    };
    if section.is_given() {
        return Some(anonymous);
    }
    reference.anonymous.then(|| Anonymous { subscribe: Selection::all(), ..Anonymous::default() })
}
