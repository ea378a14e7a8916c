//! The authority: who is asked whether somebody may do something.

use std::{path::PathBuf, sync::Arc};

use http::HeaderMap;
use tidings_hub::{ReadRights, Rights, Selector};

use crate::{
    credentials::{Carrier, Presented},
    explain::{Explanation, Question},
    grant::{Grant, Holder},
    refusal::{Reason, Refusal},
    revocation::{Revocation, RevocationError, Target},
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
pub struct Authority {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    anonymous: Option<Arc<Grant>>,
}

impl Authority {
    /// Makes an authority. Within a Tokio runtime it begins to fetch the keys of its issuers; that they cannot be reached
    /// keeps nobody from starting.
    ///
    /// # Errors
    /// When a key, an address or the file of revocations cannot be used.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let anonymous = anonymous(&settings).map(Arc::new);
        Ok(Self { inner: Arc::new(Inner { settings, anonymous }) })
    }

    /// Whether everybody may do everything, so that nobody needs to be asked for a key or token.
    pub fn is_open(&self) -> bool {
        self.inner.settings.is_open()
    }

    /// What those may do who present nothing: everything on an open hub, what is configured on another, else nothing.
    pub fn anonymous(&self) -> Option<Arc<Grant>> {
        self.inner.anonymous.clone()
    }

    /// Whether there is an application to ask ([`Self::ask`]).
    pub fn asks(&self) -> bool {
        self.inner.settings.callback.is_some()
    }

    /// Finds out what a key or token grants.
    ///
    /// # Errors
    /// Why it grants nothing. A bad one is never taken for none.
    pub async fn verify(&self, _presented: &Presented, _request: &Asked<'_>) -> Result<Arc<Grant>, Refusal> {
        Err(Reason::Unknown { tokens: false }.into())
    }

    /// Asks the application what somebody may do of what is given, by the cookies and headers of their request. The
    /// grant holds exactly what the application allows.
    ///
    /// # Errors
    /// When it allows nothing of it, or cannot be asked.
    pub async fn ask(
        &self,
        _headers: &HeaderMap,
        _action: Action,
        _selectors: &[Selector],
    ) -> Result<Arc<Grant>, Refusal> {
        Err(Reason::Nothing.into())
    }

    /// Takes so many publications from what a grant's key may publish a second. Grants of others have no such limit.
    ///
    /// # Errors
    /// When there are too many, with how long to wait.
    pub fn take(&self, _grant: &Grant, _publications: u32) -> Result<(), Refusal> {
        Ok(())
    }

    /// Refuses a token or user from now on. When it returns, the revocation is kept. Those who are connected are the
    /// caller's to close: [`Revocation::covers`] finds them.
    ///
    /// # Errors
    /// When it could not be kept. It is in force nevertheless, as long as the process lives.
    pub async fn revoke(&self, _revocation: Revocation) -> Result<(), RevocationError> {
        Ok(())
    }

    /// Takes a revocation back. False when there was none.
    ///
    /// # Errors
    /// When that could not be kept; the revocation stays in force.
    pub async fn lift(&self, _target: &Target) -> Result<bool, RevocationError> {
        Ok(false)
    }

    /// The revocations in force.
    pub fn revocations(&self) -> Vec<Revocation> {
        Vec::new()
    }
}

impl Authority {
    /// Says whether the bearer of a token would be allowed something, and why not.
    pub async fn explain(&self, token: &Secret, question: &Question<'_>) -> Explanation {
        let (presented, request) = (
            Presented { token: token.clone(), by: Carrier::Header },
            Asked {
                action: question.action,
                audience: question.audience,
                dialects: self.inner.settings.dialects,
            },
        );
        match self.verify(&presented, &request).await {
            Ok(grant) => Explanation::of(&grant, question),
            Err(refusal) => Explanation::refused(&refusal),
        }
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
