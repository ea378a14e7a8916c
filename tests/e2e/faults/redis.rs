//! Redis that is stopped, restarted and held still, under the sources `redis` and `redis_stream`.
//!
//! What it proves, of the real programs: operators see each of the three in `/readyz` and in the metrics; the sources
//! connect again by themselves; through `redis_stream` every entry that Redis has taken arrives exactly once and in order,
//! over all of it; Pub/Sub goes on with what is published afterwards.
//!
//! What it does not prove: anything about what Redis loses by itself; here it keeps each command before it answers.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use rustix::process::Signal;

use crate::support::{Hub, Redis, wait_until};

const ROUNDS: usize = 2;

#[test]
fn redis_that_goes_away_and_stands_still_costs_nothing() {
    let mut redis = Redis::start_keeping();
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let hub = Hub::configured(&format!(
        "[[source]]\nkind = 'redis_stream'\nname = 'kept'\nurl = '{url}'\nstreams = ['events']\ntimeout = '1s'\n\
         [[source]]\nkind = 'redis'\nname = 'live'\nurl = '{url}'\nchannels = ['news']\ntimeout = '1s'\n\
         [logs]\nlevel = 'error'"
    ));
    let up = |source: &str| hub.metric(&format!("tidings_source_up{{{source}}}"));
    let both = ["source=\"kept\",kind=\"redis_stream\"", "source=\"live\",kind=\"redis\""];
    let all_up = || both.iter().all(|source| up(source) == 1.0) && hub.get("/readyz").status() == 200;
    let none_up = || both.iter().all(|source| up(source) == 0.0) && hub.get("/readyz").status() == 503;
    wait_until("both are connected", all_up);
    let mut entries = hub.listen("topic=events");
    let mut news = hub.listen("topic=news");

    let goes_on = AtomicBool::new(true);
    let port = redis.port;
    let added = thread::scope(|scope| {
        let adding = scope.spawn(|| {
            let mut number = 0_u64;
            while goes_on.load(SeqCst) {
                add(port, number);
                number += 1;
            }
            number
        });
        for round in 0..ROUNDS {
            redis.signal(Signal::STOP);
            wait_until("it is seen that Redis stands still", none_up);
            redis.signal(Signal::CONT);
            wait_until("both are connected again", all_up);
            redis.publish("news", &format!("after a pause {round}"));
            assert_eq!(news.event().data, format!("after a pause {round}"));

            redis.kill();
            wait_until("it is seen that Redis is gone", none_up);
            redis.launch();
            wait_until("both are connected again", all_up);
            redis.publish("news", &format!("after a restart {round}"));
            assert_eq!(news.event().data, format!("after a restart {round}"));
        }
        goes_on.store(false, SeqCst);
        adding.join().unwrap()
    });
    // One more, behind which nothing may come again.
    add(port, added);
    for number in 0..=added {
        assert_eq!(entries.event().data, number.to_string());
    }
    let all = hub.listen("topic=events&last_event_id=earliest").data(usize::try_from(added).unwrap() + 1);
    assert!(all.iter().enumerate().all(|(place, data)| *data == place.to_string()));
}

/// Adds this entry, until Redis has it. By its id Redis knows it if it comes again.
fn add(port: u16, number: u64) {
    let id = format!("{}-1", number + 1);
    wait_until("Redis takes the entry", || {
        let answer = Redis::ask(port, &["XADD", "events", &id, "data", &number.to_string()]);
        answer.is_some_and(|answer| answer.starts_with('$') || answer.contains("equal or smaller"))
    });
}
