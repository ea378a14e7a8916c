//! Templates: the text that a source publishes, with placeholders in double braces.
//!
//! Everything that is not `{{…}}` is taken as it stands, so that JSON needs no escaping:
//! `{"id":{{unix}},"at":"{{date:%Y-%m-%d %H:%M:%S}}"}`. A placeholder that a source cannot fill is an error when the
//! configuration is read, not a surprise in what is published.

use jiff::{
    Timestamp, Zoned,
    fmt::strtime,
    tz::{Offset, TimeZone},
};

/// How `{{iso}}` is written: ISO 8601 with the offset, to the second.
const ISO: &str = "%Y-%m-%dT%H:%M:%S%:z";
/// How `{{local}}` is written.
const LOCAL: &str = "%Y-%m-%d %H:%M:%S";

/// What a source has to fill placeholders with, besides the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offers {
    /// Only the time.
    Time,
    /// The data that was polled or read.
    Data,
    /// The data and the channel that it came on.
    Message,
}

/// What the placeholders stand for this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) now: Timestamp,
    pub(crate) data: &'a str,
    pub(crate) channel: &'a str,
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A placeholder that this source does not know.
    #[error("unknown placeholder {{{{{name}}}}}: this source knows {known}")]
    Unknown {
        /// What stands between the braces.
        name: String,
        /// The placeholders that the source knows.
        known: String,
    },
    /// Opening braces without closing ones.
    #[error("\"{{{{\" without \"}}}}\" behind it: close the placeholder")]
    Unclosed,
    /// The format of a `{{date:…}}` is not one.
    #[error(
        "the date format {format:?} does not work ({reason}): use strftime directives such as %Y-%m-%d %H:%M:%S"
    )]
    DateFormat {
        /// The format.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The text is not a fixed offset from UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time zone: write \"UTC\" or a fixed offset such as \"+08:00\" or \"-03:30\"")]
pub struct NotATimezone(String);

/// A compiled template.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Unix,
    UnixMs,
    Date(String),
    Data,
    DataJson,
    Channel,
    ChannelJson,
}

impl Offers {
    /// The placeholders, as an error message lists them.
    fn known(self) -> String {
        let time = "{{unix}}, {{unix_ms}}, {{iso}}, {{local}} and {{date:FORMAT}}";
        match self {
            Self::Time => time.to_owned(),
            Self::Data => format!("{{{{data}}}}, {{{{data_json}}}}, {time}"),
            Self::Message => {
                format!("{{{{data}}}}, {{{{data_json}}}}, {{{{channel}}}}, {{{{channel_json}}}}, {time}")
            }
        }
    }

    fn part(self, name: &str) -> Result<Part, TemplateError> {
        let data = self != Self::Time;
        let channel = self == Self::Message;
        Ok(match name {
            "unix" => Part::Unix,
            "unix_ms" => Part::UnixMs,
            "iso" => Part::Date(ISO.to_owned()),
            "local" => Part::Date(LOCAL.to_owned()),
            "data" if data => Part::Data,
            "data_json" if data => Part::DataJson,
            "channel" if channel => Part::Channel,
            "channel_json" if channel => Part::ChannelJson,
            _ => match name.strip_prefix("date:") {
                Some(format) => date(format)?,
                None => return Err(TemplateError::Unknown { name: name.to_owned(), known: self.known() }),
            },
        })
    }
}

/// A date part, tried out on a date, so that it cannot fail later: whether a format works depends on which fields the
/// value has, and every value has the same.
fn date(format: &str) -> Result<Part, TemplateError> {
    let bad = |reason: String| TemplateError::DateFormat { format: format.to_owned(), reason };
    if format.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    strtime::format(format, &Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))
        .map_err(|error| bad(error.to_string()))?;
    Ok(Part::Date(format.to_owned()))
}

/// Reads `"UTC"`, `"Z"` or `"±HH:MM"`.
pub(crate) fn parse_timezone(text: &str) -> Result<Offset, NotATimezone> {
    if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
        return Ok(Offset::UTC);
    }
    let bad = || NotATimezone(text.to_owned());
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(bad()),
    };
    let two = |digits: &str| match digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits.parse::<i32>().map_err(|_| bad()),
        false => Err(bad()),
    };
    let (hours, minutes) = text.get(1..).and_then(|rest| rest.split_once(':')).ok_or_else(bad)?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if hours > 23 || minutes > 59 {
        return Err(bad());
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| bad())
}

