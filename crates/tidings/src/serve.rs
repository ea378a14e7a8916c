//! `tidings serve`: the hub and everything around it, from start to end.

mod console;
mod demo;
mod exchange;
mod fronts;
mod history;
mod listen;
mod machine;
mod memory;
mod pinned;
mod reload;
mod service;
mod settings;
mod signals;
mod stop;

use std::{os::fd::OwnedFd, sync::Arc, time::Instant};

use anyhow::Context as _;
use axum::Router;
use tidings_auth::{Authority, Dialects};
use tidings_http::{
    Echo, Loads, PartStatus, Parts, Presence, Quotas, Routes, Server, Status, admin, administrators_only,
    app, figures, health, mercure, native, probe, pusher, topics,
};
use tidings_hub::{Hub, Log};
use tidings_sources::Sources;
use tokio::runtime::Handle;

pub(crate) use self::{exchange::Successor, listen::Inherited, signals::Signals};
use self::{
    listen::{Listeners, Open},
    signals::Wish,
};
use crate::{
    config::{Config, Overrides},
    logs,
};

/// How a hub has ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It was stopped.
    Stopped,
    /// It was stopped for another program to take its place, with these listening sockets.
    Exchanged(Vec<(String, OwnedFd)>),
}

/// Runs the hub until it is told to stop. Once it accepts connections it prints `listening on http://ADDRESS` to
/// standard output, a line for each address. `overrides` are what the configuration is read by anew.
pub(crate) async fn run(
    config: Config,
    overrides: &Overrides,
    inherited: Inherited,
    mut signals: Signals,
    successor: &Successor,
) -> anyhow::Result<End> {
    let mut serving = tokio::select! {
        serving = Serving::start(config, inherited) => serving?,
        // The log may take long to be looked through.
        () = told_to_stop(&mut signals) => {
            tracing::info!("stopped while it started");
            logs::flush();
            std::process::exit(0);
        }
    };
    service::ready("serving");
    let hub = serving.hub.clone();
    let life = async {
        let is_exchanged = loop {
            match signals.next().await {
                Wish::Stop => break false,
                Wish::Reload => match signals.unless_told_to_stop(reload::read(overrides)).await {
                    Some(config) => serving.reload(config).await,
                    None => break false,
                },
                Wish::Exchange => match signals.unless_told_to_stop(successor.check()).await {
                    None => break false,
                    Some(Ok(())) => break true,
                    Some(Err(error)) => tracing::error!(
                        reason = format!("{error:#}"),
                        "the program on disk cannot take over: the hub goes on as before"
                    ),
                },
            }
        };
        signals.insist();
        match is_exchanged {
            false => {
                tracing::info!("stopping: subscribers are told to come back");
                service::stopping();
                serving.stop(drop).await;
                Ok(End::Stopped)
            }
            true => {
                tracing::info!("the program is exchanged: subscribers are told to come back");
                service::reloading("the program is exchanged");
                let sockets = serving.stop(|mut kept| kept.hand_over()).await;
                Ok(End::Exchanged(sockets.context("the listening sockets cannot be handed over")?))
            }
        }
    };
    let end = tokio::select! {
        end = life => end,
        never = service::watchdog(&hub) => match never {},
    };
    tracing::info!("stopped");
    end
}

async fn told_to_stop(signals: &mut Signals) {
    while signals.next().await != Wish::Stop {
        tracing::warn!("a signal has come while the hub starts, and is not obeyed");
    }
}

/// A hub that runs, and everything around it.
struct Serving {
    config: Config,
    /// What was configured at the start: of some settings, what is in force.
    started_with: Config,
    /// Where the hub answers from its own machine.
    own_address: String,
    log: Arc<dyn Log>,
    authority: Authority,
    hub: Hub,
    server: Server,
    sources: Sources,
    status: Status,
    presence: Option<Presence>,
    echo: Option<Echo>,
    public: Routes,
    admin: Routes,
    /// Whether operators are answered at addresses of their own.
    has_admin: bool,
    open: Open,
    quotas: Arc<Quotas>,
    /// Held to go on.
    _memory: memory::Watch,
}

impl Serving {
    /// Starts. What can be refused comes first (addresses, then the log), so that a hub that cannot run has not shown
    /// itself; sources start when there is somewhere to poll.
    async fn start(config: Config, inherited: Inherited) -> anyhow::Result<Self> {
        let started = Instant::now();
        let room = machine::room(&config);
        let listeners = Listeners::bind(&config, inherited).await?;
        let log = history::open(&config).await?;
        let authority = fronts::authority(&config)?;
        let hub = Hub::start(log.clone(), settings::hub(&config)).context("the hub cannot start")?;
        let mut server = Server::new(settings::server(&config, room), config.stream.hand_over);
        let own_address = listeners.own_address();
        let configured = demo::with_own(&config, &own_address)?;
        let sources = tidings_sources::start(&configured, &hub, &Handle::current())
            .context("a [[source]] is at fault")?;
        let status = Status {
            hub: hub.clone(),
            parts: parts(&sources),
            server: server.stats(),
            version: env!("CARGO_PKG_VERSION"),
            open: config.is_open,
            demo: config.demo,
            started,
            loads: Arc::new(Loads::first()),
        };
        let quotas = Arc::new(Quotas::new(fronts::quotas(&config), status.server.hits().clone()));
        let memory = memory::watch(&quotas);
        let access = fronts::access(&config, &quotas);
        let presence = fronts::presence(&config, &hub);
        let echo = fronts::echo(&config, &hub, &authority, status.server.hits());
        let has_admin = listeners.has_admin();
        let (public, admin) =
            routes(&config, has_admin, &authority, presence.clone(), echo.as_ref(), status.clone())?;
        let (public, admin) = (Routes::new(app(public, &access)), Routes::new(app(admin, &access)));
        let open = listeners.serve(&mut server, &public, &admin, &config)?;
        let started_with = config.clone();
        Ok(Self {
            config,
            started_with,
            own_address,
            log,
            authority,
            hub,
            server,
            sources,
            status,
            presence,
            echo,
            public,
            admin,
            has_admin,
            open,
            quotas,
            _memory: memory,
        })
    }
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
