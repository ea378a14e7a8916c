//! A socket id is a secret between the hub and one client, and the application that it tells.

use rustix::process::Signal;
use serde_json::json;

use super::{Application, Driver, Wave, hub, with};
use crate::support::{BOUND, Connection, Listener};

/// The key of somebody who hears everything.
const AUDITOR: &str = "the-key-of-the-auditor";

#[test]
fn no_stream_and_no_log_shows_the_socket_id_of_another() {
    let application = Application::start(Driver::Redis);
    let auditor = format!("[[keys]]\nname = 'auditor'\nsecret = '{AUDITOR}'\nsubscribe = ['*']\n");
    let mut hub = with(&application, &auditor);
    let room = "presence-room.1";
    let (a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.joins(&hub, room);
    b.joins(&hub, room);
    a.hears(&hub, "private-orders.7");
    for wave in [&a, &b] {
        assert_eq!(wave.whisper(&hub, room, "typing", json!({})).status(), 204);
    }
    // One that replays all of it.
    let late = Wave::query(&hub, "last_event_id=earliest", "bob");
    late.joins(&hub, room);
    // What is kept of them is not heard, even by who may hear everything public, or names it.
    let all = hub.listen("pattern=*&last_event_id=earliest");
    let named = hub.listen(&format!("topic=tidings/echo/{}&last_event_id=earliest", a.socket));
    // Not even by who may hear everything, and so hears what is kept.
    let auditor = format!("Bearer {AUDITOR}");
    let mut connection = Connection::open(hub.address, BOUND).unwrap();
    let target = "/events?pattern=*&last_event_id=earliest";
    connection.send_request("GET", target, &[("Authorization", &auditor)], b"").unwrap();
    let everything = Listener::read(connection).unwrap();
    let sockets = [&a, &b, &late].map(|wave| wave.socket.clone());
    hub.signal(Signal::TERM);
    hub.ended();
    for (own, listener) in
        [(0, a.listener), (1, b.listener), (2, late.listener), (3, all), (4, named), (5, everything)]
    {
        let heard = format!("{:?}", listener.rest());
        assert!(own != 5 || heard.contains("private-orders.7"), "{heard}");
        for (number, socket) in sockets.iter().enumerate().filter(|(number, _)| *number != own) {
            assert!(!heard.contains(socket.as_str()), "{own} heard of {number}: {heard}");
        }
    }
    let log = hub.stderr();
    // The first was asked for by name, and that is what is logged of it.
    assert!(!sockets[1..].iter().any(|socket| log.contains(socket.as_str())), "{log}");
}

#[test]
fn nobody_publishes_where_the_front_keeps_what_it_knows() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let key = format!("Bearer {}", super::BACKEND);
    let headers = [("Authorization", key.as_str())];
    let forged = r#"{"channels":{"presence-room.1":{"user_id":"1","user_info":{}}}}"#;
    let answer = hub.request("POST", "/topics/tidings/echo/1.2?private", &headers, forged.as_bytes());
    assert!(answer.problem(400).contains("the hub's own"));
}
