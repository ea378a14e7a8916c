//! An application that speaks as Laravel's `/broadcasting/auth` does decides about private and presence channels.

use tidings_stream::Item;

use super::{BACKEND, application::Application, subscribe, with};
use crate::support::{Hub, wait_until};

const HTML: &str = "200 OK\r\nContent-Type: text/html; charset=UTF-8";
const JSON: &str = "200 OK\r\nContent-Type: application/json";

/// Ann owns order 7 and is in room 1, by the driver `redis` there and by `pusher` in room 2.
fn application() -> Application {
    Application::start("/broadcasting/auth", |request| {
        let is = |what: &str| request.contains(what);
        let (status, body) = match () {
            () if is("laravel_session=away") => ("500 Internal Server Error", "true"),
            () if !is("laravel_session=ann") && !is("Bearer 1|ann") => {
                ("302 Found\r\nLocation: /login", "<html>")
            }
            () if is("channel_name=private-orders.7&") => (HTML, "true"),
            () if is("channel_name=private-orders.8&") => (JSON, r#"{"auth":"app-key:dc19424a"}"#),
            () if is("channel_name=presence-room.1&") => {
                (HTML, r#"{"channel_data":{"user_id":7,"user_info":{"name":"Ann"}}}"#)
            }
            () if is("channel_name=presence-room.2&") => {
                (JSON, r#"{"auth":"app-key:8a927d55","channel_data":"{\"user_id\":\"7\"}"}"#)
            }
            () => ("403 Forbidden", r#"{"message":""}"#),
        };
        (status, body.to_owned())
    })
}

fn hub(application: &Application, more: &str) -> Hub {
    Hub::configured(&format!(
        "{more}\n[[keys]]\nname = 'backend'\nsecret = '{BACKEND}'\npublish = ['*']\nadmin = true\n\
         [auth.callback]\nkind = 'laravel'\nurl = '{}'\ncache = '0s'\n",
        application.url
    ))
}

const ANN: [(&str, &str); 1] = [("Cookie", "laravel_session=ann")];

#[test]
fn laravel_says_who_may_listen_to_a_channel() {
    let application = application();
    let hub = hub(&application, "");
    for channel in ["private-orders.7", "private-orders.8", "presence-room.1", "presence-room.2"] {
        let mut listener = subscribe(&hub, &format!("topic={channel}"), &ANN).unwrap();
        with(&hub, BACKEND, "POST", &format!("/topics/{channel}?private"), "for you").receipt();
        assert_eq!(listener.event().data, "for you", "{channel}");
    }
    let asked = application.asked();
    let head = asked[0].to_ascii_lowercase();
    assert!(head.starts_with("post /broadcasting/auth "), "{head}");
    assert!(head.contains("laravel_session=ann") && head.contains("accept: application/json"), "{head}");
    assert!(asked[0].ends_with("\r\n\r\nchannel_name=private-orders.7&socket_id=0.0"), "{head}");

    let refused = |channel: &str, session: &str| {
        let cookie = format!("laravel_session={session}");
        subscribe(&hub, &format!("topic={channel}"), &[("Cookie", &cookie)]).unwrap_err().status()
    };
    assert_eq!(refused("private-orders.9", "ann"), 403);
    assert_eq!(refused("private-orders.7", "nobody"), 401);
}

#[test]
fn guests_and_other_topics_are_refused_without_a_question() {
    let application = application();
    let hub = hub(&application, "");
    let guest = subscribe(&hub, "topic=private-orders.7", &[]).unwrap_err();
    assert_eq!(guest.status(), 401, "{}", guest.text());
    let news = subscribe(&hub, "topic=news", &ANN).unwrap_err();
    assert!(news.problem(403).contains("private- and presence- channels"));
    assert_eq!(application.asked(), Vec::<String>::new());
}

/// Public channels are for all, and who is known sees private events besides.
#[test]
fn channels_of_all_kinds_share_a_stream() {
    let application = application();
    let hub = hub(&application, "[anonymous]\nsubscribe = ['*']");
    let all = "topic=news&topic=private-orders.7&topic=private-orders.9";
    let mut ann = subscribe(&hub, all, &ANN).unwrap();
    let mut guest = subscribe(&hub, all, &[]).unwrap();
    for target in ["private-orders.9?private", "private-orders.7?private", "news"] {
        with(&hub, BACKEND, "POST", &format!("/topics/{target}"), target).receipt();
    }
    assert_eq!((&*ann.event().data, &*ann.event().data), ("private-orders.7?private", "news"));
    assert_eq!(guest.event().data, "news");
}

/// What Sanctum calls a token the hub cannot know: Laravel does, where it is asked, and elsewhere it is no hindrance.
#[test]
fn a_token_of_the_application_is_for_the_application_to_know() {
    let application = application();
    let hub = hub(&application, "[anonymous]\nsubscribe = ['news', 'chat']\npublish = ['chat']");
    let ann = [("Authorization", "Bearer 1|ann")];
    let mut listener = subscribe(&hub, "topic=private-orders.7&topic=chat", &ann).unwrap();
    assert_eq!(application.asked().len(), 1);
    subscribe(&hub, "topic=news", &ann).unwrap();
    subscribe(&hub, "pattern=*", &ann).unwrap();
    assert_eq!(hub.request("POST", "/topics/chat", &ann, b"hello").status(), 200);
    assert_eq!(listener.event().data, "hello");
    assert_eq!(subscribe(&hub, "topic=other", &ann).unwrap_err().status(), 403);
    assert_eq!(hub.request("POST", "/topics/news", &ann, b"x").status(), 403);
    assert_eq!(application.asked().len(), 1);
    let bob = [("Authorization", "Bearer 2|bob")];
    assert_eq!(subscribe(&hub, "topic=private-orders.7", &bob).unwrap_err().status(), 401);
}

#[test]
fn a_user_of_a_presence_channel_can_be_revoked() {
    let application = application();
    let hub = hub(&application, "");
    let mut listener = subscribe(&hub, "topic=presence-room.1", &ANN).unwrap();
    assert_eq!(with(&hub, BACKEND, "POST", "/admin/revoke", r#"{"user":"7"}"#).status(), 204);
    assert_eq!(listener.event().event, "tidings.close");
}

/// A browser gives up on any status but 200: it is told to come back, and sees nothing until then.
#[test]
fn an_application_that_fails_lets_nobody_in_and_no_cookie_is_logged() {
    let application = application();
    let hub = hub(&application, "");
    let away = subscribe(&hub, "topic=private-orders.7", &[("Cookie", "laravel_session=away")]).unwrap();
    let items = away.rest();
    assert!(matches!(items[..], [Item::Comment(_), Item::Retry(5000..)]), "{items:?}");
    wait_until("it is logged", || hub.stderr().contains("it answered 500"));
    assert!(!hub.stderr().contains("laravel_session"), "{}", hub.stderr());
}
