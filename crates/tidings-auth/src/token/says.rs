//! What a token says about the rights of its bearer, by its kind.

use serde_json::value::RawValue;
use tidings_hub::{Selector, UrlBase};

use super::{Claims, Token, details, legacy, native};
use crate::{grant::Dialect, refusal::Reason};

/// What a token says about the rights of its bearer.
#[derive(Debug, Default)]
pub(crate) struct Says {
    pub(crate) publish: Vec<Selector>,
    pub(crate) subscribe: Vec<Selector>,
    pub(crate) admin: bool,
    /// For presence: of which subscriptions, and what.
    pub(crate) payloads: Vec<(Vec<Selector>, Option<Box<RawValue>>)>,
}

impl Token<'_> {
    /// The kind of a token. The claim decides; where a token of an authorization server (`typ: at+jwt`) has several, the
    /// standard's own comes first. None, when it says nothing of this hub.
    pub(crate) fn kind(&self, claims: &Claims<'_>) -> Option<Dialect> {
        match self.is_access_token() {
            true if claims.details.is_some() => Some(Dialect::V1),
            _ if claims.mercure.is_some() => Some(Dialect::V0),
            _ if claims.tidings.is_some() => Some(Dialect::Native),
            // It is good, and may read what is public (section 1.5).
            true => Some(Dialect::V1),
            false => None,
        }
    }
}

impl Says {
    /// Reads what the claim of this kind says; nothing, where it is absent.
    pub(crate) fn read(dialect: Dialect, claims: &Claims<'_>, base: &UrlBase) -> Result<Self, Reason> {
        let says = match dialect {
            Dialect::V1 => claims.details.map(|raw| details::read(raw, base)),
            Dialect::V0 => claims.mercure.map(legacy::read),
            Dialect::Native => claims.tidings.map(native::read),
        };
        Ok(says.transpose()?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::token;

    #[test]
    fn the_claims_make_the_kind() {
        for (typ, payload, expected) in [
            ("at+jwt", r#"{"authorization_details":[]}"#, Some(Dialect::V1)),
            ("at+jwt", r#"{"authorization_details":[],"mercure":{},"tidings":{}}"#, Some(Dialect::V1)),
            ("at+jwt", r#"{"tidings":{}}"#, Some(Dialect::Native)),
            ("at+jwt", "{}", Some(Dialect::V1)),
            ("JWT", r#"{"authorization_details":[]}"#, None),
            ("JWT", r#"{"mercure":{},"tidings":{}}"#, Some(Dialect::V0)),
            ("JWT", r#"{"https://mercure.rocks/":{}}"#, Some(Dialect::V0)),
            ("JWT", r#"{"tidings":{}}"#, Some(Dialect::Native)),
            ("JWT", r#"{"mercure":null}"#, None),
        ] {
            let text = token(&format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#), payload);
            let token = Token::split(&text).unwrap();
            assert_eq!(token.kind(&Claims::read(&token.payload).unwrap()), expected, "{typ} {payload}");
        }
    }
}
