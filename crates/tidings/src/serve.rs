//! `tidings serve`: the hub and everything around it, from start to end.

mod console;
mod demo;
mod fronts;
mod history;
mod listen;
mod machine;
mod memory;
mod stop;

use std::{sync::Arc, time::Instant};

use anyhow::Context as _;
use axum::Router;
use tidings_auth::{Authority, Dialects};
use tidings_http::{
    Echo, Limits, PartStatus, Parts, Presence, Quotas, Routes, Server, Status, admin, administrators_only,
    app, figures, health, mercure, native, probe, pusher, topics,
};
use tidings_hub::{Hub, Settings};
use tidings_sources::Sources;
use tokio::runtime::Handle;

pub(crate) use self::listen::Inherited;
use self::listen::{Listeners, Open};
use crate::config::Config;

/// Runs the hub until it is told to stop. Once it accepts connections it prints `listening on http://ADDRESS` to
/// standard output, a line for each address.
///
/// The order of the start: what can be refused comes first (addresses, then the log), so that a hub that cannot run
/// has not shown itself; sources start when there is somewhere to poll. The order of the end: sources first, then the
/// subscribers, then the log, so that what was received is kept.
pub(crate) async fn run(config: Config, inherited: Inherited) -> anyhow::Result<()> {
    let started = Instant::now();
    let room = machine::room(&config);
    let listeners = Listeners::bind(&config, inherited).await?;
    let log = history::open(&config).await?;
    let authority = fronts::authority(&config)?;
    let hub = Hub::start(log.clone(), hub_settings(&config)).context("the hub cannot start")?;
    let mut server = Server::new(server_limits(&config, room), config.stream.hand_over);
    let sources = start_sources(&config, &hub, &listeners)?;
    let status = Status {
        hub: hub.clone(),
        parts: parts(&sources),
        server: server.stats(),
        version: env!("CARGO_PKG_VERSION"),
        open: config.is_open,
        demo: config.demo,
        started,
    };
    let quotas = Arc::new(Quotas::new(fronts::quotas(&config), status.server.hits().clone()));
    let _memory = memory::watch(&quotas);
    let access = fronts::access(&config, &quotas);
    let presence = fronts::presence(&config, &hub);
    let echo = fronts::echo(&config, &hub, &authority, status.server.hits());
    let (public, admin) =
        routes(&config, listeners.has_admin(), &authority, presence.clone(), echo.as_ref(), status)?;
    let (public, admin) = (Routes::new(app(public, &access)), Routes::new(app(admin, &access)));
    let Open { kept, .. } = listeners.serve(&mut server, &public, &admin, &config)?;

    stop::asked_for().await;
    drop(kept);
    sources.stop().await;
    hub.drain(config.stream.drain_window);
    server.shut_down(config.stream.drain_time).await;
    if let Some(presence) = presence
        && tokio::time::timeout(fronts::ANNOUNCE, fronts::all_announced(&hub, &presence)).await.is_err()
    {
        tracing::warn!("not everybody's leave could be announced");
    }
    if let Some(echo) = echo
        && tokio::time::timeout(fronts::ANNOUNCE, echo.settled()).await.is_err()
    {
        tracing::warn!("not everybody's leave of a channel could be announced");
    }
    log.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// The routes for everybody, and those of the admin listeners, if there are any.
fn routes(
    config: &Config,
    has_admin: bool,
    authority: &Authority,
    presence: Option<Presence>,
    echo: Option<&Echo>,
    status: Status,
) -> anyhow::Result<(Router, Router)> {
    let (hub, hits) = (status.hub.clone(), status.server.hits().clone());
    let gate = fronts::gate(config, authority, &hits);
    let operators = topics(hub.clone()).merge(figures(status.clone()));
    let rights = admin(hub.clone(), authority.clone(), &gate);
    let mut public = native(hub.clone(), fronts::native(config, gate.clone(), &hits)?)
        .merge(health(status.clone()))
        .merge(probe(hub.clone(), fronts::probe(config)))
        .merge(console::routes());
    if config.mercure.dialects != Dialects::default() {
        public = public.merge(mercure(hub, authority.clone(), fronts::mercure(config, presence, &hits)));
    }
    public = public.merge(pusher(status.hub.clone(), fronts::pusher(config, echo, &hits)));
    if let Some(front) = echo {
        public = public.merge(tidings_http::echo(front));
    }
    if config.demo {
        public = public.merge(console::demo_pages()).merge(demo::data());
    }
    Ok(match has_admin {
        false => (public.merge(administrators_only(operators, &gate)).merge(rights), Router::new()),
        true => (public, operators.merge(rights).merge(health(status))),
    })
}

fn hub_settings(config: &Config) -> Settings {
    Settings {
        heartbeat: config.stream.heartbeat,
        stall: config.limits.stall,
        expiry_notice: config.auth.expiry_notice,
        subscriber_bytes: config.limits.subscriber_bytes,
        page_bytes: config.limits.page_bytes,
        max_subscribers: config.limits.connections as u64,
        max_selectors: config.limits.topics_per_subscription,
        max_patterns: config.limits.patterns_per_subscription,
        lengths: config.limits.lengths.clone(),
        ..Settings::default()
    }
}

/// `room` is how many connections the machine allows.
fn server_limits(config: &Config, room: u64) -> Limits {
    Limits {
        max_connections: room,
        max_per_address: config.limits.connections_per_address as u64,
        max_head: config.limits.head,
        head_time: config.limits.head_time,
        max_streams: config.limits.streams_per_connection,
        write_stall: config.limits.stall,
        send_buffer: config.limits.send_buffer,
    }
}

fn start_sources(config: &Config, hub: &Hub, listeners: &Listeners) -> anyhow::Result<Sources> {
    let mut configs = config.sources.clone();
    if config.demo {
        let address = listeners.own_address();
        anyhow::ensure!(!address.is_empty(), "--demo needs an address to listen on without TLS");
        configs.extend(demo::sources(&address, config.default_topic.as_str())?);
    }
    tidings_sources::start(&configs, hub, &Handle::current()).context("a [[source]] is at fault")
}

/// The sources, as the status routes tell of them.
fn parts(sources: &Sources) -> Parts {
    let monitor = sources.monitor();
    Arc::new(move || {
        let part = |source: tidings_sources::SourceStatus| PartStatus {
            name: source.name,
            kind: source.kind,
            state: source.state.as_str(),
            detail: source.detail,
            ready: source.state.is_ready(),
            events: source.events,
            failures: source.failures,
            dropped: source.dropped,
            altered: source.altered,
        };
        monitor.status().into_iter().map(part).collect()
    })
}
