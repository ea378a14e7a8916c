//! Sockets that the hub is started with, as systemd passes them, or the hub whose place it takes.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
};

use rustix::process::Signal;

use super::support::{Serving, curl};
use crate::support::{BOUND, Connection};

/// Kept away from the address that is listened on by default, which the test cannot choose.
const HERE: &str = "listen = ['127.0.0.1:0']";

fn status(address: std::net::SocketAddr, target: &str) -> u16 {
    Connection::open(address, BOUND).unwrap().request("GET", target, &[], b"").unwrap().status()
}

#[test]
fn an_inherited_socket_serves_everybody_and_nothing_is_bound_by_default() {
    let mut hub = Serving::activated(&["tidings.socket=127.0.0.1:0"], "");
    let address = hub.address();
    assert_eq!(status(address, "/livez"), 200);
    assert_eq!(status(address, "/metrics"), 200);
}

#[test]
fn a_socket_named_admin_is_for_operators() {
    let mut hub = Serving::activated(&["web=127.0.0.1:0", "admin=DIR/admin.sock"], "");
    let admin = hub.path("admin.sock");
    let address = hub.address();
    assert_eq!(status(address, "/metrics"), 404);
    let metrics = curl(&["--unix-socket", admin.to_str().unwrap(), "http://localhost/metrics"]).unwrap();
    assert!(metrics.contains("tidings_"), "{metrics}");
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
    assert!(admin.exists(), "the file is not the hub's to remove");
}

#[test]
fn an_inherited_socket_takes_the_place_of_a_configured_address() {
    let mut hub = Serving::activated(&["x=DIR/hub.sock"], "listen = ['127.0.0.1:0', 'unix:DIR/hub.sock']");
    let places = hub.places();
    assert_eq!(places.len(), 2, "{places:?}");
    assert!(places[1].starts_with("unix:/"), "{places:?}");
    UnixStream::connect(hub.path("hub.sock")).unwrap();
}

#[test]
fn sockets_of_a_former_hub_are_used_as_far_as_they_are_configured() {
    let sockets = ["tidings-public=127.0.0.1:0", "tidings-public=DIR/gone.sock", "tidings-admin=127.0.0.1:0"];
    let mut hub = Serving::activated(&sockets, HERE);
    assert_eq!(status(hub.address(), "/livez"), 200);
    assert!(!hub.path("gone.sock").exists());
    let log = hub.stderr();
    assert_eq!(log.matches("was inherited").count(), 1, "{log}");
    assert_eq!(log.matches("no longer listening").count(), 2, "{log}");
}

#[test]
fn an_open_hub_refuses_an_inherited_socket_that_others_reach() {
    let mut hub = Serving::activated(&["web=0.0.0.0:0"], "");
    assert_eq!(hub.ended().code(), Some(1));
    assert!(hub.stderr().contains("is not a loopback address"), "{}", hub.stderr());
    let keys = "[[keys]]\nname = 'a'\nsecret = '0123456789abcdef'\npublish = ['*']";
    hub.launch(&["web=0.0.0.0:0"], keys);
    assert!(hub.places()[0].starts_with("http://0.0.0.0:"));
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut hub = Serving::start(HERE);
    assert_ne!(hub.address(), taken.local_addr().unwrap());
}

#[test]
fn the_file_of_a_former_hubs_socket_gets_the_mode_that_is_configured_now() {
    let listen = "unix_mode = '600'\nlisten = ['127.0.0.1:0', 'unix:DIR/hub.sock', 'unix:DIR/web.sock']";
    let mut hub = Serving::activated(&["tidings-public=DIR/hub.sock", "web=DIR/web.sock"], listen);
    assert_eq!(hub.places().len(), 3);
    let mode = |file| fs::metadata(hub.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("hub.sock"), 0o600);
    assert_ne!(mode("web.sock"), 0o600, "the file is not the hub's");
}
