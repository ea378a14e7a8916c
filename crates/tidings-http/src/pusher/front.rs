//! What the handlers share: who is let in.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::body::Body;
use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use tidings_hub::{Hub, Topic};

use super::{
    PusherSettings,
    app::PusherApp,
    failure::{Failure, shown},
    parameters::Parameters,
};
use crate::body::BodyLimit;

/// The front.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) hub: Hub,
    settings: Arc<PusherSettings>,
}

/// A request whose signature is good. What it holds beside its parameters is not proven before
/// [`Call::body`] or [`Call::without_body`].
pub(super) struct Call<'f> {
    front: &'f Front,
    pub(super) app: &'f PusherApp,
    pub(super) parameters: Parameters,
}

impl Front {
    pub(super) fn new(hub: Hub, settings: PusherSettings) -> Self {
        Self { hub: hub.via(tidings_hub::Front::Pusher), settings: Arc::new(settings) }
    }

    /// Finds out whether the app of this id sends this, now.
    pub(super) fn admit(&self, id: &str, method: &Method, uri: &Uri) -> Result<Call<'_>, Failure> {
        let app = self.settings.apps.iter().find(|app| app.id == id).ok_or_else(|| self.unknown(id))?;
        let parameters = Parameters::read(uri.query().unwrap_or_default())?;
        if parameters.key()? != app.key {
            return Err(self.foreign_key(app, parameters.key()?));
        }
        self.verified(app, parameters, method, uri)
    }

    /// As [`Self::admit`], for a path that does not say which app.
    pub(super) fn admit_by_key(&self, method: &Method, uri: &Uri) -> Result<Call<'_>, Failure> {
        let parameters = Parameters::read(uri.query().unwrap_or_default())?;
        let key = parameters.key()?;
        let app = self.settings.apps.iter().find(|app| app.key == key);
        let app =
            app.ok_or_else(|| Failure::unauthorized("the auth_key is not that of an app of this hub"))?;
        self.verified(app, parameters, method, uri)
    }

    /// The ids of the users in a presence channel.
    pub(super) fn users(&self, channel: &Topic) -> Vec<Box<str>> {
        self.settings.company.as_ref().map(|company| company.users(channel)).unwrap_or_default()
    }

    /// How many users are in a presence channel.
    pub(super) fn count(&self, channel: &Topic) -> usize {
        self.settings.company.as_ref().map_or(0, |company| company.count(channel))
    }

    /// Ends the streams of a user's connections.
    pub(super) fn terminate(&self, user: &str) {
        if let Some(company) = &self.settings.company {
            company.terminate(user);
        }
    }

    fn verified<'f>(
        &'f self,
        app: &'f PusherApp,
        parameters: Parameters,
        method: &Method,
        uri: &Uri,
    ) -> Result<Call<'f>, Failure> {
        parameters.verify(app, method, uri.path(), now())?;
        Ok(Call { front: self, app, parameters })
    }

    fn unknown(&self, id: &str) -> Failure {
        let id = shown(id);
        let sentence = match self.settings.apps.is_empty() {
            true => format!(
                "this hub has no app {id}, and no other: put [[pusher.apps]] with its id, key and secret into the \
                 hub's configuration"
            ),
            false => format!(
                "this hub has no app {id}: compare the app id of the publisher with those of [[pusher.apps]] in the \
                 hub's configuration"
            ),
        };
        Failure::new(StatusCode::NOT_FOUND, sentence)
    }

    /// The key that was sent is not shown: it could be the secret, in the wrong place.
    fn foreign_key(&self, app: &PusherApp, key: &str) -> Failure {
        let whose = match self.settings.apps.iter().find(|other| other.key == key) {
            Some(other) => format!("that of the app {:?}", other.id),
            None => "that of no app of this hub".to_owned(),
        };
        Failure::unauthorized(format!("the auth_key is not that of the app {:?}, but {whose}", app.id))
    }
}

impl Call<'_> {
    /// The body, which is the one that was signed.
    pub(super) async fn body(&self, body: Body) -> Result<Bytes, Failure> {
        let PusherSettings { max_body, body_time, hits, .. } = &*self.front.settings;
        let body = BodyLimit { bytes: *max_body, time: *body_time, hits }.read(body).await?;
        self.parameters.check_body(&body)?;
        Ok(body)
    }

    /// That no body was signed, where none is wanted.
    pub(super) fn without_body(&self) -> Result<(), Failure> {
        self.parameters.check_body(b"")
    }

    /// That the app may do something about this channel.
    pub(super) fn check_right(&self, what: &str, channel: &Topic) -> Result<(), Failure> {
        match self.app.has(channel) {
            true => Ok(()),
            false => Err(Failure::forbidden(format!(
                "the app {:?} may not {what} {channel:?}: see publish of its [[pusher.apps]]",
                self.app.id
            ))),
        }
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
