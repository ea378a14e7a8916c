//! Makes keys of what a configuration holds: the secret of an HMAC algorithm, or a PEM document.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey, jwk::Jwk};

use crate::{algorithm::name, secret::Secret};

/// The shortest RSA modulus that signatures are verified with.
const MIN_RSA_BYTES: usize = 256;

/// What the first line of every private key ends with.
const PRIVATE: &str = "PRIVATE KEY-----";

/// Why a key cannot be used with its algorithm. The text holds nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A PEM document as the secret of an HMAC algorithm: whoever knows the public key could sign.
    #[error(
        "it is a PEM document, and {0} needs a shared secret: set algorithm to what the key is for, such as RS256, ES256 or EdDSA"
    )]
    PemWithHmac(String),
    /// Something else where a PEM document must be.
    #[error(
        "it is no PEM document, and {0} needs one (-----BEGIN PUBLIC KEY-----): for a shared secret set algorithm to HS256"
    )]
    NotPem(String),
    /// An empty secret.
    #[error("it is empty")]
    Empty,
    /// A PEM document that holds no key of this kind.
    #[error(
        "the PEM document holds no key that {0} can use: a public key is wanted, or a private one as PKCS#8"
    )]
    WrongKind(String),
    /// An RSA key that is too short to be safe.
    #[error("the RSA key has fewer than 2048 bits: make a longer one")]
    Short,
    /// A private key is needed to sign, and this is a public one.
    #[error(
        "the PEM document holds no private key that {0} can sign with: give the private key as PKCS#8 (-----BEGIN PRIVATE KEY-----)"
    )]
    NotPrivate(String),
}

/// What verifies signatures.
pub(crate) fn verifying(key: &Secret, algorithm: Algorithm) -> Result<DecodingKey, KeyError> {
    let text = checked(key, algorithm)?;
    let pem = text.as_bytes();
    let public = match algorithm.family() {
        AlgorithmFamily::Hmac => return Ok(DecodingKey::from_secret(pem)),
        _ if text.contains(PRIVATE) => public_half(key, algorithm),
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem).ok(),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem).ok(),
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem).ok(),
    };
    let public = public.ok_or_else(|| KeyError::WrongKind(name(algorithm)))?;
    fits(&public, algorithm)?;
    Ok(public)
}

fn public_half(key: &Secret, algorithm: Algorithm) -> Option<DecodingKey> {
    let private = signing(key, algorithm).ok()?;
    DecodingKey::from_jwk(&Jwk::from_encoding_key(&private, algorithm).ok()?).ok()
}

/// What makes signatures.
pub(crate) fn signing(key: &Secret, algorithm: Algorithm) -> Result<EncodingKey, KeyError> {
    let text = checked(key, algorithm)?;
    let pem = text.as_bytes();
    let private = match algorithm.family() {
        AlgorithmFamily::Hmac => return Ok(EncodingKey::from_secret(pem)),
        _ if !text.contains(PRIVATE) => return Err(KeyError::NotPrivate(name(algorithm))),
        AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(pem),
        AlgorithmFamily::Ec => EncodingKey::from_ec_pem(pem),
        AlgorithmFamily::Ed => EncodingKey::from_ed_pem(pem),
    };
    private.map_err(|_| KeyError::NotPrivate(name(algorithm)))
}

fn checked(key: &Secret, algorithm: Algorithm) -> Result<&str, KeyError> {
    let text = key.expose();
    let is_pem = text.contains("-----BEGIN ");
    match algorithm.family() {
        _ if text.is_empty() => Err(KeyError::Empty),
        AlgorithmFamily::Hmac if is_pem => Err(KeyError::PemWithHmac(name(algorithm))),
        AlgorithmFamily::Hmac => Ok(text),
        _ if is_pem => Ok(text),
        _ => Err(KeyError::NotPem(name(algorithm))),
    }
}

