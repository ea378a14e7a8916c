//! What a service manager is told, in systemd's protocol (sd_notify(3)).

use std::{os::unix::net::UnixDatagram, path::Path};

use rustix::process::Signal;

use crate::support::{BOUND, Hub, Options};

/// The next message of which one line is this.
fn told(manager: &UnixDatagram, line: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let length = manager.recv(&mut buffer).unwrap_or_else(|error| panic!("{line} is not said: {error}"));
        let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if message.lines().any(|said| said == line) {
            return message;
        }
    }
}

fn manager(path: &Path) -> UnixDatagram {
    let manager = UnixDatagram::bind(path).unwrap();
    manager.set_read_timeout(Some(BOUND)).unwrap();
    manager
}

#[test]
fn a_service_manager_is_told_of_start_reload_life_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = manager(&path);
    let environment =
        vec![("NOTIFY_SOCKET", path.to_str().unwrap().to_owned()), ("WATCHDOG_USEC", "200000".to_owned())];
    let mut hub = Hub::with(Options { environment, ..Options::default() });
    told(&manager, "READY=1");
    for _ in 0..3 {
        told(&manager, "WATCHDOG=1");
    }
    hub.signal(Signal::HUP);
    let message = told(&manager, "RELOADING=1");
    assert!(message.contains("MONOTONIC_USEC="), "{message}");
    told(&manager, "READY=1");
    hub.configure("nonsense = 1");
    hub.signal(Signal::HUP);
    told(&manager, "RELOADING=1");
    let message = told(&manager, "READY=1");
    assert!(message.contains("STATUS=serving; the configuration on disk is wrong"), "{message}");
    hub.signal(Signal::TERM);
    told(&manager, "STOPPING=1");
    assert!(hub.ended().success());
}
