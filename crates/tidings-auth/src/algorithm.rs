//! The algorithms that tokens are signed with.

pub use jsonwebtoken::Algorithm;

/// The algorithms accepted from a JWKS unless the configuration names others: all that are known but HMAC, whose key
/// would have to be published.
pub const JWKS_ALGORITHMS: [Algorithm; 9] = [
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A name that is no algorithm known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAlgorithm {
    /// ES512.
    #[error("the algorithm ES512 (the curve P-521) is not supported: sign with ES256, ES384 or EdDSA")]
    Es512,
    /// `none`.
    #[error("the algorithm \"none\" means unsigned tokens, which are never believed")]
    Unsigned,
    /// Anything else.
    #[error(
        "{0:?} is no algorithm: write HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA"
    )]
    Other(String),
}

/// The algorithm of this name, as the header of a token spells it.
///
/// # Errors
/// When there is none of the name, or it is not supported.
pub fn algorithm(name: &str) -> Result<Algorithm, UnknownAlgorithm> {
    name.parse().map_err(|_| match name {
        "ES512" => UnknownAlgorithm::Es512,
        _ if name.eq_ignore_ascii_case("none") => UnknownAlgorithm::Unsigned,
        _ => UnknownAlgorithm::Other(name.chars().take(32).collect()),
    })
}

/// The name of an algorithm.
pub(crate) fn name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_has_the_name_it_is_found_by() {
        for known in JWKS_ALGORITHMS.into_iter().chain([Algorithm::HS256, Algorithm::HS384, Algorithm::HS512])
        {
            assert_eq!(algorithm(&name(known)), Ok(known));
        }
    }

    #[test]
    fn what_is_not_supported_is_said() {
        assert_eq!(algorithm("ES512"), Err(UnknownAlgorithm::Es512));
        assert_eq!(algorithm("None"), Err(UnknownAlgorithm::Unsigned));
        assert_eq!(algorithm("hs256"), Err(UnknownAlgorithm::Other("hs256".into())));
    }
}
