//! The authority: who is asked whether somebody may do something.

use std::{iter, path::PathBuf, sync::Arc, time::SystemTime};

use http::{HeaderMap, HeaderName};
use tidings_hub::{Bearer, ReadRights, Rights, Selector};
use tokio::runtime::Handle;

use crate::{
    callback::Callback,
    credentials::{Carrier, Presented},
    explain::{Explanation, Question},
    grant::{Grant, Holder},
    issuers::Issuers,
    keys::Keys,
    refusal::{Reason, Refusal},
    revocation::{self, Revocation, RevocationError, Revocations, Target, TargetError},
    secret::Secret,
    settings::{Action, Dialects, Settings},
    verified::Tokens,
};

/// What a request asks for, as far as its token is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is to be done.
    pub action: Action,
    /// The resource that is asked for, which is the audience of Mercure 1.0 tokens unless an issuer names another.
    pub audience: &'a str,
    /// Which dialects' tokens this request takes.
    pub dialects: Dialects,
}

/// Why an authority cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A key of an issuer is not what its algorithm needs.
    #[error("the key of [[jwt]] {issuer:?} cannot be used: {problem}")]
    Key {
        /// The issuer's name.
        issuer: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A JWKS is not configured as it must be.
    #[error("the jwks of [[jwt]] {issuer:?} cannot be used: {problem}")]
    Jwks {
        /// The issuer's name.
        issuer: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The callback is not configured as it must be.
    #[error("[auth.callback] cannot be used: {0}")]
    Callback(String),
    /// The file of revocations cannot be used.
    #[error("the revocations in {} cannot be used: {error}", path.display())]
    Revocations {
        /// The file.
        path: PathBuf,
        /// Why.
        error: RevocationError,
    },
}

/// Who is asked whether somebody may do something. Cloning is cheap; clones share everything.
#[derive(Clone, Debug)]
pub struct Authority(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_open: bool,
    dialects: Dialects,
    anonymous: Option<Arc<Grant>>,
    keys: Keys,
    tokens: Tokens,
    callback: Option<Callback>,
    revocations: Arc<Revocations>,
}

impl Authority {
    /// Makes an authority. Within a Tokio runtime it begins to fetch the keys of its issuers; that they cannot be reached
    /// keeps nobody from starting.
    ///
    /// # Errors
    /// When a key, an address or the file of revocations cannot be used.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let anonymous = anonymous(&settings).map(Arc::new);
        let public =
            settings.anonymous.as_ref().map(|anonymous| anonymous.subscribe.clone()).unwrap_or_default();
        let issuers = Issuers::new(&settings.issuers, settings.dialects)?;
        let callback = settings.callback.as_ref().map(Callback::new).transpose();
        let callback = callback.map_err(StartError::Callback)?;
        let revocations = Revocations::open(settings.revocations.as_deref()).map_err(|error| {
            StartError::Revocations { path: settings.revocations.clone().unwrap_or_default(), error }
        })?;
        if Handle::try_current().is_ok() {
            issuers.keep_fresh();
        }
        Ok(Self(Arc::new(Inner {
            is_open: settings.is_open(),
            dialects: settings.dialects,
            anonymous,
            keys: Keys::new(&settings.keys, &public),
            tokens: Tokens::new(issuers, settings.dialects, public, settings.base),
            callback,
            revocations,
        })))
    }

    /// Whether everybody may do everything, so that nobody needs to be asked for a key or token.
    pub fn is_open(&self) -> bool {
        self.0.is_open
    }

    /// What those may do who present nothing: everything on an open hub, what is configured on another, else nothing.
    pub fn anonymous(&self) -> Option<Arc<Grant>> {
        self.0.anonymous.clone()
    }

    /// Whether there is an application to ask ([`Self::ask`]).
    pub fn asks(&self) -> bool {
        self.0.callback.is_some()
    }

    /// Whether there is an application that is asked about this.
    pub fn asks_about(&self, action: Action, selector: &Selector) -> bool {
        self.0.callback.as_ref().is_some_and(|callback| callback.decides(action, selector))
    }

    /// Whether there is an application to ask that may know somebody by this header.
    pub fn knows_by(&self, name: &HeaderName) -> bool {
        self.0.callback.as_ref().is_some_and(|callback| callback.knows_by(name))
    }

    /// Finds out what a key or token grants. On an open hub it grants everything, whatever it is.
    ///
    /// # Errors
    /// Why it grants nothing. A bad one is never taken for none.
    pub async fn verify(&self, presented: &Presented, request: &Asked<'_>) -> Result<Arc<Grant>, Refusal> {
        if let Some(everything) = self.0.anonymous.as_ref().filter(|_| self.0.is_open) {
            return Ok(Arc::clone(everything));
        }
        let grant = match self.0.keys.find(&presented.token) {
            Some(grant) => grant,
            None => self.0.tokens.verify(&presented.token, request).await?,
        };
        self.unless_revoked(grant)
    }

    /// Asks the application what somebody may do of what is given, by the cookies and headers of their request. The
    /// grant holds exactly what the application allows.
    ///
    /// # Errors
    /// When it allows nothing of it, or cannot be asked.
    pub async fn ask(
        &self,
        headers: &HeaderMap,
        action: Action,
        selectors: &[Selector],
    ) -> Result<Arc<Grant>, Refusal> {
        let callback = self.0.callback.as_ref().ok_or(Reason::Nothing)?;
        self.unless_revoked(Arc::new(callback.ask(headers, action, selectors).await?))
    }

    /// Takes so many publications from what a grant's key may publish a second. Grants of others have no such limit.
    ///
    /// # Errors
    /// When there are too many, with how long to wait.
    pub fn take(&self, grant: &Grant, publications: u32) -> Result<(), Refusal> {
        self.0.keys.take(&grant.holder, publications)
    }

    /// The token that a text names: by its id, by the whole of it, or by the secret of an API key. What is kept, listed
    /// and logged of it then is an id, and no secret.
    ///
    /// # Errors
    /// When it is neither a token nor a key's secret, and cannot be an id.
    pub fn target(&self, token: &Secret) -> Result<Target, TargetError> {
        let text = token.expose();
        // Also copied with the word before it, or with a space: a secret must not pass for an id.
        let key = iter::once(text)
            .chain(text.split_whitespace())
            .find_map(|text| self.0.keys.find(&text.into())?.bearer.token.clone());
        Ok(Target::Token(match key {
            Some(key) => key.into(),
            None => revocation::id(text)?,
        }))
    }

    /// Refuses a token or user from this call on, before the future is awaited; the future ends when the revocation is
    /// kept, and it is kept also if the future is dropped. Those who are connected are the caller's to close, best before
    /// awaiting: [`Self::is_revoked`] finds them. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When it could not be kept. It is in force nevertheless, as long as the process lives.
    pub fn revoke(
        &self,
        revocation: Revocation,
    ) -> impl Future<Output = Result<(), RevocationError>> + Send + use<> {
        self.0.revocations.revoke(revocation)
    }

    /// Takes a revocation back. False when there was none.
    ///
    /// # Errors
    /// When that could not be kept; the revocation stays in force.
    pub async fn lift(&self, target: Target) -> Result<bool, RevocationError> {
        self.0.revocations.lift(target).await
    }

    /// The revocations in force.
    pub fn revocations(&self) -> Vec<Revocation> {
        self.0.revocations.list(SystemTime::now())
    }

    /// Says whether the bearer of a key or token would be allowed something, and why not.
    pub async fn explain(&self, token: &Secret, question: &Question<'_>) -> Explanation {
        let presented = Presented { token: token.clone(), by: Carrier::Header };
        let (action, audience, dialects) = (question.action, question.audience, self.0.dialects);
        match self.verify(&presented, &Asked { action, audience, dialects }).await {
            Ok(grant) => Explanation::of(&grant, question),
            Err(refusal) => Explanation::refused(&refusal),
        }
    }

    /// Whether this one's rights are revoked.
    pub fn is_revoked(&self, bearer: &Bearer) -> bool {
        self.0.revocations.cover(bearer, SystemTime::now())
    }

    fn unless_revoked(&self, grant: Arc<Grant>) -> Result<Arc<Grant>, Refusal> {
        if self.is_revoked(&grant.bearer) { Err(Reason::Revoked.into()) } else { Ok(grant) }
    }
}

fn anonymous(settings: &Settings) -> Option<Grant> {
    let (rights, admin, holder) = if settings.is_open() {
        (Rights::everything(), true, Holder::Everybody)
    } else {
        let anonymous = settings.anonymous.as_ref()?;
        let read = ReadRights { public: anonymous.subscribe.clone(), ..ReadRights::default() };
        let rights = Rights { publish: anonymous.publish.clone(), read: Arc::new(read) };
        (rights, false, Holder::Anonymous)
    };
    let (bearer, payloads) = (Arc::default(), Vec::new());
    Some(Grant { rights, admin, bearer, holder, expires: None, payloads, dialect: None })
}
