//! The terminal while it shows a view: its other screen, without echo and cursor, and as it was when that is over.

use std::io::{self, Write as _};

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::view::{Colours, View};

/// The other screen, without a cursor.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// To the upper left corner.
const HOME: &str = "\x1b[H";
/// The rest of the line, and what is below.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// What terminals have that do not say how large they are.
const SIZE: (usize, usize) = (80, 24);

/// Gives the terminal back when it is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    /// How the keyboard was, if there is one.
    former: Option<Termios>,
    colours: Colours,
}

impl Screen {
    pub(super) fn open() -> anyhow::Result<Self> {
        let former = tcgetattr(io::stdin()).ok();
        if let Some(former) = &former {
            let mut silent = former.clone();
            // Keys come one by one, and Ctrl-C is a signal as ever.
            silent.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(io::stdin(), OptionalActions::Now, &silent).context("the terminal")?;
        }
        // https://no-color.org
        let colours = if std::env::var_os("NO_COLOR").is_some() { Colours::None } else { Colours::Ansi };
        let screen = Self { former, colours };
        write(OPEN)?;
        Ok(screen)
    }

    /// Shows as much as the terminal has room for.
    pub(super) fn show(&mut self, view: &View, trouble: Option<&str>) -> anyhow::Result<()> {
        let (width, height) = match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
            _ => SIZE,
        };
        let mut lines = view.lines(width, self.colours);
        lines.truncate(height.saturating_sub(1));
        lines.push(view.last_line(width, trouble, self.colours));
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{line}{CLEAR_LINE}")).collect();
        write(&format!("{HOME}{}{CLEAR_BELOW}", lines.join("\r\n")))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whoever has closed the terminal misses nothing.
        write(CLOSE).ok();
        if let Some(former) = &self.former {
            tcsetattr(io::stdin(), OptionalActions::Now, former).ok();
        }
    }
}

fn write(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("standard output")
}
