//! `kind = "clock"`: the time at regular intervals.

use std::time::Duration;

use jiff::{Timestamp, tz::Offset};
use tidings_hub::Topic;
use tokio::time::sleep;

use crate::{
    events,
    form::{Form, Input},
    running::Context,
};

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) topic: Topic,
    pub(crate) every: Duration,
    pub(crate) offset: Offset,
    pub(crate) form: Form,
}

/// Publishes at each tick, until told to stop.
pub(crate) async fn run(plan: Plan, context: &Context) {
    events::works(&context.source);
    tokio::select! {
        () = tick(&plan, context) => {}
        () = context.stopped() => {}
    }
}

async fn tick(plan: &Plan, context: &Context) {
    let offset_ms = i64::from(plan.offset.seconds()) * 1000;
    // At most a year, says the configuration's check.
    let every_ms = plan.every.as_millis() as i64;
    let mut last = i64::MIN;
    loop {
        let now = Timestamp::now().as_millisecond() + offset_ms;
        let next = next_tick(now, last, every_ms);
        sleep(Duration::from_millis(next.saturating_sub(now).unsigned_abs())).await;
        last = next;
        // The tick's own time, not the few milliseconds later at which the timer fires. The clock is within the range
        // of timestamps, and so is the clock and a tick.
        let time = Timestamp::from_millisecond(next - offset_ms).unwrap_or_else(|_| Timestamp::now());
        let input = Input { data: b"", channel: "", now: time };
        let publication = plan.form.make(plan.topic.clone(), input, &context.source);
        context.outbox.push(publication, &context.source).await;
    }
}

/// The next whole multiple of `every`, and never the last tick again, though a timer may fire early. If the clock was
/// set back, the last tick does not count. All in milliseconds.
fn next_tick(now: i64, last: i64, every: i64) -> i64 {
    let next = (now.div_euclid(every) + 1) * every;
    if last.checked_sub(now).is_some_and(|early| (0..every).contains(&early)) {
        return next.max(last + every);
    }
    match now.rem_euclid(every) {
        0 => now,
        _ => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_whole_multiples() {
        assert_eq!(next_tick(12_345, i64::MIN, 10_000), 20_000);
        assert_eq!(next_tick(20_000, 10_000, 10_000), 20_000);
        assert_eq!(next_tick(20_003, 20_000, 10_000), 30_000);
        assert_eq!(next_tick(-1, i64::MIN, 10), 0);
    }

    #[test]
    fn a_timer_that_fires_early_does_not_repeat_a_tick() {
        assert_eq!(next_tick(19_999, 20_000, 10_000), 30_000);
        assert_eq!(next_tick(20_000, 20_000, 10_000), 30_000);
    }

    #[test]
    fn missed_ticks_are_skipped() {
        assert_eq!(next_tick(57_000, 20_000, 10_000), 60_000);
    }

    #[test]
    fn a_clock_set_back_is_followed() {
        assert_eq!(next_tick(12_345, 3_600_000, 10_000), 20_000);
    }
}
