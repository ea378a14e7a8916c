//! Is anybody there, and is it a hub?

use http::StatusCode;

use super::Judge;
use crate::doctor::{
    finding::Level,
    fix::Ailment,
    notes::{Exchange, Report, Unreachable},
};

const CHECK: &str = "reach";

impl<'n> Judge<'n> {
    /// The hub's answer to the probe, if there was one.
    pub(super) fn reach(&mut self) -> Option<(&'n Exchange, &'n Report)> {
        let notes = self.notes;
        let plain = match &notes.plain {
            Ok(plain) => plain,
            Err(unreachable) => {
                let (seen, fix) = words(unreachable);
                self.say(CHECK, Level::Problem, seen, Some(fix.to_owned()));
                return None;
            }
        };
        if let Some(report) = plain.heard.report.as_ref().filter(|_| plain.status == StatusCode::OK) {
            let through = self.proxy.map(|proxy| format!(" behind {}", proxy.name())).unwrap_or_default();
            self.good(CHECK, format!("a Tidings hub answers{through}"));
            return Some((plain, report));
        }
        self.answered_otherwise(plain);
        None
    }

    fn answered_otherwise(&mut self, plain: &Exchange) {
        let status = plain.status.as_u16();
        let by_hub = plain.problem();
        match (status, by_hub) {
            (200, _) if plain.is_stream() && plain.heard.heartbeats > 0 => self.say(
                CHECK,
                Level::Problem,
                "the hub is full, and tells browsers to come back later",
                Some("raise [limits] connections in tidings.toml, or try again".to_owned()),
            ),
            (200, _) if plain.is_stream() && plain.headers.contains_key("content-encoding") => {
                let seen = "the stream is compressed although that was not asked for";
                self.ill("compression", Level::Problem, seen, Ailment::Compressed);
            }
            (200, _) => {
                let kind = plain.header("content-type").unwrap_or("no Content-Type");
                let seen = format!("what answers there is no Tidings hub: /events/doctor is {kind}");
                self.say(
                    CHECK,
                    Level::Problem,
                    seen,
                    Some("give the address at which /events is the hub's".to_owned()),
                );
            }
            (300..=399, _) => {
                let to = plain.header("location").unwrap_or("nowhere");
                let seen =
                    format!("redirected ({status}) to {to}: browsers differ in where they reconnect to");
                let fix = "have pages, and the doctor, use the address that it leads to";
                self.say(CHECK, Level::Problem, seen, Some(fix.to_owned()));
            }
            (403, Some(detail)) => {
                let seen = format!("the hub refuses the request: {detail}");
                let fix = "give the hub keys (docs/rights.md); or have the proxy name a loopback host, in nginx\nproxy_set_header Host 127.0.0.1;";
                self.say(CHECK, Level::Problem, seen, Some(fix.to_owned()));
            }
            (401 | 403 | 407, _) => {
                let seen =
                    format!("what stands in front refuses the request ({status}) before it gets to the hub");
                let fix = "a browser's EventSource can show cookies only: let what stands in front accept these for /events, or leave it to the hub";
                self.say(CHECK, Level::Problem, seen, Some(fix.to_owned()));
            }
            (404 | 405, Some(detail)) => {
                let seen = format!("a hub answers, but has no probe there: {detail}");
                let fix =
                    "give the address without the path of a page; or the hub is older than this program";
                self.say(CHECK, Level::Problem, seen, Some(fix.to_owned()));
            }
            (404 | 405, None) => {
                let seen = format!("/events is not passed on to the hub ({status})");
                let fix = "pass /events, and what is below it, on to the hub: see docs/proxies.md";
                self.say(CHECK, Level::Problem, seen, Some(fix.to_owned()));
            }
            (502..=504, None) => {
                let seen = format!("what stands in front does not reach the hub ({status})");
                self.ill(CHECK, Level::Problem, seen, Ailment::Upstream);
            }
            (_, detail) => {
                let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
                let seen = format!("the answer is {status}{detail}");
                self.say(
                    CHECK,
                    Level::Problem,
                    seen,
                    Some("see the logs of what stands in front, and of the hub".to_owned()),
                );
            }
        }
    }
}

fn words(unreachable: &Unreachable) -> (String, &'static str) {
    match unreachable {
        Unreachable::Name(reason) => {
            (format!("the name has no address: {reason}"), "is it written right, and is it in the DNS?")
        }
        Unreachable::Refused => (
            "nobody listens there: the connection is refused".to_owned(),
            "is what stands in front running, and on this port?",
        ),
        Unreachable::Silent => (
            "nothing comes back in time".to_owned(),
            "a firewall may drop the packets, or what stands in front waits for the hub: can it reach it?",
        ),
        Unreachable::Tls(reason) => (
            format!("the TLS handshake fails: {reason}"),
            "does this port speak TLS, version 1.2 or 1.3? An http:// address is for those that do not",
        ),
        Unreachable::Broken(reason) => (
            format!("the connection breaks before there is an answer: {reason}"),
            "does this port speak HTTP, and without TLS? An https:// address is for those that speak TLS",
        ),
    }
}
