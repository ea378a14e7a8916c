//! The fronts as the configuration wants them, and who may do what on them.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use tidings_auth::Authority;
use tidings_http::{
    Access, Company, Echo, EchoSettings, Gate, GateSettings, Ids, LimitHits, MercureSettings, NativeSettings,
    Presence, ProbeSettings, Proxies, PusherSettings, QuotaSettings, Quotas, mercure_base,
};
use tidings_hub::{Hub, Unknown};

use super::{demo, memory};
use crate::config::{self, Config, TopicRule};

/// Starts the authority. The data directory is there by now: revocations are kept in it.
pub(super) fn authority(config: &Config) -> anyhow::Result<Authority> {
    let authority = Authority::start(config.auth_settings()).context("who may do what cannot be decided")?;
    // Both go by the same settings; were they ever to differ, the hub would be open where nobody is warned.
    ensure!(authority.is_open() == config.is_open, "the configuration is unclear about who may do what");
    Ok(authority)
}

/// Who may talk to the server, and how much.
pub(super) fn access(config: &Config, quotas: &Arc<Quotas>) -> Access {
    Access {
        origins: config.cors.origins.clone(),
        loopback_only: config.is_loopback_only(),
        log: config.logs.access,
        proxies: Proxies { trusted: config.proxies.trusted.clone(), header: config.proxies.header },
        quotas: quotas.clone(),
    }
}

/// What one client may hold and send.
pub(super) fn quotas(config: &Config) -> QuotaSettings {
    let limits = &config.limits;
    QuotaSettings {
        streams_per_address: limits.streams_per_address as u64,
        streams_per_user: limits.streams_per_user as u64,
        publish_rate: limits.publish_rate,
        auth_failures: limits.auth_failures,
        bodies: limits.bodies,
        memory: memory::ceiling(limits.memory),
    }
}

/// The gate of the native front and of the operators' routes.
pub(super) fn gate(config: &Config, authority: &Authority, hits: &Arc<LimitHits>) -> Gate {
    let settings = GateSettings {
        cookie: config.auth.cookie.clone(),
        query: config.auth.query,
        publish_origins: config.auth.publish_origins.clone(),
        url: config.mercure.url.clone(),
        public_urls: config.mercure.public_urls.clone(),
        dialects: config.mercure.dialects,
        hits: hits.clone(),
    };
    Gate::new(authority.clone(), settings)
}

pub(super) fn native(config: &Config, gate: Gate, hits: &Arc<LimitHits>) -> anyhow::Result<NativeSettings> {
    let greeting = |rule: &TopicRule| Some((rule.pattern.clone(), rule.greeting.clone()?));
    let mut greetings: Vec<_> = config.topics.iter().filter_map(greeting).collect();
    if config.demo {
        greetings.push(demo::greeting(config.default_topic.as_str())?);
    }
    Ok(NativeSettings {
        max_body: config.limits.body,
        body_time: config.limits.body_time,
        retry: retry(config),
        lifetime: config.stream.lifetime,
        greetings,
        base: mercure_base(config.mercure.url.as_ref()),
        hits: hits.clone(),
        gate,
        ..NativeSettings::new(config.default_topic.clone())
    })
}

/// What `tidings doctor` is told.
pub(super) fn probe(config: &Config) -> ProbeSettings {
    ProbeSettings { heartbeat: config.stream.heartbeat, origins: config.cors.origins.clone() }
}

/// The Echo front, if the configuration wants it.
pub(super) fn echo(config: &Config, hub: &Hub, authority: &Authority, hits: &Arc<LimitHits>) -> Option<Echo> {
    config.echo.enabled.then(|| Echo::start(hub.clone(), echo_settings(config, authority, hits)))
}

pub(super) fn echo_settings(config: &Config, authority: &Authority, hits: &Arc<LimitHits>) -> EchoSettings {
    let own = &config.echo;
    EchoSettings {
        channels: own.channels.clone(),
        presence_grace: own.presence_grace,
        whisper_rate: own.whisper_rate,
        whisper_size: own.whisper_size,
        max_body: config.limits.body,
        body_time: config.limits.body_time,
        retry: retry(config),
        lifetime: config.stream.lifetime,
        hits: hits.clone(),
        gate: gate(config, authority, hits),
    }
}

/// The Pusher front. Who is in presence channels is the Echo front's to know.
pub(super) fn pusher(config: &Config, echo: Option<&Echo>, hits: &Arc<LimitHits>) -> PusherSettings {
    PusherSettings {
        apps: config.pusher.apps.clone(),
        max_body: config.limits.body,
        body_time: config.limits.body_time,
        hits: hits.clone(),
        company: echo.map(|echo| -> Arc<dyn Company> { Arc::new(echo.clone()) }),
    }
}

/// The reconnection time, in milliseconds.
fn retry(config: &Config) -> Option<u64> {
    config.stream.retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX))
}

/// Who is there, if the configuration wants that told.
pub(super) fn presence(config: &Config, hub: &Hub) -> Option<Presence> {
    config.mercure.subscriptions.then(|| Presence::start(hub.clone(), config.mercure.presence_debounce))
}

pub(super) fn mercure(config: &Config, presence: Option<Presence>, hits: &Arc<LimitHits>) -> MercureSettings {
    let own = &config.mercure;
    MercureSettings {
        dialects: own.dialects,
        url: own.url.clone(),
        public_urls: own.public_urls.clone(),
        cookie: own.cookie.clone(),
        cookie_v0: own.cookie_0x.clone(),
        publish_origins: own.publish_origins.clone(),
        ids: match own.ids {
            config::Ids::Hub => Ids::Hub,
            config::Ids::UrnUuid => Ids::UrnUuid,
        },
        unknown_cursor: match own.unknown_cursor {
            config::UnknownCursor::Everything => Unknown::Everything,
            config::UnknownCursor::Reset => Unknown::ResetLive,
        },
        presence,
        lifetime: config.stream.lifetime,
        max_body: config.limits.body,
        body_time: config.limits.body_time,
        hits: hits.clone(),
        authorization_servers: own.authorization_servers.clone(),
        // Of 0.x it is a part; whoever switches that on has it.
        query_token: own.dialects.v0,
    }
}

/// How long a stopping hub waits until everybody's leave has been announced.
pub(super) const ANNOUNCE: Duration = Duration::from_secs(5);

/// Waits until everybody has left, and that is announced.
pub(super) async fn all_announced(hub: &Hub, presence: &Presence) {
    super::stop::all_gone(hub).await;
    presence.settled().await;
}
