//! The gate of the native front and of the operators' routes: who is asking, and may they.
//!
//! What a request presents is verified before anything else of it is read; what it may do is asked when it is known what
//! it wants. A bad key or token is refused and never taken for none.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderMap, StatusCode, Uri, header};
use tidings_auth::{
    Action, Asked, Authority, Carrier, Dialects, Presented, Reason, Refusal, RefusalKind, check_origin,
    credentials, origin_of,
};
use tidings_hub::{Publication, Selection, Selector};
use url::Url;

use crate::{
    form,
    limit::{Limit, LimitHits},
    mercure, origin,
    problem::Problem,
    visitor::{Admission, Visitor},
};

/// The query parameter that a token may stand in, where that is allowed.
pub(crate) const QUERY_TOKEN: &str = "access_token";

/// How keys and tokens come in. The default has them in the header alone.
#[derive(Clone, Debug, Default)]
pub struct GateSettings {
    /// The cookie that may hold a token.
    pub cookie: String,
    /// Whether `?access_token=` may hold one. It shows in the logs of proxies.
    pub query: bool,
    /// The origins whose pages may publish with a cookie, besides the hub's own: as [`tidings_auth::is_allowed`] has it.
    pub publish_origins: Vec<String>,
    /// The hub's public URL, which tokens of 1.0 are for whose issuer names no audience, as on the Mercure front. `None`:
    /// the address of each request.
    pub url: Option<Url>,
    /// The public addresses, of which the first is meant where a request is for another.
    pub public_urls: Vec<String>,
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

    /// Whether there is an application to ask.
    pub(crate) fn asks(&self) -> bool {
        self.0.as_ref().is_some_and(|keeper| keeper.authority.asks())
    }

    /// Whether the application is asked before the visitor is let in there.
    pub(crate) fn asks_about(&self, visitor: &Visitor, headers: &HeaderMap, selector: &Selector) -> bool {
        self.0.as_ref().is_some_and(|keeper| visitor.is_asked_about(&keeper.authority, headers, selector))
    }

    /// Whether there is anything that the visitor could be allowed: who presents nothing may be nobody here.
    pub(crate) fn may_be_known(&self, visitor: &Visitor, action: Action) -> Result<(), Problem> {
        let Some(Keeper { authority, .. }) = &self.0 else { return Ok(()) };
        let may_some = authority.anonymous().is_some_and(|grant| match action {
            Action::Publish => !grant.rights.publish.is_empty(),
            Action::Subscribe => true,
        });
        match matches!(visitor, Visitor::Stranger) && !may_some && !authority.asks() {
            true => Err(refuse(&Reason::Nothing.into(), action)),
            false => Ok(()),
        }
    }

    /// Whether a request that publishes may come from where it does, if it brings a cookie that says who it is from.
    pub(crate) fn check_page(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(keeper) = &self.0 else { return Ok(()) };
        let presented = keeper.presented(headers, uri.query());
        let check = presented.and_then(|presented| keeper.check_page(uri, headers, presented.as_ref()));
        check.map_err(|refusal| refuse(&refusal, Action::Publish))
    }

    /// Finds out who is asking.
    pub(crate) async fn identify(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        action: Action,
    ) -> Result<Visitor, Problem> {
        match &self.0 {
            None => Ok(Visitor::Anybody),
            Some(keeper) => {
                keeper.identify(uri, headers, action).await.map_err(|refusal| refuse(&refusal, action))
            }
        }
    }

    /// Whom tokens of 1.0 are for that come with such a request.
    pub(crate) fn audience(&self, uri: &Uri, headers: &HeaderMap) -> String {
        self.0.as_ref().map(|keeper| keeper.audience(uri, headers)).unwrap_or_default()
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
        uri: &Uri,
        headers: &HeaderMap,
        action: Action,
    ) -> Result<(), Problem> {
        let refusal: Refusal = match self.identify(uri, headers, action).await? {
            Visitor::Anybody => return Ok(()),
            Visitor::Known(grant) if grant.admin => return Ok(()),
            Visitor::Known(grant) => Reason::NotAdmin(grant.holder.to_string()).into(),
            Visitor::Stranger | Visitor::Claimant => Reason::Nothing.into(),
        };
        Err(refuse(&refusal, action))
    }
}

impl Keeper {
    async fn identify(&self, uri: &Uri, headers: &HeaderMap, action: Action) -> Result<Visitor, Refusal> {
        let presented = self.presented(headers, uri.query())?;
        if action == Action::Publish {
            self.check_page(uri, headers, presented.as_ref())?;
        }
        let Some(presented) = presented else { return Ok(Visitor::Stranger) };
        let audience = self.audience(uri, headers);
        let asked = Asked { action, audience: &audience, dialects: self.settings.dialects };
        Visitor::identify(&self.authority, &presented, &asked).await
    }

    /// Whether what is authorised by a cookie comes from an allowed page.
    fn check_page(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        presented: Option<&Presented>,
    ) -> Result<(), Refusal> {
        // The application decides by cookies, too.
        let by_cookie = match presented {
            Some(presented) => presented.by == Carrier::Cookie,
            None => headers.contains_key(header::COOKIE) && self.authority.knows_by(&header::COOKIE),
        };
        match by_cookie && !is_own_page(uri, headers) {
            true => check_origin(headers, &self.settings.publish_origins),
            false => Ok(()),
        }
    }

    fn audience(&self, uri: &Uri, headers: &HeaderMap) -> String {
        let GateSettings { url, public_urls, .. } = &*self.settings;
        mercure::audience(uri, headers, url.as_ref(), public_urls)
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

/// Whether the request comes from a page of this hub: a cookie is as good there as anything else. Who can alter what comes
/// over plain HTTP can make such a page of the hub's name, which must not act with the cookie of its page over HTTPS. The
/// other way round it may be that a proxy ends TLS and does not say so.
fn is_own_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let Some(page) = origin_of(headers) else { return false };
    let Some((scheme, host)) = page.split_once("://") else { return false };
    let is_safe = scheme.eq_ignore_ascii_case("https") || origin::scheme(uri, headers) == "http";
    is_safe && origin::authority(uri, headers).is_some_and(|hub| host.eq_ignore_ascii_case(hub.as_str()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_hub_has_its_host_and_is_no_less_safe() {
        for (uri, host, forwarded, origin, expected) in [
            ("/", Some("hub.example:80"), None, "http://hub.example:80", true),
            ("/", Some("hub.example"), None, "http://HUB.example", true),
            ("/", Some("hub.example"), Some("https"), "https://hub.example", true),
            ("/", Some("hub.example"), None, "https://hub.example", true),
            ("/", Some("hub.example"), Some("https"), "http://hub.example", false),
            ("/", Some("hub.example"), None, "http://evil.example", false),
            ("/", Some("hub.example"), None, "null", false),
            ("/", None, None, "http://hub.example", false),
            // HTTP/2 has no Host.
            ("https://hub.example/", None, None, "https://hub.example", true),
            ("https://hub.example/", None, None, "http://hub.example", false),
            ("https://hub.example/", Some("evil.example"), None, "https://evil.example", false),
        ] {
            let headers = [("host", host), ("x-forwarded-proto", forwarded), ("origin", Some(origin))];
            let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let headers =
                headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(is_own_page(&uri.parse().unwrap(), &headers), expected, "{uri} {headers:?}");
        }
    }
}
