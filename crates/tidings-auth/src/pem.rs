//! Makes keys of what a configuration holds: the secret of an HMAC algorithm, or a PEM document.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, jwk::Jwk};

use crate::{algorithm::name, secret::Secret};

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
    /// A private key is needed to sign, and this is a public one.
    #[error(
        "the PEM document holds no private key that {0} can sign with: give the private key as PKCS#8 (-----BEGIN PRIVATE KEY-----)"
    )]
    NotPrivate(String),
}

/// What verifies signatures.
pub(crate) fn verifying(key: &Secret, algorithm: Algorithm) -> Result<DecodingKey, KeyError> {
    let text = checked(key, algorithm)?;
    let wrong = || KeyError::WrongKind(name(algorithm));
    if algorithm.family() == AlgorithmFamily::Hmac {
        return Ok(DecodingKey::from_secret(text.as_bytes()));
    }
    if text.contains("PRIVATE KEY-----") {
        let private = signing(key, algorithm).map_err(|_| wrong())?;
        let public = Jwk::from_encoding_key(&private, algorithm).map_err(|_| wrong())?;
        return DecodingKey::from_jwk(&public).map_err(|_| wrong());
    }
    let pem = text.as_bytes();
    let public = match algorithm.family() {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem),
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem),
        AlgorithmFamily::Hmac => unreachable!("HMAC keys are no PEM documents"),
    };
    let public = public.map_err(|_| wrong())?;
    if fits(&public, algorithm) { Ok(public) } else { Err(wrong()) }
}

/// What makes signatures.
pub(crate) fn signing(key: &Secret, algorithm: Algorithm) -> Result<EncodingKey, KeyError> {
    let pem = checked(key, algorithm)?.as_bytes();
    let private = match algorithm.family() {
        AlgorithmFamily::Hmac => return Ok(EncodingKey::from_secret(pem)),
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

/// Whether an elliptic key lies on the curve that the algorithm is defined for. The length of the uncompressed point
/// tells; other families have no such difference.
fn fits(key: &DecodingKey, algorithm: Algorithm) -> bool {
    let length = key.try_get_as_bytes().map(<[u8]>::len).unwrap_or_default();
    match algorithm {
        Algorithm::ES256 => length == 65,
        Algorithm::ES384 => length == 97,
        Algorithm::EdDSA => length == 32,
        _ => true,
    }
}
