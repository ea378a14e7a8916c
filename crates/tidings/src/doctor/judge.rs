//! From notes to findings.
//!
//! One cause makes one finding: what a cause already named would spoil as well is not judged a second time.

mod cors;
mod reach;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{
    finding::{Finding, Level},
    fix::{Ailment, advice},
    notes::{Certificate, Exchange, More, Notes, Report},
    proxy::Proxy,
};

/// So much later than the quickest event the slowest may come. The probe's events span 1.5 s, which is how much later
/// the first comes when all are held back; a busy machine alone stays far below half of it.
const MAX_LAG: Duration = Duration::from_millis(800);
/// How much earlier than asked for a stream may end, for clocks and the way.
const SLACK: Duration = Duration::from_millis(500);
/// From this silence on many proxies and networks cut.
const LONG_HEARTBEAT: u64 = 60_000;

/// Judges everything, in the order in which things must be put right.
pub(super) fn judge(notes: &Notes, told: Option<Proxy>) -> Vec<Finding> {
    let mut judge = Judge { notes, proxy: notes.proxy(told), findings: Vec::new() };
    judge.certificate();
    let Some((plain, report)) = judge.reach() else { return judge.findings };
    judge.request(plain, report);
    judge.answer(plain);
    if let Some(more) = &notes.more {
        let is_in_time = judge.timing(plain, more);
        judge.compression(more);
        // How long the silence is to be stands in the query.
        if is_in_time && report.is_fresh {
            judge.idle(more, report);
        }
        if is_in_time {
            judge.crowd(more);
        }
        if is_in_time && report.has("last-event-id") {
            judge.resume(more);
        }
        judge.head(more);
        judge.cors(more);
    }
    judge.version(plain, report);
    judge.findings
}

