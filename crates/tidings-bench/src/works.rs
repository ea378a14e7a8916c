//! What the tool can do, each in a few steps.

mod idle;
mod resume;

use crate::{
    args::{Fanout, Listen, Load, PublishWork, TopicsWork},
    bench::{Bench, Cursors},
    error::Error,
    report::Report,
};

pub(crate) use idle::idle;
pub(crate) use resume::resume;

/// One topic, all of whose events go to all subscribers.
pub(crate) fn fanout(args: &Fanout) -> Result<Report, Error> {
    let Fanout { subscribers, load, listen, common } = args;
    let bench = Bench::new("fanout", 1, common)?;
    listen_and_publish(bench, listen, load, *subscribers)
}

/// Many topics, each event to the subscribers of one.
pub(crate) fn topics(args: &TopicsWork) -> Result<Report, Error> {
    let TopicsWork { topics, subscribers_per_topic, load, listen, common } = args;
    let bench = Bench::new("topics", *topics, common)?;
    listen_and_publish(bench, listen, load, *subscribers_per_topic)
}

fn listen_and_publish(
    mut bench: Bench<'_>,
    listen: &Listen,
    load: &Load,
    per_topic: usize,
) -> Result<Report, Error> {
    let job = bench.job(load)?;
    let mut crew = bench.subscribe(listen, load, per_topic, Cursors::None)?;
    let mut publishers = bench.publishers(job)?;
    bench.display.begin("delivering", load.events * per_topic as u64);
    bench.deliver(&mut crew, &mut publishers, load.events)?;
    let outcome = bench.dismiss(crew, Some(&publishers))?;
    bench.time(bench.published.began, outcome.last_delivery, outcome.tally.delivered);
    Ok(bench.finish())
}

/// Nobody listens.
pub(crate) fn publish(args: &PublishWork) -> Result<Report, Error> {
    let PublishWork { topics, load, common } = args;
    let mut bench = Bench::new("publish", *topics, common)?;
    let job = bench.job(load)?;
    let mut publishers = bench.publishers(job)?;
    bench.display.begin("publishing", load.events);
    bench.meter.held();
    bench.meter.begin();
    bench.publish(&mut publishers, None, load.events)?;
    bench.meter.end();
    drop(publishers);
    bench.meter.after();
    bench.time(bench.published.began, bench.published.ended, 0);
    Ok(bench.finish())
}
