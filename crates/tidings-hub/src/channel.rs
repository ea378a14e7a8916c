//! Names that Laravel, Pusher and their clients have agreed on, for the fronts and sources that speak with them: the kinds of
//! channels, which are topics here, and the ids of connections.

use crate::publication::MAX_SOCKET_BYTES;

/// How the names of private channels begin.
pub const PRIVATE: &str = "private-";
/// How the names of channels begin that tell their members of each other.
pub const PRESENCE: &str = "presence-";
/// How the names of Pusher's channels begin that are one user's.
pub const TO_USER: &str = "#server-to-user-";
/// All of those need a right.
const GUARDED: [&str; 3] = [PRIVATE, PRESENCE, TO_USER];

/// Whether a channel of this name needs a right.
pub fn is_private(channel: &str) -> bool {
    GUARDED.iter().any(|guarded| channel.starts_with(guarded))
}

/// What a name has before that of a channel that needs a right: the prefix of an application, as it seems.
pub fn before_private(name: &str) -> Option<&str> {
    let at = GUARDED.iter().filter_map(|guarded| name.find(guarded)).min()?;
    name.get(..at).filter(|before| !before.is_empty())
}

/// Whether a channel of this name tells its members of each other.
pub fn is_presence(channel: &str) -> bool {
    channel.starts_with(PRESENCE)
}

/// Whether the text can be a socket id: two numbers with a point between, as Pusher's libraries ask for, and at most
/// [`MAX_SOCKET_BYTES`].
pub fn is_socket_id(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= MAX_SOCKET_BYTES
        && text.split_once('.').is_some_and(|(first, second)| is_number(first) && is_number(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_a_private_channel_is_found() {
        for (name, before) in [
            ("my:private-orders.7", Some("my:")),
            ("shop-presence-room.private-1", Some("shop-")),
            ("my:#server-to-user-7", Some("my:")),
            ("private-orders.7", None),
            ("private-presence-room", None),
            ("my:orders", None),
        ] {
            assert_eq!(before_private(name), before, "{name}");
        }
    }

    #[test]
    fn a_socket_id_is_two_numbers() {
        assert!(is_socket_id("1234.5678"));
        let long = format!("1.{}", "2".repeat(MAX_SOCKET_BYTES));
        for text in ["", ".", "1.", ".1", "1", "1.2.3", "a.1", "1.2\n", "１.２", &long] {
            assert!(!is_socket_id(text), "{text}");
        }
    }

    #[test]
    fn private_channels_are_known_by_their_names() {
        for name in ["private-orders.7", "presence-room.1", "private-encrypted-vault", "#server-to-user-7"] {
            assert!(is_private(name), "{name}");
        }
        assert!(!is_private("my-private-orders"));
        assert!(is_presence("presence-room.1") && !is_presence("private-presence-room"));
    }
}
