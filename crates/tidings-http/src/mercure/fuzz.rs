//! What must be true of any request: the check of the fuzz target `mercure`, which the tests replay over its corpus and
//! seeded mutations of it.

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

#[cfg(test)]
mod tests {
    use super::*;

    const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/mercure");
    const MUTATIONS: usize = 500;

    #[test]
    fn the_corpus_and_its_mutations_pass() {
        let files =
            std::fs::read_dir(CORPUS).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let mut files: Vec<_> = files.collect();
        assert!(!files.is_empty());
        files.sort_unstable();
        let mut random = fastrand::Rng::with_seed(7);
        for file in &files {
            fuzz(file);
            for _ in 0..MUTATIONS {
                let mut file = file.clone();
                for _ in 0..random.usize(1..4) {
                    let at = random.usize(..file.len());
                    match random.u8(..3) {
                        0 => file[at] = random.u8(..),
                        1 => file.insert(at, *random.choice(b"%&=+{}*:/?#\n\0\xc3").unwrap_or(&0)),
                        _ => file.truncate(at.max(1)),
                    }
                }
                fuzz(&file);
            }
        }
    }
}
