//! `[[source]]`: where events come from without anybody posting them. The keys are those of `tidings-sources`; this
//! adds the place and the nearest known name to its errors.

use serde::{Deserialize as _, de::IntoDeserializer as _};
use tidings_sources::SourceConfig;

use super::{nearest::nearest, section::Section};

/// `None` if a problem was noted.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<SourceConfig> {
    let value = section.take_all();
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
                Some((what, name, known)) => {
                    let advice = match nearest(name, known.iter().copied()) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("there are {}", known.join(", ")),
                    };
                    section.reject_at(name, format!("unknown {what} `{name}` in [[source]]: {advice}"));
                }
                None => section.reject_all(message),
            }
            None
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
