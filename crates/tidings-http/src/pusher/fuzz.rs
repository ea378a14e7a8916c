//! What must be true of any request to the Pusher HTTP API: the check of the fuzz target `pusher`.

use http::Method;
use tidings_hub::{Publication, Selection, channel::is_private};

use super::{
    app::PusherApp,
    channel::is_of_name,
    event::{self, Batch, Event},
    parameters::Parameters,
};

const PATH: &str = "/apps/app/events";

/// Takes bytes for a line of query, and behind it a body.
pub fn fuzz(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let body = lines.next().unwrap_or_default();
    if let Ok(parameters) = Parameters::read(&query) {
        // Nobody guesses the signature. Whether the clocks differ is not looked at before it.
        let app = PusherApp {
            id: "app".to_owned(),
            key: "key".to_owned(),
            secret: "a-secret-that-no-input-knows".into(),
            publish: Selection::all(),
        };
        assert!(parameters.verify(&app, &Method::POST, PATH, 0).is_err(), "{query:?} passed for signed");
        // What is signed names each parameter but the signature, once.
        let signed = parameters.signed_text(&Method::POST, PATH);
        assert!(signed.starts_with("POST\n/apps/app/events\n"));
        parameters.check_body(body).ok();
    }
    if let Ok(one) = event::read::<Event<'_>>(body) {
        check(one.publications().unwrap_or_default());
    }
    if let Ok(Batch { batch }) = event::read::<Batch<'_>>(body) {
        batch.iter().for_each(|one| check(one.publications().unwrap_or_default()));
    }
}

fn check(publications: Vec<Publication>) {
    for (index, publication) in publications.iter().enumerate() {
        let [channel] = &*publication.topics else { panic!("one channel each: {publication:?}") };
        assert!(
            publications[..index].iter().all(|other| other.topics[0] != *channel),
            "twice to {channel:?}"
        );
        assert_eq!(publication.private, is_private(channel.as_str()));
        let name = channel.as_str().strip_prefix('#').unwrap_or(channel.as_str());
        assert!(channel.as_str().len() <= 200 && name.chars().all(is_of_name), "{channel:?}");
        // Whether the hub takes it is the hub's to say.
        publication.check().ok();
    }
}
