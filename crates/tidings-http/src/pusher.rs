//! The Pusher HTTP API, which Laravel's `pusher` and `reverb` drivers and the SDKs of Rails, Django and Node publish
//! with. It publishes, tells who is there, and ends somebody's streams; nobody subscribes by it.
//!
//! A channel is a topic of the same name, the event's name is its type, and its data are passed on byte for byte. SDKs
//! take nothing but status 200 with a JSON object for a success; the body of any other answer is what a developer finds
//! in the log of the application, so it is one sentence of plain text.

mod answer;
mod app;
mod attributes;
mod channel;
mod channels;
mod event;
mod failure;
mod front;
mod fuzz;
mod parameters;
mod publish;
#[cfg(test)]
mod tests;
mod users;

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use tidings_hub::{Hub, Topic};

use self::front::Front;
pub use self::{app::PusherApp, fuzz::fuzz};
use crate::{echo::Echo, limit::LimitHits};

/// Settings of the Pusher front.
#[derive(Clone, Debug)]
pub struct PusherSettings {
    /// The applications that may publish. Without any, all requests are answered that there is none.
    pub apps: Vec<PusherApp>,
    /// The largest body of a request, in bytes. Default: 1 MiB.
    pub max_body: usize,
    /// How long a body may take to arrive. Default: 30 s.
    pub body_time: Duration,
    /// Where limits that were hit are counted: the server's, or one's own.
    pub hits: Arc<LimitHits>,
    /// Who knows who is in presence channels. Default: nobody, so that they are empty.
    pub company: Option<Arc<dyn Company>>,
}

impl Default for PusherSettings {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            max_body: 1 << 20,
            body_time: Duration::from_secs(30),
            hits: Arc::default(),
            company: None,
        }
    }
}

/// Who knows who is in presence channels: the Echo front.
pub trait Company: fmt::Debug + Send + Sync {
    /// The ids of the users in a presence channel, each once.
    fn users(&self, channel: &Topic) -> Vec<Box<str>>;

    /// How many they are.
    fn count(&self, channel: &Topic) -> usize;

    /// Ends the streams of this user's connections, as far as the hub does not know whose they are.
    fn terminate(&self, user: &str);
}

impl Company for Echo {
    fn users(&self, channel: &Topic) -> Vec<Box<str>> {
        Self::users(self, channel)
    }

    fn count(&self, channel: &Topic) -> usize {
        Self::count(self, channel)
    }

    fn terminate(&self, user: &str) {
        Self::terminate(self, user);
    }
}

/// The routes of the Pusher front, to be merged into any axum application. They take only what is signed with the secret
/// of one of the apps.
pub fn pusher(hub: Hub, settings: PusherSettings) -> Router {
    Router::new()
        .route("/apps/{app}/events", post(publish::events))
        .route("/apps/{app}/batch_events", post(publish::batch_events))
        .route("/apps/{app}/channels", get(channels::list))
        .route("/apps/{app}/channels/{channel}", get(channels::one))
        .route("/apps/{app}/channels/{channel}/users", get(users::users))
        .route("/apps/{app}/users/{user}/terminate_connections", post(users::terminate))
        // The Python SDK (3.3.4) forgets the app.
        .route("/users/{user}/terminate_connections", post(users::terminate_by_key))
        .route("/apps/{app}/connections", get(users::connections))
        .route("/up", get(users::up))
        .with_state(Front::new(hub, settings))
}
