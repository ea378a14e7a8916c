//! `[mercure]`: the Mercure protocol.

use std::time::Duration;

use reqwest::Url;
use tidings_auth::Dialects;
use tidings_hub::UrlBase;

use super::{
    auth::Auth,
    cors,
    mercure_env::Reference,
    section::Section,
    value::{self, Given, Parsed},
};

/// `[mercure]`.
#[derive(Debug, Clone)]
pub(crate) struct Mercure {
    /// The dialects that are spoken, and whose tokens are believed; with none, the protocol is not served at all.
    /// Default: 1.0; on an open hub, which looks at no token, both.
    pub(crate) dialects: Dialects,
    /// The hub's address as browsers have it, which tokens are made out for. Default: as each request has it.
    pub(crate) url: Option<Url>,
    /// The origins (`https://hub.example`) that requests may be for. Default: none named, any.
    pub(crate) public_urls: Vec<String>,
    /// The cookie that a token of 1.0 is read from. Default: `__Secure-mercure_access_token`.
    pub(crate) cookie: String,
    /// The cookie that a token of 0.x is read from. Default: `mercureAuthorization`.
    pub(crate) cookie_0x: String,
    /// The origins whose pages may publish with a cookie. Default: those of `[auth]`.
    pub(crate) publish_origins: Vec<String>,
    /// What the ids of events look like. Default: [`Ids::Hub`].
    pub(crate) ids: Ids,
    /// What who comes with an unknown cursor is sent. Default: [`UnknownCursor::Everything`].
    pub(crate) unknown_cursor: UnknownCursor,
    /// Whether subscriptions are announced and listed. Default: no.
    pub(crate) subscriptions: bool,
    /// How long a subscriber may be away before that is announced. Default: not at all.
    pub(crate) presence_debounce: Duration,
    /// The authorization servers that the metadata names. Default: none.
    pub(crate) authorization_servers: Vec<String>,
}

/// What the ids of events published without one look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Those of the hub: where in the log the event is.
    Hub,
    /// `urn:uuid:…`, as those of the reference hub.
    UrnUuid,
}

/// What a subscriber is sent whose cursor the hub does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownCursor {
    /// All that is kept.
    Everything,
    /// A `tidings.reset` event, and then what is new.
    Reset,
}

impl Mercure {
    pub(super) fn read(
        section: &mut Section<'_, '_>,
        is_open: bool,
        auth: &Auth,
        reference: &Reference,
    ) -> Self {
        let both = is_open || reference.is_adopted;
        let ids = value::one_of(&[("hub", Ids::Hub), ("urn:uuid", Ids::UrnUuid)]);
        let default_ids = if reference.is_adopted { Ids::UrnUuid } else { Ids::Hub };
        let unknown_cursor =
            value::one_of(&[("everything", UnknownCursor::Everything), ("reset", UnknownCursor::Reset)]);
        let cookie = |own: Option<String>, default: &str| {
            own.or_else(|| reference.cookie.clone()).unwrap_or_else(|| default.to_owned())
        };
        Self {
            dialects: section.read("dialects", dialects).unwrap_or(Dialects { v1: true, v0: both }),
            url: section.read("url", hub_url).or_else(|| reference.url.clone()),
            public_urls: section
                .read("public_urls", value::list(public_url))
                .or_else(|| reference.public_urls.clone())
                .unwrap_or_default(),
            cookie: cookie(section.read("cookie", value::cookie_name), "__Secure-mercure_access_token"),
            cookie_0x: cookie(section.read("cookie_0x", value::cookie_name), "mercureAuthorization"),
            publish_origins: section
                .read("publish_origins", cors::publish_origins)
                .or_else(|| reference.publish_origins.clone())
                .unwrap_or_else(|| auth.publish_origins.clone()),
            ids: section.read("ids", ids).unwrap_or(default_ids),
            unknown_cursor: section
                .read("unknown_cursor", unknown_cursor)
                .unwrap_or(UnknownCursor::Everything),
            subscriptions: section.read("subscriptions", value::boolean).unwrap_or(reference.subscriptions),
            presence_debounce: section.read("presence_debounce", value::duration_or_none).unwrap_or_default(),
            authorization_servers: section
                .read("authorization_servers", value::list(|given| value::http_url(given).map(String::from)))
                .unwrap_or_default(),
        }
    }
}

fn dialects(given: &Given<'_>) -> Parsed<Dialects> {
    let dialect = value::one_of(&[
        ("1.0", Dialects { v1: true, v0: false }),
        ("0.x", Dialects { v1: false, v0: true }),
    ]);
    let named = value::list(dialect)(given)?;
    Ok(Dialects { v1: named.iter().any(|one| one.v1), v0: named.iter().any(|one| one.v0) })
}

/// An address that can be what URL patterns are relative to.
pub(super) fn hub_url(given: &Given<'_>) -> Parsed<Url> {
    let url = value::http_url(given)?;
    UrlBase::new(url.as_str()).map_err(|error| error.to_string())?;
    Ok(url)
}

/// The origin of an address of the hub; what is behind it does not matter.
pub(super) fn public_url(given: &Given<'_>) -> Parsed<String> {
    value::http_url(given).map(|url| url.origin().ascii_serialization())
}
