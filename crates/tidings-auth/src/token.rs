//! Tokens: their parts, their claims, and what these say. Nothing here believes a token: `issuers.rs` does.

mod claims;
mod details;
mod legacy;
mod native;
#[cfg(test)]
mod properties;
mod says;
mod selectors;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_hub::UrlBase;

pub(crate) use self::{claims::Claims, details::DETAIL_TYPE, says::Says};
use crate::{digest::hex, object::object, refusal::Reason};

/// The parts of a token, decoded as far as they must be.
pub(crate) struct Token<'a> {
    pub(crate) header: Header,
    /// The header as JSON.
    pub(crate) header_json: Vec<u8>,
    /// What the signature is for.
    pub(crate) signed: &'a str,
    pub(crate) signature: &'a str,
    /// The claims as JSON.
    pub(crate) payload: Vec<u8>,
}

/// What a header says that matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default)]
    pub(crate) typ: Option<String>,
    #[serde(default)]
    pub(crate) kid: Option<String>,
    /// Extensions that must be understood, of which none is (RFC 7515, section 4.1.11).
    #[serde(default)]
    crit: Option<Box<RawValue>>,
}

impl<'a> Token<'a> {
    /// Whether a text has the form of a token, whatever is in it.
    pub(crate) fn is_one(text: &str) -> bool {
        text.split('.').count() == 3
    }

    /// Takes a token apart.
    pub(crate) fn split(text: &'a str) -> Result<Self, Reason> {
        const FORM: Reason = Reason::Unreadable("it is not three parts in base64url with dots between them");
        let (signed, signature) = text.rsplit_once('.').ok_or(FORM)?;
        let (header, payload) = signed.split_once('.').ok_or(FORM)?;
        let header_json = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| FORM)?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| FORM)?;
        let header: Header = object(&header_json)
            .map_err(|_| Reason::Unreadable("its header is not a JSON object with an alg"))?;
        if header.crit.is_some() {
            return Err(Reason::Unreadable("its header asks for extensions (crit), and none is known here"));
        }
        Ok(Self { header, header_json, signed, signature, payload })
    }

    /// Whether its type is that of an access token (RFC 9068), as tokens of Mercure 1.0 have it (section 1.6).
    pub(crate) fn is_access_token(&self) -> bool {
        let typ = self.header.typ.as_deref().unwrap_or_default();
        ["at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
    }

    /// By what it is called where it has no id. The signature is left out: some algorithms have many for one text.
    pub(crate) fn fingerprint(&self) -> String {
        const BYTES: usize = 16;
        let digest = digest(&SHA256, self.signed.as_bytes());
        format!("sha256:{}", hex(&digest.as_ref()[..BYTES]))
    }
}

/// What fuzzing throws bytes at: as a whole token, and as the claims of tokens of every type.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(Token::split(text).map(|token| read_all(&token)));
    }
    for typ in ["JWT", "at+jwt"] {
        let header = Header { alg: String::new(), typ: Some(typ.to_owned()), kid: None, crit: None };
        let payload = bytes.to_vec();
        read_all(&Token { header, header_json: Vec::new(), signed: "", signature: "", payload });
    }
}

fn read_all(token: &Token<'_>) {
    let read = Claims::read(&token.payload).and_then(|claims| {
        let dialect = token.kind(&claims).ok_or(Reason::NoClaims)?;
        Says::read(dialect, &claims, &UrlBase::default())
    });
    if let Err(reason) = read {
        // It goes into an answer, whatever is in the token.
        assert!(reason.to_string().len() < 4096, "a reason of {} bytes", reason.to_string().len());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A token of these parts, with a signature that nobody believes.
    pub(crate) fn token(header: &str, payload: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2lnbmF0dXJl", encode(header), encode(payload))
    }

    fn split(text: &str) -> Result<Token<'_>, Reason> {
        Token::split(text)
    }

    #[test]
    fn a_token_is_three_parts() {
        let text = token(r#"{"alg":"HS256","kid":"k"}"#, "{}");
        let token = split(&text).unwrap();
        assert_eq!((token.header.alg.as_str(), token.header.kid.as_deref()), ("HS256", Some("k")));
        assert_eq!((token.payload.as_slice(), token.signature), (&b"{}"[..], "c2lnbmF0dXJl"));
        assert!(text.starts_with(token.signed) && token.fingerprint().len() == 7 + 32);
        for bad in ["", "..", "a.b", "a.b.c", "e30.e30.e30", "e30.e30.e30.e30"] {
            assert!(matches!(split(bad), Err(Reason::Unreadable(_))), "{bad}");
        }
    }

    #[test]
    fn a_header_that_must_be_understood_and_is_not_is_refused() {
        let text = token(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, "{}");
        assert!(matches!(split(&text), Err(Reason::Unreadable(_))));
    }

    #[test]
    fn rule_1_6_the_type_of_a_token_in_either_case() {
        for (typ, expected) in [
            (r#""at+jwt""#, true),
            (r#""AT+JWT""#, true),
            (r#""application/at+jwt""#, true),
            (r#""Application/AT+jwt""#, true),
            (r#""JWT""#, false),
            ("null", false),
        ] {
            let text = token(&format!(r#"{{"alg":"HS256","typ":{typ}}}"#), "{}");
            assert_eq!(split(&text).unwrap().is_access_token(), expected, "{typ}");
        }
    }
}