/// Whether a key is one that the algorithm is defined for. Its length tells: that of the point, when it is an elliptic
/// one, and of the modulus.
fn fits(key: &DecodingKey, algorithm: Algorithm) -> Result<(), KeyError> {
    let length = match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => bytes.len(),
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len(),
    };
    match algorithm {
        Algorithm::ES256 if length != 65 => Err(KeyError::WrongKind(name(algorithm))),
        Algorithm::ES384 if length != 97 => Err(KeyError::WrongKind(name(algorithm))),
        Algorithm::EdDSA if length != 32 => Err(KeyError::WrongKind(name(algorithm))),
        // The document has a few bytes besides the modulus.
        _ if algorithm.family() == AlgorithmFamily::Rsa && length < MIN_RSA_BYTES => Err(KeyError::Short),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jsonwebtoken::crypto;

    use super::*;

    macro_rules! pem {
        ($name:literal) => {
            include_str!(concat!("../tests/keys/", $name, ".pem"))
        };
    }

    use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};

    /// For every algorithm what signs, and what verifies.
    pub(crate) const PAIRS: [(Algorithm, &str, &str); 18] = [
        (HS256, "a shared secret", "a shared secret"),
        (HS384, "a shared secret", "a shared secret"),
        (HS512, "a shared secret", "a shared secret"),
        (RS256, pem!("rsa"), pem!("rsa.pub")),
        (RS384, pem!("rsa"), pem!("rsa.pub")),
        (RS512, pem!("rsa"), pem!("rsa.pub")),
        (PS256, pem!("rsa"), pem!("rsa.pub")),
        (PS384, pem!("rsa"), pem!("rsa.pub")),
        (PS512, pem!("rsa"), pem!("rsa.pub")),
        (ES256, pem!("p256"), pem!("p256.pub")),
        (ES384, pem!("p384"), pem!("p384.pub")),
        (EdDSA, pem!("ed25519"), pem!("ed25519.pub")),
        (RS256, pem!("rsa.pkcs1"), pem!("rsa.cert")),
        (RS256, pem!("rsa"), pem!("rsa")),
        (RS256, pem!("rsa"), pem!("rsa.pkcs1")),
        (ES256, pem!("p256"), pem!("p256.cert")),
        (ES256, pem!("p256"), pem!("p256")),
        (EdDSA, pem!("ed25519"), pem!("ed25519")),
    ];

    #[test]
    fn what_is_signed_is_verified_with_every_algorithm_and_form_of_key() {
        for (algorithm, private, public) in PAIRS {
            let private = signing(&private.into(), algorithm).unwrap();
            let public = verifying(&public.into(), algorithm).unwrap();
            let signature = crypto::sign(b"message", &private, algorithm).unwrap();
            assert!(crypto::verify(&signature, b"message", &public, algorithm).unwrap(), "{algorithm:?}");
            assert!(!crypto::verify(&signature, b"another", &public, algorithm).unwrap(), "{algorithm:?}");
        }
    }

    #[test]
    fn a_key_that_does_not_fit_its_algorithm_is_refused() {
        let wrong = |algorithm| KeyError::WrongKind(name(algorithm));
        for (algorithm, key, expected) in [
            (HS256, "", KeyError::Empty),
            (HS256, pem!("rsa.pub"), KeyError::PemWithHmac("HS256".to_owned())),
            (HS512, pem!("rsa"), KeyError::PemWithHmac("HS512".to_owned())),
            (RS256, "a shared secret", KeyError::NotPem("RS256".to_owned())),
            (EdDSA, "a shared secret", KeyError::NotPem("EdDSA".to_owned())),
            (ES256, pem!("rsa.pub"), wrong(ES256)),
            (ES256, pem!("p384.pub"), wrong(ES256)),
            (ES384, pem!("p256.pub"), wrong(ES384)),
            (ES384, pem!("p521.pub"), wrong(ES384)),
            (ES256, pem!("p384"), wrong(ES256)),
            (EdDSA, pem!("p256.pub"), wrong(EdDSA)),
            (RS256, pem!("p256.pub"), wrong(RS256)),
            (RS256, pem!("rsa1024.pub"), KeyError::Short),
            (RS256, "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----", wrong(RS256)),
        ] {
            assert_eq!(verifying(&key.into(), algorithm).unwrap_err(), expected, "{algorithm:?}");
        }
    }

    #[test]
    fn a_public_key_signs_nothing() {
        for (algorithm, key) in
            [(RS256, pem!("rsa.pub")), (ES256, pem!("p256.pub")), (EdDSA, pem!("ed25519.pub"))]
        {
            let refused = signing(&key.into(), algorithm).map(drop).unwrap_err();
            assert_eq!(refused, KeyError::NotPrivate(name(algorithm)));
        }
    }
}
