//! What the works are made of: a run with its subscribers, publishers, measurements and report.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use crate::{
    args::{Common, Listen, Load},
    clock,
    crew::Crew,
    error::Error,
    limits,
    marker::Run,
    meter::Meter,
    progress::Display,
    protocol::{Outcome, Plan, Progress, Ready},
    publishers::{Job, Published, Publishers},
    report::Report,
};

/// How long to listen on when everything has come: an event that comes twice comes late.
const SETTLE: Duration = Duration::from_millis(200);
/// Between two looks at publishers when there is nobody else to watch.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A run.
pub(crate) struct Bench<'a> {
    common: &'a Common,
    run: Run,
    pub(crate) meter: Meter,
    pub(crate) display: Display,
    pub(crate) report: Report,
    /// What has been published so far.
    pub(crate) published: Published,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(work: &'static str, topics: u32, common: &'a Common) -> Result<Self, Error> {
        let mut meter = Meter::new(&common.pid)?;
        meter.before();
        Ok(Self {
            common,
            run: Run::new(fastrand::u32(..)),
            meter,
            display: Display::new(common.progress),
            report: Report { work, topics, ..Report::default() },
            published: Published::default(),
        })
    }

    /// The subscribers, subscribed.
    pub(crate) fn subscribe(
        &mut self,
        listen: &Listen,
        load: &Load,
        per_topic: usize,
        cursors: Cursors,
    ) -> Result<Crew, Error> {
        let count = per_topic * self.report.topics as usize;
        let destination = &self.common.destination;
        let default = if destination.is_foreign() { Ready::Head } else { Ready::Bytes };
        let plan = Plan {
            url: destination.subscribe_url()?,
            headers: destination.subscribe_headers.clone(),
            run: self.run.id(),
            publishers: load.publishers.into(),
            topics: destination.topics(self.report.topics),
            per_topic,
            first: 0,
            count,
            ready: if cursors == Cursors::FromTheStart {
                Ready::Cursor
            } else {
                listen.ready.unwrap_or(default)
            },
            wave: listen.wave,
            timeout: self.common.timeout,
            notes_cursors: cursors != Cursors::None,
            http2: listen.http2,
            insecure: listen.insecure,
        };
        self.report.subscribers = count;
        self.report.processes = listen.processes;
        let mut crew = Crew::start(plan, listen.processes)?;
        self.display.begin("subscribing", count as u64);
        crew.connect(|progress| self.display.reach(progress.held as u64))?;
        self.report.held = crew.progress().held;
        if self.report.held == 0 {
            let lost = crew.stop()?.lost;
            return Err(Error::NoneHeld(lost.into_keys().collect::<Vec<_>>().join(", ")));
        }
        self.meter.held();
        Ok(crew)
    }

    /// How to publish. Asked for before anybody subscribes, so that what cannot be done is said at once.
    pub(crate) fn job(&mut self, load: &Load) -> Result<Job, Error> {
        let Load { publishers, rate, size, batch, pipeline, .. } = *load;
        self.report.publishers = publishers;
        self.report.rate = rate;
        self.report.size = size;
        self.report.batch = batch;
        Ok(Job {
            publish: self.common.destination.publish(batch)?,
            run: self.run,
            publishers,
            topics: self.common.destination.topics(self.report.topics),
            size,
            batch,
            pipeline,
            rate,
            timeout: self.common.timeout,
            seed: self.common.seed,
        })
    }

    /// The publishers, connected. That is done when they are needed: servers close connections on which nothing happens.
    pub(crate) fn publishers(&self, job: Job) -> Result<Publishers, Error> {
        limits::make_room(job.publishers.into())?;
        Publishers::connect(job)
    }

    /// Publishes so many events, while `crew` goes on listening, and waits until they are acknowledged.
    pub(crate) fn publish(
        &mut self,
        publishers: &mut Publishers,
        crew: Option<&mut Crew>,
        events: u64,
    ) -> Result<(), Error> {
        self.report.events += events;
        let acknowledged = AtomicU64::new(0);
        let (display, meter) = (&mut self.display, &mut self.meter);
        let published = thread::scope(|scope| {
            let thread = scope.spawn(|| publishers.publish(events, &acknowledged));
            match crew {
                Some(crew) => crew.watch(
                    || thread.is_finished(),
                    |progress| {
                        display.reach(progress.delivered);
                        meter.look();
                    },
                )?,
                None => {
                    while !thread.is_finished() {
                        display.reach(acknowledged.load(Ordering::Relaxed));
                        meter.look();
                        thread::sleep(LOOK_EVERY);
                    }
                }
            }
            let published = thread.join().map_err(|_| Error::Worker("the publishers panicked".to_owned()))?;
            published.map_err(Error::system("the publishers cannot go on"))
        })?;
        if self.published.began == 0 {
            self.published.began = published.began;
        }
        self.published.merge(published);
        Ok(())
    }

    /// Waits until all that was published has come to all who are connected. A run that waits in vain is told by what is
    /// missing then.
    pub(crate) fn await_all(&mut self, crew: &mut Crew, publishers: &Publishers) -> Result<(), Error> {
        let (display, meter) = (&mut self.display, &mut self.meter);
        crew.await_all(publishers.sent(), |progress: Progress| {
            display.reach(progress.delivered);
            meter.look();
        })?;
        Ok(())
    }

    /// Publishes, and waits until everything has come.
    pub(crate) fn deliver(
        &mut self,
        crew: &mut Crew,
        publishers: &mut Publishers,
        events: u64,
    ) -> Result<(), Error> {
        self.meter.begin();
        self.publish(publishers, Some(crew), events)?;
        self.await_all(crew, publishers)?;
        self.meter.end();
        Ok(())
    }

    /// Lets the subscribers go, and fills in what they have found.
    pub(crate) fn dismiss(&mut self, crew: Crew, publishers: Option<&Publishers>) -> Result<Outcome, Error> {
        thread::sleep(SETTLE);
        let outcome = crew.stop()?;
        self.meter.after();
        let report = &mut self.report;
        let per_topic = report.subscribers as u64 / u64::from(report.topics);
        if let Some(publishers) = publishers {
            let acknowledged = (0..report.topics).map(|topic| publishers.sent().acknowledged(topic));
            report.expected = per_topic * acknowledged.sum::<u64>();
        }
        report.count(&outcome.tally);
        report.latency_ms = outcome.latencies.percentiles();
        report.lost_connections = outcome.lost.values().sum();
        report.lost_connection_reasons = outcome.lost.clone();
        report.client.cpu_seconds += outcome.cpu.as_secs_f64();
        Ok(outcome)
    }

    /// Says how fast the deliveries were, from this time on.
    pub(crate) fn time(&mut self, from: u64, to: u64, delivered: u64) {
        self.report.seconds = clock::seconds_between(from, to);
        let is_measured = delivered > 0 && self.report.seconds > 0.0;
        self.report.deliveries_per_second = is_measured.then(|| delivered as f64 / self.report.seconds);
    }

    /// The report, judged.
    pub(crate) fn finish(mut self) -> Report {
        self.display.end();
        let (report, published) = (&mut self.report, self.published);
        report.acknowledged = published.acknowledged;
        report.publish_failures = published.failed();
        let seconds = clock::seconds_between(published.began, published.ended);
        let is_measured = published.acknowledged > 0 && seconds > 0.0;
        report.publishes_per_second = is_measured.then(|| published.acknowledged as f64 / seconds);
        report.publish_latency_ms = published.latencies.percentiles();
        report.publish_failure_reasons = published.failures;
        report.server = self.meter.report(report.held, report.delivered, report.acknowledged);
        report.client.cpu_seconds += clock::own_cpu().as_secs_f64();
        report.judge();
        self.report
    }
}

/// From where subscribers take the id that they resume from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursors {
    /// They do not resume.
    None,
    /// From the beginning of the stream: it must have one.
    FromTheStart,
    /// From events.
    FromEvents,
}
