//! A report as a table for people.

use std::fmt::{self, Formatter};

use super::Report;
use crate::latency::Percentiles;

/// Columns of the labels.
const LABEL: usize = 20;

pub(super) fn write(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let mut row = |label: &str, value: String| writeln!(f, "{label:<LABEL$}{value}");
    row("work", work(report))?;
    if report.subscribers > 0 {
        row(
            "subscribers",
            format!("{} of {} held", grouped(report.held as u64), grouped(report.subscribers as u64)),
        )?;
    }
    if report.events > 0 {
        let failed = report.publish_failures;
        row(
            "acknowledged",
            format!("{} of {} events, {failed} failed", grouped(report.acknowledged), grouped(report.events)),
        )?;
    }
    if report.subscribers > 0 {
        row("delivered", format!("{} of {}", grouped(report.delivered), grouped(report.expected)))?;
        let Report { missing, doubled, out_of_order, misdirected, .. } = report;
        row(
            "faults",
            format!(
                "{missing} missing, {doubled} doubled, {out_of_order} out of order, {misdirected} misdirected"
            ),
        )?;
        row("lost connections", grouped(report.lost_connections))?;
    }
    row("time", format!("{:.3} s", report.seconds))?;
    if let Some(rate) = report.deliveries_per_second {
        row("deliveries", format!("{}/s", significant(rate)))?;
    }
    if let Some(rate) = report.publishes_per_second {
        row("publishes", format!("{}/s", significant(rate)))?;
    }
    if let Some(latency) = &report.latency_ms {
        row("latency", percentiles(latency))?;
    }
    if let Some(latency) = &report.publish_latency_ms {
        row("publish latency", percentiles(latency))?;
    }
    if let Some(silence) = report.longest_silence_seconds {
        row("longest silence", format!("{silence:.1} s"))?;
    }
    if let Some(server) = &report.server {
        let each = [(server.cpu_us_per_delivery, "delivery"), (server.cpu_us_per_publish, "publish")];
        let each = each.map(|(us, of)| us.map_or(String::new(), |us| format!(", {us:.2} µs a {of}")));
        row("server CPU", format!("{:.2} s{}", server.cpu_seconds, each.concat()))?;
        let [before, held, peak, after] =
            [server.memory_before, server.memory_held, server.memory_peak, server.memory_after].map(bytes);
        row("server memory", format!("{before} before, {held} held, {peak} at most, {after} after"))?;
        match server.memory_per_connection {
            Some(each) if each < 0.0 => row("per connection", "lost in what the server gave back".into())?,
            Some(each) => row("per connection", format!("{:.2} KiB", each / 1024.0))?,
            None => {}
        }
    }
    row("tool CPU", format!("{:.2} s", report.client.cpu_seconds))?;
    if report.ok {
        write!(f, "{:<LABEL$}ok", "verdict")
    } else {
        write!(f, "{:<LABEL$}FAILED", "verdict")?;
        report.faults.iter().try_for_each(|fault| write!(f, "\n{:<LABEL$}{fault}", ""))
    }
}

fn work(report: &Report) -> String {
    let Report { work, publishers, topics, size, rate, .. } = report;
    let mut text = (*work).to_owned();
    if *publishers > 0 {
        let pace = rate.map_or("as fast as acknowledged".to_owned(), |rate| format!("{rate} events/s"));
        text += &format!(", {publishers} publishers, {topics} topics, {size} bytes, {pace}");
    }
    text
}

fn percentiles(Percentiles { p50, p99, p99_9, max }: &Percentiles) -> String {
    format!("p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p99_9:.2} ms, max {max:.2} ms")
}

/// A whole number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// A rate: without decimals where they mean nothing.
fn significant(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { grouped(rate.round() as u64) }
}

fn bytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_table_ends_with_the_verdict_and_what_is_wrong() {
        let mut report = Report { work: "fanout", subscribers: 2, held: 2, ok: true, ..Report::default() };
        assert!(report.to_string().ends_with("verdict             ok"));
        report.ok = false;
        report.faults = vec!["1 deliveries missing".to_owned()];
        assert!(report.to_string().ends_with("FAILED\n                    1 deliveries missing"));
    }
}
