//! `[[jwt]]`: who signs tokens that are believed.

use reqwest::Url;
use tidings_auth::{Algorithm, Issuer, JWKS_ALGORITHMS, KeySource, Roles, Secret};

use super::{
    secret,
    section::Section,
    value::{self, Given, Parsed},
};

/// `None` if a problem was noted that leaves no issuer.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Issuer> {
    let issuer = section.read("issuer", value::non_empty);
    let name = section.read("name", value::non_empty);
    let audience = section.read("audience", value::one_or_more(value::non_empty)).unwrap_or_default();
    let roles = section.read("actions", roles).unwrap_or_default();
    let leeway = section.read("leeway", value::duration_or_none).unwrap_or_default();
    let keys = keys(section);
    Some(Issuer {
        name: name.or_else(|| issuer.clone()).unwrap_or_else(|| "jwt".to_owned()),
        issuer,
        audience,
        roles,
        keys: keys?,
        leeway,
    })
}

/// A static key with its algorithm, or a set of keys with theirs.
fn keys(section: &mut Section<'_, '_>) -> Option<KeySource> {
    let key = secret::read(section, "key");
    let jwks = section.read("jwks", jwks_url);
    let one = section.read("algorithm", algorithm);
    let many = section.read("algorithms", jwks_algorithms);

    let key_key = if section.has("key_file") { "key_file" } else { "key" };
    match (section.has(key_key), section.has("jwks")) {
        (true, true) => {
            section.reject("jwks", "give key (or key_file) or jwks, not both: write two tables");
            None
        }
        (false, false) => {
            section.reject_all(
                "it has nothing to verify tokens with: give it key or key_file (a shared secret, or a public key in \
                 PEM), or jwks (the URL of a key set)",
            );
            None
        }
        (true, false) => {
            if section.has("algorithms") {
                section.reject("algorithms", "a key has one algorithm: write algorithm = \"…\"");
            }
            if section.has("algorithm") && one.is_none() {
                return None;
            }
            let source = key.map(|key| static_key(key, one))?;
            source.map_err(|message| section.reject(key_key, message)).ok()
        }
        (false, true) => {
            if section.has("algorithm") {
                section.reject("algorithm", "a key set has several algorithms: write algorithms = [\"…\"]");
            }
            let algorithms = many.unwrap_or_else(|| JWKS_ALGORITHMS.to_vec());
            Some(KeySource::Jwks { url: jwks?.into(), algorithms })
        }
    }
}

/// The key with its only algorithm, which a shared secret has a default for.
///
/// # Errors
/// When the two do not go together.
pub(super) fn static_key(key: Secret, algorithm: Option<Algorithm>) -> Parsed<KeySource> {
    let is_pem = key.expose().contains("-----BEGIN ");
    let algorithm = match algorithm {
        None if is_pem => {
            return Err("it is a PEM document, and its algorithm is not told: write algorithm = \"RS256\", \"PS256\", \
                        \"ES256\" or \"EdDSA\", as the tokens have it"
                .to_owned());
        }
        None => Algorithm::HS256,
        Some(algorithm) => algorithm,
    };
    let source = KeySource::Static { key, algorithm };
    source.check().map_err(|error| error.to_string())?;
    Ok(source)
}

/// The bytes of the hash that an algorithm of shared secrets signs with. `None` for the others.
pub(super) fn hash_bytes(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::HS256 => Some(32),
        Algorithm::HS384 => Some(48),
        Algorithm::HS512 => Some(64),
        _ => None,
    }
}

/// Whether who verifies with this algorithm could sign, too.
pub(crate) fn is_hmac(algorithm: Algorithm) -> bool {
    hash_bytes(algorithm).is_some()
}

pub(super) fn algorithm(given: &Given<'_>) -> Parsed<Algorithm> {
    tidings_auth::algorithm(&value::string(given)?).map_err(|error| error.to_string())
}

pub(super) fn jwks_url(given: &Given<'_>) -> Parsed<Url> {
    value::url(given, &["https", "http", "file"])
}

fn jwks_algorithms(given: &Given<'_>) -> Parsed<Vec<Algorithm>> {
    let algorithms = value::list(algorithm)(given)?;
    if algorithms.is_empty() {
        return Err("it names no algorithm, so that no token would be believed".to_owned());
    }
    match algorithms.iter().find(|algorithm| is_hmac(**algorithm)) {
        Some(hmac) => Err(format!(
            "{hmac:?} takes a shared secret, which a key set would publish: give it as key, in a table of its own"
        )),
        None => Ok(algorithms),
    }
}

fn roles(given: &Given<'_>) -> Parsed<Roles> {
    let action = value::one_of(&[
        ("publish", Roles { publish: true, subscribe: false }),
        ("subscribe", Roles { publish: false, subscribe: true }),
    ]);
    let actions = value::list(action)(given)?;
    if actions.is_empty() {
        return Err("it names no action, so that its tokens would allow nothing".to_owned());
    }
    Ok(Roles {
        publish: actions.iter().any(|roles| roles.publish),
        subscribe: actions.iter().any(|roles| roles.subscribe),
    })
}
