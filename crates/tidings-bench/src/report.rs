//! What a run has come to.

mod table;

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{check::Tally, latency::Percentiles};

/// What a run has come to: the fields of the JSON object that `--json` prints. What was not measured is `null`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was done: `fanout`, `topics`, `idle`, `resume` or `publish`.
    pub work: &'static str,
    /// How many subscribers there should have been.
    pub subscribers: usize,
    /// How many of them were subscribed when it began.
    pub held: usize,
    /// How many connections published.
    pub publishers: u16,
    /// How many topics were published to.
    pub topics: u32,
    /// How many events were to be published.
    pub events: u64,
    /// Bytes of data in each.
    pub size: usize,
    /// Events in a request.
    pub batch: u32,
    /// Events per second that were to be published; `null`: as fast as they were acknowledged.
    pub rate: Option<f64>,
    /// Processes that the subscribers were spread over.
    pub processes: usize,

    /// Events that the server acknowledged.
    pub acknowledged: u64,
    /// Events that it did not acknowledge.
    pub publish_failures: u64,
    /// Why not, and how many for each reason.
    pub publish_failure_reasons: BTreeMap<String, u64>,
    /// Deliveries of acknowledged events that there should have been, to all subscribers together.
    pub expected: u64,
    /// Deliveries that there were, an event that came twice to a subscriber counted once.
    pub delivered: u64,
    /// Acknowledged events that did not come to a subscriber.
    pub missing: u64,
    /// Events that came to a subscriber again.
    pub doubled: u64,
    /// Events that came to a subscriber after a later one of the same publisher and topic.
    pub out_of_order: u64,
    /// Events of a topic that the subscriber had not asked for.
    pub misdirected: u64,
    /// Subscribers that lost their connection, or never had one.
    pub lost_connections: u64,
    /// Why, and how many for each reason.
    pub lost_connection_reasons: BTreeMap<String, u64>,
    /// Whether all went well: everybody subscribed and stayed, everything was acknowledged, and came once and in order.
    pub ok: bool,
    /// What did not go well, a sentence each.
    pub faults: Vec<String>,

    /// From the first event sent to the last delivered (`publish`: to the last acknowledged; `resume`: from the first
    /// reconnection to the last delivered; `idle`: how long the connections were held).
    pub seconds: f64,
    /// `delivered` per second of `seconds`, not counting what came before a `resume`.
    pub deliveries_per_second: Option<f64>,
    /// `acknowledged` per second, from the first event sent to the last acknowledged.
    pub publishes_per_second: Option<f64>,
    /// From the sending of an event to its arrival, in milliseconds. With a rate, an event counts as sent when it was
    /// due. Of a `resume` only the events published during the storm, if there were any.
    pub latency_ms: Option<Percentiles>,
    /// From the sending of a request to its acknowledgement, in milliseconds; with a rate from when it was due.
    pub publish_latency_ms: Option<Percentiles>,
    /// The longest that a subscriber heard nothing (`idle`).
    pub longest_silence_seconds: Option<f64>,
    /// What the server cost, if its process was named.
    pub server: Option<ServerReport>,
    /// What this tool cost.
    pub client: ClientReport,
}

/// What the server cost, all processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ServerReport {
    /// CPU time from before the first event until after the last delivery.
    pub cpu_seconds: f64,
    /// The same for each delivery.
    pub cpu_us_per_delivery: Option<f64>,
    /// The same for each acknowledged event.
    pub cpu_us_per_publish: Option<f64>,
    /// Bytes of anonymous memory before anybody subscribed.
    pub memory_before: u64,
    /// The same while all are subscribed, before anything is published.
    pub memory_held: u64,
    /// The most that was seen after that, looking twice a second.
    pub memory_peak: u64,
    /// The same some time after all have left.
    pub memory_after: u64,
    /// What `memory_held` is more than `memory_before`, for each subscriber held. Negative where the server gave back more
    /// than the subscribers took, as with few of them.
    pub memory_per_connection: Option<f64>,
    /// As `memory_before`, but all resident memory, what is shared in proportion (PSS).
    pub pss_before: u64,
    /// As `memory_held`, in the same way.
    pub pss_held: u64,
    /// As `memory_after`, in the same way.
    pub pss_after: u64,
}

