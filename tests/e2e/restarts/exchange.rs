//! SIGUSR2: the program is exchanged in place.
//!
//! What it proves, of the real program: across exchanges under load nobody's connection is refused, every answered event
//! reaches every subscriber once and in order, and a program or configuration that could not run changes nothing.

use std::{
    collections::BTreeSet,
    fs, io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use rustix::process::Signal;
use tidings_stream::Event;

use crate::support::{BOUND, Connection, Hub, Listener, Options, wait_until};

const SUBSCRIBERS: usize = 200;
const PUBLISHERS: usize = 4;
const EXCHANGES: usize = 3;
const END: &str = "the end";

struct Run {
    address: SocketAddr,
    stop: AtomicBool,
    connects: AtomicU64,
    refused: AtomicU64,
    answered: Mutex<BTreeSet<String>>,
}

impl Run {
    fn connect(&self) -> io::Result<Connection> {
        self.connects.fetch_add(1, SeqCst);
        Connection::open(self.address, BOUND).inspect_err(|error| {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                self.refused.fetch_add(1, SeqCst);
            }
        })
    }

    /// Publishes until it is to stop; what was not answered is sent again under the same id.
    fn publish(&self, name: usize) {
        let mut kept = None;
        let mut number = 0;
        while !self.stop.load(SeqCst) {
            let data = format!("{name}-{number}");
            let Some(mut connection) = kept.take().or_else(|| self.connect().ok()) else { continue };
            let target = format!("/topics/a?id={data}");
            let Ok(answer) = connection.request("POST", &target, &[], data.as_bytes()) else { continue };
            if answer.status() == 200 {
                self.answered.lock().unwrap().insert(data);
                number += 1;
                kept = Some(connection);
            }
        }
    }

    /// Listens until the end, coming back with the last id; answers all it saw.
    fn subscribe(&self) -> Vec<Event> {
        let mut seen: Vec<Event> = Vec::new();
        let mut cursor = String::from("earliest");
        loop {
            let Ok(mut connection) = self.connect() else { continue };
            let headers = [("Last-Event-ID", &*cursor)];
            if connection.send_request("GET", "/events?topic=a", &headers, b"").is_err() {
                continue;
            }
            let Ok(mut listener) = Listener::read(connection) else { continue };
            while let Ok(Some(event)) = listener.next_event() {
                assert_ne!(event.event, "tidings.reset");
                cursor.clone_from(&event.id);
                let is_end = event.data == END;
                seen.push(event);
                if is_end {
                    return seen;
                }
            }
        }
    }

    /// Connects and asks for little, all the time.
    fn knock(&self) {
        while !self.stop.load(SeqCst) {
            if let Ok(mut connection) = self.connect() {
                connection.request("GET", "/livez", &[], b"").ok();
            }
        }
    }
}

fn exchange(hub: &Hub) {
    let before = hub.stdout().lines().count();
    hub.signal(Signal::USR2);
    wait_until("the next program listens", || hub.stdout().lines().count() > before);
}

#[test]
fn nobody_notices_that_the_program_is_exchanged() {
    let mut hub = Hub::configured("[stream]\ndrain_window = '1s'");
    let run = Arc::new(Run {
        address: hub.address,
        stop: AtomicBool::new(false),
        connects: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        answered: Mutex::default(),
    });
    let spawn = |act: fn(&Run)| {
        let run = run.clone();
        thread::spawn(move || act(&run))
    };
    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| {
            let run = run.clone();
            thread::spawn(move || run.subscribe())
        })
        .collect();
    let publishers = (0..PUBLISHERS).map(|name| {
        let run = run.clone();
        thread::spawn(move || run.publish(name))
    });
    let others: Vec<_> = publishers.chain([spawn(Run::knock)]).collect();
    let pid = hub.pid();
    for _ in 0..EXCHANGES {
        let goal = run.answered.lock().unwrap().len() + 100;
        wait_until("publishers are answered", || run.answered.lock().unwrap().len() >= goal);
        exchange(&hub);
    }
    assert_eq!(hub.pid(), pid);
    run.stop.store(true, SeqCst);
    others.into_iter().for_each(|one| one.join().unwrap());
    hub.publish("a", END);
    let answered = std::mem::take(&mut *run.answered.lock().unwrap());
    let kept = to_the_end(hub.listen("topic=a&last_event_id=earliest"));
    for subscriber in subscribers {
        assert_eq!(subscriber.join().unwrap(), kept, "each event once and in order");
    }
    let data: BTreeSet<&str> = kept.iter().map(|event| &*event.data).collect();
    assert_eq!(data.len(), kept.len(), "something is there twice");
    assert!(answered.iter().all(|one| data.contains(&**one)), "something that was answered is lost");
    let (connects, refused) = (run.connects.load(SeqCst), run.refused.load(SeqCst));
    eprintln!("{} events, {connects} connections, {refused} refused", kept.len());
    assert_eq!(refused, 0, "of {connects}");
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
}

fn to_the_end(mut listener: Listener) -> Vec<Event> {
    let mut events = vec![listener.event()];
    while events.last().is_some_and(|event| event.data != END) {
        events.push(listener.event());
    }
    events
}

#[test]
fn a_program_or_configuration_that_cannot_run_changes_nothing() {
    // Started by a link, as installations do that keep several versions.
    let wrapper = Some("exec sh -c 'ln -sf \"$0\" ./hub && exec ./hub \"$@\"'");
    let hub = Hub::with(Options { wrapper: wrapper.map(str::to_owned), ..Options::default() });
    let refused = |hub: &Hub| hub.stderr().matches("the program on disk cannot take over").count();
    let mut listener = hub.listen("topic=a");

    hub.configure("nonsense = 1");
    hub.signal(Signal::USR2);
    wait_until("it is refused", || refused(&hub) == 1);
    assert!(hub.stderr().contains("nonsense"), "{}", hub.stderr());

    hub.configure("");
    let link = hub.directory().join("hub");
    let program = fs::canonicalize(&link).unwrap();
    fs::remove_file(&link).unwrap();
    fs::write(&link, "#!/bin/sh\necho 'a bad build' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&link, fs::Permissions::from_mode(0o755)).unwrap();
    hub.signal(Signal::USR2);
    wait_until("it is refused", || refused(&hub) == 2);
    assert!(hub.stderr().contains("a bad build"), "{}", hub.stderr());
    hub.publish("a", "still here");
    assert_eq!(listener.event().data, "still here");

    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(program, &link).unwrap();
    exchange(&hub);
    let mut back = hub.listen("topic=a&last_event_id=earliest");
    assert_eq!(back.event().data, "still here");
}

#[test]
fn a_hub_stops_while_the_program_on_disk_takes_its_time() {
    let wrapper = Some("exec sh -c 'ln -sf \"$0\" ./hub && exec ./hub \"$@\"'");
    let mut hub = Hub::with(Options { wrapper: wrapper.map(str::to_owned), ..Options::default() });
    let (link, begun) = (hub.directory().join("hub"), hub.directory().join("begun"));
    fs::remove_file(&link).unwrap();
    fs::write(&link, format!("#!/bin/sh\ntouch {}\nexec sleep 3600\n", begun.display())).unwrap();
    fs::set_permissions(&link, fs::Permissions::from_mode(0o755)).unwrap();
    hub.signal(Signal::USR2);
    wait_until("it is asked", || begun.exists());
    hub.signal(Signal::TERM);
    assert!(hub.ended().success());
    assert!(!hub.stderr().contains("cannot take over"), "{}", hub.stderr());
}
