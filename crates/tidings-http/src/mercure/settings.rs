//! The settings of the Mercure front.

use std::{sync::Arc, time::Duration};

use tidings_auth::Dialects;
use tidings_hub::{Unknown, UrlBase};
use url::Url;

use super::{PATH, presence::Presence};
use crate::{body::BodyLimit, limit::LimitHits};

/// Settings of the Mercure front.
#[derive(Clone, Debug)]
pub struct MercureSettings {
    /// The dialects that are spoken. Default: 1.0.
    pub dialects: Dialects,
    /// The hub's public URL, which tokens of 1.0 are for and which topics are relative to. Default: whatever each request
    /// was sent to.
    pub url: Option<Url>,
    /// The URLs whose origins the hub answers at; others are told that they are misdirected (421). Default: none, so that
    /// it answers at any.
    pub public_urls: Vec<String>,
    /// The cookie that carries tokens in 1.0. Default: `__Secure-mercure_access_token`.
    pub cookie: String,
    /// The cookie that carries tokens in 0.x. Default: `mercureAuthorization`.
    pub cookie_v0: String,
    /// The origins whose pages may publish by a cookie: exact ones, ones with a `*` within, or `*`. Default: none.
    pub publish_origins: Vec<String>,
    /// Which ids events get that have none. Default: the hub's own.
    pub ids: Ids,
    /// What a subscriber gets whose cursor is not known. Default: everything that is kept.
    pub unknown_cursor: Unknown,
    /// Tells of active subscriptions. Default: nothing does.
    pub presence: Option<Presence>,
    /// How long a stream lasts at most. Each ends after 80 to 100 % of it, so that not all come back at once. Default: as
    /// long as it can.
    pub lifetime: Option<Duration>,
    /// The largest body of a publication, in bytes. Default: 1 MiB.
    pub max_body: usize,
    /// How long a body may take to arrive. Default: 30 s.
    pub body_time: Duration,
    /// Where limits that were hit are counted: the server's, or one's own.
    pub hits: Arc<LimitHits>,
    /// Who issues tokens, for the metadata. Default: nobody is named.
    pub authorization_servers: Vec<String>,
    /// Whether 0.x takes tokens from the query, `?authorization=`, which logs of proxies keep. Default: no.
    pub query_token: bool,
}

/// Which ids events get that have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// The hub's own, which say where an event stands.
    #[default]
    Hub,
    /// `urn:uuid:` and a random UUID, as those of the reference hub look.
    UrnUuid,
}

impl Default for MercureSettings {
    fn default() -> Self {
        Self {
            dialects: Dialects { v1: true, v0: false },
            url: None,
            public_urls: Vec::new(),
            cookie: "__Secure-mercure_access_token".to_owned(),
            cookie_v0: "mercureAuthorization".to_owned(),
            publish_origins: Vec::new(),
            ids: Ids::default(),
            unknown_cursor: Unknown::Everything,
            presence: None,
            lifetime: None,
            max_body: 1 << 20,
            body_time: Duration::from_secs(30),
            hits: Arc::default(),
            authorization_servers: Vec::new(),
            query_token: false,
        }
    }
}

impl MercureSettings {
    /// The bounds of a body of at most so many bytes.
    pub(super) fn body_limit(&self, bytes: usize) -> BodyLimit<'_> {
        BodyLimit { bytes, time: self.body_time, hits: &self.hits }
    }
}

/// What URL patterns and topics are relative to: the hub's public URL, if it ends as one does (section 1.3). The
/// authority must be given the same for the patterns in tokens, and the native front for the topics that it refuses.
pub fn mercure_base(url: Option<&Url>) -> UrlBase {
    let url = url.filter(|url| url.path().ends_with(PATH));
    url.and_then(|url| UrlBase::new(url.as_str()).ok()).unwrap_or_default()
}

impl Ids {
    /// The id of an event that has none, where it is not the hub's own.
    pub(super) fn make(self) -> Option<Box<str>> {
        match self {
            Self::Hub => None,
            Self::UrnUuid => Some(urn_uuid().into()),
        }
    }
}

/// A new random UUID: it tells nothing about when it was made.
pub(super) fn urn_uuid() -> String {
    uuid::Uuid::new_v4().urn().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    // 1.3, URL Pattern rules
    #[test]
    fn the_base_is_the_hubs_url_if_it_looks_like_one() {
        let base = |url: &str| mercure_base(Some(&Url::parse(url).unwrap())).as_str().to_owned();
        assert_eq!(base("https://a.example/.well-known/mercure"), "https://a.example/.well-known/mercure");
        assert_eq!(base("https://a.example/other"), UrlBase::default().as_str());
        assert_eq!(mercure_base(None).as_str(), UrlBase::default().as_str());
    }

    // 1.4
    #[test]
    fn a_made_id_is_a_uuid_and_new() {
        let [one, other] = [(); 2].map(|()| Ids::UrnUuid.make().unwrap());
        assert!(one.starts_with("urn:uuid:") && one.len() == 45, "{one}");
        assert_eq!(one.as_bytes()[9 + 14], b'4', "{one}");
        assert_ne!(one, other);
        assert_eq!(Ids::Hub.make(), None);
    }
}
