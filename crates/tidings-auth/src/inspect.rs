//! Takes a token apart without believing it.

use serde::Serialize;
use serde_json::Value;

use crate::{explain::Grants, grant::Dialect};

/// What is in a token, believed or not.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// Its kind, by header and claims.
    pub dialect: Option<Dialect>,
    /// When it ends or has ended, in words.
    pub expiry: String,
    /// What it would grant, or what is wrong with its claims.
    pub grants: Result<Grants, String>,
    /// The id that a revocation of it names.
    pub id: String,
}
