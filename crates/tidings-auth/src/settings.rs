//! Who is known to a hub, as its configuration says.

use std::{fmt, num::NonZeroU32, path::PathBuf, time::Duration};

use tidings_hub::{Selection, UrlBase};

use crate::{
    algorithm::Algorithm,
    pem::{self, KeyError},
    secret::Secret,
};

/// Who is known to a hub. With no keys, issuers, callback and anonymous rights the hub is open, unless it is closed by
/// [`Settings::closed`]: everybody may do everything.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The API keys.
    pub keys: Vec<Key>,
    /// Who signs tokens that are believed.
    pub issuers: Vec<Issuer>,
    /// What those may do who present nothing. Without it, nothing.
    pub anonymous: Option<Anonymous>,
    /// The application that is asked about those who present neither key nor token.
    pub callback: Option<Callback>,
    /// The dialects of Mercure whose tokens are believed at all.
    pub dialects: Dialects,
    /// What URL patterns in tokens, and the topics they are held against, are relative to.
    pub base: UrlBase,
    /// Where revocations are kept. Without it they last as long as the process.
    pub revocations: Option<PathBuf>,
    /// Whether the hub is not open in any case, because a front has credentials that only it knows, as those of Pusher
    /// apps.
    pub closed: bool,
}

impl Settings {
    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        let is_nobody_known = self.keys.is_empty()
            && self.issuers.is_empty()
            && self.anonymous.is_none()
            && self.callback.is_none();
        is_nobody_known && !self.closed
    }
}

/// An API key: what a server that publishes shows as `Authorization: Bearer SECRET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// How log lines call it. Unique.
    pub name: String,
    /// What is shown.
    pub secret: Secret,
    /// What it may publish to.
    pub publish: Selection,
    /// What it may read, private events included.
    pub subscribe: Selection,
    /// How many publications a second are taken from it; as many may come at once. Without it, any number.
    pub rate: Option<NonZeroU32>,
    /// Whether it may administer the hub.
    pub admin: bool,
}

/// Somebody who signs JSON Web Tokens, and with what they are verified.
///
/// An `issuer` or `audience` that is configured must be in the tokens. Those of Mercure 0.x are let off only where 1.0 is
/// spoken as well, and only if they say nothing: an application that moves from the one to the other names both for its
/// tokens of 1.0, while those that it still makes of 0.x say neither, and they must be good until it has moved. What they
/// do say must be right at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// How log lines and errors call it.
    pub name: String,
    /// The `iss` of its tokens. Tokens of Mercure 1.0 need it.
    pub issuer: Option<String>,
    /// One of these must be in the `aud` of its tokens. When there is none, tokens of Mercure 1.0 must be for the
    /// resource that is asked for, and others for anybody.
    pub audience: Vec<String>,
    /// What its tokens can be used for at all.
    pub roles: Roles,
    /// With what they are verified.
    pub keys: KeySource,
    /// How far its clock may be off. A token is good for so much longer and earlier.
    pub leeway: Duration,
}

/// What an issuer's tokens can be used for. Only of who has both can they administer the hub, which is more than both:
/// elsewhere the claim is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// To publish.
    pub publish: bool,
    /// To subscribe.
    pub subscribe: bool,
}

impl Default for Roles {
    fn default() -> Self {
        Self { publish: true, subscribe: true }
    }
}

impl Roles {
    /// Whether a token can be used for this.
    pub fn allow(self, action: Action) -> bool {
        match action {
            Action::Publish => self.publish,
            Action::Subscribe => self.subscribe,
        }
    }
}

/// With what an issuer's tokens are verified.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// One key with one algorithm.
    Static {
        /// The shared secret of an HMAC algorithm, or a PEM document: a public key, a private one (whose public half is
        /// used) or a certificate (of which only the key is looked at).
        key: Secret,
        /// The only algorithm that is accepted.
        algorithm: Algorithm,
    },
    /// A set of public keys, which the issuer changes when it likes.
    Jwks {
        /// Where it is: `https://…`, `http://…` or `file:///…`.
        url: String,
        /// The algorithms that are accepted. See [`crate::JWKS_ALGORITHMS`].
        algorithms: Vec<Algorithm>,
    },
}

