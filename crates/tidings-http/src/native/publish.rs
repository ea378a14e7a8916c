//! `POST /topics/{topic}`: the body is the data, byte for byte.

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::{HeaderMap, Uri};
use tidings_auth::Action;
use tidings_hub::{Publication, Topic};

use super::{Native, receipt};
use crate::{client::Client, form, gate::QUERY_TOKEN, problem::Problem};

pub(super) async fn to_topic(
    State(native): State<Native>,
    topic: Result<Path<String>, PathRejection>,
    client: Client,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path(topic) = topic?;
    let topic = Topic::new(topic).map_err(Problem::bad_request)?;
    let visitor = native.gate().identify(&uri, &headers, Action::Publish).await?;
    let fields = Fields::read(uri.query(), &headers)?;
    let data = native.read(&visitor, body).await?;
    let receipt = native.publish(&visitor, &client, &headers, fields.publication(topic, data)).await?;
    Ok(receipt::answer([receipt], receipt::JSON))
}

/// What comes beside the data: as query parameters, or as headers of the same names.
#[derive(Debug, Default)]
pub(super) struct Fields {
    event: Option<Box<str>>,
    id: Option<Box<str>>,
    retry: Option<u64>,
    private: bool,
}

impl Fields {
    /// Reads headers, then the query, which wins. Query parameters of other names are an error, because one that is
    /// misspelt would otherwise be lost in silence; headers of other names are none of ours.
    pub(super) fn read(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let mut fields = Self::default();
        for name in ["event", "id", "retry", "private"] {
            if let Some(value) = headers.get(name) {
                let value = std::str::from_utf8(value.as_bytes())
                    .map_err(|_| Problem::bad_request(format!("the header {name} is not UTF-8")))?;
                fields.set(name, value)?;
            }
        }
        for (name, value) in form::fields(query.unwrap_or_default().as_bytes())? {
            fields.set(&name, &value)?;
        }
        Ok(fields)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "event" => self.event = (!value.is_empty()).then(|| value.into()),
            "id" => self.id = Some(value.into()),
            "retry" => {
                let number = value.parse().map_err(|_| {
                    Problem::bad_request(format!("retry={value}: give a whole number of milliseconds"))
                })?;
                self.retry = Some(number);
            }
            "private" => {
                self.private = match value {
                    "" | "1" | "true" | "on" => true,
                    "0" | "false" | "off" => false,
                    _ => return Err(Problem::bad_request(format!("private={value}: give true or false"))),
                }
            }
            QUERY_TOKEN => {}
            _ => {
                return Err(Problem::bad_request(format!(
                    "unknown parameter {name:?}: a publish knows event, id, retry and private"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn publication(self, topic: Topic, data: impl Into<bytes::Bytes>) -> Publication {
        let Self { event, id, retry, private } = self;
        Publication { event, id, retry, private, ..Publication::new(topic, data) }
    }
}
