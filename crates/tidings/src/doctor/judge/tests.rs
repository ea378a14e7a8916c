use http::{HeaderMap, HeaderValue, StatusCode};

use super::*;
use crate::doctor::notes::{Heard, Unreachable};

const ALL: [&str; 4] = ["last-event-id", "authorization", "cookie", "x-forwarded-for"];
const ORIGIN: &str = "https://app.example";

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The probe as it should come: each event 10 ms after it was sent.
fn exchange() -> Exchange {
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("server", "nginx"),
        ("access-control-allow-origin", ORIGIN),
        ("access-control-allow-credentials", "true"),
    ];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    let report = Report {
        http: "1.1".to_owned(),
        headers: ALL.map(str::to_owned).to_vec(),
        ticks: 5,
        heartbeat_ms: 15_000,
        origin_allowed: Some(true),
        is_fresh: true,
        nonce: None,
    };
    let heard = Heard {
        report: Some(report),
        ticks: (0..6).map(|tick| (millis(tick * 300 + 10), millis(tick * 300))).collect(),
        first: Some(millis(10)),
        last: Some(millis(1510)),
        ended: Some(millis(1515)),
        ..Heard::default()
    };
    Exchange { status: StatusCode::OK, is_http2: true, headers: HeaderMap::from_iter(headers), heard }
}

/// What a good proxy lets through.
fn notes() -> Notes {
    let silent = Heard { ended: Some(millis(6515)), ..exchange().heard };
    let reset = Heard { reset: true, ..Heard::default() };
    let more = More {
        browser: Ok(exchange()),
        cors: Some(Ok(exchange())),
        head: Ok(exchange()),
        idle: Ok(Exchange { heard: silent, ..exchange() }),
        resume: Ok(Exchange { heard: reset, ..exchange() }),
        held: 20,
    };
    Notes {
        is_secure: true,
        idle: Duration::from_secs(5),
        origin: Some(ORIGIN.to_owned()),
        credentials: true,
        streams: 20,
        has_token: false,
        certificate: Some(Certificate::Good),
        plain: Ok(exchange()),
        more: Some(more),
    }
}

/// What is wrong, by names.
fn wrong(notes: &Notes) -> Vec<(&'static str, Level)> {
    let findings = judge(notes, None);
    let is_wrong = |finding: &&Finding| matches!(finding.level, Level::Warning | Level::Problem);
    let wrong: Vec<_> = findings.iter().filter(is_wrong).collect();
    assert!(wrong.iter().all(|finding| finding.fix.is_some()), "a finding without a fix: {wrong:?}");
    wrong.into_iter().map(|finding| (finding.check, finding.level)).collect()
}

#[test]
fn a_good_proxy_is_all_right() {
    assert_eq!(wrong(&notes()), []);
}

type Change = fn(&mut Notes);

fn plain(notes: &mut Notes) -> &mut Exchange {
    notes.plain.as_mut().unwrap()
}

fn report(notes: &mut Notes) -> &mut Report {
    plain(notes).heard.report.as_mut().unwrap()
}

fn more(notes: &mut Notes) -> &mut More {
    notes.more.as_mut().unwrap()
}

fn idle(notes: &mut Notes) -> &mut Heard {
    &mut more(notes).idle.as_mut().unwrap().heard
}

fn cors(notes: &mut Notes) -> &mut Exchange {
    more(notes).cors.as_mut().unwrap().as_mut().unwrap()
}

fn hold_back(heard: &mut Heard) {
    heard.ticks.iter_mut().for_each(|(came, _)| *came = millis(1500));
    heard.first = heard.last;
}

