//! The reconnect storm.

use crate::{
    args::Resume,
    bench::{Bench, Cursors},
    clock,
    error::Error,
    report::Report,
};

/// Subscribers leave, miss events, come back at once and catch up.
pub(crate) fn resume(args: &Resume) -> Result<Report, Error> {
    let Resume { subscribers, live, prime, load, listen, common } = args;
    if listen.http2 || common.destination.subscribe_url()?.starts_with("https:") {
        return Err(Error::Options("resume speaks HTTP/1.1 without TLS only".to_owned()));
    }
    let prime = prime.unwrap_or(u64::from(common.destination.is_foreign()));
    let cursors = if prime == 0 { Cursors::FromTheStart } else { Cursors::FromEvents };
    let mut bench = Bench::new("resume", 1, common)?;
    let job = bench.job(load)?;
    let mut crew = bench.subscribe(listen, load, *subscribers, cursors)?;
    let mut publishers = bench.publishers(job)?;
    let all = *subscribers as u64;
    if prime > 0 {
        bench.display.begin("priming", prime * all);
        bench.publish(&mut publishers, Some(&mut crew), prime)?;
        bench.await_all(&mut crew, &publishers)?;
    }
    let primed = crew.progress().delivered;
    let without_cursor = crew.disconnect()?;
    if without_cursor > 0 {
        return Err(Error::Options(format!(
            "{without_cursor} subscribers got no id to resume from: let them get one with --prime 1"
        )));
    }
    bench.display.begin("publishing", load.events);
    bench.publish(&mut publishers, None, load.events)?;

    bench.display.begin("catching up", (prime + load.events + live) * all);
    bench.meter.begin();
    let begun = clock::now();
    crew.begin_to_connect()?;
    if *live > 0 {
        bench.publish(&mut publishers, Some(&mut crew), *live)?;
    }
    bench.await_all(&mut crew, &publishers)?;
    bench.meter.end();
    let outcome = bench.dismiss(crew, Some(&publishers))?;
    bench.time(begun, outcome.last_delivery, outcome.tally.delivered.saturating_sub(primed));
    Ok(bench.finish())
}
