//! What clients are told about the hub before they have a token (section 1.9, after RFC 9728).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;

use super::{Front, resource::Resource};
use crate::problem::Problem;

/// The type of the authorization details that tokens have (RFC 9396).
const DETAIL: &str = "https://mercure.rocks/authorization-detail";

#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    authorization_servers: &'a [String],
    authorization_details_types_supported: [&'static str; 1],
    mercure_cookie: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mercure_subscriptions: bool,
}

pub(super) async fn metadata(
    State(front): State<Front>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let settings = &front.settings;
    let resource = Resource::of(&uri, &headers, settings)?;
    if resource.metadata.is_none() || front.authority.is_open() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "this hub takes no tokens of Mercure 1.0"));
    }
    let metadata = Metadata {
        resource: &resource.identifier,
        bearer_methods_supported: ["header"],
        authorization_servers: &settings.authorization_servers,
        authorization_details_types_supported: [DETAIL],
        mercure_cookie: &settings.cookie,
        mercure_subscriptions: settings.presence.is_some(),
    };
    Ok(Json(metadata).into_response())
}
