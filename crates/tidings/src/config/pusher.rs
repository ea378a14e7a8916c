//! `[pusher]`: the applications that publish through the Pusher HTTP API.

use tidings_http::PusherApp;
use tidings_hub::Selection;

use super::{
    keys::check_length,
    secret,
    section::Section,
    value::{self, Given, Parsed},
};

/// `[pusher]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pusher {
    /// `[[pusher.apps]]`. Default: none, and the API is not served.
    pub(crate) apps: Vec<PusherApp>,
    /// Whether apps are given, rightly or wrongly: the hub is not meant to be open.
    pub(super) is_given: bool,
}

impl Pusher {
    /// The ids of the apps and their keys are unique, because requests name them.
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let mut apps = Vec::new();
        for mut table in section.sections("apps") {
            apps.extend(app(&mut table, &apps));
            table.close();
        }
        if section.is_given() && !section.has("apps") {
            section.reject("apps", "there are none: write [[pusher.apps]] with id, key and secret");
        }
        Self { apps, is_given: section.is_given() }
    }
}

/// `None` if a problem was noted that leaves no app.
fn app(section: &mut Section<'_, '_>, earlier: &[PusherApp]) -> Option<PusherApp> {
    let id = section.read("id", name);
    let key = section.read("key", name);
    let secret = secret::read(section, "secret");
    let publish = section.read("publish", value::selection).unwrap_or_else(Selection::all);

    for key in ["id", "key"].into_iter().filter(|key| !section.has(key)) {
        section.reject_all(format!(
            "it has no {key}: publishers have one, such as REVERB_APP_{}",
            key.to_uppercase()
        ));
    }
    let secret_key = if section.has("secret_file") { "secret_file" } else { "secret" };
    if let Some(secret) = &secret {
        if let Err(message) = check_length(secret.expose()) {
            section.reject(secret_key, message);
        }
    } else if !section.has(secret_key) {
        section.reject_all("it has no secret: give it one, or secret_file, which names a file that holds it");
    }
    let (id, key) = (id?, key?);
    if earlier.iter().any(|app| app.id == id) {
        section.reject("id", format!("there are two apps of the id {id:?}"));
    }
    if let Some(other) = earlier.iter().find(|app| app.key == key) {
        section.reject("key", format!("the app {:?} has the same key", other.id));
    }
    Some(PusherApp { id, key, secret: secret?, publish })
}

/// What can stand in a path and in a query as it is. A number, as ids often are, may be written as one.
fn name(given: &Given<'_>) -> Parsed<String> {
    let name = match value::count(given) {
        Ok(number) if value::string(given).is_err() => number.to_string(),
        _ => value::non_empty(given)?,
    };
    match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        true => Ok(name),
        false => Err("it has other characters than letters, digits, -, _ and .".to_owned()),
    }
}