struct Judge<'n> {
    notes: &'n Notes,
    proxy: Option<Proxy>,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn say(&mut self, check: &'static str, level: Level, seen: impl Into<String>, fix: Option<String>) {
        self.findings.push(Finding { check, level, seen: seen.into(), fix });
    }

    fn good(&mut self, check: &'static str, seen: impl Into<String>) {
        self.say(check, Level::Good, seen, None);
    }

    fn note(&mut self, check: &'static str, seen: impl Into<String>) {
        self.say(check, Level::Note, seen, None);
    }

    fn ill(&mut self, check: &'static str, level: Level, seen: impl Into<String>, ailment: Ailment) {
        let fix = advice(ailment, self.proxy);
        self.say(check, level, seen, Some(fix));
    }

    fn certificate(&mut self) {
        let check = "certificate";
        match &self.notes.certificate {
            None => {}
            Some(Certificate::Good) => self.good(check, "the certificate is good"),
            Some(Certificate::Expiring(days)) => self.say(
                check,
                Level::Warning,
                format!("the certificate ends within {} days", days + 1),
                Some("renew it, and see why that has not happened by itself".to_owned()),
            ),
            Some(Certificate::Wrong(reason)) => self.say(
                check,
                Level::Problem,
                format!("browsers will not accept the certificate: {reason}"),
                Some("serve a certificate for this name, with its intermediates, from an authority that browsers trust".to_owned()),
            ),
        }
    }

    /// What has arrived at the hub of what was sent.
    fn request(&mut self, plain: &Exchange, report: &Report) {
        let mut is_whole = true;
        for (name, ailment, level, loss) in [
            (
                "last-event-id",
                Ailment::LastEventId,
                Level::Problem,
                "browsers miss what was published while they were away",
            ),
            ("authorization", Ailment::Authorization, Level::Problem, "keys and tokens do not reach the hub"),
            ("cookie", Ailment::Cookie, Level::Warning, "tokens in cookies do not reach the hub"),
        ] {
            if !report.has(name) {
                is_whole = false;
                self.ill(
                    name,
                    level,
                    format!("the request header {name} is taken away on the way to the hub: {loss}"),
                    ailment,
                );
            }
        }
        if !report.is_fresh {
            is_whole = false;
            let seen = "the query is changed on the way to the hub, or an old answer was given";
            self.ill("query", Level::Problem, seen, Ailment::Query);
        }
        if is_whole {
            self.good("request", "the request arrives whole: Last-Event-ID, Authorization, cookies, query");
        }
        if report.has("x-forwarded-for") || report.has("forwarded") {
            self.good("client-address", "the hub is told the client's address");
        } else if Proxy::recognise(&plain.headers, &plain.heard.text, &report.headers).is_some() {
            let seen = "the hub is not told the client's address, and so counts all clients as one";
            self.ill("client-address", Level::Warning, seen, Ailment::ClientAddress);
        }
    }

    /// What has arrived of what the hub answers.
    fn answer(&mut self, plain: &Exchange) {
        let control = plain.header("cache-control").unwrap_or_default().to_ascii_lowercase();
        let has = |word: &str| control.contains(word);
        if !has("no-cache") && !has("no-store") {
            let seen =
                "Cache-Control does not arrive as the hub sends it: streams may be kept and given to others";
            self.ill("cache-control", Level::Problem, seen, Ailment::CacheControl);
        } else if !has("no-transform") {
            let seen = "Cache-Control arrives without no-transform: the next proxy may compress the stream";
            self.ill("cache-control", Level::Warning, seen, Ailment::CacheControl);
        } else {
            self.good("cache-control", "the answer's headers arrive as the hub sends them");
        }
    }

    /// Whether events come when they are sent.
    fn timing(&mut self, plain: &Exchange, more: &More) -> bool {
        let others = [Ok(plain), more.idle.as_ref()];
        let whole = others.into_iter().flatten().map(|one| &one.heard).filter(|heard| heard.ticks.len() > 1);
        let Some(lag) = whole.map(|heard| heard.lag()).min() else {
            let seen = "the stream ends before its events have come";
            self.ill("timing", Level::Problem, seen, Ailment::Buffered);
            return false;
        };
        let is_in_time = lag <= MAX_LAG;
        if is_in_time {
            self.good(
                "timing",
                format!("events come when they are sent ({} between the quickest and the slowest)", ms(lag)),
            );
        } else {
            let seen = format!(
                "buffered: events are held back ({} late, until the stream ends or enough has come together)",
                ms(lag)
            );
            self.ill("timing", Level::Problem, seen, Ailment::Buffered);
        }
        is_in_time
    }

    /// What becomes of a stream when a browser offers to decompress.
    fn compression(&mut self, more: &More) {
        let check = "compression";
        let Ok(browser) = &more.browser else {
            return self.note(check, "compression was not tested: the request failed");
        };
        let Some(encoding) = browser.header("content-encoding").filter(|encoding| *encoding != "identity")
        else {
            return self.good(check, "the stream is not compressed");
        };
        let span =
            browser.heard.last.unwrap_or_default().saturating_sub(browser.heard.first.unwrap_or_default());
        let is_held = span < MAX_LAG;
        let (level, what) = match is_held {
            true => (Level::Problem, "and held back until its end"),
            false => (Level::Warning, "which costs memory for each stream, and may hold events back"),
        };
        self.ill(
            check,
            level,
            format!("for browsers the stream is compressed ({encoding}), {what}"),
            Ailment::Compressed,
        );
    }

    /// Whether a silent stream stays open, and heartbeats come through.
    fn idle(&mut self, more: &More, report: &Report) {
        let check = "idle";
        let Ok(Exchange { heard, .. }) = &more.idle else {
            return self.note(check, "silence was not tested: the request failed");
        };
        let heartbeat = Duration::from_millis(report.heartbeat_ms.max(1));
        let probe = Duration::from_millis(300) * report.ticks;
        let (last, ended) = (heard.last.unwrap_or_default(), heard.ended);
        let due = probe + self.notes.idle.saturating_sub(SLACK);
        if let Some(ended) = ended.filter(|ended| *ended < due) {
            let silence = ended.saturating_sub(last);
            let seen = format!(
                "cut when idle: the stream was cut after {} of silence, and the hub's heartbeat comes every {}",
                seconds(silence),
                seconds(heartbeat),
            );
            return self.ill(check, Level::Problem, seen, Ailment::Cut);
        }
        let expected = (self.notes.idle.as_millis() / heartbeat.as_millis()).saturating_sub(1);
        if u128::from(heard.heartbeats) < expected {
            let seen =
                format!("the hub's heartbeat does not come through: {} of {expected} came", heard.heartbeats);
            return self.ill(check, Level::Problem, seen, Ailment::NoHeartbeat);
        }
        if report.heartbeat_ms >= LONG_HEARTBEAT {
            let seen = format!(
                "the hub's heartbeat comes every {} only: many networks cut earlier",
                seconds(heartbeat)
            );
            let fix = "in tidings.toml\n[stream]\nheartbeat = \"15s\"";
            return self.say(check, Level::Warning, seen, Some(fix.to_owned()));
        }
        if heard.heartbeats > 0 {
            return self.good(
                check,
                format!(
                    "a silent stream stayed open for {}, with {} heartbeats",
                    seconds(self.notes.idle),
                    heard.heartbeats
                ),
            );
        }
        self.good(check, format!("a silent stream stayed open for {}", seconds(self.notes.idle)));
        let seen = format!(
            "longer silence was not tested; the hub's heartbeat comes every {}: `--idle {}s` sees some of them",
            seconds(heartbeat),
            (heartbeat * 5).as_secs().clamp(5, 600),
        );
        self.note("heartbeat", seen);
    }

    fn crowd(&mut self, more: &More) {
        let wanted = self.notes.streams;
        match more.held >= wanted {
            true => self.good("crowd", format!("{wanted} streams at once are open")),
            false => {
                let seen = format!("of {wanted} streams at once only {} are open", more.held);
                self.ill("crowd", Level::Problem, seen, Ailment::Crowd);
            }
        }
    }

    /// Whether a subscription can go on where it was.
    fn resume(&mut self, more: &More) {
        let check = "resume";
        match &more.resume {
            Ok(resume) if resume.heard.reset => {
                self.good(check, "a subscription goes on from its Last-Event-ID");
            }
            Ok(resume) if [401, 403].contains(&resume.status.as_u16()) => {
                let hint = if self.notes.has_token { "" } else { " (--token-file or TIDINGS_TOKEN)" };
                self.note(
                    check,
                    format!("resuming was not tested: the hub wants a token that may listen{hint}"),
                );
            }
            Ok(resume) if resume.status == 200 => {
                let seen = "a subscription with a Last-Event-ID that the hub cannot know was not told so: the header does not reach /events, or the answer is held back";
                self.ill(check, Level::Problem, seen, Ailment::LastEventId);
            }
            Ok(resume) => {
                self.note(check, format!("resuming was not tested: /events answers {}", resume.status))
            }
            Err(_) => self.note(check, "resuming was not tested: the request failed"),
        }
    }

    fn head(&mut self, more: &More) {
        match &more.head {
            Ok(head) if head.status == 200 && head.is_stream() => {
                self.good("head", "HEAD is answered like GET")
            }
            Ok(head) => self.ill(
                "head",
                Level::Warning,
                format!("HEAD is answered {}, other than GET", head.status),
                Ailment::Head,
            ),
            Err(_) => self.ill("head", Level::Warning, "HEAD gets no answer", Ailment::Head),
        }
    }

    /// Which HTTP is spoken on both sides.
    fn version(&mut self, plain: &Exchange, report: &Report) {
        if report.http == "1.0" {
            let seen = "HTTP/1.0 is spoken to the hub: every request needs a connection of its own";
            self.ill("upstream-http", Level::Warning, seen, Ailment::OldHttp);
        }
        match (self.notes.is_secure, plain.is_http2) {
            (true, true) => self.good("http2", "browsers speak HTTP/2: many streams in many tabs share one connection"),
            (true, false) => {
                let seen = "limited to HTTP/1.1: a browser holds six streams in all its tabs, and the seventh tab hangs";
                self.ill("http2", Level::Warning, seen, Ailment::NoHttp2);
            }
            (false, _) => self.note(
                "http2",
                "without TLS browsers speak HTTP/1.1, and hold six streams in all their tabs; https is not tested here",
            ),
        }
    }
}

impl Report {
    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header == name)
    }
}

fn ms(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
