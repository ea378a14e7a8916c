//! Clocks that jump.
//!
//! What it proves, of the real program under libfaketime, which shifts its wall clock and leaves the monotonic one: when the
//! clock jumps back by an hour and forward again, publishing goes on, ids go on counting, subscribers stay and get
//! everything, and nothing is trimmed that is not too old; a token is good or bad by the clock as it is; a hub that is
//! started with a clock before all that its log holds serves it, and goes on where it was.
//!
//! What it does not prove: anything about a kernel whose monotonic clock errs.

use std::{fs, path::PathBuf};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use crate::support::{Hub, Listener, Options, wait_until};

const SECRET: &str = "a secret that is only for this test";
const HOUR: i64 = 3600;

/// Where Debian's package `libfaketime` has it.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok);
    let library =
        folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    library.expect("libfaketime is needed: install it with `apt-get install libfaketime`")
}

/// A hub, and the file that shifts its clock.
fn hub(directory: &std::path::Path, configuration: &str) -> Hub {
    let file = directory.join("clock");
    fs::write(&file, "+0").unwrap();
    let environment = vec![
        ("LD_PRELOAD", library().display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    Hub::with(Options { configuration: configuration.to_owned(), environment, ..Options::default() })
}

#[test]
fn a_clock_that_jumps_changes_neither_order_nor_what_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let shift = |seconds: i64| fs::write(directory.path().join("clock"), format!("{seconds:+}")).unwrap();
    let mut hub = hub(
        directory.path(),
        "[history]\nage = '3h'\n[[source]]\nkind = 'clock'\ntopic = 'time'\nevery = '50ms'\ntemplate = '{{unix}}'",
    );
    let mut listener = hub.listen("topic=a");
    let mut offsets = Vec::new();
    let mut publish = |hub: &Hub, listener: &mut Listener| {
        let receipt = hub.publish("a", offsets.len().to_string());
        assert_eq!(listener.event().data, offsets.len().to_string());
        offsets.push((receipt["epoch"].clone(), receipt["offset"].as_u64().unwrap()));
    };
    let mut ticks = hub.listen("topic=time");
    let mut now = || ticks.event().data.parse::<i64>().unwrap();
    let real = now();
    for hours in [0, -1, 0, 1, -1, 0] {
        shift(hours * HOUR);
        wait_until("the clock has jumped", || (now() - real - hours * HOUR).abs() < HOUR / 2);
        (0..10).for_each(|_| publish(&hub, &mut listener));
    }
    assert_eq!(hub.listen("topic=a&last_event_id=earliest").data(60).len(), 60);

    // Before all that the log holds.
    hub.kill();
    shift(-24 * HOUR);
    hub.launch();
    let mut back = hub.listen("topic=a&last_event_id=earliest");
    let all: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    assert_eq!(back.data(60), all);
    publish(&hub, &mut back);
    assert_eq!(hub.get("/readyz").status(), 200);
    assert!(offsets.is_sorted_by(|a, b| a.0 == b.0 && a.1 < b.1), "{offsets:?}");
}

#[test]
fn a_token_is_good_by_the_clock_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let shift = |seconds: i64| fs::write(directory.path().join("clock"), format!("{seconds:+}")).unwrap();
    let hub = hub(directory.path(), &format!("[[jwt]]\nkey = '{SECRET}'"));
    let expires = jsonwebtoken::get_current_timestamp() as i64 + HOUR;
    let claims = json!({ "exp": expires, "tidings": { "subscribe": ["*"] } });
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    let authorization = format!("Bearer {token}");
    let status = || {
        let mut connection = hub.connect();
        connection.send_request("GET", "/events?topic=a", &[("Authorization", &authorization)], b"").unwrap();
        connection.head("GET").unwrap().status
    };
    for (hours, expected) in [(0, 200), (2, 401), (0, 200), (-2, 200)] {
        shift(hours * HOUR);
        wait_until("the clock has jumped", || status() == expected);
    }
}
