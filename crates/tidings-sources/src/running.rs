//! The sources of a running hub: start, status, stop.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tidings_hub::Hub;
use tokio::{runtime::Handle, sync::watch, task::JoinSet, time::timeout};

use crate::{
    config::SourceConfig,
    events,
    invalid::InvalidSource,
    outbox::Outbox,
    plan::Plan,
    status::{SourceStatus, Tracker},
};

/// How long a stopping source may take to hand what it has to the log.
const DRAIN: Duration = Duration::from_secs(2);
/// How long all sources together may take to stop, before their tasks are aborted. Longer than what each step of a
/// source may take: a command's second of grace and [`DRAIN`].
const STOP: Duration = Duration::from_secs(5);

/// Running sources. Dropping them stops them at once; [`Sources::stop`] lets them finish.
#[derive(Debug)]
pub struct Sources {
    trackers: Vec<Arc<Tracker>>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Tells how sources are. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Monitor(Arc<[Arc<Tracker>]>);

impl Monitor {
    /// How each source is, in the order of the configuration.
    pub fn status(&self) -> Vec<SourceStatus> {
        self.0.iter().map(|tracker| tracker.status()).collect()
    }
}

/// What a source's task is given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) source: Arc<Tracker>,
    pub(crate) outbox: Outbox,
    stop: watch::Receiver<bool>,
}

impl Context {
    /// Resolves when the source has to stop. Dropping the future has no effect.
    pub(crate) async fn stopped(&self) {
        // An error means that the sender is gone, which means stop, too.
        self.stop.clone().wait_for(|stop| *stop).await.ok();
    }
}

/// Starts a source for each configuration, as tasks of the runtime behind `handle`. What a source needs (a server, a
/// URL) does not have to be there: it keeps trying.
///
/// # Errors
/// When a configuration is at fault, as [`SourceConfig::check`]; then none is started.
pub fn start(configs: &[SourceConfig], hub: &Hub, handle: &Handle) -> Result<Sources, InvalidSource> {
    let plans = configs.iter().map(Plan::new).collect::<Result<Vec<_>, _>>()?;
    let (stop, stopped) = watch::channel(false);
    let mut sources = Sources { trackers: Vec::new(), tasks: JoinSet::new(), stop };
    let mut names = HashSet::new();
    for (config, plan) in configs.iter().zip(plans) {
        let tracker = Arc::new(Tracker::new(unique(config.name(), &mut names), config.kind()));
        sources.trackers.push(tracker.clone());
        let context = Context { source: tracker, outbox: Outbox::new(plan.limits()), stop: stopped.clone() };
        sources.tasks.spawn_on(run(plan, context, hub.clone()), handle);
    }
    Ok(sources)
}

/// The name, with a number behind it if another source has it.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let numbered = |number: u64| match number {
        1 => name.clone(),
        number => format!("{name} ({number})"),
    };
    let mut number = 1;
    while !taken.insert(numbered(number)) {
        number += 1;
    }
    numbered(number)
}

/// One source from start to end.
async fn run(plan: Plan, context: Context, hub: Hub) {
    let comes_again = plan.comes_again();
    let publishing = context.outbox.run(&hub, &context.source);
    tokio::pin!(publishing);
    tokio::select! {
        () = plan.run(&context) => {}
        // The log is closed: there is nobody left to publish to.
        () = &mut publishing => return,
    }
    context.outbox.close();
    if timeout(DRAIN, publishing).await.is_err() && !comes_again {
        events::abandoned(&context.source, context.outbox.unpublished());
    }
}

impl Sources {
    /// How each source is, in the order of the configuration.
    pub fn status(&self) -> Vec<SourceStatus> {
        self.trackers.iter().map(|tracker| tracker.status()).collect()
    }

    /// Whether every source is [ready](crate::SourceState::is_ready).
    pub fn is_ready(&self) -> bool {
        self.trackers.iter().all(|tracker| tracker.status().state.is_ready())
    }

    /// A view of the sources for those who ask how they are, also after they were stopped.
    pub fn monitor(&self) -> Monitor {
        Monitor(self.trackers.clone().into())
    }

    /// Stops all sources: no more is received, and what has been is published. Takes five seconds at most; what the
    /// log has not taken by then is dropped, and said so. Dropping the future stops the sources at once.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Out of time, the tasks that remain are aborted by the drop at the end.
        timeout(STOP, all).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut taken = HashSet::new();
        let names: Vec<_> =
            ["a", "a", "b", "a (2)", "a"].map(|name| unique(name.to_owned(), &mut taken)).into();
        assert_eq!(names, ["a", "a (2)", "b", "a (2) (2)", "a (3)"]);
    }
}
