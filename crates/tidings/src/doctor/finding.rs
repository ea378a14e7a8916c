//! A finding, and how all of them are shown.

use std::fmt::Write as _;

use serde::Serialize;

use super::proxy::Proxy;
use crate::standard::harmless;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Good,
    /// Not tested, or nothing that a proxy could be blamed for.
    Note,
    /// It works, and could be better.
    Warning,
    /// It does not work.
    Problem,
}

impl Level {
    fn sign(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Note => '·',
            Self::Warning => '!',
            Self::Problem => '✗',
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// A name that scripts can rely on.
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) seen: String,
    pub(super) fix: Option<String>,
}

/// The whole.
#[derive(Debug, Serialize)]
pub(super) struct Diagnosis {
    pub(super) url: String,
    pub(super) proxy: Option<Proxy>,
    pub(super) findings: Vec<Finding>,
}

impl Diagnosis {
    /// Whether nothing is broken.
    pub(super) fn is_well(&self) -> bool {
        self.count(Level::Problem) == 0
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// For a person: a line each, with the fix below it. What was seen comes from strangers.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(proxy) = self.proxy {
            writeln!(text, "through {}", proxy.name()).ok();
        }
        for Finding { level, seen, fix, .. } in &self.findings {
            writeln!(text, "{} {}", level.sign(), harmless(seen)).ok();
            for line in fix.iter().flat_map(|fix| fix.lines()) {
                writeln!(text, "    {}", harmless(line)).ok();
            }
        }
        match (self.count(Level::Problem), self.count(Level::Warning)) {
            (0, 0) => text += "All is well.",
            (problems, warnings) => {
                write!(text, "Problems: {problems}, warnings: {warnings}. See docs/proxies.md.").ok();
            }
        }
        text
    }
}
