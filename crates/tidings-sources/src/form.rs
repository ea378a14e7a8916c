//! How a source makes publications of what it gets.

use std::borrow::Cow;

use jiff::{Timestamp, tz::Offset};
use tidings_hub::{Publication, Topic};

use crate::{
    events,
    invalid::InvalidSourceReason,
    status::Tracker,
    template::{Offers, Template, Values, parse_timezone},
    topic::topic,
};

/// What all publications of a source have in common.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    event: Option<Box<str>>,
    template: Option<Template>,
    private: bool,
}

/// The keys about a form, which every kind of source has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FormKeys<'a> {
    pub(crate) event: Option<&'a str>,
    pub(crate) template: Option<&'a str>,
    pub(crate) timezone: Option<&'a str>,
    pub(crate) private: bool,
}

/// What one publication is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) channel: &'a str,
    pub(crate) now: Timestamp,
}

/// The offset of an optional `timezone` key.
pub(crate) fn offset(timezone: Option<&str>) -> Result<Offset, InvalidSourceReason> {
    Ok(timezone.map_or(Ok(Offset::UTC), parse_timezone)?)
}

/// The event type that a publisher names. An event is not lost for one that the hub does not take, but goes without,
/// which is noted.
pub(crate) fn event_type(name: &str, source: &Tracker) -> Option<Box<str>> {
    let event = (!name.is_empty()).then(|| Box::from(name))?;
    // The hub's own rules, tried on what is sure to be good otherwise.
    let trial = Publication { event: Some(event), ..Publication::new(Topic::new("check").ok()?, Vec::new()) };
    match trial.check() {
        Ok(()) => trial.event,
        Err(error) => {
            events::untyped(source, &error);
            None
        }
    }
}

impl Form {
    /// Checks the keys. `offers` is what a template of this kind of source may ask for.
    pub(crate) fn new(keys: FormKeys<'_>, offers: Offers) -> Result<Self, InvalidSourceReason> {
        let offset = offset(keys.timezone)?;
        let template = keys.template.map(|text| Template::new(text, offers, offset)).transpose()?;
        let form = Self { event: keys.event.map(Box::from), template, private: keys.private };
        // The hub's own rules for an event type, tried on a topic that is sure to be one.
        form.publication(topic("check")?, Vec::new()).check()?;
        Ok(form)
    }

    /// Makes the publication of what came in. An event stream is UTF-8: other bytes become U+FFFD, which is noted.
    pub(crate) fn make(&self, topic: Topic, input: Input<'_>, source: &Tracker) -> Publication {
        let text = String::from_utf8_lossy(input.data);
        if matches!(text, Cow::Owned(_)) {
            events::altered(source);
        }
        let data = match &self.template {
            Some(template) => {
                template.render(Values { now: input.now, data: &text, channel: input.channel }).into_bytes()
            }
            None => text.into_owned().into_bytes(),
        };
        self.publication(topic, data)
    }

    fn publication(&self, topic: Topic, data: Vec<u8>) -> Publication {
        let mut publication = Publication::new(topic, data);
        publication.event = self.event.clone();
        publication.private = self.private;
        publication
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The publication, and how often data was altered for it.
    fn make(form: &Form, data: &[u8]) -> (Publication, u64) {
        let source = Tracker::new("s".to_owned(), "redis");
        let input = Input { data, channel: "c", now: Timestamp::UNIX_EPOCH };
        let publication = form.make(Topic::new("t").unwrap(), input, &source);
        (publication, source.status().altered)
    }

    #[test]
    fn without_a_template_data_is_untouched() {
        let keys = FormKeys { event: Some("update"), private: true, ..FormKeys::default() };
        let form = Form::new(keys, Offers::Message).unwrap();
        let data = "{\"a\":{},\"b\":1.0}\r\nline 2\n 北".as_bytes();
        let (publication, altered) = make(&form, data);
        assert_eq!(publication.data, data);
        assert_eq!(publication.event.as_deref(), Some("update"));
        assert!(publication.private);
        assert_eq!(altered, 0);
    }

    #[test]
    fn what_is_not_utf8_is_replaced_and_reported() {
        let form = Form::new(FormKeys::default(), Offers::Message).unwrap();
        let (publication, altered) = make(&form, b"caf\xe9!");
        assert_eq!(publication.data, "caf\u{fffd}!");
        assert_eq!(altered, 1);
    }

    #[test]
    fn the_hubs_own_event_types_are_refused() {
        let keys = FormKeys { event: Some("tidings.reset"), ..FormKeys::default() };
        let error = Form::new(keys, Offers::Time).unwrap_err();
        assert!(matches!(error, InvalidSourceReason::Event(_)), "{error}");
    }
}
