//! What a publication says, in a form (sections 1.4 and 2).

use http::StatusCode;
use tidings_auth::protocol_string;
use tidings_hub::{EARLIEST, MAX_RETRY_MS, Publication, Topic};
use url::Url;

use super::{dialect::Dialect, documents::EVENT_TYPE, reserved};
use crate::{echo, form, problem::Problem};

/// The most topics of a publication that are read. The hub takes fewer still, and says so itself.
const MAX_TOPICS: usize = 1000;
/// What ids of 1.0 must not begin with, because a cursor that does means something else.
const NO_ID: char = '#';

/// A publication as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublishRequest {
    dialect: Dialect,
    topics: Vec<Topic>,
    data: String,
    private: bool,
    id: Option<Box<str>>,
    event: Option<Box<str>>,
    retry: Option<u64>,
}

impl PublishRequest {
    /// Reads the form, and checks what must be known before it can be asked who may publish to it. Of a field that is
    /// there more than once the first counts, but for topics. Unknown fields are left to other purposes.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(super) fn read(form: &[u8], dialect: Dialect) -> Result<Self, Problem> {
        let (mut topics, mut private) = (Vec::new(), false);
        let (mut data, mut id, mut event, mut retry) = (None, None, None, None);
        for (name, value) in form::fields(form)? {
            match &*name {
                "topic" if topics.len() == MAX_TOPICS => {
                    return Err(Problem::bad_request("Too many \"topic\" parameters."));
                }
                "topic" => topics.push(topic(&value, dialect)?),
                // Its presence says it, whatever the value.
                "private" => private = true,
                "data" => put(&mut data, value),
                "id" => put(&mut id, value),
                "type" => put(&mut event, value),
                "retry" => put(&mut retry, value),
                _ => {}
            }
        }
        if topics.is_empty() {
            return Err(Problem::bad_request("Missing \"topic\" parameter"));
        }
        let given = |text: Option<std::borrow::Cow<'_, str>>| {
            text.filter(|text| !text.is_empty()).map(|text| text.into_owned().into_boxed_str())
        };
        Ok(Self {
            dialect,
            topics,
            data: data.unwrap_or_default().into_owned(),
            private,
            id: given(id),
            event: given(event),
            retry: given(retry).map(|text| milliseconds(&text)).transpose()?,
        })
    }

    pub(super) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Checks the rules of the dialect that are left. Those of every event are the hub's to check.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(super) fn check(&self, hub: &Url) -> Result<(), Problem> {
        if let Some(topic) = self.topics.iter().find(|topic| echo::is_reserved(topic.as_str())) {
            return Err(Problem::new(StatusCode::FORBIDDEN, own_topic(topic)));
        }
        match self.dialect {
            Dialect::V0 => self.check_v0(hub),
            Dialect::V1 => self.check_v1(hub),
        }
    }

    fn check_v0(&self, hub: &Url) -> Result<(), Problem> {
        if let Some(topic) =
            self.topics.iter().find(|topic| reserved::is_like_announcements(topic.as_str(), hub))
        {
            return Err(Problem::new(StatusCode::FORBIDDEN, own_topic(topic)));
        }
        for (name, text) in [("id", &self.id), ("type", &self.event)] {
            if text.as_ref().is_some_and(|text| text.contains(['\r', '\n', '\0'])) {
                return Err(Problem::bad_request(format!(
                    "the {name} holds a line end or a NUL, which cannot be sent: remove it"
                )));
            }
        }
        Ok(())
    }

    fn check_v1(&self, hub: &Url) -> Result<(), Problem> {
        if let Some(topic) = self.topics.iter().find(|topic| reserved::is_reserved(topic.as_str(), hub)) {
            return Err(Problem::bad_request(own_topic(topic)));
        }
        if self.topics.iter().any(|topic| topic.as_str() == "*") {
            return Err(Problem::bad_request(
                "a topic is \"*\", which subscribers understand as every topic: choose another",
            ));
        }
        for (name, text) in [("id", &self.id), ("type", &self.event)] {
            protocol_string::check(text.as_deref().unwrap_or_default())
                .map_err(|error| Problem::bad_request(format!("the {name} is not valid: {error}")))?;
        }
        if let Some(id) = self.id.as_deref().filter(|id| id.starts_with(NO_ID) || *id == EARLIEST) {
            return Err(Problem::bad_request(format!(
                "the id {id:?} means something else where a cursor stands: choose another"
            )));
        }
        if self.event.as_deref() == Some(EVENT_TYPE) {
            return Err(Problem::bad_request(format!(
                "the type {EVENT_TYPE:?} is for the hub's own events: choose another"
            )));
        }
        Ok(())
    }

    /// The hub's publication. `make_id` makes the id where none is given.
    pub(super) fn publication(self, make_id: impl FnOnce() -> Option<Box<str>>) -> Publication {
        Publication {
            topics: self.topics.into(),
            data: self.data.into(),
            event: self.event,
            id: self.id.or_else(make_id),
            // Any number is allowed here, and the hub's limit is longer than a browser ever waits.
            // 0 is none (section 1.3): a browser would come back without a pause.
            retry: self.retry.filter(|retry| *retry != 0).map(|retry| retry.min(MAX_RETRY_MS)),
            private: self.private,
            socket: None,
        }
    }
}

