//! TLS: what is spoken there, and what becomes of the certificate.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

use super::support::{Serving, curl};
use crate::support::{BOUND, Program, wait_until};

const CONFIGURATION: &str = "listen = []\n[tls]\nlisten = ['127.0.0.1:0']\ncertificate = 'DIR/certificate.pem'\nkey = 'DIR/key.pem'\n";

/// Makes a certificate for 127.0.0.1 that signs itself.
fn certificate(directory: &Path, name: &str, certificate: &str, key: &str) {
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-subj", &format!("/CN={name}")])
        .args(["-keyout", key, "-out", certificate])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

fn start(more: &str) -> (Serving, String) {
    let mut hub = Serving::prepared(|directory| {
        certificate(directory, "first", "certificate.pem", "key.pem");
    });
    hub.launch(&[], &format!("{CONFIGURATION}{more}"));
    let places = hub.places();
    assert!(places.len() == 1 && places[0].starts_with("https://127.0.0.1:"), "{places:?}");
    let url = places[0].clone();
    (hub, url)
}

fn ask(hub: &Serving, args: &[&str]) -> Result<String, String> {
    let authority = hub.path("certificate.pem");
    curl(&[&["--cacert", authority.to_str().unwrap()], args].concat())
}

/// Asks whoever answers there.
fn ask_anybody(url: &str, target: &str) -> String {
    curl(&["--insecure", &format!("{url}{target}")]).unwrap()
}

/// Who the certificate shown is for.
fn shown(url: &str) -> String {
    let address = url.strip_prefix("https://").unwrap();
    let output = Command::new("openssl")
        .args(["s_client", "-connect", address, "-showcerts"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("subject=")).unwrap_or_default().trim().replace(' ', "")
}

#[test]
fn events_pass_over_tls_in_both_versions_of_http() {
    let (hub, url) = start("");
    for (version, flag) in [("2", "--http2"), ("1.1", "--http1.1")] {
        let topic = format!("{url}/topics/a");
        for protocol in [&["--tlsv1.3"][..], &["--tls-max", "1.2"]] {
            let post = [flag, "-w", " %{http_version}", "-d", "hello", &topic];
            let answer = ask(&hub, &[protocol, &post].concat()).unwrap();
            assert!(answer.contains("offset") && answer.ends_with(version), "{answer}");
        }
        let stream = hub.path("stream");
        let mut reader = Command::new("curl")
            .args(["--silent", "--no-buffer", flag, "--cacert"])
            .arg(hub.path("certificate.pem"))
            .arg(format!("{url}/events?topic=a&last=1"))
            .stdout(fs::File::create(&stream).unwrap())
            .spawn()
            .unwrap();
        wait_until("an event is read", || fs::read_to_string(&stream).unwrap().contains("data: hello\n"));
        ask(&hub, &["-d", version, &format!("{url}/topics/a")]).unwrap();
        let live = format!("data: {version}\n");
        wait_until("a live event is read", || fs::read_to_string(&stream).unwrap().contains(&live));
        reader.kill().unwrap();
        reader.wait().unwrap();
    }
}

#[test]
fn a_new_certificate_is_used_and_a_bad_one_is_not() {
    let (hub, url) = start("");
    assert_eq!(shown(&url), "CN=first");
    let directory = hub.directory().to_owned();
    fs::write(hub.path("certificate.pem"), "no certificate").unwrap();
    wait_until("the fault is said", || hub.stderr().contains("holds no certificate"));
    assert_eq!(shown(&url), "CN=first");
    certificate(&directory, "second", "new.pem", "key.pem");
    fs::rename(hub.path("new.pem"), hub.path("certificate.pem")).unwrap();
    wait_until("the new one is shown", || shown(&url) == "CN=second");
    let metrics = ask_anybody(&url, "/metrics");
    assert!(metrics.contains("tidings_certificate_expiry_timestamp_seconds 1"), "{metrics}");
    // It ends in two days, which is soon.
    wait_until("its end is warned of", || hub.stderr().contains("expires soon"));
}

#[test]
fn a_pair_that_does_not_fit_is_refused_before_anything_is_bound() {
    let program = Program::new();
    certificate(program.directory(), "one", "certificate.pem", "other.pem");
    certificate(program.directory(), "two", "other-certificate.pem", "key.pem");
    program.write("empty.pem", "");
    for (certificate, key, expected) in [
        ("certificate.pem", "key.pem", "is not the key of the certificate"),
        ("empty.pem", "key.pem", "holds no certificate"),
        ("certificate.pem", "empty.pem", "holds no private key"),
        ("none.pem", "key.pem", "none.pem cannot be read"),
    ] {
        let text = format!("[tls]\nlisten = '127.0.0.1:0'\ncertificate = '{certificate}'\nkey = '{key}'\n");
        program.write("tidings.toml", &text);
        for command in ["check-config", "serve"] {
            let answer = program.run(&[command]);
            assert_eq!(answer.code, Some(64), "{answer:?}");
            assert!(answer.stderr.contains(expected), "{answer:?}");
        }
    }
}

#[test]
fn plain_http_is_told_to_speak_tls() {
    let (_hub, url) = start("");
    let answer = curl(&["-w", " %{http_code}", &url.replace("https://", "http://")]).unwrap();
    assert!(answer.contains("https://") && answer.ends_with(" 400"), "{answer}");
}

/// Who says nothing, or never ends the handshake, is let go within the time of a head.
#[test]
fn a_handshake_takes_no_longer_than_a_head() {
    let (_hub, url) = start("[limits]\nhead_time = '1s'\n");
    let address = url.strip_prefix("https://").unwrap();
    // Silence, and the beginning of a handshake.
    for said in [&b""[..], &[0x16, 3, 1, 0, 200, 1]] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.write_all(said).unwrap();
        assert_eq!(stream.read(&mut [0; 64]).unwrap(), 0, "it is closed");
    }
}
