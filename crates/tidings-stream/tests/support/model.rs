//! The standard's algorithm in its plainest form, over a whole stream in memory: the oracle of the decoder.
//!
//! It shares nothing with the decoder: it decodes the text first, normalises line ends by replacing, and allocates as
//! it likes.

use tidings_stream::{Event, Item};

/// What a client knows after a whole stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) items: Vec<Item>,
    pub(crate) last_id: String,
    pub(crate) retry: Option<u64>,
}

pub(crate) fn read(stream: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What follows the last line end is not a line yet.
    lines.pop();

    let mut reading = Reading::default();
    let (mut data, mut event_type, mut id) = (String::new(), String::new(), String::new());
    for line in lines {
        if let Some(comment) = line.strip_prefix(':') {
            reading.items.push(Item::Comment(comment.to_owned()));
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" => {
                let moved = id != reading.last_id;
                reading.last_id.clone_from(&id);
                if let Some(data) = data.strip_suffix('\n') {
                    let event = if event_type.is_empty() { "message" } else { &event_type };
                    reading.items.push(Item::Event(Event {
                        id: id.clone(),
                        event: event.to_owned(),
                        data: data.to_owned(),
                    }));
                } else if moved {
                    reading.items.push(Item::LastId(id.clone()));
                }
                data.clear();
                event_type.clear();
            }
            "data" => data = data + value + "\n",
            "event" => value.clone_into(&mut event_type),
            "id" if !value.contains('\0') => value.clone_into(&mut id),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                let milliseconds = value.parse().unwrap_or(u64::MAX);
                reading.retry = Some(milliseconds);
                reading.items.push(Item::Retry(milliseconds));
            }
            _ => {}
        }
    }
    reading
}
