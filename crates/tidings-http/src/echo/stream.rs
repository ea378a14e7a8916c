//! `GET /wave`: the stream.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{extract::State, response::Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde_json::json;
use tidings_auth::{Action, Holder};
use tidings_hub::{Naming, Opening, Start, Subscription, Unknown};
use tidings_stream::Frame;

use super::{
    Echo,
    asked::Asked,
    bucket::Bucket,
    channel::Channel,
    connection::{CHANGES_A_SECOND, CHANGES_AT_ONCE, Connection, Former, lock},
    connections::Shared,
    holding::{self, Base, Holdings},
    record::Record,
    requests::SOCKET_HEADER,
    rights::{Caller, Decision},
};
use crate::{
    problem::Problem,
    stream::{self, Carrier},
    visitor::Visitor,
};

/// The event that a stream begins with; its data is the socket id.
const CONNECTED: &str = "general.connected";
/// The event that tells of a channel that was asked for and is not heard.
const DENIED: &str = "tidings.denied";
/// How many socket ids of before are remembered.
const MAX_FORMER: usize = 8;

/// A stream that may begin.
struct Admitted {
    base: Base,
    holdings: Holdings,
    denied: Vec<(Channel, Problem)>,
    former: Option<Former>,
    holder: Holder,
}

pub(super) async fn stream(
    State(echo): State<Echo>,
    carrier: Carrier,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if carrier.is_overloaded() {
        return Ok(stream::no_room(&Naming::Channel));
    }
    let shared = &echo.0;
    let asked = Asked::read(uri.query(), &headers)?;
    let visitor = shared.identify(&uri, &headers).await;
    let admitted = match visitor {
        // A HEAD takes nobody's place.
        Ok(visitor) if method == Method::HEAD => {
            return shared.settings().gate.may_be_known(&visitor, Action::Subscribe).map(|()| stream::head());
        }
        Ok(visitor) => shared.admit(&visitor, &headers, &asked).await,
        Err(problem) => Err(problem),
    };
    match admitted {
        Ok(admitted) => shared.begin(carrier, admitted, asked.start).await,
        // Nobody can say now whether it may: clients give up on what is a 4xx, and come back at once after others.
        Err(problem) if problem.status() == StatusCode::SERVICE_UNAVAILABLE => {
            Ok(stream::no_room(&Naming::Channel))
        }
        Err(problem) => Err(problem),
    }
}

impl Shared {
    /// What the stream may hear of what is asked for, by today's rights.
    async fn admit(
        &self,
        visitor: &Visitor,
        headers: &HeaderMap,
        asked: &Asked,
    ) -> Result<Admitted, Problem> {
        let settings = self.settings();
        let gate = &settings.gate;
        gate.may_be_known(visitor, Action::Subscribe)?;
        let (base, holder) = match &asked.channels {
            Some(_) => named(visitor),
            None => self.unnamed(visitor, headers).await?,
        };
        let former = match &asked.former {
            Some(socket) => Some(self.former(socket.clone()).await?),
            None => None,
        };
        let nothing = Record::default();
        let before = former.as_ref().map_or(&nothing, |former| &former.record);
        let named = asked.channels.clone();
        let (is_told, is_resumed) = (named.is_some(), asked.start != Start::Live);
        let wanted = named.unwrap_or_else(|| before.channels.keys().cloned().collect());
        let caller = Caller { shared: self, visitor, headers, former: before };
        let (mut holdings, mut denied) = (Holdings::new(), Vec::new());
        let decisions = caller.decide(wanted).await?;
        if let Some(former) = former.as_ref().filter(|_| is_resumed) {
            self.wait_for_answers(caller, former, &decisions)?;
        }
        for (channel, decision) in decisions {
            match decision {
                Ok(holding) => drop(holdings.insert(channel, holding)),
                Err(problem) if is_told => denied.push((channel, problem)),
                // The client will ask for it again, and is told then.
                Err(_) => {}
            }
        }
        Ok(Admitted { base, holdings, denied, former, holder })
    }

    /// Lets nobody in without the channels that it had for whom the application answers nothing, as long as that may be for a
    /// moment. Where it answers something, it is there.
    fn wait_for_answers(
        &self,
        caller: Caller<'_>,
        former: &Former,
        decisions: &[Decision],
    ) -> Result<(), Problem> {
        let asked = || decisions.iter().filter(|(channel, _)| caller.is_question(channel));
        let failed = asked()
            .filter_map(|(_, decision)| decision.as_ref().err())
            .find(|problem| is_unavailable(problem));
        let had = |channel: &Channel| former.record.channels.contains_key(channel);
        let is_away = asked().any(|(channel, _)| had(channel))
            && asked().all(|(_, decision)| decision.as_ref().is_err_and(is_unavailable));
        let mut patience = lock(&self.patience);
        match failed.filter(|_| is_away && patience.is_left(&former.socket, Instant::now())) {
            Some(problem) => Err(problem.clone()),
            None => {
                patience.end(&former.socket);
                Ok(())
            }
        }
    }

