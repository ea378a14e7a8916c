//! Forms (`application/x-www-form-urlencoded`): query strings, and the bodies that look like them.

use form_urlencoded::Parse;
use percent_encoding::percent_decode;

use crate::problem::Problem;

/// The fields, in their order.
///
/// The standard's parser puts U+FFFD in place of what is not UTF-8. That would alter data in silence, and make one of
/// two different ids, so that the second event would be taken for the first and be lost.
pub(crate) fn fields(form: &[u8]) -> Result<Parse<'_>, Problem> {
    match percent_decode(form).decode_utf8() {
        Ok(_) => Ok(form_urlencoded::parse(form)),
        Err(error) => {
            Err(Problem::bad_request(format!("a parameter is not UTF-8 ({error}): percent-encode UTF-8")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_utf_8_is_refused_and_not_altered() {
        let read = |form: &'static str| {
            fields(form.as_bytes()).map(|fields| fields.into_owned().collect::<Vec<_>>())
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("id=a+b%20c&event=%E4%BD%A0"), Ok(vec![pair("id", "a b c"), pair("event", "你")]));
        assert_eq!(read("id=%EF%BF%BD"), Ok(vec![pair("id", "\u{fffd}")]));
        for wrong in ["id=%ff", "id=%c3", "%ff=x", "id=x&event=%ed%a0%80"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
