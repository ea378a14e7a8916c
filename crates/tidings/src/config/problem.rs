//! What is wrong with a configuration, and where.

use std::{collections::BTreeSet, fmt};

/// Everything that is wrong with a configuration: an operator mends it in one go, not one error at a time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(super) BTreeSet<Problem>);

/// One thing that is wrong. They sort by place, so that a file is mended from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(super) place: Place,
    pub(super) message: String,
}

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A line, counted from 1, of a file.
    Line {
        /// The file's path as it was given.
        file: String,
        /// The line.
        line: usize,
    },
    /// A flag, an environment variable, or a whole file, by its name.
    Named(String),
}

impl Problem {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(BTreeSet::from([problem]))
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}
