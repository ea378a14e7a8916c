//! `tidings bench` against a real hub, and against servers that lose events, send them twice, mix them up or stall: what
//! must not be called a success.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::{Answer, Hub, Program, Running, wait_until};

/// After how long without progress a run that fails gives up.
const GIVE_UP: &str = "1s";

fn bench(args: &[&str]) -> (Answer, Value) {
    let answer = Program::new().run(&[&["bench"], args, &["--json"]].concat());
    let report = serde_json::from_str(&answer.stdout).unwrap_or(Value::Null);
    (answer, report)
}

/// Runs it against a hub, which must go well.
fn good(hub: &Hub, args: &str) -> Value {
    let url = hub.url();
    let args: Vec<&str> = args.split(' ').chain(["--url", &url]).collect();
    let (answer, report) = bench(&args);
    assert_eq!(answer.code, Some(0), "{args:?}: {answer:?}");
    assert_eq!(report["ok"], true, "{args:?}: {report}");
    for fault in ["missing", "doubled", "out_of_order", "misdirected", "publish_failures", "lost_connections"]
    {
        assert_eq!(report[fault], 0, "{args:?}: {report}");
    }
    assert_eq!(report["delivered"], report["expected"], "{args:?}: {report}");
    report
}

#[test]
fn every_work_goes_well_with_a_hub() {
    let hub = Hub::start();
    for (args, expected) in [
        ("fanout --subscribers 30 --events 200 --publishers 4", 6000),
        ("fanout --subscribers 5 --events 20 --publishers 3 --rate 200", 100),
        ("fanout --subscribers 5 --events 500 --publishers 2 --batch 50 --pipeline 3 --size 1000", 2500),
        ("fanout --subscribers 31 --events 100 --publishers 4 --processes 2", 3100),
        ("topics --topics 20 --subscribers-per-topic 3 --events 300 --publishers 4", 900),
        ("topics --topics 7 --subscribers-per-topic 3 --events 100 --processes 2", 300),
        ("idle --subscribers 20 --seconds 1 --broadcasts 3", 60),
        ("idle --subscribers 20 --seconds 1 --broadcasts 3 --http2", 60),
        ("idle --subscribers 21 --seconds 1 --broadcasts 3 --http2 --processes 2", 63),
        ("resume --subscribers 20 --events 300 --live 50", 7000),
        ("resume --subscribers 21 --events 100 --prime 2 --processes 2", 2142),
        ("publish --publishers 8 --events 400 --topics 5", 0),
    ] {
        let report = good(&hub, args);
        assert_eq!(report["expected"], expected, "{args}: {report}");
        assert_eq!(report["work"], args.split(' ').next().unwrap(), "{args}");
        if expected > 0 {
            assert_eq!(report["held"], report["subscribers"], "{args}: {report}");
        }
        if args.starts_with("fanout") {
            assert!(report["latency_ms"]["p99"].as_f64().unwrap() > 0.0, "{args}: {report}");
            assert!(report["deliveries_per_second"].as_f64().unwrap() > 0.0, "{args}: {report}");
        }
    }
}