fn put<T>(field: &mut Option<T>, value: T) {
    field.get_or_insert(value);
}

fn topic(text: &str, dialect: Dialect) -> Result<Topic, Problem> {
    if dialect == Dialect::V1 {
        protocol_string::check(text)
            .map_err(|error| Problem::bad_request(format!("a topic is not valid: {error}")))?;
    }
    Topic::new(text).map_err(Problem::bad_request)
}

fn milliseconds(text: &str) -> Result<u64, Problem> {
    // `parse` alone would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        Problem::bad_request("the retry is not a number: give a whole number of milliseconds, in digits")
    })
}

fn own_topic(topic: &Topic) -> String {
    let topic = topic.as_str().chars().take(200).collect::<String>();
    format!("the topic {topic:?} is the hub's own, as are all below its address: choose another")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use proptest::prelude::*;

    use super::*;

    fn hub() -> Url {
        Url::parse("https://hub.example/.well-known/mercure").unwrap()
    }

    fn outcome(form: &str, dialect: Dialect) -> Result<Publication, StatusCode> {
        let status = |problem: Problem| problem.into_response().status();
        let request = PublishRequest::read(form.as_bytes(), dialect).map_err(status)?;
        request.check(&hub()).map_err(status)?;
        Ok(request.publication(|| None))
    }

    fn table(dialect: Dialect, cases: &[(&str, Option<u16>)]) {
        for (form, expected) in cases {
            let status = outcome(form, dialect).err().map(|status| status.as_u16());
            assert_eq!(status, *expected, "{dialect:?} {form}");
        }
    }

    // 1.4, each field
    #[test]
    fn the_fields_of_1_0() {
        table(
            Dialect::V1,
            &[
                ("topic=a", None),
                ("topic=a&topic=b&data=x&unknown=y", None),
                ("", Some(400)),
                ("data=x", Some(400)),
                ("topic=", Some(400)),
                ("topic=*", Some(400)),
                ("topic=a&topic=*", Some(400)),
                ("topic=a%0Ab", Some(400)),
                ("topic=a%E2%80%8Bb", Some(400)),
                ("topic=/.well-known/mercure/x", Some(400)),
                ("topic=a&topic=mercure/subscriptions/x", Some(400)),
                ("topic=a&data=%ff", Some(400)),
                ("topic=a&id=urn:uuid:1", None),
                ("topic=a&id=", None),
                ("topic=a&id=%23x", Some(400)),
                ("topic=a&id=earliest", Some(400)),
                ("topic=a&id=x%E2%80%8B", Some(400)),
                ("topic=a&type=notice", None),
                ("topic=a&type=mercure", Some(400)),
                ("topic=a&type=x%0Ay", Some(400)),
                ("topic=a&retry=18446744073709551615", None),
                ("topic=a&retry=", None),
                ("topic=a&retry=18446744073709551616", Some(400)),
                ("topic=a&retry=%2B1", Some(400)),
                ("topic=a&retry=-1", Some(400)),
                ("topic=a&retry=1s", Some(400)),
                ("topic=a&retry=%D9%A1", Some(400)),
            ],
        );
    }

    // 2 Publish
    #[test]
    fn the_fields_of_0_x() {
        table(
            Dialect::V0,
            &[
                ("topic=a", None),
                ("", Some(400)),
                ("topic=*", None),
                ("topic=mercure/x", None),
                ("topic=https://a/.well-known/mercureX", Some(403)),
                ("topic=mercure/subscriptions/exact/a/b", Some(403)),
                ("topic=%5C.well-known%5Cmercure%5Csubscriptions%5Cexact%5Ca%5Cb", Some(403)),
                ("topic=a&topic=/.well-known/%256Dercure/subscriptions/exact/a/b", Some(403)),
                ("topic=a&id=%23x", None),
                ("topic=a&id=a%0Ab", Some(400)),
                ("topic=a&id=a%0Db", Some(400)),
                ("topic=a&id=a%00b", Some(400)),
                ("topic=a&type=a%0Ab", Some(400)),
                ("topic=a&type=a%00b", Some(400)),
                ("topic=a&type=mercure", None),
                ("topic=a&type=a%E2%80%8Bb", None),
                ("topic=a&retry=x", Some(400)),
            ],
        );
    }

    // 1.4, 2 Publish
    #[test]
    fn a_thousand_topics_and_no_more() {
        for dialect in [Dialect::V0, Dialect::V1] {
            let many = |count| vec!["topic=a"; count].join("&");
            table(dialect, &[(&many(1000), None), (&many(1001), Some(400))]);
        }
    }

    // 1.4
    #[test]
    fn a_publication_is_what_the_form_says() {
        let publication = outcome("topic=a&topic=b&data=x%0Ay+z&id=i&type=t&retry=5&data=no", Dialect::V1);
        let [a, b] = ["a", "b"].map(|name| Topic::new(name).unwrap());
        assert_eq!(
            publication.unwrap(),
            Publication {
                topics: [a.clone(), b].into(),
                event: Some("t".into()),
                id: Some("i".into()),
                retry: Some(5),
                ..Publication::new(a, "x\ny z")
            }
        );
    }

    // 1.4, 2 Publish
    #[test]
    fn a_publication_is_private_by_the_name_alone() {
        for dialect in [Dialect::V0, Dialect::V1] {
            for (form, private) in
                [("private=on", true), ("private=", true), ("private=0", true), ("", false)]
            {
                let publication = outcome(&format!("topic=a&{form}"), dialect).unwrap();
                assert_eq!(publication.private, private, "{form}");
            }
        }
    }

    #[test]
    fn a_retry_that_no_browser_waits_is_cut() {
        assert_eq!(outcome("topic=a&retry=99999999999", Dialect::V1).unwrap().retry, Some(MAX_RETRY_MS));
        assert_eq!(outcome("topic=a&retry=00", Dialect::V1).unwrap().retry, None);
    }

    // 1.4, 2 Publish
    #[test]
    fn an_id_is_made_where_none_is_given() {
        let id = |form: &str| {
            let request = PublishRequest::read(form.as_bytes(), Dialect::V1).unwrap();
            request.publication(|| Some("made".into())).id
        };
        assert_eq!(id("topic=a"), Some("made".into()));
        assert_eq!(id("topic=a&id=mine"), Some("mine".into()));
    }

    proptest! {
        #[test]
        fn any_form_is_read_or_refused(form: Vec<u8>, text in "(topic|id|type|retry|data)=(\\PC|[%0-9/.]){0,12}") {
            for dialect in [Dialect::V0, Dialect::V1] {
                for form in [&form[..], text.as_bytes()] {
                    if let Ok(request) = PublishRequest::read(form, dialect) {
                        request.check(&hub()).ok();
                    }
                }
            }
        }
    }
}
