//! From what was given, in TOML or as the text of a flag or environment variable, to values.
//!
//! Each parser answers an error with what it wants to be given, and an example.

use std::{borrow::Cow, net::Ipv6Addr, time::Duration};

use reqwest::Url;
use tidings_auth::Secret;
use tidings_hub::{Selection, Selector};
use tidings_sources::{ByteSize, HumanDuration, NotADuration, NotASize};
use toml::de::DeValue;

use super::Address;

/// The longest duration that is accepted: a hundred years. Longer ones are slips, and could not be added to today.
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A setting as it was given. It has no `Debug`, because it may be a secret.
#[derive(Clone)]
pub(crate) enum Given<'a> {
    /// The text of a flag or of an environment variable.
    Text(Cow<'a, str>),
    /// A TOML value.
    Toml(DeValue<'a>),
}

/// What a parser answers: the value, or what is wrong.
pub(crate) type Parsed<T> = Result<T, String>;

impl Given<'_> {
    /// The text of a flag or variable, or of a TOML string.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Toml(value) => value.as_str(),
        }
    }

    /// The value in words, for an error.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Toml(DeValue::String(text)) => format!("{text:?}"),
            Self::Toml(DeValue::Integer(number)) => number.to_string(),
            Self::Toml(DeValue::Float(number)) => number.to_string(),
            Self::Toml(DeValue::Boolean(value)) => value.to_string(),
            Self::Toml(DeValue::Datetime(date)) => date.to_string(),
            Self::Toml(DeValue::Array(_)) => "a list".to_owned(),
            Self::Toml(DeValue::Table(_)) => "a table".to_owned(),
        }
    }
}

/// Text.
pub(crate) fn string(given: &Given<'_>) -> Parsed<String> {
    given
        .text()
        .map(str::to_owned)
        .ok_or_else(|| format!("{} is not text: write it in quotes", given.shown()))
}

/// Text that is not empty.
pub(crate) fn non_empty(given: &Given<'_>) -> Parsed<String> {
    string(given).and_then(|text| match text.is_empty() {
        true => Err("it is empty: leave the key out instead".to_owned()),
        false => Ok(text),
    })
}

/// Text that is not empty, and is never shown.
pub(crate) fn secret(given: &Given<'_>) -> Parsed<Secret> {
    match given.text() {
        Some("") => Err("it is empty: leave the key out instead".to_owned()),
        Some(text) => Ok(Secret::new(text)),
        None => Err("it is not text: write it in quotes".to_owned()),
    }
}

/// The topics of a right, in the notation of [`Selector::from_text`].
pub(crate) fn selection(given: &Given<'_>) -> Parsed<Selection> {
    let selector = |given: &Given<'_>| {
        let text = string(given)?;
        Selector::from_text(&text).map_err(|error| format!("{text:?}: {error}"))
    };
    Ok(list(selector)(given)?.into_iter().collect())
}

/// An address of HTTP.
pub(crate) fn http_url(given: &Given<'_>) -> Parsed<Url> {
    url(given, &["http", "https"])
}

/// An absolute URL of one of these schemes. It may hold a password, and is not shown.
pub(crate) fn url(given: &Given<'_>, schemes: &[&str]) -> Parsed<Url> {
    let example = "write one such as \"https://app.example/path\"";
    let url = Url::parse(&string(given)?).map_err(|error| format!("it is not a URL ({error}): {example}"))?;
    match schemes.contains(&url.scheme()) {
        true => Ok(url),
        false => Err(format!("its scheme is not one of {}: {example}", schemes.join(", "))),
    }
}

