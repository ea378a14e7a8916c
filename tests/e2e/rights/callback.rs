//! The application decides: a small one of this test's own.

use std::net::TcpListener;

use tidings_stream::Item;

use super::{BACKEND, application::Application, subscribe, with};
use crate::support::Hub;

/// An application that knows two sessions.
fn application() -> Application {
    Application::start("/may", |request| {
        let is = |what: &str| request.contains(what);
        let (status, body) = match () {
            () if is("session=ann") && is("users.ann") => ("200 OK", r#"{"allow":true,"user":"ann"}"#),
            () if is("session=ann") => ("403 Forbidden", "{}"),
            () if is("session=odd") => ("200 OK", r#"{"allow":"yes"}"#),
            () if is("session=away") => ("302 Found\r\nLocation: /yes", "true"),
            () if is("session=broken") => ("500 Internal Server Error", "true"),
            () => ("401 Unauthorized", "false"),
        };
        (status, body.to_owned())
    })
}

fn hub(application: &Application) -> Hub {
    Hub::configured(&format!(
        "[[keys]]\nname = 'backend'\nsecret = '{BACKEND}'\npublish = ['*']\n\
         [auth.callback]\nurl = '{}'\nheaders = ['X-Tenant']\ntimeout = '2s'\n",
        application.url
    ))
}

#[test]
fn the_application_says_who_may_see_what() {
    let application = application();
    let hub = hub(&application);
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
    let application = application();
    let hub = hub(&application);
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
    let application = application();
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
