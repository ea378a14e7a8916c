//! The gate of the native front and of the operators' routes: who is asking, and may they.
//!
//! What a request presents is verified before anything else of it is read; what it may do is asked when it is known what
//! it wants. A bad key or token is refused and never taken for none.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, StatusCode, header};
use tidings_auth::{
    Action, Asked, Authority, Carrier, Dialects, Presented, Reason, Refusal, RefusalKind, check_origin,
    credentials, origin_of,
};
use tidings_hub::{Publication, Selection};

use crate::{
    form,
    limit::{Limit, LimitHits},
    problem::Problem,
    visitor::{Admission, Visitor},
};

/// The query parameter that a token may stand in, where that is allowed.
pub(crate) const QUERY_TOKEN: &str = "access_token";

/// How keys and tokens come in.
#[derive(Clone, Debug)]
pub struct GateSettings {
    /// The cookie that may hold a token.
    pub cookie: String,
    /// Whether `?access_token=` may hold one. It shows in the logs of proxies.
    pub query: bool,
    /// The origins whose pages may publish with a cookie, besides the hub's own: as [`tidings_auth::is_allowed`] has it.
    pub publish_origins: Vec<String>,
    /// The audience of tokens whose issuer names none.
    pub audience: String,
    /// The dialects of Mercure whose tokens are taken here, too.
    pub dialects: Dialects,
    /// Where limits that were hit are counted.
    pub hits: Arc<LimitHits>,
}

/// The gate. The default is an open one.
#[derive(Clone, Debug, Default)]
pub struct Gate(Option<Keeper>);

/// Who keeps a gate that is not open.
#[derive(Clone, Debug)]
struct Keeper {
    authority: Authority,
    settings: Arc<GateSettings>,
}

impl Gate {
    /// Makes a gate, which is open if the authority is.
    pub fn new(authority: Authority, settings: GateSettings) -> Self {
        let is_closed = !authority.is_open();
        Self(is_closed.then(|| Keeper { authority, settings: Arc::new(settings) }))
    }

    /// Whether everybody may do everything.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Finds out who is asking.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        action: Action,
    ) -> Result<Visitor, Problem> {
        match &self.0 {
            None => Ok(Visitor::Anybody),
            Some(keeper) => {
                keeper.identify(headers, query, action).await.map_err(|refusal| refuse(&refusal, action))
            }
        }
    }

    /// Whether the visitor may publish all of this.
    pub(crate) async fn may_publish(
        &self,
        visitor: &Visitor,
        headers: &HeaderMap,
        publications: &[Publication],
    ) -> Result<(), Problem> {
        let Some(Keeper { authority, settings }) = &self.0 else { return Ok(()) };
        let topics = publications.iter().flat_map(|publication| &publication.topics);
        let count = u32::try_from(publications.len()).unwrap_or(u32::MAX);
        visitor.may_publish(authority, headers, topics, count).await.map_err(|refusal| {
            if refusal.kind == RefusalKind::TooMany {
                settings.hits.hit(Limit::KeyRate);
            }
            refuse(&refusal, Action::Publish)
        })
    }

    /// What the visitor may see of what is asked for. A topic that is named must be one that can be seen; of what is asked
    /// for by patterns, the rest is left out.
    pub(crate) async fn may_subscribe(
        &self,
        visitor: Visitor,
        headers: &HeaderMap,
        selection: &Selection,
    ) -> Result<Admission, Problem> {
        let Some(Keeper { authority, .. }) = &self.0 else { return Ok(Admission::everything()) };
        let admitted = visitor.may_subscribe(authority, headers, selection).await;
        admitted.map_err(|refusal| refuse(&refusal, Action::Subscribe))
    }

    /// Lets only administrators through.
    pub(crate) async fn administrator(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        action: Action,
    ) -> Result<(), Problem> {
        let refusal: Refusal = match self.identify(headers, query, action).await? {
            Visitor::Anybody => return Ok(()),
            Visitor::Known(grant) if grant.admin => return Ok(()),
            Visitor::Known(grant) => Reason::NotAdmin(grant.holder.to_string()).into(),
            Visitor::Stranger | Visitor::Claimant => Reason::Nothing.into(),
        };
        Err(refuse(&refusal, action))
    }
}

impl Keeper {
    async fn identify(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        action: Action,
    ) -> Result<Visitor, Refusal> {
        let presented = self.presented(headers, query)?;
        // The application decides by cookies, too.
        let by_cookie = match &presented {
            Some(presented) => presented.by == Carrier::Cookie,
            None => headers.contains_key(header::COOKIE) && self.authority.knows_by(&header::COOKIE),
        };
        if by_cookie && action == Action::Publish && !is_own_page(headers) {
            check_origin(headers, &self.settings.publish_origins)?;
        }
        let Some(presented) = presented else { return Ok(Visitor::Stranger) };
        let GateSettings { audience, dialects, .. } = &*self.settings;
        Visitor::identify(&self.authority, &presented, &Asked { action, audience, dialects: *dialects }).await
    }

    fn presented(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Option<Presented>, Refusal> {
        if let Some(presented) = credentials::bearer(headers)? {
            return Ok(Some(presented));
        }
        if let Some(presented) = credentials::cookie(headers, &self.settings.cookie) {
            return Ok(Some(presented));
        }
        let Some(query) = query.filter(|_| self.settings.query) else { return Ok(None) };
        let fields: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            form::fields(query.as_bytes()).map(Iterator::collect).unwrap_or_default();
        credentials::query(fields.iter().map(|(name, value)| (&**name, &**value)), QUERY_TOKEN)
    }
}

/// Whether the request comes from a page of this hub: a cookie is as good there as anything else.
fn is_own_page(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin_of(headers);
    let authority = origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    authority.zip(host).is_some_and(|(page, hub)| page.eq_ignore_ascii_case(hub))
}

/// The answer to somebody who is not let in, and its log line.
fn refuse(refusal: &Refusal, action: Action) -> Problem {
    let problem = Problem::from(refusal);
    match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE => tracing::warn!(%action, reason = %refusal, "nobody can be let in"),
        status => tracing::info!(%action, status = status.as_u16(), reason = %refusal, "refused"),
    }
    problem
}
