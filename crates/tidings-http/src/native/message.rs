//! `POST /message`: what a chat form sends, published to the default topic.

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use serde::de::IgnoredAny;
use tidings_auth::Action;

use super::{Native, publish::Fields, receipt};
use crate::{body::media_type, client::Client, form, problem::Problem};

pub(super) async fn message(
    State(native): State<Native>,
    client: Client,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let visitor = native.gate().identify(&uri, &headers, Action::Publish).await?;
    let fields = Fields::read(uri.query(), &headers)?;
    let body = native.read(&visitor, body).await?;
    let data = data(&media_type(&headers), body)?;
    let topic = native.settings.default_topic.clone();
    let receipt = native.publish(&visitor, &client, &headers, fields.publication(topic, data)).await?;
    Ok(receipt::answer([receipt], receipt::JSON))
}

/// The data in the body: the form's field `message`; JSON and plain text as they are, byte for byte.
fn data(media_type: &str, body: Bytes) -> Result<Bytes, Problem> {
    match media_type {
        // `curl -d Hello` says that it sends a form; text without a field is taken for what it is.
        "application/x-www-form-urlencoded" if !body.contains(&b'=') => Ok(body),
        "application/x-www-form-urlencoded" => form::fields(&body)?
            .find(|(name, _)| name == "message")
            .map(|(_, text)| Bytes::from(text.into_owned()))
            .ok_or_else(|| Problem::bad_request("the form has no field \"message\": send message=…")),
        "application/json" => match serde_json::from_slice::<IgnoredAny>(&body) {
            Ok(_) => Ok(body),
            Err(error) => Err(Problem::bad_request(format!("the body is not JSON: {error}"))),
        },
        "" | "text/plain" => Ok(body),
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "{other} is not understood here: send application/x-www-form-urlencoded with a field \"message\", \
                 application/json or text/plain"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media_type: &str, body: &'static str) -> Result<String, Problem> {
        data(media_type, Bytes::from(body)).map(|data| String::from_utf8(data.to_vec()).unwrap())
    }

    #[test]
    fn forms_json_and_text() {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read(form, "name=Ann&message=a%2Bb+%E4%BD%A0").as_deref(), Ok("a+b 你"));
        assert_eq!(read(form, "Hello").as_deref(), Ok("Hello"));
        assert!(read(form, "text=Hello").is_err());
        assert_eq!(read("application/json", "{ \"message\":\"x\" }").as_deref(), Ok("{ \"message\":\"x\" }"));
        assert!(read("application/json", "{").is_err());
        assert_eq!(read("text/plain", "a=b").as_deref(), Ok("a=b"));
        assert!(read("multipart/form-data", "x").is_err());
    }
}
