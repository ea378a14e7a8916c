//! What operators ask: `/livez`, `/readyz`, `/metrics`, `/stats`, and a listener of their own.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{BOUND, Connection, Hub, wait_for, wait_until};

#[test]
fn alive_and_ready() {
    let hub = Hub::start();
    assert_eq!(hub.get("/livez").status(), 200);
    let ready = hub.get("/readyz");
    assert_eq!((ready.status(), ready.json()), (200, json!({ "ready": true, "problems": [] })));
}

/// The rules of OpenMetrics that a scraper depends on (OpenMetrics 1.0, "Text Format").
#[test]
fn metrics_are_open_metrics() {
    let hub = Hub::configured("[[source]]\nkind = 'clock'\ntopic = 'a \"quoted\" name'\nevery = '10ms'");
    let mut listener = hub.listen("pattern=*");
    listener.event();
    let answer = hub.get("/metrics");
    assert!(
        answer.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.text();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert_eq!(text.matches("# EOF").count(), 1);
    let mut families: HashSet<&str> = HashSet::new();
    let mut samples: HashSet<&str> = HashSet::new();
    let mut family = ("", "");
    for line in text.lines().filter(|line| *line != "# EOF") {
        match line.strip_prefix("# ").map(|rest| rest.split(' ').collect::<Vec<_>>()) {
            Some(words) if words[0] == "TYPE" => {
                family = (words[1], words[2]);
                assert!(families.insert(words[1]), "{} is there twice", words[1]);
                assert!(["counter", "gauge", "histogram"].contains(&words[2]), "{line}");
            }
            Some(words) if words[0] == "UNIT" => {
                assert!(words[1].ends_with(&format!("_{}", words[2])), "{line}")
            }
            Some(words) => assert_eq!(words[0], "HELP", "{line}"),
            None => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let value: f64 = value.parse().unwrap();
                assert!(value.is_finite() && value >= 0.0, "{line}");
                assert!(samples.insert(series), "{series} is there twice");
                let name = series.split('{').next().unwrap();
                let suffixes: &[_] = match family.1 {
                    "counter" => &["_total"],
                    "histogram" => &["_sum", "_count", "_bucket"],
                    _ => &[""],
                };
                assert!(suffixes.contains(&name.strip_prefix(family.0).unwrap()), "{line}");
                assert!(["tidings_", "process_"].iter().any(|prefix| series.starts_with(prefix)), "{line}");
            }
        }
    }
    for metric in [
        "tidings_subscribers",
        "tidings_streams{front=\"native\",state=\"live\"}",
        "tidings_events_published_total{front=\"source\"}",
        "tidings_publish_seconds_bucket{le=\"+Inf\"}",
        "tidings_delivery_seconds_count",
        "tidings_log_flush_seconds_sum",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "tidings_events_delivered_total",
        "tidings_delivered_bytes_total",
        "tidings_connections",
        "tidings_log_healthy",
        "tidings_log_events",
        "tidings_uptime_seconds",
    ] {
        assert!(samples.contains(metric), "no {metric} in\n{text}");
    }
}

#[test]
fn what_happens_is_counted() {
    let hub = Hub::start();
    let mut listeners = [hub.listen("topic=a"), hub.listen("topic=a"), hub.listen("topic=b")];
    for number in 0..10 {
        hub.publish("a", number.to_string());
    }
    for listener in &mut listeners[..2] {
        listener.data(10);
    }
    wait_until("deliveries are counted", || hub.metric("tidings_events_delivered_total") == 20.0);
    assert_eq!(hub.metric("tidings_events_published_total"), 10.0);
    assert_eq!(hub.metric("tidings_subscriptions_total"), 3.0);
    assert_eq!(hub.metric("tidings_log_events"), 10.0);
    let stats = hub.stats();
    for (name, value) in [
        ("subscribers", json!(3)),
        ("subscribers_behind", json!(0)),
        ("published", json!(10)),
        ("delivered", json!(20)),
        ("open", json!(true)),
        ("demo", json!(false)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("sources", json!([])),
    ] {
        assert_eq!(stats[name], value, "{name} in {stats}");
    }
    assert_eq!((&stats["log"]["events"], &stats["log"]["healthy"]), (&json!(10), &json!(true)));
}

#[test]
fn operators_can_have_a_listener_of_their_own() {
    let hub = Hub::configured("[admin]\nlisten = ['127.0.0.1:0']\n[logs]\nformat = 'json'");
    let address = wait_for("the log names the address", || {
        let find = |line: &str| {
            let entry: Value = serde_json::from_str(line).ok()?;
            let fields = entry.get("fields").unwrap_or(&entry);
            (fields["message"] == "operators are answered")
                .then(|| fields["address"].as_str().unwrap().parse().unwrap())
        };
        hub.stderr().lines().find_map(find)
    });
    let admin = |method: &str, target: &str| {
        Connection::open(address, BOUND).unwrap().request(method, target, &[], b"").unwrap()
    };
    hub.publish("a", "x");
    for target in ["/metrics", "/stats", "/topics", "/topics/a"] {
        assert_eq!(admin("GET", target).status(), 200, "{target}");
        let there = hub.get(target).status();
        assert!([404, 405].contains(&there), "{target} is answered {there} to everybody");
    }
    for target in ["/livez", "/readyz"] {
        assert_eq!(admin("GET", target).status(), 200, "{target}");
        assert_eq!(hub.get(target).status(), 200, "{target}");
    }
    for (method, target) in [("GET", "/events"), ("POST", "/publish"), ("POST", "/message"), ("GET", "/")] {
        admin(method, target).problem(404);
    }
    assert_eq!(admin("POST", "/topics/a").status(), 405);
    assert_eq!(hub.stdout().lines().count(), 1);
}
