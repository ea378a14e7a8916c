//! Who signs tokens that are believed, and whether a token is by one of them.

use std::{sync::Arc, time::SystemTime};

use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use tidings_hub::Standing;

use crate::{
    algorithm::{self, algorithm},
    authority::{Asked, StartError},
    grant::Dialect,
    jwks::Jwks,
    pem,
    refusal::Reason,
    settings::{Dialects, Issuer, KeySource, Roles},
    token::{Claims, Token},
};

/// The issuers of a hub.
#[derive(Debug)]
pub(crate) struct Issuers {
    verifiers: Vec<Verifier>,
    /// The sets of keys that nobody has begun to fetch.
    unfetched: Vec<Arc<Jwks>>,
}

/// The issuers of before, when the configuration changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Former<'i> {
    pub(crate) issuers: &'i Issuers,
    /// Whether a token grants no less than it did, if its issuer is the same.
    pub(crate) grants_as_much: bool,
}

/// An issuer, and what verifies its tokens.
#[derive(Debug)]
struct Verifier {
    settings: Issuer,
    /// Which tokens need not say by whom and for whom they are: see [`Issuer`].
    may_be_silent: Option<Dialect>,
    keys: Keys,
    /// What those rest on who have come by its tokens.
    standing: Standing,
}

#[derive(Debug)]
enum Keys {
    Static { key: DecodingKey, algorithm: Algorithm },
    Jwks(Arc<Jwks>),
}

impl Issuers {
    /// Reads the keys of the issuers. What has to be fetched is not fetched yet, unless it was for an issuer of before.
    pub(crate) fn new(
        issuers: &[Issuer],
        dialects: Dialects,
        former: Option<Former<'_>>,
    ) -> Result<Self, StartError> {
        let mut this = Self { verifiers: Vec::new(), unfetched: Vec::new() };
        for issuer in issuers {
            let of_before = former.iter().flat_map(|former| &former.issuers.verifiers);
            let same = of_before.into_iter().find(|verifier| verifier.settings == *issuer);
            let mut verifier = Verifier::new(issuer, dialects)?;
            match (&verifier.keys, same) {
                (Keys::Jwks(_), Some(Verifier { keys: Keys::Jwks(set), .. })) => {
                    verifier.keys = Keys::Jwks(set.clone());
                }
                (Keys::Jwks(set), _) => this.unfetched.push(set.clone()),
                (Keys::Static { .. }, _) => {}
            }
            if let Some(same) = same.filter(|_| former.is_some_and(|former| former.grants_as_much)) {
                verifier.standing = same.standing.clone();
            }
            this.verifiers.push(verifier);
        }
        Ok(this)
    }

    /// What those rest on who have come by a token.
    pub(crate) fn standings(&self) -> impl Iterator<Item = &Standing> {
        self.verifiers.iter().map(|verifier| &verifier.standing)
    }

    /// Whether no token is believed.
    pub(crate) fn is_empty(&self) -> bool {
        self.verifiers.is_empty()
    }

    /// Fetches keys from now on, where there are keys to fetch. Needs a Tokio runtime.
    pub(crate) fn keep_fresh(&self) {
        self.unfetched.iter().for_each(Jwks::keep_fresh);
    }

    /// Finds whose token this is: signed with their keys and good in their eyes. Only those are asked whose `iss` it has,
    /// and those who have none; the `iss` is not believed, it only says whose keys are tried.
    pub(crate) async fn accept(
        &self,
        token: &Token<'_>,
        claims: &Claims<'_>,
        asked: &Asked<'_>,
        now: SystemTime,
    ) -> Result<Accepted, Reason> {
        let named = |verifier: &&Verifier| match (&verifier.settings.issuer, &claims.iss) {
            (Some(known), Some(iss)) => known == iss,
            _ => true,
        };
        let mut candidates: Vec<&Verifier> = self.verifiers.iter().filter(named).collect();
        // Who is called by name comes before who has none.
        candidates.sort_by_key(|verifier| verifier.settings.issuer != claims.iss);
        // Also who refuses it for this audience might accept it for another, and be asked before the one who accepts it.
        let depends = candidates.iter().any(|verifier| verifier.settings.audience.is_empty());
        let mut refused = Reason::UnknownIssuer(claims.iss.clone());
        for verifier in candidates {
            match verifier.accept(token, claims, asked, now).await {
                Ok((dialect, expires)) => {
                    let for_audience = depends && dialect == Dialect::V1;
                    let (roles, standing) = (verifier.settings.roles, verifier.standing.clone());
                    return Ok(Accepted { dialect, roles, expires, for_audience, standing });
                }
                Err(reason) if weight(&reason) > weight(&refused) => refused = reason,
                Err(_) => {}
            }
        }
        Err(refused)
    }
}

/// A token whose signature and time are good.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) dialect: Dialect,
    /// What whoever signed it may sign for.
    pub(crate) roles: Roles,
    pub(crate) expires: Option<SystemTime>,
    /// That it may be another matter for another audience than the one that is asked for.
    pub(crate) for_audience: bool,
    pub(crate) standing: Standing,
}

/// How much a reason tells, when several issuers refuse a token: most from who signed it; that somebody's keys are not
/// there means that it may be good.
fn weight(reason: &Reason) -> u8 {
    match reason {
        Reason::UnknownIssuer(_) => 0,
        Reason::Role { .. } | Reason::Algorithm { .. } => 1,
        Reason::UnknownKid { .. } | Reason::Signature(_) => 2,
        Reason::NoKeys(_) => 3,
        _ => 4,
    }
}

