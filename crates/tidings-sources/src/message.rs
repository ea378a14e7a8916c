//! How messages become publications: those that an application publishes by itself, and those that Laravel wraps.

use tidings_hub::{Publication, Topic};

use crate::{
    form::{Form, FormKeys, Input, event_type},
    invalid::InvalidSourceReason,
    laravel::Envelope,
    status::Tracker,
    template::Offers,
};

/// What all publications of a source of messages have in common.
#[derive(Clone, Debug)]
pub(crate) struct MessageForm {
    form: Form,
    /// Whether to look for Laravel's envelope.
    envelopes: bool,
}

impl MessageForm {
    pub(crate) fn new(keys: FormKeys<'_>, envelopes: bool) -> Result<Self, InvalidSourceReason> {
        Ok(Self { form: Form::new(keys, Offers::Message)?, envelopes })
    }

    /// The publication of a message, private if it or the configuration says so. What an envelope says goes before what
    /// the configuration says.
    pub(crate) fn publication(
        &self,
        topic: Topic,
        input: Input<'_>,
        private: bool,
        source: &Tracker,
    ) -> Publication {
        let envelope = self.envelopes.then(|| Envelope::read(input.data)).flatten();
        let data = envelope.as_ref().map_or(input.data, |envelope| envelope.data.as_bytes());
        let mut publication = self.form.make(topic, Input { data, ..input }, source);
        publication.private |= private;
        if let Some(envelope) = envelope {
            publication.event = event_type(&envelope.event, source);
            publication.socket = envelope.socket;
        }
        publication
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const ENVELOPE: &[u8] = br#"{"event":"App\\Events\\E","data":{"a":1.0,"socket":"1.2"},"socket":"1.2"}"#;

    fn publication(keys: FormKeys<'_>, envelopes: bool, data: &[u8]) -> (Publication, u64) {
        let source = Tracker::new("s".to_owned(), "redis");
        let form = MessageForm::new(keys, envelopes).unwrap();
        let input = Input { data, channel: "c", now: Timestamp::UNIX_EPOCH };
        let publication = form.publication(Topic::new("t").unwrap(), input, false, &source);
        publication.check().unwrap();
        (publication, source.status().altered)
    }

    #[test]
    fn an_envelope_is_opened_unless_it_is_switched_off() {
        let keys = FormKeys { event: Some("update"), ..FormKeys::default() };
        let (opened, _) = publication(keys, true, ENVELOPE);
        assert_eq!(opened.event.as_deref(), Some(r"App\Events\E"));
        assert_eq!(opened.data, r#"{"a":1.0}"#);
        assert_eq!(opened.socket.as_deref(), Some("1.2"));
        let (closed, _) = publication(keys, false, ENVELOPE);
        assert_eq!((closed.event.as_deref(), closed.socket), (Some("update"), None));
        assert_eq!(closed.data, ENVELOPE);
    }

    #[test]
    fn a_template_is_given_what_is_in_the_envelope() {
        let keys = FormKeys { template: Some("{{channel}}: {{data}}"), ..FormKeys::default() };
        assert_eq!(publication(keys, true, ENVELOPE).0.data, r#"c: {"a":1.0}"#);
    }

    #[test]
    fn an_event_is_not_lost_for_its_name() {
        for (name, altered) in [("a\\nb", 1), ("tidings.reset", 1), (&*"x".repeat(256), 1), ("", 0)] {
            let text = format!("{{\"event\":\"{name}\",\"data\":[1],\"socket\":null}}");
            let (publication, counted) = publication(FormKeys::default(), true, text.as_bytes());
            assert_eq!((publication.event, counted), (None, altered), "{name}");
            assert_eq!(publication.data, "[1]");
        }
    }
}
