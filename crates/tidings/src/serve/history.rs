//! The log, opened as configured.

use std::sync::Arc;

use anyhow::Context as _;
use tidings_hub::Log;
use tidings_log::{Disk, DiskSettings, Memory, Retention, TopicRule};

use crate::config::{Config, Durability, Engine};

/// Opens the log.
///
/// # Errors
/// When the directory cannot be used, another process has it, or what it holds is damaged.
pub(super) async fn open(config: &Config) -> anyhow::Result<Arc<dyn Log>> {
    let retention = retention(config);
    match config.log.engine {
        Engine::Memory => Ok(Arc::new(Memory::new(retention).context("the log cannot start")?)),
        Engine::Disk => {
            let settings =
                DiskSettings { durability: durability(config), retention, ..DiskSettings::new(&config.data) };
            let log = tokio::task::spawn_blocking(|| Disk::open(settings))
                .await?
                .with_context(|| format!("the history in {} cannot be used", config.data.display()))?;
            let status = log.status();
            tracing::info!(data = %config.data.display(), events = status.next - status.oldest, "the log is open");
            Ok(Arc::new(log))
        }
    }
}

fn durability(config: &Config) -> tidings_log::Durability {
    match config.log.durability {
        Durability::Always => tidings_log::Durability::Always,
        Durability::Interval => tidings_log::Durability::Interval(config.log.flush_interval),
        Durability::None => tidings_log::Durability::None,
    }
}

fn retention(config: &Config) -> Retention {
    let rule = |rule: &crate::config::TopicRule| TopicRule {
        pattern: rule.pattern.clone(),
        events: rule.events,
        age: rule.age,
    };
    Retention {
        events: Some(config.history.events),
        age: Some(config.history.age),
        bytes: Some(config.history.bytes),
        topics: config.topics.iter().map(rule).collect(),
    }
}
