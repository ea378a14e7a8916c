//! What `WWW-Authenticate` says to those who are not let in, on every front (RFC 6750, section 3).

use http::HeaderValue;

/// A challenge: the code of what is wrong, and the reason in words, if there is a code; and where it is told how to get a
/// token, if that is told anywhere.
pub(crate) fn challenge(error: Option<(&str, &str)>, metadata: Option<&str>) -> HeaderValue {
    let error = error.map(|(code, reason)| {
        let description = quotable(reason);
        format!("error=\"{code}\", error_description=\"{description}\"")
    });
    let metadata = metadata.map(|url| format!("resource_metadata=\"{}\"", quotable(url)));
    let parameters = error.into_iter().chain(metadata).collect::<Vec<_>>().join(", ");
    let challenge = format!("Bearer {parameters}");
    HeaderValue::from_str(challenge.trim_end()).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// A text as RFC 6750 allows it in quotes (section 3: `%x20-21 / %x23-5B / %x5D-7E`).
fn quotable(text: &str) -> String {
    text.replace('…', "...")
        .chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_what_it_can() {
        assert_eq!(challenge(None, None), "Bearer");
        assert_eq!(challenge(None, Some("https://a/b")), "Bearer resource_metadata=\"https://a/b\"");
        assert_eq!(
            challenge(Some(("invalid_token", "the \"topic\" é…")), None),
            "Bearer error=\"invalid_token\", error_description=\"the 'topic' ?...\""
        );
    }
}