/// The name of a cookie (RFC 6265, section 4.1.1).
pub(crate) fn cookie_name(given: &Given<'_>) -> Parsed<String> {
    let name = non_empty(given)?;
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    match name.bytes().all(is_token) {
        true => Ok(name),
        false => Err(format!("{name:?} is not the name of a cookie: use letters, digits, - and _")),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(given: &Given<'_>) -> Parsed<bool> {
    match given {
        Given::Toml(DeValue::Boolean(value)) => Ok(*value),
        Given::Text(text) if text == "true" => Ok(true),
        Given::Text(text) if text == "false" => Ok(false),
        _ => Err(format!("{} is neither true nor false", given.shown())),
    }
}

/// A whole number, 1 or more.
pub(crate) fn count(given: &Given<'_>) -> Parsed<u64> {
    let number = match given {
        Given::Toml(DeValue::Integer(number)) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
        Given::Text(text) => text.replace('_', "").parse().ok(),
        Given::Toml(_) => None,
    };
    let number = number.ok_or_else(|| format!("{} is not a whole number: write 1 or more", given.shown()))?;
    positive(number, 0)
}

/// [`count`], as a number of things in memory.
pub(crate) fn length(given: &Given<'_>) -> Parsed<usize> {
    count(given).and_then(in_memory)
}

/// A number of bytes, 1 or more: `"64KiB"`, `"1MiB"`, or a plain number.
pub(crate) fn size(given: &Given<'_>) -> Parsed<u64> {
    let size: ByteSize = match given {
        Given::Toml(DeValue::Integer(number)) => {
            ByteSize(u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| not_a_size(given))?)
        }
        _ => given
            .text()
            .ok_or_else(|| not_a_size(given))?
            .parse()
            .map_err(|error: NotASize| error.to_string())?,
    };
    positive(size.0, 0)
}

/// [`size`], of something in memory.
pub(crate) fn memory(given: &Given<'_>) -> Parsed<usize> {
    size(given).and_then(in_memory)
}

/// A time, more than none: `"500ms"`, `"15s"`, `"7d"`.
pub(crate) fn duration(given: &Given<'_>) -> Parsed<Duration> {
    duration_or_none(given).and_then(|duration| positive(duration, Duration::ZERO))
}

/// A time, which may be none (`"0s"`).
pub(crate) fn duration_or_none(given: &Given<'_>) -> Parsed<Duration> {
    let text = given.text().ok_or_else(|| {
        format!(
            "{} is not a duration: write a number and a unit, such as \"500ms\", \"15s\" or \"7d\"",
            given.shown()
        )
    })?;
    let HumanDuration(duration) = text.parse().map_err(|error: NotADuration| error.to_string())?;
    match duration <= MAX_DURATION {
        true => Ok(duration),
        false => Err(format!("{} is too long: at most a hundred years are allowed", given.shown())),
    }
}

/// An address to listen on.
pub(crate) fn address(given: &Given<'_>) -> Parsed<Address> {
    Address::new(&string(given)?)
}

/// Permissions of a file, in octal digits as `chmod` takes them.
pub(crate) fn mode(given: &Given<'_>) -> Parsed<u32> {
    let digits = given.text().filter(|text| matches!(text.len(), 3 | 4));
    let mode = digits.and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| format!("{} is not a mode: write one such as \"0660\", in quotes", given.shown()))
}

/// A list, each item parsed by `item`. As text: the items with commas between them, or a TOML list.
pub(crate) fn list<T>(item: impl Fn(&Given<'_>) -> Parsed<T>) -> impl Fn(&Given<'_>) -> Parsed<Vec<T>> {
    move |given| match given {
        Given::Toml(DeValue::Array(items)) => {
            items.iter().map(|value| item(&Given::Toml(value.get_ref().clone()))).collect()
        }
        Given::Text(text) if is_toml_list(text.trim_start()) => match DeValue::parse(text) {
            Ok(value) => match value.into_inner() {
                DeValue::Array(items) => {
                    items.into_iter().map(|value| item(&Given::Toml(value.into_inner()))).collect()
                }
                _ => Err(format!("{text:?} is not a list")),
            },
            Err(error) => Err(format!("{text:?} is not a TOML list: {}", error.message())),
        },
        Given::Text(text) => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| item(&Given::Text(part.into())))
            .collect(),
        Given::Toml(_) => Err(format!("{} is not a list: write [\"…\", \"…\"]", given.shown())),
    }
}

/// Whether text is meant as a TOML list: it begins as one, and not as an IPv6 address does (`[::1]:8080`).
fn is_toml_list(text: &str) -> bool {
    text.strip_prefix('[')
        .is_some_and(|rest| rest.split_once(']').is_none_or(|(host, _)| host.parse::<Ipv6Addr>().is_err()))
}

