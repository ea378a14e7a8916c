//! The authority: who is asked whether somebody may do something.

use std::{iter, path::PathBuf, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName};
use tidings_hub::{Bearer, Selector, Standing};
use tokio::runtime::Handle;

use crate::{
    credentials::{Carrier, Presented},
    explain::{Explanation, Question},
    grant::Grant,
    refusal::{Reason, Refusal},
    revocation::{self, Revocation, RevocationError, Revocations, Target, TargetError},
    rules::Rules,
    secret::Secret,
    settings::{Action, Dialects, Settings},
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
    rules: ArcSwap<Rules>,
    revocations: Arc<Revocations>,
}

/// Rules that an authority can take.
#[derive(Debug)]
pub struct Prepared(Rules);

impl Prepared {
    /// Whether everybody may do everything by them.
    pub fn is_open(&self) -> bool {
        self.0.is_open
    }
}

impl Authority {
    /// Makes an authority. Within a Tokio runtime it begins to fetch the keys of its issuers; that they cannot be reached
    /// keeps nobody from starting.
    ///
    /// # Errors
    /// When a key, an address or the file of revocations cannot be used.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let path = settings.revocations.clone();
        let rules = Rules::new(settings, None)?;
        let revocations = Revocations::open(path.as_deref())
            .map_err(|error| StartError::Revocations { path: path.unwrap_or_default(), error })?;
        if Handle::try_current().is_ok() {
            rules.keep_fresh();
        }
        Ok(Self(Arc::new(Inner { rules: ArcSwap::from_pointee(rules), revocations })))
    }

    /// Whether an authority could start by these settings, but for the file of revocations, which is not looked at.
    ///
    /// # Errors
    /// When a key or an address cannot be used.
    pub fn check(settings: Settings) -> Result<(), StartError> {
        Rules::new(settings, None).map(drop)
    }

    /// Makes rules of other settings, without going by them yet. Revocations are kept where they are.
    ///
    /// # Errors
    /// When a key or an address cannot be used.
    pub fn prepare(&self, settings: Settings) -> Result<Prepared, StartError> {
        Rules::new(settings, Some(&self.rules())).map(Prepared)
    }

    /// Goes by other rules from now on, those that were prepared last. What is still right is kept: revocations, fetched
    /// keys, remembered answers, what is left of rates. Who may read less than before, or nothing, is [revoked](Self::is_revoked);
    /// their streams are the caller's to close.
    pub fn exchange(&self, Prepared(rules): Prepared) {
        if Handle::try_current().is_ok() {
            rules.keep_fresh();
        }
        let rules = Arc::new(rules);
        let former = self.0.rules.swap(rules.clone());
        let has_ended = |standing: &&Standing| !rules.standings().any(|now| now == *standing);
        former.standings().filter(has_ended).for_each(Standing::end);
    }

    fn rules(&self) -> Arc<Rules> {
        self.0.rules.load_full()
    }

    /// Whether everybody may do everything, so that nobody needs to be asked for a key or token.
    pub fn is_open(&self) -> bool {
        self.0.rules.load().is_open
    }

    /// What those may do who present nothing: everything on an open hub, what is configured on another, else nothing.
    pub fn anonymous(&self) -> Option<Arc<Grant>> {
        self.0.rules.load().anonymous.clone()
    }

    /// Whether there is an application to ask ([`Self::ask`]).
    pub fn asks(&self) -> bool {
        self.0.rules.load().callback.is_some()
    }

    /// Whether there is an application that is asked about this.
    pub fn asks_about(&self, action: Action, selector: &Selector) -> bool {
        self.0.rules.load().callback.as_ref().is_some_and(|callback| callback.decides(action, selector))
    }

    /// Whether there is an application to ask that may know somebody by this header.
    pub fn knows_by(&self, name: &HeaderName) -> bool {
        self.0.rules.load().callback.as_ref().is_some_and(|callback| callback.knows_by(name))
    }

    /// Finds out what a key or token grants. On an open hub it grants everything, whatever it is.
    ///
    /// # Errors
    /// Why it grants nothing. A bad one is never taken for none.
    pub async fn verify(&self, presented: &Presented, request: &Asked<'_>) -> Result<Arc<Grant>, Refusal> {
        let rules = self.rules();
        if let Some(everything) = rules.anonymous.as_ref().filter(|_| rules.is_open) {
            return Ok(Arc::clone(everything));
        }
        let grant = match rules.keys.find(&presented.token) {
            Some(grant) => grant,
            None => rules.tokens.verify(&presented.token, request).await?,
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
        let callback = self.0.rules.load().callback.clone().ok_or(Reason::Nothing)?;
        self.unless_revoked(Arc::new(callback.ask(headers, action, selectors).await?))
    }

    /// Takes so many publications from what a grant's key may publish a second. Grants of others have no such limit.
    ///
    /// # Errors
    /// When there are too many, with how long to wait.
    pub fn take(&self, grant: &Grant, publications: u32) -> Result<(), Refusal> {
        self.0.rules.load().keys.take(&grant.holder, publications)
    }

    /// The token that a text names: by its id, by the whole of it, or by the secret of an API key. What is kept, listed
    /// and logged of it then is an id, and no secret.
    ///
    /// # Errors
    /// When it is neither a token nor a key's secret, and cannot be an id.
    pub fn target(&self, token: &Secret) -> Result<Target, TargetError> {
        let text = token.expose();
        // Also copied with the word before it, or with a space: a secret must not pass for an id.
        let rules = self.rules();
        let key = iter::once(text)
            .chain(text.split_whitespace())
            .find_map(|text| rules.keys.find(&text.into())?.bearer.token.clone());
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
        let (action, audience, dialects) = (question.action, question.audience, self.0.rules.load().dialects);
        match self.verify(&presented, &Asked { action, audience, dialects }).await {
            Ok(grant) => Explanation::of(&grant, question),
            Err(refusal) => Explanation::refused(&refusal),
        }
    }

    /// Whether this one's rights are revoked, or rest on what an [exchange](Self::exchange) has taken away.
    pub fn is_revoked(&self, bearer: &Bearer) -> bool {
        bearer.standing.has_ended() || self.0.revocations.cover(bearer, SystemTime::now())
    }

    fn unless_revoked(&self, grant: Arc<Grant>) -> Result<Arc<Grant>, Refusal> {
        if self.is_revoked(&grant.bearer) { Err(Reason::Revoked.into()) } else { Ok(grant) }
    }
}