impl Template {
    /// Compiles `text`.
    pub(crate) fn new(text: &str, offers: Offers, offset: Offset) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}").ok_or(TemplateError::Unclosed)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(offers.part(name.trim())?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts, zone: TimeZone::fixed(offset) })
    }

    /// Fills the placeholders.
    pub(crate) fn render(&self, values: Values<'_>) -> String {
        let now = values.now.to_zoned(self.zone.clone());
        self.parts.iter().map(|part| part.render(values, &now)).collect()
    }
}

impl Part {
    fn render(&self, values: Values<'_>, now: &Zoned) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Unix => values.now.as_second().to_string(),
            Self::UnixMs => values.now.as_millisecond().to_string(),
            // Tried out when the template was compiled.
            Self::Date(format) => strtime::format(format, now).unwrap_or_default(),
            Self::Data => values.data.to_owned(),
            Self::DataJson => json_string(values.data),
            Self::Channel => values.channel.to_owned(),
            Self::ChannelJson => json_string(values.channel),
        }
    }
}

/// The text as a JSON string with its quotes.
fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn render(template: &str, zone: &str, data: &str) -> String {
        Template::new(template, Offers::Message, parse_timezone(zone).unwrap()).unwrap().render(Values {
            now: at("2026-11-21T02:00:00Z"),
            data,
            channel: "orders.\"7\"",
        })
    }

    #[test]
    fn json_needs_no_escaping() {
        assert_eq!(
            render(r#"{"stocks":{{data}},"timestamp":"{{iso}}"}"#, "UTC", r#"[{"sku":"A1"}]"#),
            r#"{"stocks":[{"sku":"A1"}],"timestamp":"2026-11-21T02:00:00+00:00"}"#
        );
        assert_eq!(render(r#"{"a":{"id":{{unix}}}}"#, "UTC", ""), r#"{"a":{"id":1795226400}}"#);
    }

    #[test]
    fn the_time_in_beijing() {
        assert_eq!(
            render(r#"{"id":{{unix}},"message":"北京时间 {{date:%Y-%m-%d %H:%M:%S}}"}"#, "+08:00", ""),
            r#"{"id":1795226400,"message":"北京时间 2026-11-21 10:00:00"}"#
        );
        assert_eq!(
            render("{{local}} {{iso}}", "-03:30", ""),
            "2026-11-20 22:30:00 2026-11-20T22:30:00-03:30"
        );
        assert_eq!(render("{{ unix_ms }}", "UTC", ""), "1795226400000");
    }

    #[test]
    fn data_and_channel_can_be_json_strings() {
        assert_eq!(render("{{data_json}}", "UTC", "a \"b\"\n北"), r#""a \"b\"\n北""#);
        assert_eq!(render("{{channel}}={{channel_json}}", "UTC", ""), r#"orders."7"="orders.\"7\"""#);
    }

    #[test]
    fn data_is_never_taken_for_a_placeholder() {
        assert_eq!(render("<{{data}}>", "UTC", "{{unix}} {{"), "<{{unix}} {{>");
    }

    #[test]
    fn a_placeholder_that_nothing_can_fill_is_an_error_that_names_the_others() {
        let error = Template::new("{{data}}", Offers::Time, Offset::UTC).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown placeholder {{data}}: this source knows {{unix}}, {{unix_ms}}, {{iso}}, {{local}} and {{date:FORMAT}}"
        );
        let error = Template::new("{{channel}}", Offers::Data, Offset::UTC).unwrap_err().to_string();
        assert!(error.contains("{{data_json}}"), "{error}");
        assert_eq!(Template::new("{{unix", Offers::Time, Offset::UTC).unwrap_err(), TemplateError::Unclosed);
        for format in ["", "%!", "%"] {
            let error =
                Template::new(&format!("{{{{date:{format}}}}}"), Offers::Time, Offset::UTC).unwrap_err();
            assert!(matches!(error, TemplateError::DateFormat { .. }), "{error}");
        }
    }

    #[test]
    fn time_zones_are_fixed_offsets() {
        assert_eq!(parse_timezone("utc").unwrap(), Offset::UTC);
        assert_eq!(parse_timezone("+05:45").unwrap().seconds(), 20_700);
        for text in ["", "Asia/Shanghai", "+8", "08:00", "+24:00", "+08:60", "+-8:00", "+é:00"] {
            assert!(parse_timezone(text).unwrap_err().to_string().contains("\"+08:00\""), "{text}");
        }
    }
}