/// A list, or one item alone in its place.
pub(crate) fn one_or_more<T>(
    item: impl Fn(&Given<'_>) -> Parsed<T>,
) -> impl Fn(&Given<'_>) -> Parsed<Vec<T>> {
    let many = list(item);
    move |given| match given {
        Given::Toml(DeValue::String(text)) => many(&Given::Text(text.clone())),
        _ => many(given),
    }
}

/// One of these words.
pub(crate) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Given<'_>) -> Parsed<T> {
    move |given| {
        let word = given.text();
        words.iter().find(|(name, _)| word == Some(name)).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(name, _)| format!("{name:?}")).collect();
            format!("{} is not one of {}", given.shown(), words.join(", "))
        })
    }
}

fn not_a_size(given: &Given<'_>) -> String {
    format!("{} is not a size: write a whole number and a unit, such as \"64KiB\" or \"1GiB\"", given.shown())
}

fn positive<T: PartialOrd>(value: T, zero: T) -> Parsed<T> {
    if value > zero { Ok(value) } else { Err("it is zero, which would let nothing through".to_owned()) }
}

fn in_memory(number: u64) -> Parsed<usize> {
    usize::try_from(number).map_err(|_| format!("{number} is more than this machine can address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Given<'_> {
        Given::Text(text.into())
    }

    fn toml(text: &str) -> Given<'_> {
        Given::Toml(DeValue::parse(text).unwrap().into_inner())
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (given, bytes) in
            [("512", 512), ("64KiB", 65_536), ("1 MiB", 1 << 20), ("1gib", 1 << 30), ("2MB", 2_000_000)]
        {
            assert_eq!(size(&text(given)), Ok(bytes), "{given}");
            assert_eq!(size(&toml(&format!("{given:?}"))), Ok(bytes), "{given}");
        }
        assert_eq!(size(&toml("65_536")), Ok(65_536));
        for bad in ["", "MiB", "1.5MiB", "-1", "1XB", "0", "99999999TiB"] {
            assert!(size(&text(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (given, ms) in [("500ms", 500), ("15s", 15_000), ("7d", 604_800_000), ("1m 30s", 90_000)] {
            assert_eq!(duration(&text(given)), Ok(Duration::from_millis(ms)), "{given}");
        }
        for bad in ["", "15", "fast", "-1s", "0s", "101y"] {
            assert!(duration(&text(bad)).is_err(), "{bad}");
        }
        assert!(duration(&toml("15")).unwrap_err().contains("\"500ms\""));
        assert_eq!(duration_or_none(&text("0s")), Ok(Duration::ZERO));
    }

    #[test]
    fn lists_are_toml_or_have_commas() {
        let expected = vec!["a".to_owned(), "b".to_owned()];
        for given in [text("a,b"), text(" a , b,"), text("['a', \"b\"]"), toml("[\"a\", \"b\"]")] {
            assert_eq!(list(string)(&given), Ok(expected.clone()), "{}", given.shown());
        }
        assert!(list(string)(&toml("\"a\"")).is_err());
        assert!(list(string)(&toml("[1]")).is_err());
        assert!(list(string)(&text("[a")).is_err());
        let addresses = ["[::1]:80", "[::]:81"].map(str::to_owned).to_vec();
        assert_eq!(list(string)(&text("[::1]:80, [::]:81")), Ok(addresses.clone()));
        assert_eq!(list(string)(&text("['[::1]:80', '[::]:81']")), Ok(addresses));
        assert_eq!(one_or_more(string)(&toml("\"a\"")), Ok(vec!["a".to_owned()]));
    }

    #[test]
    fn modes_are_octal_text() {
        assert_eq!(mode(&text("0660")), Ok(0o660));
        assert_eq!(mode(&toml("'600'")), Ok(0o600));
        for bad in [text(""), text("66"), text("0o660"), text("4755"), text("0668"), toml("660")] {
            assert!(mode(&bad).is_err(), "{}", bad.shown());
        }
    }

    #[test]
    fn counts_and_booleans_are_not_guessed() {
        assert_eq!(count(&toml("1_000")), Ok(1000));
        assert_eq!(count(&text("1_000")), Ok(1000));
        for bad in [toml("0"), toml("-1"), toml("\"7\""), toml("1.0"), text("many"), text("")] {
            assert!(count(&bad).is_err(), "{}", bad.shown());
        }
        assert_eq!(boolean(&toml("true")), Ok(true));
        assert_eq!(boolean(&text("false")), Ok(false));
        for bad in [toml("1"), toml("\"true\""), text("yes")] {
            assert!(boolean(&bad).is_err(), "{}", bad.shown());
        }
    }
}