#[test]
fn each_cause_makes_one_finding() {
    use Level::{Problem, Warning};
    let cases: [(&str, Level, Change); 22] = [
        ("timing", Problem, |notes| {
            hold_back(&mut plain(notes).heard);
            hold_back(idle(notes));
        }),
        ("compression", Warning, |notes| {
            let browser = more(notes).browser.as_mut().unwrap();
            browser.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        }),
        ("compression", Problem, |notes| {
            let browser = more(notes).browser.as_mut().unwrap();
            browser.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
            hold_back(&mut browser.heard);
        }),
        ("idle", Problem, |notes| idle(notes).ended = Some(millis(3500))),
        ("idle", Problem, |notes| {
            notes.idle = Duration::from_secs(75);
            idle(notes).ended = None;
        }),
        ("idle", Warning, |notes| report(notes).heartbeat_ms = 120_000),
        ("last-event-id", Problem, |notes| {
            report(notes).headers.retain(|name| name != "last-event-id");
            more(notes).resume.as_mut().unwrap().heard.reset = false;
        }),
        ("authorization", Problem, |notes| report(notes).headers.retain(|name| name != "authorization")),
        ("cookie", Warning, |notes| report(notes).headers.retain(|name| name != "cookie")),
        ("client-address", Warning, |notes| report(notes).headers.retain(|name| name != "x-forwarded-for")),
        ("query", Problem, |notes| report(notes).is_fresh = false),
        ("cache-control", Problem, |notes| {
            plain(notes).headers.insert("cache-control", HeaderValue::from_static("max-age=60"));
        }),
        ("cache-control", Warning, |notes| {
            plain(notes).headers.insert("cache-control", HeaderValue::from_static("no-cache"));
        }),
        ("crowd", Problem, |notes| more(notes).held = 7),
        ("resume", Problem, |notes| more(notes).resume.as_mut().unwrap().heard.reset = false),
        ("head", Warning, |notes| more(notes).head.as_mut().unwrap().status = StatusCode::METHOD_NOT_ALLOWED),
        ("http2", Warning, |notes| plain(notes).is_http2 = false),
        ("upstream-http", Warning, |notes| "1.0".clone_into(&mut report(notes).http)),
        ("cors", Problem, |notes| {
            cors(notes).headers.remove("access-control-allow-origin");
        }),
        ("cors", Problem, |notes| {
            cors(notes).headers.append("access-control-allow-origin", HeaderValue::from_static("*"));
        }),
        ("cors", Problem, |notes| {
            cors(notes).headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
        }),
        ("certificate", Warning, |notes| notes.certificate = Some(Certificate::Expiring(3))),
    ];
    for (index, (check, level, change)) in cases.into_iter().enumerate() {
        let mut notes = notes();
        change(&mut notes);
        assert_eq!(wrong(&notes), [(check, level)], "case {index}");
    }
}

#[test]
fn without_a_hub_there_is_one_finding_that_says_why() {
    let answers = |status: u16, kind: &'static str, text: &str| {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let heard = Heard { text: text.to_owned(), ..Heard::default() };
        Ok(Exchange { status: StatusCode::from_u16(status).unwrap(), is_http2: false, headers, heard })
    };
    let problem = "application/problem+json";
    for (plain, word) in [
        (Err(Unreachable::Name("no such host".to_owned())), "no address"),
        (Err(Unreachable::Refused), "nobody listens"),
        (Err(Unreachable::Silent), "in time"),
        (Err(Unreachable::Tls("bad record".to_owned())), "TLS"),
        (Err(Unreachable::Broken("eof".to_owned())), "breaks"),
        (answers(200, "text/html", "<html>"), "no Tidings hub"),
        (answers(200, "text/event-stream", ""), "no Tidings hub"),
        (answers(301, "text/html", ""), "redirected"),
        (answers(401, "text/html", ""), "in front refuses"),
        (answers(403, problem, r#"{"detail":"this hub has no keys"}"#), "this hub has no keys"),
        (answers(404, "text/html", ""), "not passed on"),
        (answers(404, problem, r#"{"detail":"there is nothing at /x"}"#), "there is nothing at /x"),
        (answers(502, "text/html", ""), "does not reach the hub"),
    ] {
        let notes = Notes { plain, more: None, ..notes() };
        let findings = judge(&notes, None);
        let [.., finding] = findings.as_slice() else { panic!("nothing for {word}") };
        assert_eq!((finding.check, finding.level), ("reach", Level::Problem), "{word}");
        assert!(finding.seen.contains(word), "{word}: {}", finding.seen);
    }
}

#[test]
fn the_fix_is_for_the_proxy_that_is_there() {
    let mut notes = notes();
    hold_back(&mut plain(&mut notes).heard);
    hold_back(idle(&mut notes));
    let fix = |told| {
        let findings = judge(&notes, told);
        findings
            .into_iter()
            .find(|finding| finding.check == "timing")
            .and_then(|finding| finding.fix)
            .unwrap()
    };
    assert!(fix(None).contains("proxy_buffering off;"));
    assert!(fix(Some(Proxy::Haproxy)).contains("http-no-delay"));
}
