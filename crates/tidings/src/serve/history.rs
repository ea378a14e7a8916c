//! The log, opened as configured.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tidings_http::Presence;
use tidings_hub::{Log, Pattern};
use tidings_log::{Disk, DiskSettings, Memory, Retention, TopicRule};

use crate::config::{Config, Durability, Engine};

/// How long announcements of who subscribes can be replayed, unless a `[[topic]]` says otherwise. Each subscriber has
/// topics of its own, with two events each: what matters is when they are forgotten.
const PRESENCE_AGE: Duration = Duration::from_secs(60 * 60);

/// Opens the log.
///
/// # Errors
/// When the directory cannot be used, another process has it, or what it holds is damaged.
pub(super) async fn open(config: &Config) -> anyhow::Result<Arc<dyn Log>> {
    let retention = retention(config)?;
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

fn retention(config: &Config) -> anyhow::Result<Retention> {
    let rule = |rule: &crate::config::TopicRule| TopicRule {
        pattern: rule.pattern.clone(),
        events: rule.events,
        age: rule.age,
    };
    let mut topics: Vec<_> = config.topics.iter().map(rule).collect();
    if config.mercure.subscriptions {
        // The first that matches counts: those of the configuration come before.
        let pattern = Pattern::new(Presence::TOPICS)?;
        topics.push(TopicRule { pattern, events: None, age: Some(PRESENCE_AGE) });
    }
    Ok(Retention {
        events: Some(config.history.events),
        age: Some(config.history.age),
        bytes: Some(config.history.bytes),
        topics,
    })
}

#[cfg(test)]
mod tests {
    use tidings_hub::Topic;

    use super::*;
    use crate::config::Overrides;

    /// The age of an announcement's rule.
    fn age(variables: &[(&str, &str)]) -> Option<Duration> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(&Overrides::default(), &variables.collect()).unwrap();
        let topic = Topic::new("/.well-known/mercure/subscriptions/exact/a/urn%3Auuid%3A1").unwrap();
        let rules = retention(&config).unwrap().topics;
        rules.iter().find(|rule| rule.pattern.matches(topic.as_str()))?.age
    }

    #[test]
    fn announcements_are_kept_for_an_hour_unless_a_rule_says_otherwise() {
        let on = ("TIDINGS_MERCURE_SUBSCRIPTIONS", "true");
        let rule = ("TIDINGS_TOPIC", r#"[{pattern="/.well-known/*",age="1d"}]"#);
        assert_eq!(age(&[]), None);
        assert_eq!(age(&[on]), Some(PRESENCE_AGE));
        assert_eq!(age(&[on, rule]), Some(PRESENCE_AGE * 24));
    }
}
