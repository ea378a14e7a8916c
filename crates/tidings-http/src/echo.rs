//! The Echo front: Laravel Echo's channels over server-sent events, by the protocol of the npm client `laravel-wave`, and
//! with what a client needs to ask only for what it wants.
//!
//! A stream is one connection, named by a socket id. Its first event tells the client that name; by it other requests act
//! for the connection: to be granted private channels, to join presence channels, to whisper. What was granted lasts as
//! long as the stream: the next one is decided anew, by what the application says then.
//!
//! A channel is a topic of the same name, so that whoever publishes, in whatever way, reaches it.

mod announcer;
mod asked;
mod bucket;
mod channel;
mod connection;
mod connections;
mod fuzz;
mod holding;
mod info;
mod outbox;
mod patience;
mod presence;
mod record;
mod requests;
mod restore;
mod rights;
mod settings;
mod socket_id;
mod state;
mod stream;
mod subscribe;
#[cfg(test)]
mod tests;
mod users;
mod whisper;

use std::sync::Arc;

use axum::{
    Router, middleware,
    response::Response,
    routing::{get, post},
};
use http::{HeaderValue, header};
use tidings_hub::{Front, Hub, Topic};

pub(crate) use self::channel::is_reserved;
use self::{channel::Channel, connections::Shared};
pub use self::{fuzz::fuzz, settings::EchoSettings};

/// The Echo front: its connections, and who is in which presence channel. Cloning is cheap; clones are the same.
#[derive(Clone, Debug)]
pub struct Echo(Arc<Shared>);

impl Echo {
    /// Starts the front on this hub, within a Tokio runtime, and begins to look up who was in presence channels when the
    /// hub was stopped.
    pub fn start(hub: Hub, settings: EchoSettings) -> Self {
        let hub = hub.via(Front::Echo);
        let shared = Shared::start(hub.clone(), settings);
        tokio::spawn(restore::all(hub, Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Goes by other settings from now on, in all clones. Connections stay, and so does who is in which channel.
    pub fn set(&self, settings: EchoSettings) {
        self.0.set(settings);
    }

    /// The users in a presence channel, each once, by the ids that the application gives them. None for other topics.
    pub fn users(&self, channel: &Topic) -> Vec<Box<str>> {
        let members = Channel::new(channel.as_str()).map(|channel| self.0.members(&channel));
        members.unwrap_or_default().into_iter().map(|member| member.user).collect()
    }

    /// How many users are in a presence channel. None in other topics.
    pub fn count(&self, channel: &Topic) -> usize {
        Channel::new(channel.as_str()).map_or(0, |channel| self.0.count(&channel))
    }

    /// Waits until everybody is announced who has come or left. That a hub stops makes nobody leave.
    pub async fn settled(&self) {
        self.0.settled().await;
    }

    /// Ends the streams of this front that are a user's, by a right or in a presence channel. Those of other fronts
    /// [`Hub::disconnect`] ends. That they do not come back is for whoever decides about their rights.
    pub fn terminate(&self, user: &str) {
        self.0.terminate(user);
    }
}

/// The front's routes, to be merged into any axum application.
pub fn echo(echo: &Echo) -> Router {
    Router::new()
        .route("/wave", get(stream::stream))
        .route("/wave/auth", post(subscribe::authorize))
        .route("/broadcasting/auth", post(subscribe::authorize))
        .route("/wave/subscribe", post(subscribe::subscribe))
        .route("/wave/unsubscribe", post(subscribe::unsubscribe))
        .route("/wave/presence-channel-users", get(users::here).post(users::join).delete(users::leave))
        .route("/wave/whisper", post(whisper::whisper))
        .with_state(echo.clone())
        .layer(middleware::map_response(not_kept))
}

/// Who is in a channel, and who may hear it, is nothing to keep.
async fn not_kept(mut response: Response) -> Response {
    let cache = response.headers_mut().entry(header::CACHE_CONTROL);
    cache.or_insert(HeaderValue::from_static("no-store"));
    response
}
