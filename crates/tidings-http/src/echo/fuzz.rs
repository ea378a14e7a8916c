//! What must be true of any request to the Echo front: the check of the fuzz target `echo`.

use http::{HeaderMap, HeaderValue, header};

use super::{
    asked::Asked,
    channel::{Channel, Kind, is_reserved},
    requests::Said,
    socket_id::SocketId,
};

/// Takes bytes for a line of query, and behind it a body, as JSON and as a form.
pub fn fuzz(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let body = lines.next().unwrap_or_default();
    if let Ok(asked) = Asked::read(Some(&query), &HeaderMap::new()) {
        distinct(&asked.channels.unwrap_or_default());
        asked.former.iter().for_each(socket);
    }
    for media_type in ["application/json", "application/x-www-form-urlencoded"] {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        if let Ok(said) = Said::read(&headers, body) {
            if let Ok(channel) = said.guarded() {
                assert_ne!(channel.kind(), Kind::Public, "{:?} needs no right", channel.name());
            }
            if let Ok(channel) = said.presence() {
                assert_eq!(channel.kind(), Kind::Presence);
            }
            distinct(&said.channels().unwrap_or_default());
        }
    }
    if let Some(id) = std::str::from_utf8(body).ok().and_then(SocketId::parse) {
        socket(&id);
    }
}

fn distinct(channels: &[Channel]) {
    assert!(channels.windows(2).all(|two| two[0] < two[1]), "a channel twice: {channels:?}");
    channels.iter().for_each(|channel| assert!(!is_reserved(channel.name()), "{channel:?}"));
}

/// It is known by its mark, in which it does not stand.
fn socket(id: &SocketId) {
    let mark = id.mark();
    assert!(SocketId::marked(&mark).is_some_and(|marked| marked == *id && marked.text().is_none()));
    assert!(id.text().is_some_and(|text| !mark.contains(text)));
}
