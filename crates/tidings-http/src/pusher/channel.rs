//! Channels: which names they can have. What a name says is the hub's to know.

use tidings_hub::{Topic, channel::TO_USER};

use super::failure::Failure;

/// The longest name, as SDKs have it.
const MAX_NAME: usize = 200;

/// The channel of this name.
pub(super) fn channel(name: &str) -> Result<Topic, Failure> {
    let refused = |reason: String| Failure::bad_request(format!("the channel {name:?} cannot be: {reason}"));
    match name.len() {
        0 => return Err(Failure::bad_request("the name of a channel is empty")),
        MAX_NAME.. if name.len() > MAX_NAME => {
            return Err(Failure::bad_request(format!(
                "the name of a channel is {} bytes long: at most {MAX_NAME} are allowed",
                name.len()
            )));
        }
        _ => {}
    }
    match name.strip_prefix('#').unwrap_or(name) {
        "" => Err(refused("behind the # there must be a name".to_owned())),
        rest => match rest.chars().find(|c| !is_of_name(*c)) {
            Some(other) => {
                Err(refused(format!("names have letters, digits and _-=@,.; but this one has {other:?}")))
            }
            None => Topic::new(name).map_err(|error| refused(error.to_string())),
        },
    }
}

/// The channel of a user's own.
pub(super) fn of_user(user: &str) -> Result<Topic, Failure> {
    Topic::new(format!("{TO_USER}{user}"))
        .map_err(|error| Failure::bad_request(format!("the id of a user cannot be: {error}")))
}

/// Whether names can have this character (pusher-http-php and all others).
pub(super) fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-=@,.;".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_sdks_take() {
        for name in ["messages", "private-orders.7", "presence-room@1,2;a=b_c", "#server-to-user-7"] {
            assert_eq!(channel(name).unwrap().as_str(), name);
        }
        assert!(channel(&"x".repeat(200)).is_ok());
        for (name, says) in [
            ("", "empty"),
            ("a b", "' '"),
            ("a/b", "'/'"),
            ("a#b", "'#'"),
            ("tidings/echo/1.2", "'/'"),
            ("ä", "'ä'"),
            ("#", "behind the #"),
            (&"x".repeat(201), "201 bytes"),
        ] {
            let Failure { status, sentence, .. } = channel(name).unwrap_err();
            assert!(status == 400 && sentence.contains(says), "{name}: {sentence}");
        }
    }
}
