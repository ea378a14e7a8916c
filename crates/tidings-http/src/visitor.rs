//! What somebody may do, on every front: by their key or token, by what everybody may, or by what the application says.

use std::{sync::Arc, time::SystemTime};

use http::{HeaderMap, header::AUTHORIZATION};
use tidings_auth::{
    Action, Asked, Authority, Carrier, Grant, Holder, Presented, Reason, Refusal, RefusalKind,
};
use tidings_hub::{Bearer, ReadRights, Selection, Selector, Topic};

use crate::access;

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) enum Visitor {
    /// Anybody, who may do everything: the hub is open.
    Anybody,
    /// Whom a key or token names.
    Known(Arc<Grant>),
    /// Who has presented nothing.
    Stranger,
    /// Who has presented something that only the application can know, so that its answer is final.
    Claimant,
}

/// What somebody may see, and for how long.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) read: Arc<ReadRights>,
    /// `None` on an open hub, so that nothing is kept for those whom nobody can name.
    pub(crate) bearer: Option<Arc<Bearer>>,
    pub(crate) expires: Option<SystemTime>,
    /// In the words of a log line.
    pub(crate) holder: Holder,
    /// What it comes from, where it comes from one grant.
    pub(crate) grant: Option<Arc<Grant>>,
}

impl Visitor {
    /// Whom a key or token names, or claims to name to the application, if that is given such headers.
    ///
    /// # Errors
    /// When what is presented is not good. It is never taken for nothing.
    pub(crate) async fn identify(
        authority: &Authority,
        presented: &Presented,
        asked: &Asked<'_>,
    ) -> Result<Self, Refusal> {
        match authority.verify(presented, asked).await {
            Ok(grant) => {
                access::asked_by(&grant.holder);
                Ok(Self::Known(grant))
            }
            Err(Refusal { reason: Reason::Unknown { .. } | Reason::UnknownIssuer(_), .. })
                if presented.by == Carrier::Header && authority.knows_by(&AUTHORIZATION) =>
            {
                Ok(Self::Claimant)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Whether the visitor may publish so many publications, to these topics.
    pub(crate) async fn may_publish<'t>(
        &self,
        authority: &Authority,
        headers: &HeaderMap,
        topics: impl IntoIterator<Item = &'t Topic>,
        publications: u32,
    ) -> Result<(), Refusal> {
        let mut topics = topics.into_iter();
        match self {
            Self::Anybody => Ok(()),
            Self::Known(grant) => match topics.find(|topic| !grant.rights.publish.matches(topic)) {
                Some(topic) => Err(not_granted(grant, Action::Publish, topic.as_str())),
                // The body may have come long after the key or token was looked at.
                None if authority.is_revoked(&grant.bearer) => Err(Reason::Revoked.into()),
                None => authority.take(grant, publications),
            },
            Self::Stranger => {
                let rest = not_for_all(authority, topics);
                if rest.is_empty() { Ok(()) } else { ask_to_publish(authority, headers, &rest).await }
            }
            Self::Claimant => {
                let topics: Selection = topics.cloned().map(Selector::Exact).collect();
                match ask_to_publish(authority, headers, &topics).await {
                    // The application is not asked about such things: the claim is as good as none.
                    Err(Refusal { reason: Reason::NotAsked { .. }, .. })
                        if not_for_all(authority, topics.topics()).is_empty() =>
                    {
                        Ok(())
                    }
                    answer => answer,
                }
            }
        }
    }

    /// What the visitor may see of what is asked for. A topic that is named must be one that can be seen; of what is asked
    /// for by patterns, the rest is left out.
    pub(crate) async fn may_subscribe(
        self,
        authority: &Authority,
        headers: &HeaderMap,
        selection: &Selection,
    ) -> Result<Admission, Refusal> {
        match self {
            Self::Anybody => Ok(Admission::everything()),
            Self::Known(grant) => known(grant, selection),
            Self::Stranger => stranger(authority, headers, selection).await,
            Self::Claimant => {
                match ask_to_subscribe(authority, headers, selection, selection.selectors()).await {
                    Err(Refusal { reason: Reason::NotAsked { .. }, .. }) => {
                        stranger(authority, headers, selection).await
                    }
                    answer => answer,
                }
            }
        }
    }

    /// Whether the application is asked before the visitor is let in there.
    pub(crate) fn is_asked_about(
        &self,
        authority: &Authority,
        headers: &HeaderMap,
        selector: &Selector,
    ) -> bool {
        let is_for_all = || {
            let anonymous = authority.anonymous();
            let may_be_known = headers.keys().any(|name| authority.knows_by(name));
            !may_be_known && anonymous.is_some_and(|grant| covers(&grant.rights.read, selector))
        };
        let needs_asking = match self {
            Self::Anybody | Self::Known(_) => false,
            Self::Stranger => !is_for_all(),
            Self::Claimant => true,
        };
        needs_asking && authority.asks_about(Action::Subscribe, selector)
    }
}

/// What of these topics not everybody may publish to.
fn not_for_all<'t>(authority: &Authority, topics: impl IntoIterator<Item = &'t Topic>) -> Selection {
    let anonymous = authority.anonymous();
    let may = |topic: &Topic| anonymous.as_ref().is_some_and(|grant| grant.rights.publish.matches(topic));
    topics.into_iter().filter(|topic| !may(topic)).cloned().map(Selector::Exact).collect()
}

async fn ask_to_publish(authority: &Authority, headers: &HeaderMap, rest: &Selection) -> Result<(), Refusal> {
    if !authority.asks() {
        return Err(Reason::Nothing.into());
    }
    let asked: Vec<Selector> = rest.selectors().collect();
    let grant = authority.ask(headers, Action::Publish, &asked).await?;
    match rest.topics().iter().find(|topic| !grant.rights.publish.matches(topic)) {
        Some(topic) => Err(Reason::Refused { action: Action::Publish, what: topic.to_string() }.into()),
        None => Ok(()),
    }
}

fn known(grant: Arc<Grant>, selection: &Selection) -> Result<Admission, Refusal> {
    let read = &grant.rights.read;
    if let Some(topic) = selection.topics().iter().find(|topic| !read.reaches(topic)) {
        return Err(not_granted(&grant, Action::Subscribe, topic.as_str()));
    }
    if read.is_nothing() {
        return Err(not_granted(&grant, Action::Subscribe, &selection.to_string()));
    }
    Ok(Admission::of(grant))
}

/// Everybody has what anonymous have. For more the application is asked, if there is one: where the request holds
/// something by which it may know the visitor, about everything, because there may be private events to see.
async fn stranger(
    authority: &Authority,
    headers: &HeaderMap,
    selection: &Selection,
) -> Result<Admission, Refusal> {
    let anonymous = authority.anonymous();
    let read = anonymous.as_ref().map_or_else(Arc::default, |grant| grant.rights.read.clone());
    let rest: Vec<Selector> = selection.selectors().filter(|selector| !covers(&read, selector)).collect();
    let is_enough = match anonymous {
        // What is asked for by pattern is what may be seen of it.
        Some(_) => !rest.iter().any(|selector| matches!(selector, Selector::Exact(_))) && !read.is_nothing(),
        None => false,
    };
    let may_be_known = headers.keys().any(|name| authority.knows_by(name));
    let asked = match (authority.asks(), may_be_known) {
        (false, _) => Err(Reason::Nothing.into()),
        (true, true) => ask_to_subscribe(authority, headers, selection, selection.selectors()).await,
        (true, false) if rest.is_empty() => Err(Reason::Nothing.into()),
        (true, false) => ask_to_subscribe(authority, headers, selection, rest).await,
    };
    match (asked, anonymous) {
        (Err(Refusal { kind: RefusalKind::Missing | RefusalKind::Forbidden, .. }), Some(anonymous))
            if is_enough =>
        {
            Ok(Admission::of(anonymous))
        }
        (asked, _) => asked,
    }
}

async fn ask_to_subscribe(
    authority: &Authority,
    headers: &HeaderMap,
    selection: &Selection,
    asked: impl IntoIterator<Item = Selector>,
) -> Result<Admission, Refusal> {
    let asked: Vec<Selector> = asked.into_iter().collect();
    let grant = authority.ask(headers, Action::Subscribe, &asked).await?;
    let anonymous = authority.anonymous().map(|anonymous| anonymous.rights.read.clone());
    let read = Arc::new(grant.rights.read.union(&anonymous.unwrap_or_default()));
    match selection.topics().iter().find(|topic| !read.reaches(topic)) {
        Some(topic) => Err(Reason::Refused { action: Action::Subscribe, what: topic.to_string() }.into()),
        None => Ok(Admission { read, ..Admission::of(grant) }),
    }
}

impl Admission {
    /// That of an open hub.
    pub(crate) fn everything() -> Self {
        let (read, holder) = (ReadRights::everything(), Holder::Everybody);
        Self { read, bearer: None, expires: None, holder, grant: None }
    }

    fn of(grant: Arc<Grant>) -> Self {
        Self {
            read: grant.rights.read.clone(),
            bearer: Some(grant.bearer.clone()),
            expires: grant.expires,
            holder: grant.holder.clone(),
            grant: Some(grant),
        }
    }
}

/// Whether it is clear without asking anybody that these rights are all that the selector needs.
fn covers(read: &ReadRights, selector: &Selector) -> bool {
    match selector {
        Selector::Exact(topic) => read.reaches(topic),
        _ => read.public.is_all(),
    }
}

/// Why somebody who is known may not do this.
pub(crate) fn not_granted(grant: &Grant, action: Action, what: &str) -> Refusal {
    Reason::NotGranted { holder: grant.holder.to_string(), action, what: what.to_owned() }.into()
}
