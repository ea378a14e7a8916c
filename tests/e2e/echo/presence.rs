//! Who comes and goes, over reconnections, restarts and several tabs.

use std::{thread, time::Duration};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    Application, Driver, GRACE_MS, Wave,
    client::{USERS, ann, bob},
    hub, publish,
};
use crate::support::Hub;

const ROOM: &str = "presence-room.1";

/// The names of the next events up to the end of them.
fn names_to_the_end(wave: &mut Wave, hub: &Hub) -> Vec<String> {
    publish(hub, ROOM, "end", "1");
    let mut names = Vec::new();
    loop {
        match wave.heard().0 {
            name if name.ends_with(".end") => return names,
            name => names.push(name),
        }
    }
}

#[test]
fn a_reconnection_is_neither_a_leave_nor_a_join() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let (mut a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.joins(&hub, ROOM);
    b.joins(&hub, ROOM);
    assert_eq!(a.heard().0, "presence-room.1.join");
    let b = b.again(&hub);
    assert_eq!(a.here(&hub, ROOM), [ann(), bob()]);
    assert_eq!(b.joins(&hub, ROOM), [ann(), bob()]);
    thread::sleep(Duration::from_millis(GRACE_MS + 500));
    assert_eq!(names_to_the_end(&mut a, &hub), [""; 0]);
    drop(b);
    assert_eq!(a.heard(), ("presence-room.1.leave".to_owned(), bob().to_string()));
    assert_eq!(a.here(&hub, ROOM), [ann()]);
}

#[test]
fn two_tabs_are_one_user() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let mut a = Wave::open(&hub, "ann");
    a.joins(&hub, ROOM);
    let tabs = [Wave::open(&hub, "bob"), Wave::open(&hub, "bob")];
    for tab in &tabs {
        assert_eq!(tab.joins(&hub, ROOM), [ann(), bob()]);
    }
    assert_eq!(names_to_the_end(&mut a, &hub), ["presence-room.1.join"]);
    let [one, other] = tabs;
    drop(one);
    thread::sleep(Duration::from_millis(GRACE_MS + 500));
    assert_eq!(names_to_the_end(&mut a, &hub), [""; 0]);
    drop(other);
    assert_eq!(a.heard().0, "presence-room.1.leave");
}

/// A restart in which one of three comes back: ann, who sees what is told of the others.
fn restart(end: impl Fn(&mut Hub)) {
    let application = Application::start(Driver::Redis);
    let mut hub = hub(&application);
    let (mut a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.joins(&hub, ROOM);
    b.joins(&hub, ROOM);
    assert_eq!(a.heard().0, "presence-room.1.join");
    // Announced as gone before the restart, and so never again.
    end(&mut hub);
    hub.launch();
    let mut a = a.again(&hub);
    let mut seen: Vec<Value> = a.joins(&hub, ROOM);
    seen.sort_by_key(|user| user["id"].as_u64());
    assert_eq!(seen, [ann(), bob()], "who was there is still expected back");
    let b = b.again(&hub);
    b.joins(&hub, ROOM);
    thread::sleep(Duration::from_millis(GRACE_MS + 500));
    assert_eq!(names_to_the_end(&mut a, &hub), [""; 0]);
    // And now one does not come back.
    end(&mut hub);
    hub.launch();
    let mut a = a.again(&hub);
    a.joins(&hub, ROOM);
    assert_eq!(a.heard(), ("presence-room.1.leave".to_owned(), bob().to_string()));
    thread::sleep(Duration::from_millis(GRACE_MS + 500));
    end(&mut hub);
    hub.launch();
    let mut a = a.again(&hub);
    a.joins(&hub, ROOM);
    thread::sleep(Duration::from_millis(GRACE_MS + 500));
    assert_eq!(names_to_the_end(&mut a, &hub), [""; 0], "who has left has left once");
}

#[test]
fn a_restart_announces_only_those_who_stay_away() {
    restart(|hub| {
        hub.signal(Signal::TERM);
        hub.ended();
    });
}

#[test]
fn who_leaves_just_before_a_restart_has_left() {
    let application = Application::start(Driver::Redis);
    let mut hub = hub(&application);
    let (mut a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.joins(&hub, ROOM);
    b.joins(&hub, ROOM);
    assert_eq!(a.heard().0, "presence-room.1.join");
    assert_eq!(b.request(&hub, "DELETE", USERS, Some(&json!({ "channel_name": ROOM }))).status(), 200);
    hub.signal(Signal::TERM);
    hub.ended();
    hub.launch();
    let mut a = a.again(&hub);
    assert_eq!(a.heard().0, "presence-room.1.leave");
    assert_eq!(a.joins(&hub, ROOM), [ann()]);
}

#[test]
fn a_kill_announces_only_those_who_stay_away() {
    restart(Hub::kill);
}
