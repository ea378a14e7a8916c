use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use tidings_hub::{Hub, Publication, Settings, Start, Subscription, Topic};
use tidings_log::{Memory, Retention};

use super::*;
use crate::{Loads, PartStatus};

/// A status that has everything there can be.
fn status() -> Status {
    let log = Arc::new(Memory::new(Retention::default()).unwrap());
    let part = PartStatus {
        name: "log file".into(),
        kind: "command",
        state: "running",
        detail: None,
        ready: true,
        events: 11,
        failures: 12,
        dropped: 13,
        altered: 14,
    };
    let loads = Loads::first();
    loads.succeeded();
    (0..3).for_each(|_| loads.failed());
    Status {
        hub: Hub::start(log, Settings::default()).unwrap(),
        parts: Arc::new(move || vec![part.clone()]),
        server: Arc::default(),
        version: "0",
        open: true,
        demo: false,
        started: Instant::now(),
        loads: Arc::new(loads),
    }
}

/// The metrics by name, each with its kind.
fn kinds(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    // Of a server that has a certificate.
    let with_tls = [("tidings_certificate_expiry_timestamp_seconds", "gauge")];
    types.chain(with_tls).map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// Names as they stand in a page: in the first column of a table, as code.
fn documented(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows = rows.map(|(name, rest)| {
        let kind = rest.split(' ').next().unwrap_or_default();
        let name = name.split('{').next().unwrap_or_default();
        // The text format has the suffix of counters at their values, and not at their type.
        (if kind == "counter" { name.trim_end_matches("_total") } else { name }, kind)
    });
    rows.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

#[tokio::test]
async fn every_metric_says_what_it_is_and_each_count_of_a_part_is_there() {
    let text = render(&status()).unwrap();
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
    for (name, count) in [("events", 11), ("failures", 12), ("dropped", 13), ("altered", 14)] {
        let line = format!("tidings_source_{name}_total{{source=\"log file\",kind=\"command\"}} {count}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    for line in [
        "tidings_configuration_loads_total{outcome=\"taken\"} 2\n",
        "tidings_configuration_loads_total{outcome=\"refused\"} 3\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[tokio::test]
async fn the_documentation_tells_of_each_metric_and_of_no_other() {
    let there = kinds(&render(&status()).unwrap());
    for page in
        [include_str!("../../../../docs/metrics.md"), include_str!("../../../../docs/metrics.zh-CN.md")]
    {
        assert_eq!(documented(page), there);
    }
}

/// The labels that a metric can have are known beforehand: how many series there are does not grow with what strangers do.
#[tokio::test]
async fn what_is_published_and_listened_to_makes_no_new_series() {
    let status = status();
    let series = || -> BTreeSet<String> {
        let text = render(&status).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
            .collect()
    };
    let before = series();
    let mut streams = Vec::new();
    for number in 0..9 {
        let topic = Topic::new(format!("topic {number}")).unwrap();
        for front in Front::ALL {
            let hub = status.hub.via(front);
            hub.publish(Publication::new(topic.clone(), "x")).await.unwrap();
            let selection = tidings_hub::Selection::topic(topic.clone());
            let stream = hub.subscribe(Subscription::new(selection, Start::Earliest)).await;
            if has_streams(front) {
                streams.push(stream.unwrap());
            }
        }
    }
    assert_eq!(series(), before);
    let text = render(&status).unwrap();
    for line in [
        "tidings_events_published_total{front=\"pusher\"} 9\n",
        "tidings_subscriptions_total{front=\"mercure\"} 9\n",
        "tidings_published_bytes_total 54\n",
        "tidings_publish_seconds_count 54\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

/// The words of a text that are names of metrics, or were meant to be.
fn mentioned(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("tidings_") || word.starts_with("process_")).collect()
}

#[tokio::test]
async fn dashboard_and_alerts_use_metrics_that_there_are() {
    let kinds = kinds(&render(&status()).unwrap());
    let series: BTreeSet<String> = kinds
        .iter()
        .flat_map(|(name, kind)| {
            let suffixes: &[_] = match kind.as_str() {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
        })
        .collect();
    let dashboard = include_str!("../../../../deploy/grafana/tidings.json");
    let parsed: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let panels = parsed["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let queries: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    let rules = include_str!("../../../../deploy/prometheus/tidings.rules.yml");
    let rules: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(queries.len() > 50 && rules.len() > 9);
    for query in queries.iter().chain(&rules) {
        let unknown: Vec<_> = mentioned(query).into_iter().filter(|name| !series.contains(*name)).collect();
        assert!(unknown.is_empty(), "{query} asks for {unknown:?}");
    }
    // What nobody looks at is not worth to be counted.
    let shown: BTreeSet<&str> = queries.iter().flat_map(|query| mentioned(query)).collect();
    for (name, kind) in kinds.iter().filter(|(name, _)| name.starts_with("tidings_")) {
        let is_shown = shown.iter().any(|one| one.starts_with(name.as_str()));
        assert!(is_shown, "no panel shows the {kind} {name}");
    }
}
