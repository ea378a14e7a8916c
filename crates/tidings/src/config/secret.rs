//! Secrets, which stand in the configuration or in a file of their own. Neither is ever shown.

use tidings_auth::Secret;

use super::{section::Section, value};

/// Reads `key`, or the file that `key_file` names. `None` if neither is given, or if a problem was noted.
pub(super) fn read(section: &mut Section<'_, '_>, key: &str) -> Option<Secret> {
    let file_key = format!("{key}_file");
    let secret = section.read(key, value::secret);
    let file = section.read(&file_key, value::non_empty);
    if section.has(key) && section.has(&file_key) {
        section.reject(&file_key, format!("give {key} or {file_key}, not both"));
        return None;
    }
    secret.or_else(|| from_file(&file?).map_err(|message| section.reject(&file_key, message)).ok())
}

/// What the file of this path holds, without the line end that editors and `echo` put behind it.
///
/// # Errors
/// When it cannot be read or holds nothing, in words that name it.
pub(crate) fn from_file(path: &str) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path)
        .map(Secret::new)
        .map_err(|error| format!("the file {path:?} cannot be read: {error}"))?;
    match without_line_end(text.expose()) {
        "" => Err(format!("the file {path:?} is empty")),
        secret => Ok(Secret::new(secret)),
    }
}

/// Text without its last line end.
pub(crate) fn without_line_end(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}
