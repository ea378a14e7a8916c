//! The checks of the fuzz targets (`fuzz/`), each of which must hold of any bytes. They panic if it does not.

pub use crate::{
    laravel::fuzz as envelope,
    redis::{fuzz as redis, fuzz_replies as replies},
};

use jiff::Timestamp;

use crate::{
    ByteSize, HumanDuration,
    lines::{Line, Lines},
    template::{Offers, Template, Values, parse_timezone},
};

/// Takes bytes for the output of a command: a limit in the first byte, and behind it what the command writes. However it
/// is cut, the lines are those between the line ends, and none is longer than the limit.
pub fn lines(bytes: &[u8]) {
    let Some((&max, output)) = bytes.split_first() else { return };
    let max = usize::from(max % 32);
    let expected = model(output, max);
    for piece in [1, 3, 1 << 10] {
        let mut lines = Lines::new(max);
        let mut found = Vec::new();
        for part in output.chunks(piece) {
            lines.space().extend_from_slice(part);
            while let Some(line) = lines.next() {
                found.push(line);
            }
            assert!(lines.space().len() <= max + 1, "{} bytes are held of {max}", lines.space().len());
        }
        found.extend(lines.finish());
        let found: Vec<_> = found.into_iter().map(whole).collect();
        assert_eq!(found, expected, "cut into pieces of {piece}");
    }
}

fn model(output: &[u8], max: usize) -> Vec<Option<Vec<u8>>> {
    let mut lines: Vec<_> = output.split(|byte| *byte == b'\n').collect();
    let unended = lines.pop().filter(|line| !line.is_empty());
    let ended = lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    ended.chain(unended).map(|line| (line.len() <= max).then(|| line.to_vec())).collect()
}

fn whole(line: Line) -> Option<Vec<u8>> {
    match line {
        Line::Whole(line) => Some(line.to_vec()),
        Line::TooLong => None,
    }
}

/// Takes text for what stands in a configuration: a duration, a size, a time zone, a template. What can be read is read
/// again from what it is written as, and a template that was taken can be filled.
pub fn values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(duration) = text.parse::<HumanDuration>() {
        assert_eq!(duration.to_string().parse(), Ok(duration));
    }
    if let Ok(size) = text.parse::<ByteSize>() {
        assert_eq!(size.to_string().parse(), Ok(size));
    }
    let (zone, template) = text.split_once('\n').unwrap_or(("UTC", text));
    let Ok(zone) = parse_timezone(zone) else { return };
    for offers in [Offers::Time, Offers::Data, Offers::Message] {
        if let Ok(template) = Template::new(template, offers, zone) {
            let values = Values { now: Timestamp::UNIX_EPOCH, data: "\"{{data}}\n", channel: "a.b" };
            template.render(values);
        }
        if !template.contains("{{") {
            let plain = Template::new(template, offers, zone);
            let values = Values { now: Timestamp::UNIX_EPOCH, data: "", channel: "" };
            assert_eq!(plain.map(|plain| plain.render(values)), Ok(template.to_owned()));
        }
    }
}