impl KeySource {
    /// Whether a static key is one that its algorithm can verify with. A set of keys is looked at when it is fetched.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self) -> Result<(), KeyError> {
        match self {
            Self::Static { key, algorithm } => pem::verifying(key, *algorithm).map(drop),
            Self::Jwks { .. } => Ok(()),
        }
    }
}

impl fmt::Debug for KeySource {
    /// The URL may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static { key, algorithm } => {
                f.debug_struct("Static").field("key", key).field("algorithm", algorithm).finish()
            }
            Self::Jwks { algorithms, .. } => {
                f.debug_struct("Jwks").field("algorithms", algorithms).finish_non_exhaustive()
            }
        }
    }
}

/// What those may do who present nothing. Private events are never for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anonymous {
    /// What they may publish to.
    pub publish: Selection,
    /// Where they may read public events.
    pub subscribe: Selection,
}

/// The application that is asked whether somebody may publish or subscribe.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// Where it is asked: `https://…` or `http://…`.
    pub url: String,
    /// How it is spoken to. Default: [`CallbackKind::Json`].
    pub kind: CallbackKind,
    /// How long its answers to one request may take, all together. Default: 5 s.
    pub timeout: Duration,
    /// The headers that it is given besides those that every application of its kind is given. Default: none.
    pub headers: Vec<String>,
    /// How long an answer is used again. Zero asks each time. Default: 10 s.
    pub cache: Duration,
}

/// How an application is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallbackKind {
    /// In the hub's own way: `{"action": "subscribe", "topic": "orders.7"}`, with `Cookie` and `Origin`.
    #[default]
    Json,
    /// As Laravel's `/broadcasting/auth` is: about subscriptions to exact topics that begin with `private-` or `presence-`,
    /// of those who show a cookie or an `Authorization`, and about nothing else.
    Laravel,
}

impl Callback {
    /// The defaults, for the application at this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            kind: CallbackKind::default(),
            timeout: Duration::from_secs(5),
            headers: Vec::new(),
            cache: Duration::from_secs(10),
        }
    }
}

impl fmt::Debug for Callback {
    /// The URL may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, headers, .. } = self;
        f.debug_struct("Callback").field("kind", kind).field("headers", headers).finish_non_exhaustive()
    }
}

/// The dialects of Mercure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dialects {
    /// 1.0.
    pub v1: bool,
    /// 0.x, whose tokens check less.
    pub v0: bool,
}

impl Dialects {
    /// The dialects that both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { v1: self.v1 && other.v1, v0: self.v0 && other.v0 }
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Publish.
    Publish,
    /// Subscribe.
    Subscribe,
}

impl Action {
    /// `publish` or `subscribe`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_show_no_secret() {
        let (secret, url) = (Secret::new("sesame"), "https://user:sesame@a.example/?key=sesame".to_owned());
        let key = Key {
            name: "backend".to_owned(),
            secret: secret.clone(),
            publish: Selection::all(),
            subscribe: Selection::all(),
            rate: None,
            admin: false,
        };
        let issuer = |keys| Issuer {
            name: "test".to_owned(),
            issuer: None,
            audience: Vec::new(),
            roles: Roles::default(),
            keys,
            leeway: Duration::ZERO,
        };
        let sources = [
            KeySource::Static { key: secret, algorithm: Algorithm::HS256 },
            KeySource::Jwks { url: url.clone(), algorithms: vec![Algorithm::EdDSA] },
        ];
        let settings = Settings {
            keys: vec![key],
            issuers: sources.map(issuer).into(),
            callback: Some(Callback::new(url)),
            ..Settings::default()
        };
        let authority = crate::Authority::start(settings.clone()).unwrap();
        for shown in [format!("{settings:?}"), format!("{authority:?}")] {
            assert!(!shown.contains("sesame") && shown.contains("backend"), "{shown}");
        }
    }
}
