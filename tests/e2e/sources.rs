//! Sources through the configuration file, in the whole program: what they publish arrives, and operators see how they
//! are. What each does in detail is tested in `tidings-sources`.

mod laravel;
mod redis_stream;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
};

use serde_json::Value;

use crate::support::{Hub, Redis, wait_until};

fn source(hub: &Hub, kind: &str) -> Value {
    let stats = hub.stats();
    stats["sources"].as_array().unwrap().iter().find(|source| source["kind"] == kind).unwrap().clone()
}

#[test]
fn a_clock_and_a_command_fill_their_topics() {
    let hub = Hub::configured(
        r#"
        [[source]]
        kind = "clock"
        topic = "time"
        every = "20ms"
        event = "tick"
        template = '{"ms":{{unix_ms}}}'
        [[source]]
        kind = "command"
        name = "counter"
        topic = "lines"
        run = ["sh", "-c", "for n in 1 2 3; do echo line $n; done; exec sleep 1000"]
        "#,
    );
    let mut clock = hub.listen("topic=time");
    let ticks: Vec<i64> = (0..3)
        .map(|_| {
            let event = clock.event();
            assert_eq!(event.event, "tick");
            serde_json::from_str::<Value>(&event.data).unwrap()["ms"].as_i64().unwrap()
        })
        .collect();
    assert!(ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");
    assert_eq!(hub.listen("topic=lines&last_event_id=earliest").data(3), ["line 1", "line 2", "line 3"]);
    wait_until("the command is counted", || source(&hub, "command")["events"] == 3);
    assert_eq!(source(&hub, "command")["state"], "running");
    assert_eq!(hub.metric("tidings_source_up{source=\"counter\",kind=\"command\"}"), 1.0);
    assert_eq!(hub.get("/readyz").status(), 200);
}

/// However the hub ends, what it started ends with it, if it ends in order.
#[test]
fn a_stopped_hub_leaves_no_command_behind() {
    let mut hub = Hub::configured(
        "[[source]]\nkind = 'command'\ntopic = 'pid'\nrun = ['sh', '-c', 'echo $$; sleep 1000 & wait']",
    );
    let pid = hub.listen("topic=pid&last_event_id=earliest").event().data;
    hub.signal(rustix::process::Signal::TERM);
    assert!(hub.ended().success());
    wait_until("the command is gone", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        // Without anybody to reap it, it may stay as a zombie.
        stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
    });
}

#[test]
fn a_polled_url_is_published_when_it_changes() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    // Each answer is given twice.
    std::thread::spawn(move || {
        for number in 0.. {
            let Ok((stream, _)) = server.accept() else { return };
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let body = format!("{{\"n\":{}}}", number / 2);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A poll that was given up is no failure of this test.
            stream.get_mut().write_all((head + &body).as_bytes()).ok();
        }
    });
    let hub = Hub::configured(&format!(
        "[[source]]\nkind = 'http_poll'\ntopic = 'stocks'\nurl = 'http://{address}/'\nevery = '10ms'"
    ));
    let mut listener = hub.listen("topic=stocks&last_event_id=earliest");
    assert_eq!(listener.data(3), ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"]);
}

#[test]
fn redis_that_goes_away_and_comes_back_is_seen_by_operators_and_goes_on() {
    let mut redis = Redis::start();
    let hub = Hub::configured(&format!(
        "[[source]]\nkind = 'redis'\nname = 'laravel'\nurl = 'redis://127.0.0.1:{}'\nchannels = ['messages-channel']\n\
         patterns = ['orders.*']",
        redis.port
    ));
    let up = || hub.metric("tidings_source_up{source=\"laravel\",kind=\"redis\"}");
    wait_until("Redis is connected", || up() == 1.0 && hub.get("/readyz").status() == 200);
    let mut listener = hub.listen("topic=messages-channel&pattern=orders.*");
    redis.publish(
        "laravel_database_messages-channel",
        "{\"message\":\"你好\",\"n\":12345678901234567890,\"e\":{}}",
    );
    let event = listener.event();
    assert_eq!(event.data, "{\"message\":\"你好\",\"n\":12345678901234567890,\"e\":{}}");
    assert!(!event.id.is_empty());
    redis.publish("orders.7", "shipped");
    assert_eq!(listener.event().data, "shipped");

    redis.kill();
    wait_until("the loss is seen", || hub.get("/readyz").status() == 503);
    let problems = hub.get("/readyz").json()["problems"].to_string();
    assert!(problems.contains("redis laravel is retrying"), "{problems}");
    assert_eq!(up(), 0.0);
    assert_eq!(hub.get("/livez").status(), 200);
    // The rest goes on meanwhile.
    hub.publish("messages-channel", "from elsewhere");
    assert_eq!(listener.event().data, "from elsewhere");

    redis.launch();
    wait_until("Redis is connected again", || up() == 1.0 && hub.get("/readyz").status() == 200);
    assert!(hub.metric("tidings_source_failures_total{source=\"laravel\",kind=\"redis\"}") >= 1.0);
    redis.publish("messages-channel", "again");
    assert_eq!(listener.event().data, "again");
}
