//! Unix sockets.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;

use super::support::{Serving, curl};
use crate::support::wait_until;

const SOCKET: &str = "listen = ['unix:DIR/hub.sock']";

fn ask(hub: &Serving, args: &[&str]) -> String {
    let socket = hub.path("hub.sock");
    curl(&[&["--unix-socket", socket.to_str().unwrap()], args].concat()).unwrap()
}

#[test]
fn events_pass_through_a_unix_socket() {
    for hand_over in ["true", "false"] {
        let mut hub = Serving::start(&format!("{SOCKET}\n[stream]\nhand_over = {hand_over}"));
        let places = hub.places();
        assert!(places.len() == 1 && places[0].ends_with("/hub.sock"), "{places:?}");
        assert!(ask(&hub, &["-d", "one", "http://localhost/topics/a"]).contains("offset"));
        let stream = hub.path("stream");
        let target = "http://localhost/events?topic=a&last=1";
        let socket = hub.path("hub.sock");
        let mut reader = std::process::Command::new("curl")
            .args(["--silent", "--no-buffer", "--unix-socket", socket.to_str().unwrap(), target])
            .stdout(fs::File::create(&stream).unwrap())
            .spawn()
            .unwrap();
        let holds = |text: &str| fs::read_to_string(&stream).unwrap().contains(text);
        wait_until("what was published is read", || holds("data: one\n"));
        ask(&hub, &["-d", "two", "http://localhost/topics/a"]);
        wait_until("what is published is read", || holds("data: two\n"));
        // HTTP/2 is told from HTTP/1.1 here, too.
        let version = ask(
            &hub,
            &[
                "--http2-prior-knowledge",
                "-o",
                "/dev/null",
                "-w",
                "%{http_version}",
                "http://localhost/livez",
            ],
        );
        assert_eq!(version, "2");
        hub.signal(Signal::TERM);
        assert!(reader.wait().unwrap().success(), "the stream ends as it should");
        assert!(hub.ended().success());
        assert!(!socket.exists(), "the file is removed");
    }
}

#[test]
fn the_file_has_the_mode_that_was_asked_for_and_a_dead_hubs_file_is_replaced() {
    let mut hub = Serving::start(SOCKET);
    hub.places();
    let mode = |hub: &Serving| fs::metadata(hub.path("hub.sock")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&hub), 0o660);
    hub.kill();
    assert!(hub.path("hub.sock").exists());
    hub.launch(&[], &format!("unix_mode = '600'\n{SOCKET}"));
    hub.places();
    assert_eq!(mode(&hub), 0o600);

    let socket = format!("listen = ['unix:{}']", hub.path("hub.sock").display());
    let mut second = Serving::start(&socket);
    assert_eq!(second.ended().code(), Some(1));
    assert!(second.stderr().contains("in use"), "{}", second.stderr());
    assert!(ask(&hub, &["http://localhost/livez"]).contains("alive"));
}
