//! What is revoked, and how it is called: by an id that is no secret, for it stands in the file, in the list and in log
//! lines.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::token::{Claims, Token};

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A token, by its id: its `jti`, else the digest of what is signed. An API key is `key:NAME`.
    Token(String),
    /// Every token of a user, by the `sub`.
    User(String),
}

/// A text names no token: neither is it one, nor can it be the id of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this names no token: give the whole token, its id (its jti, or sha256:… as `tidings token inspect` shows it), a key's secret or key:NAME; an id has at most {MAX_ID} printable characters"
)]
pub struct TargetError;

/// How long an id may be that is given as such, in characters. A token whose `jti` is longer is given as a whole.
const MAX_ID: usize = 255;

/// The id of a token: its `jti`, else the digest of what is signed. None, if the text is no token.
fn token_id(text: &str) -> Option<String> {
    let token = Token::split(text).ok()?;
    let jti = Claims::read(&token.payload).ok()?.jti;
    Some(jti.unwrap_or_else(|| token.fingerprint()))
}

/// The id that a text names: that of the token, if it is one, or itself.
pub(crate) fn id(text: &str) -> Result<String, TargetError> {
    match token_id(text) {
        Some(id) => Ok(id),
        // What is left of a token must not be kept as if it were an id: it could be mended, and used.
        None if is_id(text) && !text.split_whitespace().any(begins_like_a_token) => Ok(text.to_owned()),
        None => Err(TargetError),
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_ID && !text.chars().any(char::is_control)
}

/// Whether the first of several parts is the header of a token: an object of JSON in base64url.
fn begins_like_a_token(text: &str) -> bool {
    let header = text.split_once('.').and_then(|(header, _)| BASE64_URL_SAFE_NO_PAD.decode(header).ok());
    header.is_some_and(|header| header.trim_ascii_start().starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::token;

    #[test]
    fn a_token_is_named_by_its_id_or_the_whole_of_it() {
        let with = token(r#"{"alg":"HS256"}"#, r#"{"jti":"id"}"#);
        let without = token(r#"{"alg":"HS256"}"#, "{}");
        assert_eq!(id(&with).unwrap(), "id");
        let digest = id(&without).unwrap();
        assert!(digest.starts_with("sha256:"));
        for text in ["id", "key:backend", &digest, "a.b.c", "Année 7", &"x".repeat(MAX_ID)] {
            assert_eq!(id(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_cannot_be_an_id_is_not_kept_as_one() {
        let whole = token(r#"{"alg":"HS256"}"#, r#"{"jti":"id"}"#);
        let cut = &whole[..whole.len() / 2 + 8];
        let (unsigned, _) = whole.rsplit_once('.').unwrap();
        for text in ["", "a\nb", cut, unsigned, &format!("Bearer {whole}"), &"x".repeat(MAX_ID + 1)] {
            let error = id(text).unwrap_err().to_string();
            assert!(error.contains("at most 255") && !error.contains("eyJ"), "{text}: {error}");
        }
    }
}