/// What this tool cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ClientReport {
    /// CPU time of all its processes, from beginning to end.
    pub cpu_seconds: f64,
}

impl Report {
    /// The report as a line of JSON.
    pub fn to_json(&self) -> String {
        // Strings and numbers always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Takes over what the subscribers have counted, and names what they have found wrong.
    pub(crate) fn count(&mut self, tally: &Tally) {
        self.delivered = tally.delivered;
        self.missing = tally.missing.count;
        self.doubled = tally.doubled.count;
        self.out_of_order = tally.out_of_order.count;
        self.misdirected = tally.misdirected.count;
        for (fault, what) in [
            (tally.missing, "missing"),
            (tally.doubled, "doubled"),
            (tally.out_of_order, "out of order"),
            (tally.misdirected, "misdirected"),
        ] {
            if let Some(example) = fault.example {
                self.faults.push(format!("{} deliveries {what} (first: {example})", fault.count));
            }
        }
    }

    /// Judges the run, once all else is filled in.
    pub(crate) fn judge(&mut self) {
        for (count, what, reasons) in [
            (self.publish_failures, "events not acknowledged", &self.publish_failure_reasons),
            (self.lost_connections, "connections lost", &self.lost_connection_reasons),
        ] {
            if count > 0 {
                let reasons: Vec<String> =
                    reasons.iter().map(|(reason, count)| format!("{count} × {reason}")).collect();
                self.faults.push(format!("{count} {what} ({})", reasons.join(", ")));
            }
        }
        // What was delivered is counted apart from what is missing: they must agree.
        let balance = self.delivered + self.missing;
        if balance < self.expected || (self.publish_failures == 0 && balance > self.expected) {
            let Self { expected, delivered, missing, .. } = self;
            let text =
                format!("{expected} deliveries expected, but {delivered} counted and {missing} missing");
            self.faults.push(text);
        }
        self.ok = self.faults.is_empty();
    }
}

/// A table for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Example, Fault};

    #[test]
    fn only_a_run_without_faults_is_ok() {
        let good = Report { expected: 10, delivered: 10, ..Report::default() };
        let judged = |mut report: Report| {
            report.judge();
            report
        };
        assert!(judged(good.clone()).ok);
        for bad in [
            Report { publish_failures: 1, ..good.clone() },
            Report { lost_connections: 1, ..good.clone() },
            Report { delivered: 9, ..good.clone() },
            Report { delivered: 11, ..good.clone() },
        ] {
            let bad = judged(bad);
            assert!(!bad.ok && bad.faults.len() == 1, "{bad:?}");
        }
        let fault =
            Fault { count: 1, example: Some(Example { subscriber: 3, topic: 0, publisher: 1, sequence: 7 }) };
        for tally in [
            Tally { delivered: 9, missing: fault, ..Tally::default() },
            Tally { delivered: 10, doubled: fault, ..Tally::default() },
            Tally { delivered: 10, out_of_order: fault, ..Tally::default() },
            Tally { delivered: 10, misdirected: fault, ..Tally::default() },
        ] {
            let mut report = good.clone();
            report.count(&tally);
            let bad = judged(report);
            assert!(!bad.ok, "{bad:?}");
            assert!(bad.faults[0].contains("subscriber 3: event 7 of publisher 1"), "{bad:?}");
        }
    }

    #[test]
    fn json_has_the_fields_that_scripts_read() {
        let report = Report { server: Some(ServerReport::default()), ..Report::default() };
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        for field in ["work", "expected", "publish_failures", "ok", "latency_ms"] {
            assert!(json.get(field).is_some(), "{field}");
        }
        assert!(json["server"].get("memory_per_connection").is_some());
        assert!(json["client"].get("cpu_seconds").is_some());
    }
}