#[test]
fn the_server_is_measured_by_its_process() {
    let hub = Hub::start();
    let report = good(&hub, &format!("fanout --subscribers 50 --events 500 --pid {}", hub.pid()));
    let server = &report["server"];
    for field in [
        "cpu_seconds",
        "cpu_us_per_delivery",
        "cpu_us_per_publish",
        "memory_before",
        "memory_held",
        "pss_held",
    ] {
        assert!(server[field].as_f64().unwrap() > 0.0, "{field}: {report}");
    }
    assert!(report["client"]["cpu_seconds"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn without_json_there_is_a_table() {
    let hub = Hub::start();
    let url = hub.url();
    let answer =
        Program::new().run(&["bench", "fanout", "--subscribers", "2", "--events", "5", "--url", &url]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("\ndelivered           10 of 10\n"), "{answer:?}");
    assert!(answer.stdout.ends_with("\nverdict             ok\n"), "{answer:?}");
    assert_eq!(answer.stderr, "");
}

#[test]
fn what_cannot_be_run_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    for (args, says) in [
        (&["fanout", "--url", &nobody][..], "no subscription succeeded: Connection refused"),
        (&["fanout", "--url", &nobody, "--processes", "2"], "no subscription succeeded: Connection refused"),
        (&["publish", "--url", &nobody], "is the server running?"),
        (&["publish", "--url", "127.0.0.1:8080"], "write an address such as http://"),
        (&["fanout", "--subscribe-url", &nobody], "give --publish-url"),
        (&["fanout", "--pid", "999999999"], "no such process"),
        (&["idle", "--subscribers", "9999999"], "--processes"),
    ] {
        let (answer, _) = bench(args);
        assert_eq!(answer.code, Some(1), "{args:?}: {answer:?}");
        assert!(
            answer.stderr.starts_with("tidings: ") && answer.stderr.contains(says),
            "{args:?}: {answer:?}"
        );
        assert_eq!(answer.stdout, "", "{args:?}");
    }
}

#[test]
fn a_hub_that_dies_and_workers_whose_parent_dies() {
    let mut hub = Hub::start();
    let url = hub.url();
    let program = Program::new();
    let args = [
        "fanout",
        "--subscribers",
        "6",
        "--processes",
        "2",
        "--rate",
        "100",
        "--events",
        "100000",
        "--url",
        &url,
    ];
    let start = |hub: &Hub| {
        let running = program.start(&[&["bench"][..], &args, &["--json"]].concat());
        wait_until("events are published", || hub.metric("tidings_events_published_total") > 0.0);
        running
    };
    let mut running = start(&hub);
    hub.kill();
    let mut report = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut report).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(1));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["ok"], &report["lost_connections"]), (&false.into(), &6.into()), "{report}");
    let reasons = report["publish_failure_reasons"].as_object().unwrap();
    assert!(
        reasons.keys().any(|reason| reason.contains("no connection was left: Connection refused")),
        "{report}"
    );

    hub.launch();
    let running = start(&hub);
    let children = format!("/proc/{0}/task/{0}/children", running.0.id());
    let workers: Vec<String> =
        std::fs::read_to_string(children).unwrap().split_whitespace().map(str::to_owned).collect();
    assert_eq!(workers.len(), 2);
    drop(running);
    let is_gone = |pid: &String| !std::path::Path::new("/proc").join(pid).join("exe").exists();
    wait_until("the workers have ended", || workers.iter().all(is_gone));
}

/// A server that speaks TLS and says the beginning of a stream to whoever comes: `openssl`, which says what it reads.
#[test]
fn subscribers_speak_tls() {
    let program = Program::new();
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        command.args(args.split(' ')).current_dir(program.directory()).stderr(Stdio::null());
        command
    };
    let made = openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k -out c -subj /CN=x",
    );
    assert!({ made }.status().unwrap().success());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let mut server = openssl(&format!("s_server -accept {address} -cert c -key k -quiet -alpn http/1.1"));
    let mut server = Running(server.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut says = server.0.stdin.take().unwrap();
    // Again and again, because whoever fails to connect takes it along. Further on in a stream it does no harm.
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n";
    thread::spawn(move || {
        while says.write_all(head).is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    wait_until("it listens", || TcpStream::connect(address).is_ok());

    let url = format!("https://{address}/{{topic}}");
    let args = ["idle", "--subscribers", "1", "--seconds", "1", "--timeout", "10s", "--subscribe-url", &url];
    let (answer, _) = bench(&args);
    assert!(answer.stderr.contains("invalid peer certificate"), "{answer:?}");
    let (answer, report) = bench(&[&args[..], &["--insecure"]].concat());
    assert_eq!((answer.code, &report["held"]), (Some(0), &1.into()), "{answer:?}");
    let (answer, _) = bench(&["resume", "--subscribe-url", &url, "--publish-url", "http://127.0.0.1:1"]);
    assert!(answer.stderr.contains("without TLS only"), "{answer:?}");
}

/// How a server treats an event for its first subscriber.
#[derive(Clone, Copy)]
enum Habit {
    Honest,
    Drops,
    Doubles,
    /// Sends it after the next.
    MixesUp,
    /// Ends the first subscriber's stream.
    Hangs,
    /// Answers 500, but sends it to all.
    Denies,
    /// Takes a while to answer.
    Stalls,
}

/// The event that is treated specially, counted from 0 in the order of publishing.
const SPECIAL: usize = 3;
const STALL: Duration = Duration::from_millis(400);

/// What all connections of a server share.
#[derive(Default)]
struct State {
    subscribers: Vec<Option<TcpStream>>,
    published: usize,
    held_back: Option<String>,
}

/// A server that is good for little but has a habit.
fn serve(habit: Habit) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new(State::default()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, state) = (stream.unwrap(), state.clone());
            thread::spawn(move || converse(stream, &state, habit));
        }
    });
    address
}

