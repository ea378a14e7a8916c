//! Showing how far a run is, on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines, where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Shows how far a run is: as a bar on a terminal, as lines if asked for, not at all otherwise.
pub(crate) enum Display {
    Nothing,
    Bar(ProgressBar),
    Lines { what: &'static str, total: u64, at: u64, last: Instant },
}

impl Display {
    pub(crate) fn new(wants_lines: bool) -> Self {
        if wants_lines {
            Self::Lines { what: "", total: 0, at: 0, last: Instant::now() }
        } else if io::stderr().is_terminal() {
            Self::Bar(ProgressBar::hidden())
        } else {
            Self::Nothing
        }
    }

    /// What comes now, and how much of it there is.
    pub(crate) fn begin(&mut self, now: &'static str, whole: u64) {
        match self {
            Self::Nothing => {}
            Self::Bar(bar) => {
                bar.finish_and_clear();
                *bar = ProgressBar::new(whole);
                let style = ProgressStyle::with_template(
                    "{msg:>14} [{elapsed_precise}] {wide_bar} {human_pos}/{human_len}",
                );
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_message(now);
            }
            Self::Lines { what, total, at, last } => {
                (*what, *total, *at, *last) = (now, whole, 0, Instant::now());
                self.write();
            }
        }
    }

    /// How much of it is done.
    pub(crate) fn reach(&mut self, position: u64) {
        match self {
            Self::Nothing => {}
            Self::Bar(bar) => bar.set_position(position),
            Self::Lines { at, last, .. } => {
                *at = position;
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    self.write();
                }
            }
        }
    }

    /// It is all done, and what was shown gives way to the report.
    pub(crate) fn end(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }

    fn write(&self) {
        if let Self::Lines { what, total, at, .. } = self {
            // When standard error fails there is nobody to tell.
            writeln!(io::stderr(), "{what}: {at} of {total}").ok();
        }
    }
}
