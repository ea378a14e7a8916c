//! A link that goes down: a hub in a network namespace of its own, at the end of two virtual cables, one of which is cut.
//!
//! What it proves, of the real program and the kernel's whole network stack: subscribers behind a link that goes down
//! without a word are dropped within `limits.stall` and their connections freed; those on the other link notice nothing;
//! when the link is up again those who come back get everything.
//!
//! It makes namespaces of its own, as root or, where the system lets everybody have them, as anybody; where it cannot, it
//! fails and says so.

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::Command,
};

use crate::support::{Hub, Listener, Options, Running, run, wait_until};

const SUBSCRIBERS: usize = 50;
/// What tells the test that it runs inside already.
const INSIDE: &str = "TIDINGS_E2E_INSIDE";
const NAME: &str = "faults::link::whoever_is_behind_a_cut_link_is_dropped_and_comes_back";

#[test]
fn whoever_is_behind_a_cut_link_is_dropped_and_comes_back() {
    if env::var_os(INSIDE).is_none() {
        let mut again = Command::new("unshare");
        let flags: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["--map-root-user"] };
        again.arg("--net").args(flags).arg(env::current_exe().unwrap());
        again.args([NAME, "--exact", "--nocapture"]).env(INSIDE, "yes");
        assert!(again.status().unwrap().success(), "inside a network namespace of its own: see above");
        return;
    }
    let far = Running(Command::new("unshare").args(["--net", "sleep", "infinity"]).spawn().unwrap());
    let pid = far.0.id().to_string();
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
    wait_until("the far end has a namespace", || namespace(&pid) != namespace("self"));
    let near = |arguments: &str| run(Command::new("ip").args(arguments.split(' ')));
    let far_end = |arguments: &str| {
        run(Command::new("nsenter").args(["--net", "--target", &pid, "ip"]).args(arguments.split(' ')));
    };
    for (link, number) in [("cut", 77), ("whole", 78)] {
        near(&format!("link add {link} type veth peer name {link} netns {pid}"));
        near(&format!("addr add 10.{number}.0.1/24 dev {link}"));
        far_end(&format!("addr add 10.{number}.0.2/24 dev {link}"));
        near(&format!("link set {link} up"));
        far_end(&format!("link set {link} up"));
    }
    let mut hub = Hub::with(Options {
        configuration: "insecure_open = true\n[limits]\nstall = '2s'\n[stream]\nheartbeat = '1s'".into(),
        wrapper: Some(format!("exec nsenter --net --target {pid}")),
        listen: Some(IpAddr::from(Ipv4Addr::UNSPECIFIED)),
        ..Options::default()
    });
    let at = |number: u8, port: u16| SocketAddr::from((Ipv4Addr::new(10, number, 0, 2), port));
    let (cut, whole) = (at(77, hub.address.port()), at(78, hub.address.port()));
    hub.address = whole;

    let mut stays = hub.listen("topic=a");
    let mut behind: Vec<Listener> =
        (0..SUBSCRIBERS).map(|_| Listener::open(cut, "topic=a", "").unwrap()).collect();
    hub.publish("a", "before");
    assert_eq!(stays.event().data, "before");
    let last: Vec<String> = behind
        .iter_mut()
        .map(|listener| {
            let event = listener.event();
            assert_eq!(event.data, "before");
            event.id
        })
        .collect();
    near("link set cut down");
    hub.publish("a", "while it is cut");
    assert_eq!(stays.event().data, "while it is cut");
    wait_until("they are dropped", || hub.stats()["subscribers"] == 1);
    // That of the one who stays, and that of the question.
    wait_until("their connections are freed", || hub.metric("tidings_connections") == 2.0);
    hub.publish("a", "after");
    assert_eq!(stays.event().data, "after");

    near("link set cut up");
    for id in last {
        let mut back = Listener::open(cut, "topic=a", &id).unwrap();
        assert_eq!(back.data(2), ["while it is cut", "after"]);
    }
}
