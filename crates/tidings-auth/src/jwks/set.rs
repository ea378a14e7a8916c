//! A set of public keys (RFC 7517), as far as tokens can be verified with it.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::object::object;

/// How many keys of a set are looked at.
const MAX_KEYS: usize = 100;

/// The keys of a set that can verify tokens.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<PublicKey>);

#[derive(Debug)]
struct PublicKey {
    kid: Option<String>,
    /// What it may verify: what the configuration accepts and the key is for.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set. Keys of other kinds and uses are left out, as the standard asks.
    pub(crate) fn read(json: &[u8], accepted: &[Algorithm]) -> Result<Self, &'static str> {
        let document: Document = object(json).map_err(|_| "it is no JSON object with a list of keys")?;
        let keys = document.keys.into_iter().take(MAX_KEYS);
        Ok(Self(keys.filter_map(|key| public(key, accepted)).collect()))
    }

    /// The keys that a token with this `kid` and algorithm can be signed with. A token without one may be by any.
    pub(crate) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        let keys = self.0.iter().filter(|key| key.algorithms.contains(&algorithm));
        keys.filter(|key| kid.is_none() || key.kid.as_deref() == kid).map(|key| key.key.clone()).collect()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn public(key: Value, accepted: &[Algorithm]) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    if common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return None;
    }
    let own = match common.key_algorithm {
        Some(own) => Some(Algorithm::try_from(own).ok()?),
        None => None,
    };
    let fitting = fitting(&jwk.algorithm).iter().copied();
    let algorithms: Vec<_> = fitting
        .filter(|algorithm| accepted.contains(algorithm) && own.is_none_or(|own| own == *algorithm))
        .collect();
    if algorithms.is_empty() {
        return None;
    }
    Some(PublicKey { kid: common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(&jwk).ok()? })
}

/// What a key of this kind can verify. Shared secrets are none of them: a set is public.
fn fitting(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[ES256],
            EllipticCurve::P384 => &[ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[EdDSA],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::algorithm::JWKS_ALGORITHMS;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn candidates(key: Value, kid: Option<&str>, algorithm: Algorithm) -> usize {
        let json = json!({ "keys": [key] }).to_string();
        KeySet::read(json.as_bytes(), &JWKS_ALGORITHMS).unwrap().candidates(kid, algorithm).len()
    }

    fn ed(more: Value) -> Value {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "k"});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    #[test]
    fn a_key_is_found_by_its_kid_and_algorithm() {
        assert_eq!(candidates(ed(json!({})), Some("k"), Algorithm::EdDSA), 1);
        assert_eq!(candidates(ed(json!({})), None, Algorithm::EdDSA), 1);
        assert_eq!(candidates(ed(json!({})), Some("other"), Algorithm::EdDSA), 0);
        assert_eq!(candidates(ed(json!({})), Some("k"), Algorithm::ES256), 0);
    }

    #[test]
    fn what_a_key_is_for_is_honoured() {
        for (more, expected) in [
            (json!({"alg": "EdDSA"}), 1),
            (json!({"alg": "RS256"}), 0),
            (json!({"alg": "ES512"}), 0),
            (json!({"use": "sig"}), 1),
            (json!({"use": "enc"}), 0),
            (json!({"key_ops": ["verify"]}), 1),
            (json!({"key_ops": ["sign"]}), 0),
        ] {
            assert_eq!(candidates(ed(more.clone()), Some("k"), Algorithm::EdDSA), expected, "{more}");
        }
    }

    #[test]
    fn a_shared_secret_in_a_set_is_no_key() {
        let key = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "k"});
        let set = json!({ "keys": [key] }).to_string();
        let accepted = [Algorithm::HS256, Algorithm::EdDSA];
        let set = KeySet::read(set.as_bytes(), &accepted).unwrap();
        assert_eq!(set.len(), 0);
    }

    #[test]
    fn keys_that_cannot_be_read_are_left_out() {
        let json = json!({"keys": [7, {}, {"kty": "RSA"}, {"kty": "new"}, ed(json!({}))]}).to_string();
        assert_eq!(KeySet::read(json.as_bytes(), &JWKS_ALGORITHMS).unwrap().len(), 1);
        assert!(KeySet::read(b"[]", &JWKS_ALGORITHMS).is_err());
        assert!(KeySet::read(b"<html>", &JWKS_ALGORITHMS).is_err());
    }
}