    /// What is heard without being named.
    async fn unnamed(&self, visitor: &Visitor, headers: &HeaderMap) -> Result<(Base, Holder), Problem> {
        let settings = self.settings();
        let (gate, selection) = (&settings.gate, settings.channels.clone());
        let is_empty = selection.is_empty();
        match gate.may_subscribe(visitor.clone(), headers, &selection).await {
            Ok(admission) => {
                let (public, bearer, expires) =
                    (admission.read.public.clone(), admission.bearer, admission.expires);
                Ok((Base { selection, public, bearer, expires }, admission.holder))
            }
            // There may be channels that the application allows.
            Err(problem) if is_refused(&problem) && (gate.asks() || is_empty) => Ok(named(visitor)),
            Err(problem) => Err(problem),
        }
    }

    async fn begin(
        self: &Arc<Self>,
        carrier: Carrier,
        admitted: Admitted,
        start: Start,
    ) -> Result<Response, Problem> {
        let Admitted { base, holdings, denied, former, holder } = admitted;
        let change = holding::change(&base, &holdings);
        let Some(place) = carrier.place(change.bearers.iter().map(|bearer| &**bearer)) else {
            return Ok(stream::no_room(&Naming::Channel));
        };
        let (socket, companion, is_over) = self.reserve();
        let before =
            former.iter().flat_map(|former| [&former.socket].into_iter().chain(&former.record.former));
        let before: Vec<_> = before.take(MAX_FORMER).cloned().collect();
        let holder = match change.bearers.iter().find_map(|bearer| bearer.user.as_ref()) {
            Some(user) => Holder::User(user.to_string()),
            None => holder,
        };
        let topics = change.selection.to_string();
        let subscription = Subscription {
            // With a cursor that nobody knows the client may have had everything, and it acts on each event.
            unknown: Unknown::ResetKnown,
            opening: Some(Opening {
                event: CONNECTED.into(),
                data: socket.text().unwrap_or_default().into(),
                retry: self.settings().retry,
            }),
            prelude: prelude(denied),
            read: change.read,
            bearers: change.bearers,
            expires: change.expires,
            lifetime: self.settings().lifetime.map(stream::jittered),
            companion: stream::companion(place, Some(companion)),
            naming: Naming::Channel,
            sockets: [&socket]
                .into_iter()
                .chain(&before)
                .filter_map(|one| one.text().map(Into::into))
                .collect(),
            ..Subscription::new(change.selection, start)
        };
        let accepted = match self.hub.accept(subscription).await {
            Ok(accepted) => accepted,
            Err(error) => return stream::refused(error, &Naming::Channel),
        };
        self.keep(&socket, &Holdings::new(), &holdings, &before).await?;
        let (now, whisper_rate) = (Instant::now(), self.settings().whisper_rate.get());
        let connection = Connection {
            socket: socket.clone(),
            former: before,
            base,
            handle: accepted.handle(),
            is_over,
            holdings: Mutex::new(holdings),
            changing: tokio::sync::Mutex::default(),
            joining: tokio::sync::Mutex::default(),
            whispers: Mutex::new(Bucket::full(whisper_rate, whisper_rate, now)),
            changes: Mutex::new(Bucket::full(CHANGES_A_SECOND, CHANGES_AT_ONCE, now)),
        };
        self.enter(connection, former);
        let mut response = carrier.begin(accepted, &topics, &holder);
        if let Some(Ok(socket)) = socket.text().map(HeaderValue::from_str) {
            response.headers_mut().insert(SOCKET_HEADER, socket);
        }
        Ok(response)
    }
}

fn is_unavailable(problem: &Problem) -> bool {
    problem.status() == StatusCode::SERVICE_UNAVAILABLE
}

fn is_refused(problem: &Problem) -> bool {
    matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// The base of a stream that hears the channels that it names and nothing else.
fn named(visitor: &Visitor) -> (Base, Holder) {
    match visitor {
        Visitor::Known(grant) => {
            let (bearer, expires) = (Some(grant.bearer.clone()), grant.expires);
            (Base { bearer, expires, ..Base::default() }, grant.holder.clone())
        }
        Visitor::Anybody => (Base::default(), Holder::Everybody),
        Visitor::Stranger | Visitor::Claimant => (Base::default(), Holder::Anonymous),
    }
}

fn prelude(denied: Vec<(Channel, Problem)>) -> Bytes {
    let mut prelude = BytesMut::new();
    for (channel, problem) in denied {
        let data = json!({
            "channel": channel.name(),
            "status": problem.status().as_u16(),
            "detail": problem.into_detail(),
        });
        let frame = Frame { event: Some(DENIED), data: Some(&data.to_string()), ..Frame::default() };
        // JSON can always be data.
        if let Err(error) = frame.encode(&mut prelude) {
            tracing::error!(%error, "a stream's first frames cannot be encoded");
        }
    }
    prelude.freeze()
}
