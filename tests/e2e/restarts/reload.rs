//! SIGHUP: the configuration is read anew.

use rustix::process::Signal;
use serde_json::json;

use crate::support::{BOUND, Connection, Hub, Listener, wait_until};

/// A configuration with these keys, which may all do everything, and more.
fn configuration(keys: &[&str], more: &str) -> String {
    let key = |name: &&str| {
        format!(
            "[[keys]]\nname = '{name}'\nsecret = '{}'\npublish = ['*']\nsubscribe = ['*']\n",
            secret(name)
        )
    };
    format!("{more}\n{}", keys.iter().map(key).collect::<String>())
}

fn secret(name: &str) -> String {
    format!("the-long-and-random-secret-of-{name}")
}

fn bearer(name: &str) -> String {
    format!("Bearer {}", secret(name))
}

fn listen(hub: &Hub, name: &str) -> Listener {
    let mut connection = Connection::open(hub.address, BOUND).unwrap();
    connection.send_request("GET", "/events?topic=a", &[("Authorization", &bearer(name))], b"").unwrap();
    Listener::read(connection).unwrap()
}

fn publish(hub: &Hub, name: &str, data: &str) -> u16 {
    hub.request("POST", "/topics/a", &[("Authorization", &bearer(name))], data.as_bytes()).status()
}

/// Has the configuration read, and waits until that is done, whatever comes of it.
fn reload(hub: &Hub, configuration: &str) {
    let done = || {
        let lines = hub.stderr();
        lines.matches("and is in force").count() + lines.matches("was refused: the hub goes on").count()
    };
    let before = done();
    hub.configure(configuration);
    hub.signal(Signal::HUP);
    wait_until("the configuration is read", || done() > before);
}

#[test]
fn a_key_comes_and_another_goes_with_its_streams_and_nobody_elses() {
    let hub = Hub::configured(&configuration(&["stays", "goes"], ""));
    let (mut stays, goes) = (listen(&hub, "stays"), listen(&hub, "goes"));
    reload(&hub, &configuration(&["comes", "stays"], ""));
    let rest = format!("{:?}", goes.rest());
    assert!(rest.contains("tidings.close") && rest.contains("revoked"), "{rest}");
    assert_eq!(publish(&hub, "goes", "x"), 401);
    assert_eq!(publish(&hub, "comes", "after"), 200);
    assert_eq!(stays.event().data, "after");
    assert_eq!(listen(&hub, "comes").head.status, 200);
}

#[test]
fn a_wrong_configuration_is_refused_as_a_whole_with_every_reason() {
    let good = configuration(&["stays"], "");
    let hub = Hub::configured(&good);
    let mut stays = listen(&hub, "stays");
    reload(&hub, &configuration(&["other"], "nonsense = 1\n[limits]\nbody = 'much'"));
    let stderr = hub.stderr();
    assert!(stderr.contains("nonsense") && stderr.contains("limits.body"), "{stderr}");
    assert_eq!(publish(&hub, "other", "x"), 401);
    // The hub would be open to everybody.
    reload(&hub, "");
    assert!(hub.stderr().contains("open to everybody"), "{}", hub.stderr());
    assert_eq!(publish(&hub, "stays", "still here"), 200);
    assert_eq!(stays.event().data, "still here");
    reload(&hub, &good);
    assert!(hub.stderr().contains("and is in force"), "{}", hub.stderr());
}

#[test]
fn limits_and_origins_change_for_connections_that_are_open() {
    let hub = Hub::configured(&configuration(&["k"], ""));
    let (mut connection, mut stays) = (hub.connect(), listen(&hub, "k"));
    let authorization = bearer("k");
    let headers = [("Authorization", &*authorization), ("Origin", "https://app.example")];
    let mut post = |data: &[u8]| connection.request("POST", "/topics/a", &headers, data).unwrap();
    let allowed = "access-control-allow-origin";
    assert_eq!(post(b"more than ten bytes").header(allowed), None);
    reload(
        &hub,
        &configuration(
            &["k"],
            "[limits]\nbody = '10B'\n[cors]\norigins = ['https://app.example']\n[history]\nevents = 5",
        ),
    );
    let answer = post(b"less");
    assert_eq!((answer.status(), answer.header(allowed)), (200, Some("https://app.example")));
    assert_eq!(post(b"more than ten bytes").status(), 413);
    let seen = [stays.event().data, stays.event().data];
    assert_eq!(seen, ["more than ten bytes", "less"]);
    let warning =
        hub.stderr().lines().find(|line| line.contains("after a restart")).unwrap_or_default().to_owned();
    assert!(warning.contains("history"), "{warning}");
}

#[test]
fn sources_come_and_go_and_the_others_go_on() {
    let source = |topic: &str| {
        format!("[[source]]\nkind = 'clock'\nname = '{topic}'\ntopic = '{topic}'\nevery = '20ms'\n")
    };
    let mut hub = Hub::configured(&source("one"));
    let events = |hub: &Hub, name: &str| {
        let stats = hub.stats();
        let sources = stats["sources"].as_array().unwrap();
        let source = sources.iter().find(|source| source["name"] == json!(name));
        source.map(|source| source["events"].as_u64().unwrap())
    };
    wait_until("it ticks", || events(&hub, "one") > Some(2));
    reload(&hub, &(source("two") + &source("one")));
    assert!(events(&hub, "one") > Some(2), "it was started anew");
    wait_until("the other ticks", || events(&hub, "two") > Some(0));
    reload(&hub, &source("two"));
    assert_eq!(events(&hub, "one"), None);
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
}
