//! `tidings doctor` through real proxies that are set up wrong: it names what is wrong, and nothing else, and gives the
//! fix for the proxy that is there. That it finds nothing wrong in good ones is shown by `deploy.rs`.

mod apache;
mod haproxy;
mod nginx;
mod unreachable;

use serde_json::Value;

use crate::support::{Answer, Front, Hub, Kind, Program};

const ORIGIN: &str = "https://app.example";

/// A hub that lets pages of the origin listen, with the usual heartbeat.
fn hub() -> Hub {
    Hub::configured(&format!("[cors]\norigins = [{ORIGIN:?}]\n"))
}

/// Examines, as a page of the origin, for longer than a proxy of these tests waits.
fn examine(url: &str, environment: &[(&str, &str)], more: &[&str]) -> (Answer, Value) {
    let mut args = vec!["doctor", url, "--json", "--idle", "4s", "--origin", ORIGIN, "--credentials"];
    args.extend(more);
    let answer = Program::new().run_in(&args, environment);
    let diagnosis =
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    (answer, diagnosis)
}

/// What is wrong.
fn wrong(diagnosis: &Value) -> Vec<&Value> {
    let is_wrong = |finding: &&Value| finding["level"] == "warning" || finding["level"] == "problem";
    diagnosis["findings"].as_array().unwrap().iter().filter(is_wrong).collect()
}

/// One wrong configuration.
struct Case {
    kind: Kind,
    configuration: String,
    is_secure: bool,
    more: &'static [&'static str],
    /// The checks that are not good, in the order of the findings.
    expected: &'static [&'static str],
    /// A part of the first fix.
    fix: &'static str,
}

impl Case {
    fn run(&self) {
        let Self { kind, configuration, is_secure, more, expected, fix } = self;
        let front = Front::start(*kind, configuration);
        let url = if *is_secure { front.https_url() } else { front.http_url() };
        let certificate = front.certificate();
        let (answer, diagnosis) = examine(&url, &[("SSL_CERT_FILE", &certificate)], more);
        let wrong = wrong(&diagnosis);
        let checks: Vec<_> = wrong.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
        assert_eq!(checks, *expected, "{configuration}\n{diagnosis:#}\n{}", front.log());
        if let Some(first) = wrong.first() {
            let given = first["fix"].as_str().unwrap();
            assert!(given.contains(fix), "{fix:?} is not in {given:?}");
        }
        let has_problem = wrong.iter().any(|finding| finding["level"] == "problem");
        assert_eq!(answer.code, Some(i32::from(has_problem)), "{answer:?}");
    }
}
