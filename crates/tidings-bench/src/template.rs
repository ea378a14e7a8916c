//! Text with places for a topic and for data, such as a URL or a request's body.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a URL may hold as it is (RFC 3986, "unreserved").
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text in which `{topic}` and `{data}` are replaced. Other braces stay as they are, for JSON is full of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Topic,
    Data,
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        const PLACES: [(&str, Part); 2] = [("{topic}", Part::Topic), ("{data}", Part::Data)];
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((at, (name, part))) =
            PLACES.iter().filter_map(|place| Some((rest.find(place.0)?, place))).min_by_key(|(at, _)| *at)
        {
            parts.extend([Part::Text(rest[..at].to_owned()), part.clone()]);
            rest = &rest[at + name.len()..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Self(parts)
    }

    /// Whether there is a place for data.
    pub(crate) fn has_data(&self) -> bool {
        self.0.contains(&Part::Data)
    }

    /// Appends the text, with the data written by `data`.
    pub(crate) fn render(&self, topic: &str, mut data: impl FnMut(&mut Vec<u8>), out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Topic => out.extend_from_slice(topic.as_bytes()),
                Part::Data => data(out),
            }
        }
    }

    /// The text as a URL's path, with the topic escaped.
    pub(crate) fn path(&self, topic: &str) -> String {
        let topic = utf8_percent_encode(topic, ESCAPED).to_string();
        let texts = self.0.iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Topic => &topic,
            Part::Data => "",
        });
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        for (text, expected) in [
            (r#"{"channel":"{topic}","data":{"x":"{data}"}}"#, r#"{"channel":"a/b","data":{"x":"DATA"}}"#),
            ("{data}", "DATA"),
            ("{topic}{topic}{data", "a/ba/b{data"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            let template = Template::new(text);
            template.render("a/b", |out| out.extend_from_slice(b"DATA"), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(template.has_data(), text.contains("{data}"));
        }
        assert_eq!(Template::new("/sub/{topic}?x={topic}").path("a/b-1"), "/sub/a%2Fb-1?x=a%2Fb-1");
    }
}