/// Serves a connection: a publisher's to its end, a subscriber's until it is handed over to the publishers.
fn converse(mut stream: TcpStream, state: &Mutex<State>, habit: Habit) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut line, mut length, mut is_subscriber) = (String::new(), 0, false);
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            is_subscriber |= line.starts_with("GET ");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        if is_subscriber {
            // Delimited by the end of the connection, unlike the hub's streams.
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
            // Whoever has the head is subscribed to whatever is published from then on.
            let mut state = state.lock().unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            state.subscribers.push(Some(stream));
            return;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = publish(&mut state.lock().unwrap(), habit, &String::from_utf8(body).unwrap());
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

/// Sends an event to all subscribers, and answers the publisher.
fn publish(state: &mut State, habit: Habit, data: &str) -> &'static str {
    const TAKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let is_special = state.published == SPECIAL;
    state.published += 1;
    // Wrapped in JSON, as some products do.
    let event = format!("data: {{\"data\":\"{data}\"}}\n\n");
    let first = match habit {
        Habit::Drops if is_special => String::new(),
        Habit::Doubles if is_special => event.repeat(2),
        Habit::MixesUp if is_special => {
            state.held_back = Some(event.clone());
            String::new()
        }
        _ => event.clone() + &state.held_back.take().unwrap_or_default(),
    };
    for (number, subscriber) in state.subscribers.iter_mut().enumerate() {
        if let Some(stream) = subscriber {
            stream.write_all(if number == 0 { &first } else { &event }.as_bytes()).unwrap();
        }
    }
    match habit {
        Habit::Hangs if is_special => state.subscribers[0] = None,
        Habit::Denies if is_special => return "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
        Habit::Stalls if is_special => thread::sleep(STALL),
        _ => {}
    }
    TAKEN
}

fn against(habit: Habit, args: &[&str]) -> (Answer, Value) {
    let address = serve(habit);
    let (subscribe, publish) = (format!("http://{address}/sub?t={{topic}}"), format!("http://{address}/pub"));
    let urls = ["--subscribe-url", &subscribe, "--publish-url", &publish, "--timeout", GIVE_UP];
    bench(&[&["fanout", "--subscribers", "3", "--publishers", "1"], args, &urls].concat())
}

#[test]
fn a_server_that_makes_a_mistake_makes_the_run_fail() {
    let (answer, report) = against(Habit::Honest, &["--events", "10"]);
    assert_eq!((answer.code, &report["delivered"]), (Some(0), &30.into()), "{answer:?}");
    for (habit, field, delivered, says) in [
        (Habit::Drops, "missing", 29, "1 deliveries missing (first: subscriber"),
        (Habit::Doubles, "doubled", 30, "1 deliveries doubled (first: subscriber"),
        (Habit::MixesUp, "out_of_order", 30, "1 deliveries out of order (first: subscriber"),
        (Habit::Hangs, "lost_connections", 24, "1 connections lost (1 × the server ended the stream)"),
        (Habit::Denies, "publish_failures", 30, "1 events not acknowledged (1 × answered 500)"),
    ] {
        let (answer, report) = against(habit, &["--events", "10"]);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.stderr.starts_with("tidings: the run failed: "), "{answer:?}");
        assert!(answer.stderr.contains(says), "{answer:?} does not say {says}");
        assert_eq!((&report["ok"], &report[field]), (&false.into(), &1.into()), "{report}");
        assert_eq!(report["delivered"], delivered, "{report}");
        if field != "publish_failures" {
            assert_eq!(report["expected"], 30, "{report}");
        }
    }
}

#[test]
fn a_stall_is_latency_of_every_event_that_was_due_meanwhile() {
    // Most of the events are due while the server stalls. Measured from when they are sent, all but one would be fast.
    let (answer, report) = against(Habit::Stalls, &["--events", "60", "--rate", "100"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    for latency in ["latency_ms", "publish_latency_ms"] {
        let p50 = report[latency]["p50"].as_f64().unwrap();
        assert!(p50 > 20.0, "{latency}: {report}");
        assert!(report[latency]["max"].as_f64().unwrap() > 300.0, "{latency}: {report}");
    }
}
