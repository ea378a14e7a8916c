//! How an event is printed.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;
use tidings_stream::Event;

use crate::standard::harmless;

/// Faint, for ids.
const FAINT: &str = "\x1b[2m";
/// Cyan, for event types.
const CYAN: &str = "\x1b[36m";
/// Back to plain.
const PLAIN: &str = "\x1b[0m";

/// Prints events to standard output, one at a time and at once.
#[derive(Debug)]
pub(super) struct Printer {
    style: Style,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Json,
    Coloured,
    Plain,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    event: &'a str,
    data: &'a str,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        let is_terminal = || io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let style = match json {
            true => Style::Json,
            false if is_terminal() => Style::Coloured,
            false => Style::Plain,
        };
        Self { style }
    }

    /// Prints one event. The error is standard output's.
    pub(super) fn print(&self, event: &Event) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write(&mut out, self.style, event)?;
        out.flush()
    }
}

fn write(out: &mut impl Write, style: Style, event: &Event) -> io::Result<()> {
    let Event { id, event, data } = event;
    let (faint, cyan, plain) = match style {
        Style::Json => {
            serde_json::to_writer(&mut *out, &Line { id, event, data })?;
            return out.write_all(b"\n");
        }
        Style::Coloured => (FAINT, CYAN, PLAIN),
        Style::Plain => ("", "", ""),
    };
    let (id, event) = (harmless(id), harmless(event));
    write!(out, "{faint}{id}{plain} {cyan}{event}{plain}")?;
    // Data of several lines stands below, so that each line is whole.
    match data.contains('\n') {
        false => writeln!(out, " {}", harmless(data)),
        true => data
            .split('\n')
            .try_for_each(|line| write!(out, "\n  {}", harmless(line)))
            .and_then(|()| writeln!(out)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(style: Style, data: &str) -> String {
        let event = Event { id: "a-1".into(), event: "price".into(), data: data.into() };
        let mut out = Vec::new();
        write(&mut out, style, &event).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_a_line_unless_its_data_has_several() {
        assert_eq!(printed(Style::Plain, "1.08"), "a-1 price 1.08\n");
        assert_eq!(printed(Style::Plain, "a\n\nb"), "a-1 price\n  a\n  \n  b\n");
        assert_eq!(printed(Style::Coloured, "x"), "\x1b[2ma-1\x1b[0m \x1b[36mprice\x1b[0m x\n");
    }

    #[test]
    fn json_is_one_line_with_the_data_as_it_is() {
        let data = "{\"a\": 1}\n\x1b[2J";
        let line = printed(Style::Json, data);
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value, serde_json::json!({ "id": "a-1", "event": "price", "data": data }));
    }

    #[test]
    fn an_event_cannot_drive_the_terminal() {
        assert_eq!(printed(Style::Coloured, "\x1b[2J\u{9b}1m\tok").matches('\x1b').count(), 4);
    }
}
