//! `POST /publish`: one publication as a JSON object, or many as newline-delimited JSON, accepted all or none.

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_auth::Action;
use tidings_hub::{Publication, PublishError, Topic};

use super::{
    Native, check,
    receipt::{self, JSON, NDJSON},
};
use crate::{body::media_type, client::Client, problem::Problem};

/// Media types that say: many publications, one a line.
const NDJSON_TYPES: [&str; 4] =
    [NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"];

pub(super) async fn publish(
    State(native): State<Native>,
    client: Client,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let visitor = native.gate().identify(&uri, &headers, Action::Publish).await?;
    let many = NDJSON_TYPES.contains(&media_type(&headers).as_str());
    let body = native.read(&visitor, body).await?;
    let batch = parse(&body)?;
    if batch.len() != 1 && !many {
        return Err(Problem::bad_request(format!(
            "the body holds {} publications: send one JSON object, or set the Content-Type to {NDJSON}",
            batch.len()
        )));
    }
    let refused = |error| match error {
        PublishError::Invalid { index, reason } if many => {
            Problem::bad_request(format!("publication {}: {reason}", index + 1))
        }
        other => other.into(),
    };
    check(&batch).map_err(refused)?;
    native.may_publish(&visitor, &client, &headers, &batch).await?;
    let receipts = native.hub.publish_all(batch).await.map_err(refused)?;
    Ok(receipt::answer(receipts, if many { NDJSON } else { JSON }))
}

/// One publication as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    topic: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    event: Option<Box<str>>,
    id: Option<Box<str>>,
    retry: Option<u64>,
    #[serde(default)]
    private: bool,
    socket_id: Option<Box<str>>,
}

/// All publications of the body, or what is wrong with the first that is not one.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Publication>, Problem> {
    let mut batch = Vec::new();
    for request in serde_json::Deserializer::from_slice(body).into_iter::<Request<'_>>() {
        let publication = request.map_err(|error| error.to_string()).and_then(Request::publication);
        let number = batch.len() + 1;
        batch.push(
            publication.map_err(|error| Problem::bad_request(format!("publication {number}: {error}")))?,
        );
    }
    Ok(batch)
}

impl Request<'_> {
    fn publication(self) -> Result<Publication, String> {
        let topics = match (self.topic, self.topics) {
            (Some(_), topics) if !topics.is_empty() => {
                return Err("give \"topic\" or \"topics\", not both".into());
            }
            (Some(topic), _) => vec![topic],
            (None, topics) => topics,
        };
        let topics = topics.iter().map(Topic::new).collect::<Result<Vec<_>, _>>();
        Ok(Publication {
            topics: topics.map_err(|error| error.to_string())?.into(),
            data: self.data.map(data).transpose()?.unwrap_or_default().into(),
            event: self.event.filter(|event| !event.is_empty()),
            id: self.id,
            retry: self.retry,
            private: self.private,
            socket: self.socket_id,
        })
    }
}

/// A string stands for its text; any other JSON goes through as it was written.
pub(crate) fn data(raw: &RawValue) -> Result<String, String> {
    match raw.get() {
        text if text.starts_with('"') => serde_json::from_str(text).map_err(|error| error.to_string()),
        json => Ok(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Result<Vec<(Vec<String>, String)>, Problem> {
        let flat = |one: Publication| {
            let topics = one.topics.iter().map(ToString::to_string).collect();
            (topics, String::from_utf8(one.data.to_vec()).unwrap())
        };
        parse(body.as_bytes()).map(|batch| batch.into_iter().map(flat).collect())
    }

    #[test]
    fn data_is_text_or_json_as_written() {
        let body = r#"{"topic":"a","data":"x\ny"}
            {"topics":["a","b"],"data":{ "n": 12345678901234567890, "e": {} }}
            {"topic":"a"}"#;
        let expected = [
            (vec!["a".to_owned()], "x\ny".to_owned()),
            (vec!["a".to_owned(), "b".to_owned()], "{ \"n\": 12345678901234567890, \"e\": {} }".to_owned()),
            (vec!["a".to_owned()], String::new()),
        ];
        assert_eq!(parsed(body).unwrap(), expected);
    }

    #[test]
    fn the_first_bad_publication_is_named() {
        for (body, says) in [
            ("{\"topic\":\"a\"}\n{\"topic\":\"\"}", "publication 2: a topic name is empty"),
            ("{\"topic\":\"a\",\"topics\":[\"b\"]}", "publication 1: give \"topic\" or \"topics\""),
            ("{\"topic\":\"a\",\"evnt\":\"b\"}", "publication 1: unknown field `evnt`"),
            ("{\"topic\":\"a\"", "publication 1: EOF"),
            ("[]", "publication 1: invalid"),
        ] {
            let problem = format!("{:?}", parsed(body).unwrap_err());
            assert!(problem.contains(&says.replace('"', "\\\"")), "{problem} does not say {says}");
        }
    }
}
