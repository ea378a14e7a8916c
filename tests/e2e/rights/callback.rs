//! The application decides: a small one of this test's own.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use tidings_stream::Item;

use super::{BACKEND, subscribe, with};
use crate::support::Hub;

/// An application that knows two sessions.
struct Application {
    url: String,
    /// The requests it was asked, head and body.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Application {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/may", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let book = book.clone();
                thread::spawn(move || answer(stream, &book));
            }
        });
        Self { url, asked }
    }

    fn hub(&self) -> Hub {
        Hub::configured(&format!(
            "[[keys]]\nname = 'backend'\nsecret = '{BACKEND}'\npublish = ['*']\n\
             [auth.callback]\nurl = '{}'\nheaders = ['X-Tenant']\ntimeout = '2s'\n",
            self.url
        ))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, book: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    // One request a connection; the body is small and comes with its head or just behind it.
    while !is_whole(&request) {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&part[..read]),
        }
    }
    let text = String::from_utf8(request).unwrap();
    book.lock().unwrap().push(text.clone());
    let is = |what: &str| text.contains(what);
    let (status, body) = match () {
        () if is("session=ann") && is("users.ann") => ("200 OK", r#"{"allow":true,"user":"ann"}"#),
        () if is("session=ann") => ("403 Forbidden", "{}"),
        () if is("session=odd") => ("200 OK", r#"{"allow":"yes"}"#),
        () if is("session=away") => ("302 Found", "true"),
        () if is("session=broken") => ("500 Internal Server Error", "true"),
        () => ("401 Unauthorized", "false"),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nLocation: /yes\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).ok();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

#[test]
fn the_application_says_who_may_see_what() {
    let application = Application::start();
    let hub = application.hub();
    let ann = [("Cookie", "session=ann"), ("X-Tenant", "shop"), ("X-Other", "hidden")];
    let mut listener = subscribe(&hub, "topic=users.ann", &ann).unwrap();
    with(&hub, BACKEND, "POST", "/topics/users.ann?private", "hello").receipt();
    assert_eq!(listener.event().data, "hello");
    let asked = application.asked();
    let head = asked[0].to_ascii_lowercase();
    assert!(head.contains("session=ann") && head.contains("x-tenant: shop"), "{head}");
    assert!(!head.contains("x-other") && head.starts_with("post /may "), "{head}");
    assert!(asked[0].contains(r#""action":"subscribe""#) && asked[0].contains(r#""topic":"users.ann""#));
    // The same question is not asked again at once.
    subscribe(&hub, "topic=users.ann", &ann).unwrap();
    assert_eq!(application.asked().len(), 1);
}

#[test]
fn only_a_clear_yes_is_one() {
    let application = Application::start();
    let hub = application.hub();
    let mut statuses = Vec::new();
    for (session, topic) in [("ann", "users.bob"), ("nobody", "users.ann")] {
        let cookie = format!("session={session}");
        let refused = subscribe(&hub, &format!("topic={topic}"), &[("Cookie", &cookie)]).unwrap_err();
        statuses.push((session, refused.status()));
    }
    assert_eq!(statuses, [("ann", 403), ("nobody", 401)]);
    for session in ["odd", "away", "broken"] {
        is_sent_away(&hub, &format!("session={session}"));
    }
}

/// A browser gives up on any status but 200: it is told to come back, and sees nothing until then.
fn is_sent_away(hub: &Hub, cookie: &str) {
    let away = subscribe(hub, "topic=a&last_event_id=earliest", &[("Cookie", cookie)]).unwrap();
    let items = away.rest();
    assert!(matches!(items[..], [Item::Comment(_), Item::Retry(5000..)]), "{items:?}");
}

#[test]
fn a_revoked_user_of_the_application_is_cut_off() {
    let application = Application::start();
    let hub = Hub::configured(&format!(
        "[[keys]]\nname = 'admin'\nsecret = '{BACKEND}'\nadmin = true\n[auth.callback]\nurl = '{}'\n",
        application.url
    ));
    let mut listener = subscribe(&hub, "topic=users.ann", &[("Cookie", "session=ann")]).unwrap();
    assert_eq!(with(&hub, BACKEND, "POST", "/admin/revoke", r#"{"user":"ann"}"#).status(), 204);
    assert_eq!(listener.event().event, "tidings.close");
    let refused = subscribe(&hub, "topic=users.ann", &[("Cookie", "session=ann")]).unwrap_err();
    assert_eq!(refused.status(), 401, "{}", refused.text());
}

#[test]
fn an_application_that_is_away_lets_nobody_in() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hub = Hub::configured(&format!("[auth.callback]\nurl = 'http://{gone}/may'\ntimeout = '1s'"));
    is_sent_away(&hub, "session=ann");
    let own = hub.url();
    let headers = [("Cookie", "session=ann"), ("Origin", own.as_str())];
    let refused = hub.request("POST", "/topics/a", &headers, b"x");
    assert_eq!(refused.header("Retry-After"), Some("1"));
    assert!(refused.problem(503).contains("application"));
}
