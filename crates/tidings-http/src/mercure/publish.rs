//! `POST`: a publication (sections 1.4 and 2).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header};
use tidings_auth::Action;
use tidings_hub::{InvalidPublication, MAX_TOPICS_PER_EVENT};

use super::{
    Front, access::Caller, bearer_error::Failure, dialect::Dialect, publish_request::PublishRequest,
    read_form, resource::Resource,
};
use crate::{client::Client, problem::Problem, visitor::Visitor};

/// The order of the checks is the reference's: the token, the body, what must be known to ask for rights, the rights, the
/// other fields. So nobody learns by an error what they may not ask for.
pub(super) async fn publish(
    front: &Front,
    client: &Client,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let settings = &front.settings;
    let resource = Resource::of(&uri, &headers, settings)?;
    let caller = Caller { front, resource: &resource, uri: &uri, headers: &headers };

    let visitor = caller.identify(Action::Publish, None).await;
    let token = match &visitor {
        Ok(Visitor::Known(grant)) => grant.dialect,
        _ => None,
    };
    let dialect = Dialect::of_publication(token, settings.dialects);
    let denied = |refusal| caller.denied(refusal, dialect);
    let visitor = visitor.map_err(denied)?;
    caller.check_page().map_err(denied)?;

    let form = read_form(&headers, body, settings.body_limit(settings.max_body)).await?;
    let request = PublishRequest::read(&form, dialect)?;
    // Before the application is asked about each of them.
    if request.topics().len() > MAX_TOPICS_PER_EVENT {
        return Err(Problem::bad_request(InvalidPublication::TooManyTopics(request.topics().len())).into());
    }
    client.publish(1).map_err(Problem::from)?;
    visitor.may_publish(&front.authority, &headers, request.topics(), 1).await.map_err(denied)?;
    request.check(front.base.url())?;

    let receipt =
        front.hub.publish(request.publication(|| settings.ids.make())).await.map_err(Problem::from)?;
    let text = [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))];
    Ok((text, receipt.id).into_response())
}
