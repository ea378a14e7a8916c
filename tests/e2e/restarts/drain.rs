//! A hub that stops sends its subscribers away one after the other, and serves the others meanwhile.

use std::{collections::BTreeSet, thread};

use rustix::process::Signal;
use tidings_stream::Item;

use crate::support::{Hub, Listener, wait_until};

#[test]
fn streams_end_one_after_the_other_and_publishing_goes_on_until_the_last() {
    const LISTENERS: usize = 120;
    let mut hub = Hub::configured("[stream]\ndrain_window = '10s'\ndrain_time = '30s'");
    let listeners: Vec<Listener> = (0..LISTENERS).map(|_| hub.listen("topic=a")).collect();
    let mut connection = hub.connect();
    let (answered, lengths) = thread::scope(|scope| {
        let publisher = scope.spawn(move || {
            let mut answered = 0_usize;
            while let Ok(answer) =
                connection.request("POST", "/topics/a", &[], answered.to_string().as_bytes())
            {
                match answer.status() {
                    200 => answered += 1,
                    status => assert_eq!(status, 503),
                }
            }
            answered
        });
        hub.signal(Signal::TERM);
        let streams: Vec<_> = listeners.into_iter().map(|listener| scope.spawn(|| listener.rest())).collect();
        let lengths: Vec<usize> = streams.into_iter().map(|stream| whole(stream.join().unwrap())).collect();
        (publisher.join().unwrap(), lengths)
    });
    assert!(hub.ended().success());
    assert!(lengths.iter().all(|length| *length <= answered), "{lengths:?} of {answered}");
    let different: BTreeSet<usize> = lengths.iter().copied().collect();
    assert!(different.len() > 10, "they ended together: {lengths:?} of {answered}");
    // What was answered to the last is there.
    hub.launch();
    assert_eq!(hub.listen("topic=a&last_event_id=earliest").data(answered).len(), answered);
}

/// How many events there were before the stream was ended: all from the first on, and then when to come back.
fn whole(mut items: Vec<Item>) -> usize {
    assert!(matches!(items.pop(), Some(Item::Retry(_))), "{items:?}");
    let events = items.into_iter().filter_map(|item| match item {
        Item::Event(event) => Some(event.data),
        _ => None,
    });
    let data: Vec<String> = events.collect();
    assert!(data.iter().enumerate().all(|(number, data)| *data == number.to_string()), "{data:?}");
    data.len()
}

#[test]
fn who_never_reads_does_not_take_the_time_of_those_who_publish() {
    let configuration = "[stream]\ndrain_time = '4s'\n[limits]\nsend_buffer = '64KiB'";
    let mut hub = Hub::configured(configuration);
    let mut silent = hub.connect();
    silent.send_request("GET", "/events?topic=a", &[], b"").unwrap();
    wait_until("it is there", || hub.stats()["subscribers"] == 1);
    // More than the system holds on both sides.
    let much = "x".repeat(1 << 19);
    for _ in 0..40 {
        hub.publish("a", &much);
    }
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
    let log = hub.stderr();
    assert!(log.contains("streams were cut off") && log.contains(r#""reason":"drained""#), "{log}");
    assert!(!log.contains("connections were cut"), "{log}");
}
