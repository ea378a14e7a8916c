//! `[[keys]]`: what the servers of the application show to publish, and operators to administer.

use std::num::NonZeroU32;

use tidings_auth::Key;

use super::{
    secret,
    section::Section,
    value::{self, Given, Parsed},
};

/// The fewest bytes of a secret. A shorter one could be guessed over the network in time.
pub(crate) const MIN_SECRET: usize = 16;

/// All keys. Their names and their secrets are unique, so that a log line tells which was used.
pub(super) fn read(top: &mut Section<'_, '_>) -> Vec<Key> {
    let mut keys = Vec::new();
    for mut section in top.sections("keys") {
        keys.extend(key(&mut section, &keys));
        section.close();
    }
    keys
}

/// `None` if a problem was noted that leaves no key.
fn key(section: &mut Section<'_, '_>, earlier: &[Key]) -> Option<Key> {
    let name = section.read("name", value::non_empty);
    let secret = secret::read(section, "secret");
    let publish = section.read("publish", value::selection).unwrap_or_default();
    let subscribe = section.read("subscribe", value::selection).unwrap_or_default();
    let rate = section.read("rate", rate);
    let admin = section.read("admin", value::boolean).unwrap_or_default();

    let secret_key = if section.has("secret_file") { "secret_file" } else { "secret" };
    if let Some(secret) = &secret {
        if let Err(message) = check_secret(secret.expose()) {
            section.reject(secret_key, message);
        }
        if let Some(other) = earlier.iter().find(|key| key.secret == *secret) {
            section.reject(secret_key, format!("the key {:?} has the same secret", other.name));
        }
    } else if !section.has(secret_key) {
        section.reject_all(
            "it has no secret: give it one, or secret_file, which names a file that holds it; `tidings token key` \
             makes one",
        );
    }
    if !["publish", "subscribe", "admin"].iter().any(|key| section.has(key)) {
        section.reject_all("it may do nothing: give it publish, subscribe or admin");
    }
    let Some(name) = name else {
        if !section.has("name") {
            section.reject_all("it has no name: logs call the key by it, such as \"backend\"");
        }
        return None;
    };
    if earlier.iter().any(|key| key.name == name) {
        section.reject("name", format!("there are two keys of the name {name:?}"));
    }
    Some(Key { name, secret: secret?, publish, subscribe, rate, admin })
}

/// What is wrong with a secret, without showing it.
fn check_secret(secret: &str) -> Result<(), String> {
    check_length(secret)?;
    match secret.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(()),
        false => {
            Err("it holds characters that an Authorization header cannot carry: use letters, digits, - and _"
                .to_owned())
        }
    }
}

/// Whether a secret is too short, without showing it.
pub(super) fn check_length(secret: &str) -> Result<(), String> {
    match secret.len() {
        MIN_SECRET.. => Ok(()),
        length => Err(format!(
            "it has {length} bytes, and could be guessed: at least {MIN_SECRET} are needed; `tidings token key` makes one"
        )),
    }
}

/// `"100/s"`, or the number alone.
pub(super) fn rate(given: &Given<'_>) -> Parsed<NonZeroU32> {
    let number = match value::string(given) {
        Ok(text) => {
            let number = text.strip_suffix("/s").unwrap_or(&text).trim_end().replace('_', "");
            number.parse().map_err(|_| {
                format!("{text:?} is not a rate: write publications a second, such as \"100/s\"")
            })?
        }
        Err(_) => value::count(given)?,
    };
    let number =
        u32::try_from(number).map_err(|_| format!("{number} a second is more than can be counted"))?;
    NonZeroU32::new(number).ok_or_else(|| "it is zero, which would let nothing through".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_publications_a_second() {
        for (text, number) in [("100/s", 100), ("1_000 /s", 1000), ("5", 5)] {
            assert_eq!(rate(&Given::Text(text.into())).map(NonZeroU32::get), Ok(number), "{text}");
        }
        for bad in ["", "0/s", "5/min", "/s", "-1/s", "5000000000/s"] {
            assert!(rate(&Given::Text(bad.into())).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_long_and_fits_in_a_header() {
        assert_eq!(check_secret("0123456789abcdef"), Ok(()));
        for bad in ["0123456789abcde", "0123456789 abcdef", "0123456789äbcdef", "0123456789abcdef\n"] {
            let message = check_secret(bad).unwrap_err();
            assert!(!message.contains(bad), "{message}");
        }
    }
}
