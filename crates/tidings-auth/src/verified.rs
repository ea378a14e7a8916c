//! Finds out what a token grants, and remembers it for a moment, so that a publisher that sends one event after the other
//! does not have its signature checked for each.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tidings_hub::{Bearer, ReadRights, Rights, Selection, UrlBase};

use crate::{
    authority::Asked,
    digest::Digest,
    generations::{Bounds, Generations},
    grant::{Dialect, Grant, Holder, Payload},
    issuers::{Accepted, Issuers},
    refusal::Reason,
    secret::Secret,
    settings::Dialects,
    token::{Claims, Says, Token},
};

/// How many tokens are remembered. What is kept of one, its selectors above all, grows with its length, so it is weighed
/// by that.
const REMEMBERED: Bounds = Bounds { answers: 10_000, bytes: 32 << 20 };

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

    pub(crate) fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// What a token grants, for this request, now. Whether it is revoked is not looked at.
    pub(crate) async fn verify(&self, text: &Secret, asked: &Asked<'_>) -> Result<Arc<Grant>, Reason> {
        let tokens = !self.issuers.is_empty();
        if !tokens || !Token::is_one(text.expose()) {
            return Err(Reason::Unknown { tokens });
        }
        let now = SystemTime::now();
        let of_any = question(text, asked, None);
        if let Some(grant) = self.remembered(&of_any, now) {
            return Ok(grant);
        }
        let of_this = question(text, asked, Some(asked.audience));
        if let Some(grant) = self.remembered(&of_this, now) {
            return Ok(grant);
        }
        let (grant, for_audience) = self.read(text.expose(), asked, now).await?;
        let grant = Arc::new(grant);
        let question = if for_audience { of_this } else { of_any };
        let until = Instant::now() + REMEMBERED_FOR;
        self.lock().insert(question, Arc::clone(&grant), text.expose().len(), until);
        Ok(grant)
    }

    fn remembered(&self, question: &Digest, now: SystemTime) -> Option<Arc<Grant>> {
        let grant = self.lock().get(question, Instant::now())?;
        grant.expires.is_none_or(|expires| expires > now).then_some(grant)
    }

    fn lock(&self) -> MutexGuard<'_, Generations<Arc<Grant>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a token grants, and whether for the audience that is asked for alone.
    async fn read(&self, text: &str, asked: &Asked<'_>, now: SystemTime) -> Result<(Grant, bool), Reason> {
        let token = Token::split(text)?;
        let claims = Claims::read(&token.payload)?;
        let accepted = self.issuers.accept(&token, &claims, asked, now).await?;
        self.takes(accepted.dialect, asked)?;
        // Only now: to read many patterns is too much work to do for a stranger.
        let says = Says::read(accepted.dialect, &claims, &self.base)?;
        let for_audience = accepted.for_audience;
        Ok((self.grant(&token, claims, accepted, says), for_audience))
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
        Accepted { dialect, roles, expires, standing, .. }: Accepted,
        says: Says,
    ) -> Grant {
        let subscribe = allowed(roles.subscribe, says.subscribe);
        let public = match dialect {
            Dialect::Native => subscribe.union(&self.anonymous),
            // Public events are for every subscriber that Mercure lets in (section 1.5).
            Dialect::V0 | Dialect::V1 => Selection::all(),
        };
        let read = ReadRights { public, private: subscribe };
        let id = claims.jti.unwrap_or_else(|| token.fingerprint());
        let holder = match &claims.sub {
            Some(user) => Holder::User(user.clone()),
            None => Holder::Token(id.clone()),
        };
        let bearer = Bearer { user: claims.sub.map(Into::into), token: Some(id.into()), standing };
        let payloads = says.payloads.into_iter();
        Grant {
            rights: Rights { publish: allowed(roles.publish, says.publish), read: Arc::new(read) },
            // Who may not sign for both must not get there by administering.
            admin: says.admin && roles.publish && roles.subscribe,
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

/// Everything that the answer depends on. The audience is the `Host` of the request, which a stranger chooses: where the
/// answer does not depend on it, it must not make another question of the same token.
fn question(text: &Secret, asked: &Asked<'_>, audience: Option<&str>) -> Digest {
    let dialects = [u8::from(asked.dialects.v1), u8::from(asked.dialects.v0)];
    let parts = [text.expose().as_bytes(), asked.action.as_str().as_bytes(), &dialects];
    Digest::of(&parts.into_iter().chain(audience.map(str::as_bytes)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        algorithm::Algorithm,
        settings::{Action, Issuer, KeySource, Roles},
    };

    const KEY: &str = "the secret that issuer and hub share";

    /// How many answers are remembered of a token that was shown to hosts of five names.
    async fn remembered(claims: &Value, typ: &str, audience: &[&str]) -> usize {
        let issuer = Issuer {
            name: "test".to_owned(),
            issuer: Some("i".to_owned()),
            audience: audience.iter().map(|text| (*text).to_owned()).collect(),
            roles: Roles::default(),
            keys: KeySource::Static { key: KEY.into(), algorithm: Algorithm::HS256 },
            leeway: Duration::ZERO,
        };
        let dialects = Dialects { v1: true, v0: true };
        let issuers = Issuers::new(&[issuer], dialects, None).unwrap();
        let tokens = Tokens::new(issuers, dialects, Selection::default(), UrlBase::default());
        let header = Header { typ: Some(typ.to_owned()), ..Header::new(Algorithm::HS256) };
        let token: Secret =
            encode(&header, claims, &EncodingKey::from_secret(KEY.as_bytes())).unwrap().into();
        for host in ["a", "b", "c", "d", "e"] {
            let asked = Asked { action: Action::Subscribe, audience: host, dialects };
            drop(tokens.verify(&token, &asked).await);
        }
        tokens.lock().len()
    }

    #[tokio::test]
    async fn a_token_that_many_hosts_take_is_remembered_once() {
        let v0 = json!({"mercure": {"subscribe": ["a"]}});
        let native = json!({"iss": "i", "aud": "hub", "tidings": {"subscribe": ["a"]}});
        let v1 =
            json!({"iss": "i", "aud": ["a", "hub"], "exp": 99_999_999_999_u64, "authorization_details": []});
        for (claims, typ, audience, expected) in [
            (&v0, "JWT", &[][..], 1),
            (&native, "JWT", &[], 1),
            (&native, "JWT", &["hub"], 1),
            (&v1, "at+jwt", &["hub"], 1),
            // For the one host of its audience.
            (&v1, "at+jwt", &[], 1),
            (&with_hosts(&v1), "at+jwt", &[], 2),
        ] {
            assert_eq!(remembered(claims, typ, audience).await, expected, "{claims} {audience:?}");
        }
    }

    fn with_hosts(claims: &Value) -> Value {
        let mut claims = claims.clone();
        claims["aud"] = json!(["a", "b", "hub"]);
        claims
    }
}