impl Verifier {
    fn new(issuer: &Issuer, dialects: Dialects) -> Result<Self, StartError> {
        let name = || issuer.name.clone();
        let keys = match &issuer.keys {
            KeySource::Static { key, algorithm } => {
                let key = pem::verifying(key, *algorithm)
                    .map_err(|error| StartError::Key { issuer: name(), problem: error.to_string() })?;
                Keys::Static { key, algorithm: *algorithm }
            }
            KeySource::Jwks { url, algorithms } => {
                let set = Jwks::new(&issuer.name, url, algorithms);
                Keys::Jwks(set.map_err(|problem| StartError::Jwks { issuer: name(), problem })?)
            }
        };
        Ok(Self {
            settings: issuer.clone(),
            may_be_silent: dialects.v1.then_some(Dialect::V0),
            keys,
            standing: Standing::until_ended(),
        })
    }

    /// Whether it signed the token, and may sign one for this.
    async fn check(&self, token: &Token<'_>, asked: &Asked<'_>) -> Result<(), Reason> {
        if !self.settings.roles.allow(asked.action) {
            return Err(Reason::Role { issuer: self.settings.name.clone(), action: asked.action });
        }
        let used = algorithm(&token.header.alg).ok().filter(|used| self.accepts(*used));
        let Some(used) = used else { return Err(self.algorithm(token)) };
        let keys = match &self.keys {
            Keys::Static { key, .. } => vec![key.clone()],
            Keys::Jwks(set) => set.candidates(token.header.kid.as_deref(), used).await?,
        };
        let is_signed = |key: &DecodingKey| {
            crypto::verify(token.signature, token.signed.as_bytes(), key, used).unwrap_or(false)
        };
        if keys.iter().any(is_signed) { Ok(()) } else { Err(Reason::Signature(self.settings.name.clone())) }
    }

    fn accepts(&self, used: Algorithm) -> bool {
        match &self.keys {
            Keys::Static { algorithm, .. } => *algorithm == used,
            Keys::Jwks(set) => set.accepts(used),
        }
    }

    fn algorithm(&self, token: &Token<'_>) -> Reason {
        let accepted = match &self.keys {
            Keys::Static { algorithm, .. } => std::slice::from_ref(algorithm),
            Keys::Jwks(set) => set.algorithms(),
        };
        let accepted = accepted.iter().copied().map(algorithm::name).collect::<Vec<_>>().join(" or ");
        Reason::Algorithm {
            algorithm: token.header.alg.clone(),
            issuer: self.settings.name.clone(),
            accepted,
        }
    }

    /// Whether it signed the token, and what this says of its time, its issuer and its audience is good: then its kind, and
    /// when it ends.
    ///
    /// Tokens of Mercure 0.x need none of these claims by themselves (section 2, "Token"), those of Mercure 1.0 all of them
    /// (section 1.6). What is configured native tokens need, too, and those of 0.x as [`Issuer`] says.
    async fn accept(
        &self,
        token: &Token<'_>,
        claims: &Claims<'_>,
        asked: &Asked<'_>,
        now: SystemTime,
    ) -> Result<(Dialect, Option<SystemTime>), Reason> {
        self.check(token, asked).await?;
        let expires = self.expiry(claims, now)?;
        let dialect = token.kind(claims).ok_or(Reason::NoClaims)?;
        if dialect == Dialect::V1 && claims.exp.is_none() {
            return Err(Reason::NoExpiry);
        }
        self.issuer(dialect, claims)?;
        self.audience(dialect, claims, asked)?;
        Ok((dialect, expires))
    }

    fn expiry(&self, claims: &Claims<'_>, now: SystemTime) -> Result<Option<SystemTime>, Reason> {
        let early = claims.nbf.and_then(|nbf| nbf.duration_since(now).ok());
        if let Some(early) = early.filter(|early| *early > self.settings.leeway) {
            return Err(Reason::NotYet(early));
        }
        let Some(exp) = claims.exp else { return Ok(None) };
        let expires = exp.checked_add(self.settings.leeway).unwrap_or(exp);
        match now.duration_since(expires) {
            Ok(_) => Err(Reason::Expired(now.duration_since(exp).unwrap_or_default())),
            Err(_) => Ok(Some(expires)),
        }
    }

    fn issuer(&self, dialect: Dialect, claims: &Claims<'_>) -> Result<(), Reason> {
        let good = match (&self.settings.issuer, &claims.iss) {
            (Some(known), Some(iss)) => known == iss,
            (Some(_), None) => self.may_be_silent == Some(dialect),
            (None, _) => dialect != Dialect::V1,
        };
        if good { Ok(()) } else { Err(Reason::UnknownIssuer(claims.iss.clone())) }
    }

    fn audience(&self, dialect: Dialect, claims: &Claims<'_>, asked: &Asked<'_>) -> Result<(), Reason> {
        let accepted = match (self.settings.audience.is_empty(), dialect) {
            (false, _) => self.settings.audience.clone(),
            (true, Dialect::V1) => vec![asked.audience.to_owned()],
            (true, _) => return Ok(()),
        };
        match &claims.aud {
            Some(aud) if aud.iter().any(|aud| accepted.contains(aud)) => Ok(()),
            Some(aud) => Err(Reason::Audience { token: aud.clone(), hub: accepted }),
            None if self.may_be_silent == Some(dialect) => Ok(()),
            None => Err(Reason::NoAudience(accepted)),
        }
    }
}
