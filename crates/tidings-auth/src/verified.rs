//! Finds out what a token grants, and remembers it for a moment, so that a publisher that sends one event after the other
//! does not have its signature checked for each.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tidings_hub::{Bearer, ReadRights, Rights, Selection, UrlBase};

use crate::{
    authority::Asked,
    digest::Digest,
    generations::Generations,
    grant::{Dialect, Grant, Holder, Payload},
    issuers::{Accepted, Issuers},
    refusal::Reason,
    secret::Secret,
    selection::union,
    settings::{Dialects, Roles},
    token::{Claims, Says, Token},
};

/// How many tokens are remembered.
const REMEMBERED: usize = 10_000;

/// How long a token is remembered. A key that an issuer withdraws is good for so long after the hub has learnt of it.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// What finds out what a token grants.
#[derive(Debug)]
pub(crate) struct Tokens {
    issuers: Issuers,
    /// The dialects that are switched on.
    dialects: Dialects,
    /// What everybody may read in public.
    anonymous: Selection,
    base: UrlBase,
    remembered: Mutex<Generations<Arc<Grant>>>,
}

impl Tokens {
    pub(crate) fn new(issuers: Issuers, dialects: Dialects, anonymous: Selection, base: UrlBase) -> Self {
        let remembered = Mutex::new(Generations::new(REMEMBERED));
        Self { issuers, dialects, anonymous, base, remembered }
    }

    /// What a token grants, for this request, now. Whether it is revoked is not looked at.
    pub(crate) async fn verify(&self, text: &Secret, asked: &Asked<'_>) -> Result<Arc<Grant>, Reason> {
        let tokens = !self.issuers.is_empty();
        if !tokens || !Token::is_one(text.expose()) {
            return Err(Reason::Unknown { tokens });
        }
        let (question, now) = (question(text, asked), SystemTime::now());
        let remembered =
            self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&question, Instant::now());
        if let Some(grant) = remembered.filter(|grant| grant.expires.is_none_or(|expires| expires > now)) {
            return Ok(grant);
        }
        let grant = Arc::new(self.read(text.expose(), asked, now).await?);
        let until = Instant::now() + REMEMBERED_FOR;
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).insert(
            question,
            Arc::clone(&grant),
            until,
        );
        Ok(grant)
    }

    async fn read(&self, text: &str, asked: &Asked<'_>, now: SystemTime) -> Result<Grant, Reason> {
        let token = Token::split(text)?;
        let claims = Claims::read(&token.payload)?;
        let Accepted { dialect, roles, expires } = self.issuers.accept(&token, &claims, asked, now).await?;
        self.takes(dialect, asked)?;
        // Only now: to read many patterns is too much work to do for a stranger.
        let says = Says::read(dialect, &claims, &self.base)?;
        Ok(self.grant(&token, claims, dialect, says, roles, expires))
    }

    fn takes(&self, dialect: Dialect, asked: &Asked<'_>) -> Result<(), Reason> {
        match dialect {
            _ if !has(self.dialects, dialect) => Err(Reason::DialectOff(dialect)),
            _ if !has(asked.dialects, dialect) => Err(Reason::DialectHere(dialect)),
            _ => Ok(()),
        }
    }

    fn grant(
        &self,
        token: &Token<'_>,
        claims: Claims<'_>,
        dialect: Dialect,
        says: Says,
        roles: Roles,
        expires: Option<SystemTime>,
    ) -> Grant {
        let subscribe = allowed(roles.subscribe, says.subscribe);
        let public = match dialect {
            Dialect::Native => union(&subscribe, &self.anonymous),
            // Public events are for every subscriber that Mercure lets in (section 1.5).
            Dialect::V0 | Dialect::V1 => Selection::all(),
        };
        let read = ReadRights { public, private: subscribe };
        let id = claims.jti.unwrap_or_else(|| token.fingerprint());
        let holder = match &claims.sub {
            Some(user) => Holder::User(user.clone()),
            None => Holder::Token(id.clone()),
        };
        let bearer = Bearer { user: claims.sub.map(Into::into), token: Some(id.into()) };
        let payloads = says.payloads.into_iter();
        Grant {
            rights: Rights { publish: allowed(roles.publish, says.publish), read: Arc::new(read) },
            admin: says.admin,
            bearer: Arc::new(bearer),
            holder,
            expires,
            payloads: payloads
                .map(|(selectors, value)| Payload { selection: Selection::from_iter(selectors), value })
                .collect(),
            dialect: Some(dialect),
        }
    }
}

fn allowed(role: bool, selectors: Vec<tidings_hub::Selector>) -> Selection {
    if role { selectors.into_iter().collect() } else { Selection::default() }
}

fn has(dialects: Dialects, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Native => true,
        Dialect::V0 => dialects.v0,
        Dialect::V1 => dialects.v1,
    }
}

/// Everything that the answer depends on.
fn question(text: &Secret, asked: &Asked<'_>) -> Digest {
    let dialects = [u8::from(asked.dialects.v1), u8::from(asked.dialects.v0)];
    Digest::of(&[
        text.expose().as_bytes(),
        asked.action.as_str().as_bytes(),
        &dialects,
        asked.audience.as_bytes(),
    ])
}
