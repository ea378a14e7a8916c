//! What must be true of any request to the Mercure front: the check of the fuzz target `mercure`.

use http::HeaderMap;
use tidings_auth::Dialects;
use tidings_hub::UrlBase;

use super::{
    dialect::Dialect, documents, matcher::selection, publish_request::PublishRequest,
    subscribe_request::SubscribeRequest,
};

/// Takes bytes for requests of both dialects: a line of query, and behind it the body.
pub fn fuzz(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let body = lines.next().unwrap_or_default();
    for on in [true, false].into_iter().flat_map(|v1| [true, false].map(|v0| Dialects { v1, v0 })) {
        if let Ok(request) = SubscribeRequest::read(&query, body, &HeaderMap::new(), on) {
            subscription(&request);
        }
    }
    for dialect in [Dialect::V0, Dialect::V1] {
        if let Ok(request) = PublishRequest::read(body, dialect)
            && request.check(UrlBase::default().url()).is_ok()
        {
            // Whether the hub takes it is the hub's to say.
            request.publication(|| None).check().ok();
        }
    }
}

fn subscription(request: &SubscribeRequest) {
    request.cursor.answer(request.dialect, true);
    for matcher in &request.matchers {
        assert_eq!(matcher.kind.dialect(), request.dialect);
        let address = documents::address(Some(matcher), Some("urn:uuid:1"));
        let mut segments = address.rsplit('/').map(|segment| documents::decode(segment, request.dialect));
        assert_eq!(segments.next().flatten().as_deref(), Some("urn:uuid:1"));
        assert_eq!(segments.next().flatten().as_deref(), Some(&*matcher.text));
    }
    if let Ok(selectors) = request.selectors(&UrlBase::default()) {
        assert!(!selection(request.dialect, &selectors).is_empty());
    }
}
