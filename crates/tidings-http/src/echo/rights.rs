//! Which channels somebody may hear: their own rights, or what the application says of each channel.

use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::value::RawValue;
use tidings_auth::Action;
use tidings_hub::Bearer;
use uuid::Uuid;

use super::{
    channel::{Channel, Kind},
    connections::Shared,
    holding::Holding,
    info::Info,
    presence::Member,
    record::Record,
};
use crate::{
    problem::Problem,
    visitor::{Admission, Visitor},
};

/// How many channels of one request the application is asked about: strangers ask.
const MAX_QUESTIONS: usize = 100;
/// How many of them at once.
const AT_ONCE: usize = 8;
/// What the names begin with of those in presence channels whom nobody has named.
const NAMELESS: &str = "anonymous-";

/// Who asks for channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'r> {
    pub(super) shared: &'r Shared,
    pub(super) visitor: &'r Visitor,
    pub(super) headers: &'r HeaderMap,
    /// What the client had before.
    pub(super) former: &'r Record,
}

/// What was decided of a channel.
pub(super) type Decision = (Channel, Result<Holding, Problem>);

impl Shared {
    /// Finds out who is asking.
    pub(super) async fn identify(&self, uri: &Uri, headers: &HeaderMap) -> Result<Visitor, Problem> {
        self.settings().gate.identify(uri, headers, Action::Subscribe).await
    }
}

impl Caller<'_> {
    /// Decides about each of these channels. About those that are too many for one request, the application is not asked:
    /// they can be asked for by another.
    ///
    /// # Errors
    /// When there are more than a stream can have.
    pub(super) async fn decide(self, channels: Vec<Channel>) -> Result<Vec<Decision>, Problem> {
        let (asked, limit) = (channels.len(), self.shared.hub.settings().max_selectors);
        if asked > limit {
            return Err(Problem::bad_request(format!(
                "the request asks for {asked} channels: a stream has {limit} at most (setting limits.topics_per_subscription)"
            )));
        }
        let (mut questions, most) = (0, MAX_QUESTIONS.max(self.former.channels.len()));
        let channels = channels.into_iter().map(|channel| {
            let is_question = self.is_question(&channel);
            questions += usize::from(is_question);
            (channel, is_question && questions > most)
        });
        let decisions = channels.map(async |(channel, is_surplus)| {
            let decision = if is_surplus { Err(too_many(&channel)) } else { self.grant(&channel).await };
            (channel, decision)
        });
        // Collected first, because rustc cannot tell that a stream which makes them from references is `Send`.
        let decisions: Vec<_> = decisions.collect();
        Ok(stream::iter(decisions).buffered(AT_ONCE).collect().await)
    }

    /// Whether the application is asked about a channel.
    pub(super) fn is_question(self, channel: &Channel) -> bool {
        self.shared.settings().gate.asks_about(self.visitor, self.headers, &channel.selector())
    }

    /// Whether the caller may hear a channel, and how much of it.
    pub(super) async fn grant(self, channel: &Channel) -> Result<Holding, Problem> {
        let settings = self.shared.settings();
        let admission =
            settings.gate.may_subscribe(self.visitor.clone(), self.headers, &channel.selection()).await;
        let admission = admission.map_err(|problem| match problem.status() {
            StatusCode::UNAUTHORIZED if self.is_hopeless(channel) => nobody(channel),
            _ => problem,
        })?;
        let (topic, read) = (channel.topic(), &admission.read);
        let (public, private) = (read.public.matches(topic), read.private.matches(topic));
        if !private && channel.kind() != Kind::Public {
            return Err(if self.is_hopeless(channel) { nobody(channel) } else { forbidden(channel) });
        }
        let member = (channel.kind() == Kind::Presence).then(|| self.member(channel, &admission));
        let Admission { bearer, expires, .. } = admission;
        Ok(Holding { public, private, member, bearer, expires })
    }

    /// Whether nobody who presents nothing can be let in, however the application knows them.
    fn is_hopeless(self, channel: &Channel) -> bool {
        let is_stranger = matches!(self.visitor, Visitor::Stranger);
        is_stranger && channel.kind() != Kind::Public && !self.shared.settings().gate.asks()
    }

    fn member(self, channel: &Channel, admission: &Admission) -> Member {
        let grant = admission.grant.as_deref();
        let info = grant.and_then(|grant| grant.payload(channel.topic())).unwrap_or(RawValue::NULL);
        let user = admission.bearer.as_deref().and_then(|bearer: &Bearer| bearer.user.clone());
        Member { user: user.unwrap_or_else(|| self.nameless(channel)), info: Info::new(info) }
    }

    /// A name for whom nobody has named: the one from before, so that who is back is nobody else.
    fn nameless(self, channel: &Channel) -> Box<str> {
        let before = self.former.channels.get(channel).and_then(Option::as_ref).map(|member| &member.user);
        let before = before.filter(|user| user.starts_with(NAMELESS)).cloned();
        before.unwrap_or_else(|| format!("{NAMELESS}{}", Uuid::new_v4().simple()).into())
    }
}

fn too_many(channel: &Channel) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        format!(
            "the application is asked about {MAX_QUESTIONS} channels of one request, and not about {:?}: ask for it once more",
            channel.name()
        ),
    )
}

fn forbidden(channel: &Channel) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        format!(
            "the channel {:?} is private, and neither a token nor the application allows this request to hear it: sign in \
             there, or send a token that may",
            channel.name()
        ),
    )
}

/// Also a 403, which clients of this protocol show as "not allowed".
fn nobody(channel: &Channel) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        format!(
            "the channel {:?} is private, and this hub knows nobody who may hear it: let the hub ask the application \
             ([auth.callback] with kind = \"laravel\" and the url of its /broadcasting/auth), or give the client a token \
             that may subscribe to it",
            channel.name()
        ),
    )
}
