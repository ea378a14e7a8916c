//! Tokens: their parts, their claims, and what they grant. Nothing here believes a token; see `issuer.rs`.

/// The type of the details of a token that are the hub's (section 1.6 of the facts about Mercure).
pub(crate) const DETAIL_TYPE: &str = "https://mercure.rocks/authorization-detail";
