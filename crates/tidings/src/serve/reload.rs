//! The configuration is read anew while the hub runs: it is applied as a whole, or refused as a whole.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::Router;
use tidings_http::app;
use tokio::task::spawn_blocking;

use super::{Serving, demo, fronts, machine, pinned::pin, routes, service, settings};
use crate::{
    config::{Config, Environment, Overrides},
    logs,
};

/// Reads the configuration, or what is wrong with it. Dropping the future leaves nothing behind.
pub(super) async fn read(overrides: &Overrides) -> Result<Config, Vec<String>> {
    service::reloading("reading the configuration anew");
    let overrides = overrides.clone();
    // Apart, for the disk may be slow, and the watchdog is told by this task that the hub lives.
    match spawn_blocking(move || Config::load(&overrides, &Environment::of_process())).await {
        Ok(Ok(config)) => Ok(config),
        Ok(Err(problems)) => Err(problems.to_string().lines().map(str::to_owned).collect()),
        Err(error) => Err(vec![error.to_string()]),
    }
}

impl Serving {
    /// Goes by the configuration, if there is nothing wrong with it. Open connections stay open; only streams end whose
    /// rights are no more.
    pub(super) async fn reload(&mut self, config: Result<Config, Vec<String>>) {
        let outcome = match config {
            Ok(config) => self.apply(config).await.map_err(|error| vec![format!("{error:#}")]),
            Err(problems) => Err(problems),
        };
        let status = match outcome {
            Ok(()) => {
                self.status.loads.succeeded();
                tracing::info!("the configuration was read anew, and is in force");
                "serving"
            }
            Err(reasons) => {
                self.status.loads.failed();
                reasons.iter().for_each(|reason| tracing::error!(%reason, "the configuration is wrong"));
                tracing::error!("the configuration was refused: the hub goes on as before");
                "serving; the configuration on disk is wrong"
            }
        };
        service::ready(status);
    }

    async fn apply(&mut self, mut config: Config) -> anyhow::Result<()> {
        if config.is_open != self.config.is_open {
            bail!(
                "whether the hub is open to everybody cannot change while it runs: give it keys, or take the last \
                 ones out, and start it again (SIGUSR2 does that without refusing anybody)"
            );
        }
        let waiting = pin(&mut config, &self.started_with);
        // What can be refused comes first.
        let rules = self.authority.prepare(config.auth_settings())?;
        let (public, admin) = self.routes(&config)?;
        let sources = demo::with_own(&config, &self.own_address)?;
        let sources = tidings_sources::prepare(&sources).context("a [[source]] is at fault")?;
        if let Some(tls) = self.open.tls.clone() {
            // The disk may be slow. A certificate that is sound is shown even if the level is not: it would be anyway.
            spawn_blocking(move || tls.reload()).await?.context("tls")?;
        }
        logs::set_level(&config.logs)?;
        self.sources.exchange(sources, &self.hub).await;

        self.authority.exchange(rules);
        self.hub.set(settings::hub(&config));
        let room = match config.limits.connections == self.config.limits.connections {
            true => self.server.limits().load().max_connections,
            false => machine::room(&config),
        };
        self.server.limits().store(Arc::new(settings::server(&config, room)));
        let trusted = config.proxies.protocol.then(|| Arc::new(config.proxies.trusted.clone()));
        self.server.proxies().store(trusted);
        if let Some(echo) = &self.echo {
            echo.set(fronts::echo_settings(&config, &self.authority, self.status.server.hits()));
        }
        self.quotas.set(fronts::quotas(&config));
        let access = fronts::access(&config, &self.quotas);
        self.public.replace(app(public, &access));
        self.admin.replace(app(admin, &access));
        // Whoever came in meanwhile by rules of before is among those who are here by now, or is asked about later.
        let authority = self.authority.clone();
        self.hub.close(Arc::new(move |bearer| authority.is_revoked(bearer)));
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        if !waiting.is_empty() {
            tracing::warn!(
                settings = waiting.join(", "),
                "these have changed and are in force after a restart (SIGUSR2 is one that nobody notices); all \
                 others are in force now"
            );
        }
        self.config = config;
        Ok(())
    }

    fn routes(&self, config: &Config) -> anyhow::Result<(Router, Router)> {
        let (presence, status) = (self.presence.clone(), self.status.clone());
        routes(config, self.has_admin, &self.authority, presence, self.echo.as_ref(), status)
    }
}
