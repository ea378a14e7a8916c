//! Who asks: what a request presents, by the rules of its dialect (sections 1.6 and 2, "Token").

use std::borrow::Cow;

use http::{HeaderMap, Uri, header};
use tidings_auth::{
    Action, Asked, Carrier, Dialects, Grant, Presented, Reason, Refusal, RefusalKind, check_origin,
    credentials,
};

use super::{Front, bearer_error::Denied, dialect::Dialect, resource::Resource};
use crate::{limit::Limit, visitor::Visitor};

/// 0.x's parameter of the query that carries a token.
pub(super) const QUERY_TOKEN: &str = "authorization";

/// A request, as far as it matters who sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    pub(super) front: &'a Front,
    pub(super) resource: &'a Resource,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
}

impl Caller<'_> {
    /// Finds out who is asking. `dialect` is the request's, where that is known already.
    ///
    /// # Errors
    /// When what is presented is not good. A bad token is never taken for none.
    pub(super) async fn identify(
        &self,
        action: Action,
        dialect: Option<Dialect>,
    ) -> Result<Visitor, Refusal> {
        let authority = &self.front.authority;
        if authority.is_open() {
            return Ok(Visitor::Anybody);
        }
        let on = self.front.settings.dialects;
        let dialects = dialect.map_or(on, |dialect| dialect.tokens(on));
        let Some(presented) = self.presented(dialect, dialects)? else {
            return if self.may_be_nobody(action) {
                Ok(Visitor::Stranger)
            } else {
                Err(Reason::Nothing.into())
            };
        };
        let asked = Asked { action, audience: &self.resource.identifier, dialects };
        Visitor::identify(authority, &presented, &asked).await
    }

    /// Whether there is anything for who presents nothing.
    fn may_be_nobody(&self, action: Action) -> bool {
        let authority = &self.front.authority;
        let may = |grant: &Grant| match action {
            Action::Publish => !grant.rights.publish.is_empty(),
            Action::Subscribe => !grant.rights.read.is_nothing(),
        };
        authority.asks() || authority.anonymous().is_some_and(|grant| may(&grant))
    }

    /// Whether what a publisher presents comes from a page that may. Cookies are sent whoever makes the browser send them,
    /// so what is done with one must come from a trusted page.
    pub(super) fn check_page(&self) -> Result<(), Refusal> {
        let Front { authority, settings, .. } = self.front;
        let by_cookie = match self.presented(None, settings.dialects)? {
            Some(presented) => presented.by == Carrier::Cookie,
            // The application may decide by cookies, too.
            None => authority.knows_by(&header::COOKIE) && self.headers.contains_key(header::COOKIE),
        };
        if authority.is_open() || !by_cookie {
            return Ok(());
        }
        check_origin(self.headers, &settings.publish_origins)
    }

    /// The key or token that the request presents. The first place that has one counts, and is not replaced by another
    /// when it is bad.
    fn presented(&self, dialect: Option<Dialect>, dialects: Dialects) -> Result<Option<Presented>, Refusal> {
        let header = match dialect {
            Some(Dialect::V0) => header_v0(self.headers)?,
            // Where 1.0 is off, whoever publishes speaks 0.x.
            None if !dialects.v1 => header_v0(self.headers)?,
            _ => credentials::bearer(self.headers)?,
        };
        if header.is_some() {
            return Ok(header);
        }
        let settings = &self.front.settings;
        if dialects.v0 && settings.query_token {
            let query = self.uri.query().unwrap_or_default();
            let query: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(query.as_bytes()).collect();
            let parameters = query.iter().map(|(name, value)| (&**name, &**value));
            if let Some(presented) = credentials::query_v0(parameters, QUERY_TOKEN)? {
                return Ok(Some(presented));
            }
        }
        let mut cookies = [(dialects.v1, &settings.cookie), (dialects.v0, &settings.cookie_v0)];
        if dialect == Some(Dialect::V0) {
            cookies.reverse();
        }
        let on = cookies.into_iter().filter(|(is_on, _)| *is_on);
        Ok(on.filter_map(|(_, name)| credentials::cookie(self.headers, name)).next())
    }

    /// The answer to one who is refused.
    pub(super) fn denied(&self, refusal: Refusal, dialect: Dialect) -> Denied {
        if refusal.kind == RefusalKind::TooMany {
            self.front.settings.hits.hit(Limit::KeyRate);
        }
        Denied::new(refusal, dialect, self.resource)
    }
}

/// The header by the rule of 0.x, but that keys of this hub may be shorter than its tokens.
fn header_v0(headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
    match credentials::bearer_v0(headers) {
        Err(Refusal { reason: Reason::TooShort, .. }) => credentials::bearer(headers),
        found => found,
    }
}
