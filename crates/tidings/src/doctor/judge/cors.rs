//! May pages of another origin listen? (WHATWG Fetch, "CORS protocol")

use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;

use super::Judge;
use crate::doctor::{finding::Level, fix::Ailment, notes::More};

const CHECK: &str = "cors";

impl Judge<'_> {
    pub(super) fn cors(&mut self, more: &More) {
        let (Some(origin), Some(asked)) = (&self.notes.origin, &more.cors) else {
            return self.note(CHECK, "pages of other origins were not tested: --origin https://app.example");
        };
        let Ok(answer) = asked else {
            return self.note(CHECK, "pages of other origins were not tested: the request failed");
        };
        let not_allowed = |judge: &mut Self| {
            let seen = format!("missing CORS: the hub does not allow pages of {origin}");
            let fix = format!("in tidings.toml\n[cors]\norigins = [\"{origin}\"]");
            judge.say(CHECK, Level::Problem, seen, Some(fix));
        };
        let Some(report) = &answer.heard.report else {
            if answer.status == 403 && answer.problem().is_some() {
                return not_allowed(self);
            }
            let seen = format!("a page of {origin} is answered {}", answer.status);
            return self.ill(CHECK, Level::Problem, seen, Ailment::Cors);
        };
        let allowed: Vec<_> = answer.headers.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter().collect();
        let is_for = |value: &http::HeaderValue| value == "*" || value.as_bytes() == origin.as_bytes();
        match (report.origin_allowed, allowed.as_slice()) {
            (None, _) => {
                let seen =
                    "the request header Origin is taken away on the way to the hub, so that it allows nobody";
                self.ill(CHECK, Level::Problem, seen, Ailment::Origin);
            }
            (Some(false), []) => not_allowed(self),
            (Some(true), []) => {
                let seen =
                    "missing CORS: the hub allows the origin, and the header that says so is taken away";
                self.ill(CHECK, Level::Problem, seen, Ailment::Cors);
            }
            (_, [_, _, ..]) => {
                let seen = "Access-Control-Allow-Origin is there twice, which browsers refuse";
                self.ill(CHECK, Level::Problem, seen, Ailment::CorsTwice);
            }
            (_, [value]) if !is_for(value) => {
                let seen = format!("the answer allows pages of another origin, not those of {origin}");
                self.ill(CHECK, Level::Problem, seen, Ailment::CorsTwice);
            }
            (_, [value]) if self.notes.credentials && (*value == "*" || !answer.allows_credentials()) => {
                let seen = "pages may listen, but not with cookies";
                let fix = format!(
                    "name the origin instead of \"*\", in tidings.toml\n[cors]\norigins = [\"{origin}\"]"
                );
                self.say(CHECK, Level::Problem, seen, Some(fix));
            }
            (_, [_]) => self.good(CHECK, format!("pages of {origin} may listen")),
        }
    }
}

impl crate::doctor::notes::Exchange {
    fn allows_credentials(&self) -> bool {
        self.header("access-control-allow-credentials") == Some("true")
    }
}
