//! A certificate from an authority that speaks ACME (RFC 8555): obtained, kept beside the log, and renewed in time.
//!
//! The authority validates the domains on the very listeners that the certificate is for (`tls-alpn-01`, RFC 8737), so that
//! nothing else has to be reachable.

mod account;
mod order;
mod store;

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use tidings_http::Tls;

use self::store::{CERTIFICATE, Store};
use crate::config::Acme;

/// After a failure, how long until the next attempt: doubled each time, from one to the other. Let's Encrypt lets an
/// account fail five times an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long an attempt may take, whatever the authority does.
const ATTEMPT_TIME: Duration = Duration::from_secs(5 * 60);
/// How long to sleep at most. The clock of a machine goes on while it is suspended, and this does not.
const LONGEST_SLEEP: Duration = Duration::from_secs(60 * 60);
const DAY: u64 = 24 * 60 * 60;

/// Keeps the certificate valid that is shown, in the directory of the hub. Never ends.
pub(super) async fn keep(acme: Acme, data: PathBuf, tls: Tls) {
    let keeper = Keeper { store: Store::new(&data), acme, tls };
    let mut is_due = !keeper.resume().await;
    let mut pause = FIRST_PAUSE;
    loop {
        if !is_due {
            keeper.until_due().await;
        }
        is_due = match keeper.attempt().await {
            Ok(()) => {
                tracing::info!(
                    domains = keeper.acme.domains.join(", "),
                    days = keeper.days_left(),
                    "a certificate was obtained, and is in use"
                );
                pause = FIRST_PAUSE;
                false
            }
            Err(error) => {
                tracing::error!(
                    reason = format!("{error:#}"),
                    next_attempt_in = ?pause,
                    days_left = keeper.days_left(),
                    "no certificate could be obtained"
                );
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
                true
            }
        };
    }
}

struct Keeper {
    acme: Acme,
    store: Store,
    tls: Tls,
}

impl Keeper {
    /// Shows what was obtained formerly, and answers whether it is for what is configured now.
    async fn resume(&self) -> bool {
        let outcome = async {
            let Some(kept) = self.store.read(CERTIFICATE).await? else { return Ok(None) };
            self.show().await?;
            anyhow::Ok(Some(kept.starts_with(&self.heading())))
        };
        match outcome.await {
            Ok(Some(is_right)) => is_right,
            Ok(None) => {
                tracing::warn!(
                    domains = self.acme.domains.join(", "),
                    "there is no certificate yet: TLS connections fail until one is obtained"
                );
                false
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::warn!(%reason, "the kept certificate cannot be used: another one is obtained");
                false
            }
        }
    }

    /// Waits until a third of the certificate's time is left.
    async fn until_due(&self) {
        while let Some(left) = self.time_until_due() {
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
        }
    }

    /// `None` when it is to be renewed.
    fn time_until_due(&self) -> Option<Duration> {
        let validity = self.tls.validity()?;
        let time = validity.end.duration_since(validity.start).ok()?;
        let due = validity.end - time / 3;
        due.duration_since(SystemTime::now()).ok().filter(|left| !left.is_zero())
    }

    fn days_left(&self) -> Option<u64> {
        let left = self.tls.expires()?.duration_since(SystemTime::now());
        Some(left.map_or(0, |left| left.as_secs() / DAY))
    }

    async fn attempt(&self) -> anyhow::Result<()> {
        let outcome = tokio::time::timeout(ATTEMPT_TIME, self.obtain()).await;
        self.tls.end_challenges();
        outcome.context("the authority took too long")?
    }

    async fn obtain(&self) -> anyhow::Result<()> {
        let account = account::open(&self.acme, &self.store).await?;
        let pem = match order::fulfil(&account, &self.acme.domains, &self.tls).await {
            Err(error) if account::is_unknown(&error) => {
                account::forget(&self.store).await?;
                return Err(
                    error.context("the authority has lost the account; the next attempt makes another")
                );
            }
            outcome => outcome?,
        };
        self.store.write(CERTIFICATE, format!("{}{pem}", self.heading())).await?;
        self.show().await?;
        // Or one would be ordered after the other.
        ensure!(
            self.time_until_due().is_some(),
            "a certificate was obtained, and would have to be renewed at once: is the clock of this machine right?"
        );
        Ok(())
    }

    async fn show(&self) -> anyhow::Result<()> {
        let tls = self.tls.clone();
        tokio::task::spawn_blocking(move || tls.reload()).await??;
        Ok(())
    }

    /// What the file of a certificate begins with, so that another configuration is recognised. In PEM it is a comment.
    fn heading(&self) -> String {
        format!("{} by {}\n", self.acme.domains.join(", "), self.acme.directory)
    }
}
