//! The checks of the fuzz targets (`fuzz/`), each of which must hold of any bytes. They panic if it does not.

pub use crate::{
    callback::fuzz as answer, jwks::fuzz as keys, revocation::fuzz as revocations, token::fuzz as token,
};

use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE, ORIGIN, REFERER},
};

use crate::{credentials, origin_of};

/// Takes lines for the headers that carry credentials: `Authorization`, `Cookie`, `Origin` and `Referer`. What is found
/// stands in what was sent.
pub fn credentials(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [AUTHORIZATION, COOKIE, ORIGIN, REFERER].into_iter().zip(bytes.split(|byte| *byte == b'\n'))
    {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_bytes(value)) {
            headers.insert(name, value);
        }
    }
    let sent = |name| {
        String::from_utf8_lossy(headers.get(name).map_or(b"".as_slice(), HeaderValue::as_bytes)).into_owned()
    };
    for found in [credentials::bearer(&headers), credentials::bearer_v0(&headers)] {
        match found {
            Ok(Some(presented)) => {
                let token = presented.token.expose();
                assert!(
                    !token.is_empty() && sent(AUTHORIZATION).ends_with(token)
                        || sent(AUTHORIZATION).contains(token)
                );
                assert!(!format!("{presented:?}").contains(token) || token.len() < 8, "a token is shown");
            }
            Ok(None) => assert!(!headers.contains_key(AUTHORIZATION), "a credential is anonymous"),
            Err(refusal) => assert!(refusal.to_string().len() < 512, "{refusal}"),
        }
    }
    if let Some(presented) = credentials::cookie(&headers, "a") {
        let token = presented.token.expose();
        assert!(!token.is_empty() && !token.contains(';') && sent(COOKIE).contains(token), "{token:?}");
    }
    if let Some(origin) = origin_of(&headers) {
        let _is_allowed = crate::is_allowed(&origin, &["https://app.example".to_owned()]);
    }
}
