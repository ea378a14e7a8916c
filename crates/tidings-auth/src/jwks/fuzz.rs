//! What must be true of any document that is taken for keys: the check of the fuzz target `keys`.

use jsonwebtoken::Algorithm;

use super::set::KeySet;
use crate::{JWKS_ALGORITHMS, pem, secret::Secret};

/// Takes bytes for a set of keys, and for a key of each algorithm. A set holds no shared secret, and what is wrong with a
/// key is told without the key.
pub fn fuzz(bytes: &[u8]) {
    match KeySet::read(bytes, &JWKS_ALGORITHMS) {
        Ok(keys) => {
            for algorithm in JWKS_ALGORITHMS {
                assert!(keys.candidates(None, algorithm).len() <= keys.len());
            }
            assert!(keys.candidates(None, Algorithm::HS256).is_empty(), "a shared secret in public");
        }
        Err(problem) => assert!(problem.len() < 120),
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let key = Secret::new(text);
    for algorithm in JWKS_ALGORITHMS.into_iter().chain([Algorithm::HS256]) {
        for error in
            [pem::verifying(&key, algorithm).err(), pem::signing(&key, algorithm).err()].into_iter().flatten()
        {
            assert!(error.to_string().len() < 200, "{error}");
        }
    }
}
