//! Connections that are held.

use std::time::{Duration, Instant};

use crate::{
    args::{Idle, Load},
    bench::{Bench, Cursors},
    error::Error,
    report::Report,
};

/// Holds subscribers for a time in which they must hear something now and then, and may broadcast to them at the end.
pub(crate) fn idle(args: &Idle) -> Result<Report, Error> {
    let Idle { subscribers, seconds, max_silence, broadcasts, size, listen, common } = args;
    let load = Load { events: *broadcasts, publishers: 1, rate: None, size: *size, batch: 1, pipeline: 1 };
    let mut bench = Bench::new("idle", 1, common)?;
    let job = if *broadcasts > 0 { Some(bench.job(&load)?) } else { None };
    let mut crew = bench.subscribe(listen, &load, *subscribers, Cursors::None)?;
    bench.display.begin("holding", *seconds);
    let begun = Instant::now();
    let end = Duration::from_secs(*seconds);
    crew.watch(
        || begun.elapsed() >= end,
        |_| {
            bench.display.reach(begun.elapsed().as_secs());
            bench.meter.look();
        },
    )?;
    let mut publishers = None;
    if let Some(job) = job {
        bench.display.begin("delivering", broadcasts * *subscribers as u64);
        let publishers = publishers.insert(bench.publishers(job)?);
        bench.deliver(&mut crew, publishers, *broadcasts)?;
    }
    let outcome = bench.dismiss(crew, publishers.as_ref())?;
    bench.report.seconds = begun.elapsed().as_secs_f64().min(end.as_secs_f64());
    let silence = outcome.longest_silence;
    bench.report.longest_silence_seconds = Some(silence.as_secs_f64());
    if silence > *max_silence {
        let text = format!(
            "a subscriber heard nothing for {:.1} s, and --max-silence is {}",
            silence.as_secs_f64(),
            humantime::format_duration(*max_silence)
        );
        bench.report.faults.push(text);
    }
    Ok(bench.finish())
}
