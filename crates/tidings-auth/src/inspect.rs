//! Takes a token apart without believing it.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;
use tidings_hub::{Selection, UrlBase};

use crate::{
    explain::Grants,
    grant::Dialect,
    refusal::{Reason, in_words},
    secret::Secret,
    token::{Claims, Says, Token},
};

/// What is in a token, believed or not. It shows all of the token but its signature, so it is for who has it anyway.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// Its kind, by header and claims. None, when it says nothing of a hub.
    pub dialect: Option<Dialect>,
    /// When it ends or has ended, in words.
    pub expiry: String,
    /// What its claims say that it grants, or what is wrong with them.
    pub grants: Result<Grants, String>,
    /// The id that a revocation of it names.
    pub id: String,
}

/// Takes a token apart. Neither its signature nor its time is looked at: [`crate::Authority::verify`] does.
///
/// # Errors
/// When it has not the form of a token.
pub fn inspect(token: &Secret) -> Result<Inspection, Reason> {
    let token = Token::split(token.expose())?;
    let claims = Claims::read(&token.payload)?;
    let dialect = token.kind(&claims);
    let grants = dialect.ok_or(Reason::NoClaims).and_then(|dialect| {
        let says = Says::read(dialect, &claims, &UrlBase::default())?;
        Ok(grants(dialect, says))
    });
    let shown =
        |json: &[u8]| serde_json::from_slice(json).map_err(|_| Reason::Unreadable("it holds no JSON"));
    Ok(Inspection {
        header: shown(&token.header_json)?,
        claims: shown(&token.payload)?,
        dialect,
        expiry: expiry(claims.exp, SystemTime::now()),
        grants: grants.map_err(|reason| reason.to_string()),
        id: claims.jti.clone().unwrap_or_else(|| token.fingerprint()),
    })
}

fn grants(dialect: Dialect, says: Says) -> Grants {
    let texts = |selectors: Vec<_>| Selection::from_iter(selectors).to_string();
    let private = texts(says.subscribe);
    let public = match dialect {
        Dialect::Native => private.clone(),
        Dialect::V0 | Dialect::V1 => Selection::all().to_string(),
    };
    Grants { publish: texts(says.publish), public, private, admin: says.admin }
}

fn expiry(exp: Option<SystemTime>, now: SystemTime) -> String {
    let Some(exp) = exp else { return "it does not expire".to_owned() };
    match exp.duration_since(now) {
        Ok(left) => format!("it expires in {}", in_words(left)),
        Err(past) => format!("it expired {} ago", in_words(past.duration())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::tests::token;

    #[test]
    fn a_token_is_taken_apart() {
        let text =
            token(r#"{"alg":"HS256","kid":"k"}"#, r#"{"mercure":{"publish":["a","b"]},"exp":0,"jti":"id"}"#);
        let inspection = inspect(&text.into()).unwrap();
        assert_eq!(inspection.header["kid"], "k");
        assert_eq!(inspection.claims["mercure"]["publish"][1], "b");
        assert_eq!(inspection.dialect, Some(Dialect::V0));
        assert!(inspection.expiry.starts_with("it expired "), "{}", inspection.expiry);
        let grants = inspection.grants.unwrap();
        assert_eq!(
            (grants.publish.as_str(), grants.public.as_str(), grants.private.as_str()),
            ("a, b", "*", "")
        );
        assert_eq!(inspection.id, "id");
    }

    #[test]
    fn what_is_wrong_with_the_claims_is_said() {
        let grants = |payload: &str| inspect(&token(r#"{"alg":"HS256"}"#, payload).into()).unwrap().grants;
        assert!(grants(r#"{"tidings":{"publish":7}}"#).unwrap_err().contains("tidings"));
        assert!(grants("{}").unwrap_err().contains("none for this hub"));
        assert!(inspect(&"nonsense".into()).is_err());
    }

    #[test]
    fn expiry_is_told_in_words() {
        let now = SystemTime::now();
        assert_eq!(expiry(Some(now + Duration::from_secs(3_600)), now), "it expires in 1 hour");
        assert_eq!(expiry(None, now), "it does not expire");
    }
}
