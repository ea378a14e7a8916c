//! `[[source]]`: where events come from without anybody posting them. The keys are those of `tidings-sources`; this
//! adds the place and the nearest known name to its errors.

use serde::{Deserialize as _, de::IntoDeserializer as _};
use tidings_sources::SourceConfig;

use super::{nearest::nearest, section::Section, value};

/// `None` if a problem was noted.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<SourceConfig> {
    let Ok(url) = url_from_file(section) else {
        // What else is wrong with the table shows when there is a URL.
        section.take_all(None);
        return None;
    };
    let url_key = if url.is_some() { "url_file" } else { "url" };
    let value = section.take_all(url.map(|url| ("url", url)));
    match SourceConfig::deserialize(value.into_deserializer()) {
        Ok(source) => match source.check() {
            Ok(()) => Some(source),
            Err(error) => {
                section.reject_all(error.to_string());
                None
            }
        },
        Err(error) => {
            let message = error.message().trim_end();
            match unknown(message) {
                Some((what, name, mut known)) => {
                    if let Some(url) = known.iter().position(|key| *key == "url") {
                        known.insert(url + 1, "url_file");
                    }
                    // The reader knows no url, and the file has none.
                    let name = if name == "url" { url_key } else { name };
                    let advice = match nearest(name, known.iter().copied()) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("there are {}", known.join(", ")),
                    };
                    let key = if what == "kind" { what } else { name };
                    section.reject_at(key, format!("unknown {what} `{name}` in [[source]]: {advice}"));
                }
                None if message == "missing field `url`" => section
                    .reject_all("it has no url: give it one, or url_file, which names a file that holds it"),
                None => section.reject_all(message),
            }
            None
        }
    }
}

/// The URL that `url_file` names a file for, so that a password in it need not stand in the configuration. The error
/// has been noted.
fn url_from_file(section: &mut Section<'_, '_>) -> Result<Option<String>, ()> {
    let Some(path) = section.read("url_file", value::non_empty) else {
        return if section.has("url_file") { Err(()) } else { Ok(None) };
    };
    if section.holds("url") {
        section.reject("url_file", "give url or url_file, not both");
        return Err(());
    }
    match std::fs::read_to_string(&path) {
        Ok(url) => Ok(Some(url.trim().to_owned())),
        Err(error) => {
            section.reject("url_file", format!("the file {path:?} cannot be read: {error}"));
            Err(())
        }
    }
}

/// Takes serde's text about an unknown field or variant apart: what it is, its name, and the names there are. There is
/// no other way to the names: they are only known to the derived code.
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let (what, rest) = match message.strip_prefix("unknown field ") {
        Some(rest) => ("key", rest),
        None => ("kind", message.strip_prefix("unknown variant ")?),
    };
    let mut names = rest.split('`').skip(1).step_by(2);
    let name = names.next()?;
    Some((what, name, names.collect()))
}
