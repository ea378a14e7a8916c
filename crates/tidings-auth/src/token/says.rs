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

/// The kind of a token. The claim decides; where a token of an authorization server (`typ: at+jwt`) has several, the
/// standard's own comes first. None, when it says nothing of this hub.
pub(crate) fn kind(token: &Token<'_>, claims: &Claims<'_>) -> Option<Dialect> {
    match token.is_access_token() {
        true if claims.details.is_some() => Some(Dialect::V1),
        _ if claims.mercure.is_some() => Some(Dialect::V0),
        _ if claims.tidings.is_some() => Some(Dialect::Native),
        // It is good, and may read what is public (section 1.5).
        true => Some(Dialect::V1),
        false => None,
    }
}

/// The kind of a token, and what it says.
pub(crate) fn says(
    token: &Token<'_>,
    claims: &Claims<'_>,
    base: &UrlBase,
) -> Result<Option<(Dialect, Says)>, Reason> {
    let Some(dialect) = kind(token, claims) else { return Ok(None) };
    let says = match dialect {
        Dialect::V1 => claims.details.map(|raw| details::read(raw, base)),
        Dialect::V0 => claims.mercure.map(legacy::read),
        Dialect::Native => claims.tidings.map(native::read),
    };
    Ok(Some((dialect, says.transpose()?.unwrap_or_default())))
}
