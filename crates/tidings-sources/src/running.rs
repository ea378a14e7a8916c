//! The sources of a running hub: start, status, stop.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tidings_hub::{Front, Hub};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle, time::timeout};

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
    running: Vec<Running>,
    monitor: Monitor,
}

/// One of them.
#[derive(Debug)]
struct Running {
    config: SourceConfig,
    tracker: Arc<Tracker>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tells how sources are. Cloning is cheap; clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Monitor(Arc<RwLock<Vec<Arc<Tracker>>>>);

impl Monitor {
    /// How each source is, in the order of the configuration.
    pub fn status(&self) -> Vec<SourceStatus> {
        let trackers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        trackers.iter().map(|tracker| tracker.status()).collect()
    }

    fn watch(&self, running: &[Running]) {
        let trackers = running.iter().map(|one| one.tracker.clone()).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = trackers;
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
    let Prepared(plans) = prepare(configs)?;
    let mut names = HashSet::new();
    let running: Vec<_> = plans
        .into_iter()
        .map(|(config, plan)| {
            let name = unique(config.name(), &mut names);
            Running::start(config, plan, name, hub, handle)
        })
        .collect();
    let monitor = Monitor::default();
    monitor.watch(&running);
    Ok(Sources { running, monitor })
}

/// Configurations without fault, for [`Sources::exchange`].
#[derive(Debug)]
pub struct Prepared(Vec<(SourceConfig, Plan)>);

/// Looks through configurations, and starts nothing.
///
/// # Errors
/// When one is at fault, as [`SourceConfig::check`].
pub fn prepare(configs: &[SourceConfig]) -> Result<Prepared, InvalidSource> {
    let plans = configs.iter().map(|config| Ok((config.clone(), Plan::new(config)?)));
    plans.collect::<Result<_, _>>().map(Prepared)
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

impl Running {
    fn start(config: SourceConfig, plan: Plan, name: String, hub: &Hub, handle: &Handle) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tracker = Arc::new(Tracker::new(name, config.kind()));
        let context = Context { source: tracker.clone(), outbox: Outbox::new(plan.limits()), stop: stopped };
        let task = handle.spawn(run(plan, context, hub.via(Front::Source)));
        Self { config, tracker, stop, task }
    }
}

/// Lets them finish, all at the same time, and aborts those that take too long.
async fn stop(mut running: Vec<Running>) {
    for one in &running {
        one.stop.send_replace(true);
    }
    let all = async {
        for one in &mut running {
            // However it ended.
            (&mut one.task).await.ok();
        }
    };
    timeout(STOP, all).await.ok();
}

impl Sources {
    /// How each source is, in the order of the configuration.
    pub fn status(&self) -> Vec<SourceStatus> {
        self.monitor.status()
    }

    /// Whether every source is [ready](crate::SourceState::is_ready).
    pub fn is_ready(&self) -> bool {
        self.status().iter().all(|source| source.state.is_ready())
    }

    /// A view of the sources for those who ask how they are, also after they were stopped or exchanged.
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Goes on with these configurations: sources that are configured as before go on as if nothing had happened, others
    /// are stopped, as [`Self::stop`] does, and then those that are new are started. Within a Tokio runtime.
    pub async fn exchange(&mut self, Prepared(plans): Prepared, hub: &Hub) {
        let mut former = std::mem::take(&mut self.running);
        let mut kept: Vec<Option<Running>> = Vec::new();
        for (config, _) in &plans {
            let same = former.iter().position(|running| running.config == *config);
            kept.push(same.map(|place| former.remove(place)));
        }
        stop(former).await;
        let mut names: HashSet<String> = kept.iter().flatten().map(|one| one.tracker.name.clone()).collect();
        let slots = plans.into_iter().zip(kept);
        self.running = slots
            .map(|((config, plan), kept)| {
                kept.unwrap_or_else(|| {
                    let name = unique(config.name(), &mut names);
                    Running::start(config, plan, name, hub, &Handle::current())
                })
            })
            .collect();
        self.monitor.watch(&self.running);
    }

    /// Stops all sources: no more is received, and what has been is published. Takes five seconds at most; what the
    /// log has not taken by then is dropped, and said so. Dropping the future stops the sources at once.
    pub async fn stop(self) {
        stop(self.running).await;
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
