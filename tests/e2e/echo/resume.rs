//! Nothing is lost and nothing doubled: over reconnections, restarts and kills, in public and private channels.

use rustix::process::Signal;

use super::{Application, Driver, Wave, hub, publish};
use crate::support::Hub;

/// Publishes to one channel of each kind, with this number.
fn publish_all(hub: &Hub, number: u32) {
    for channel in ["messages", "private-orders.7", "presence-room.1"] {
        publish(hub, channel, "e", &number.to_string());
    }
}

/// The events of that number.
fn hears_all(wave: &mut Wave, number: u32) {
    for channel in ["messages", "private-orders.7", "presence-room.1"] {
        assert_eq!(wave.heard(), (format!("{channel}.e"), number.to_string()));
    }
}

/// A client of all channels goes on after what happens in between.
fn goes_on(between: impl Fn(&mut Hub)) {
    let application = Application::start(Driver::Pusher);
    let mut hub = hub(&application);
    let mut wave = Wave::open(&hub, "ann");
    wave.hears(&hub, "private-orders.7");
    wave.joins(&hub, "presence-room.1");
    publish_all(&hub, 0);
    hears_all(&mut wave, 0);
    for round in 1..4 {
        publish_all(&hub, 10 * round);
        between(&mut hub);
        publish_all(&hub, 10 * round + 1);
        application.asked();
        wave = wave.again(&hub);
        // As of today, for who asks today.
        let mut asked = application.asked();
        asked.sort();
        let expected = ["presence-room.1", "private-orders.7"];
        assert_eq!(asked, expected.map(|channel| (channel.to_owned(), "ann".to_owned())));
        hears_all(&mut wave, 10 * round);
        hears_all(&mut wave, 10 * round + 1);
        publish_all(&hub, 10 * round + 2);
        hears_all(&mut wave, 10 * round + 2);
    }
}

#[test]
fn over_a_reconnection() {
    goes_on(|_| {});
}

#[test]
fn over_a_restart() {
    goes_on(|hub| {
        hub.signal(Signal::TERM);
        hub.ended();
        hub.launch();
    });
}

#[test]
fn over_a_kill() {
    goes_on(|hub| {
        hub.kill();
        hub.launch();
    });
}

#[test]
fn rights_that_were_withdrawn_meanwhile_are_not_resumed() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::open(&hub, "ann");
    wave.hears(&hub, "private-orders.7");
    publish(&hub, "private-orders.7", "e", "1");
    application.withdraw("private-orders.7");
    let mut wave = wave.again(&hub);
    publish(&hub, "messages", "end", "2");
    assert_eq!(wave.heard().0, "messages.end");
    assert_eq!(wave.auth(&hub, "private-orders.7").status(), 403);
}

#[test]
fn the_former_connection_is_ended() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let mut former = Wave::open(&hub, "ann");
    former.hears(&hub, "private-orders.7");
    let query = format!("last_event_id={}&socket_id={}", former.last_id, former.socket);
    let mut wave = Wave::query(&hub, &query, "ann");
    assert_eq!(former.rest(), [""; 0]);
    publish(&hub, "private-orders.7", "e", "1");
    assert_eq!(wave.heard().0, "private-orders.7.e");
    assert_eq!(former.auth(&hub, "private-orders.7").status(), 410);
    // An answer that got lost: the client comes with the same name once more.
    let mut again = former.again(&hub);
    assert_eq!(again.heard().0, "private-orders.7.e");
}

#[test]
fn somebody_elses_socket_id_gives_nobody_their_channels() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let ann = Wave::open(&hub, "ann");
    ann.hears(&hub, "private-orders.7");
    let query = format!("last_event_id={}&socket_id={}", ann.last_id, ann.socket);
    publish(&hub, "private-orders.7", "e", "1");
    let mut bob = Wave::query(&hub, &query, "bob");
    publish(&hub, "messages", "end", "2");
    assert_eq!(bob.heard().0, "messages.end");
}

#[test]
fn a_cursor_that_nobody_knows_is_told_and_begins_with_what_is_new() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    publish(&hub, "messages", "old", "1");
    let mut wave = Wave::query(&hub, "last_event_id=1795202753564-0&socket_id=1.2", "");
    assert_eq!(wave.event().event, "tidings.reset");
    publish(&hub, "messages", "new", "2");
    assert_eq!(wave.heard().0, "messages.new");
}

#[test]
fn while_the_application_is_away_nobody_goes_on_without_their_channels() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::open(&hub, "ann");
    wave.hears(&hub, "private-orders.7");
    publish(&hub, "private-orders.7", "e", "1");
    application.set_away(true);
    let former = [("Last-Event-ID", &*wave.last_id), ("X-Socket-Id", &*wave.socket)];
    for query in ["", "channel=messages&channel=private-orders.7"] {
        let mut later = Wave::try_ask(&hub, query, "ann", &former).ok().unwrap();
        assert_eq!(later.listener.head.header("x-socket-id"), None);
        let only = later.listener.event();
        // That client parses the data of everything.
        assert_eq!((&*only.event, &*only.data), ("general.ping", "[]"));
        assert!(later.listener.next_event().unwrap().is_none());
    }
    application.set_away(false);
    let mut wave = wave.again(&hub);
    assert_eq!(wave.heard().0, "private-orders.7.e");
}

#[test]
fn a_rule_that_fails_does_not_keep_the_rest_from_going_on() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let wave = Wave::open(&hub, "ann");
    wave.hears(&hub, "private-orders.7");
    wave.hears(&hub, "private-App.Models.User.7");
    publish(&hub, "private-orders.7", "e", "1");
    publish(&hub, "private-App.Models.User.7", "e", "2");
    application.break_rule("private-orders.7");
    let mut wave = wave.again(&hub);
    assert_eq!(wave.heard().0, "private-App.Models.User.7.e");
}
