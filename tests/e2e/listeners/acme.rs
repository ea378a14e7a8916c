//! Certificates from an authority that speaks ACME. A program that was built without the feature refuses to be configured
//! for them, and that is all there is to see of it.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use super::{
    authority::Authority,
    support::{Serving, curl},
};
use crate::support::{Program, free_address, wait_for, wait_until};

const AN_HOUR: u32 = 60 * 60;

/// Whether the program was built with the feature. If not, it says how to build it.
fn is_built_in() -> bool {
    let program = Program::new();
    program.write("tidings.toml", "[tls.acme]\nterms = true\ndomains = ['hub.example']\n");
    let check = program.run(&["check-config"]);
    if check.code == Some(0) {
        return true;
    }
    let serve = program.run(&["serve"]);
    for answer in [check, serve] {
        assert_eq!(answer.code, Some(64), "{answer:?}");
        assert!(answer.stderr.contains("cargo build --release --features acme"), "{answer:?}");
    }
    false
}

/// The configuration of a hub that is served with TLS at that address.
fn configuration(address: SocketAddr, authority: &Authority) -> String {
    format!("listen = ['127.0.0.1:0']\n[tls]\nlisten = ['{address}']\n{}", authority.configuration())
}

/// The serial number of the certificate that is shown, and who signed it. `None` if none is.
fn shown(address: SocketAddr) -> Option<(String, String)> {
    let client = Command::new("openssl")
        .args(["s_client", "-servername", "localhost", "-connect", &address.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let mut reader = Command::new("openssl")
        .args(["x509", "-noout", "-serial", "-issuer"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may have ended before it has read everything.
    reader.stdin.take().unwrap().write_all(&client.unwrap().stdout).ok();
    let text = String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap();
    let line = |name| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    Some((line("serial=")?, line("issuer=")?))
}

#[test]
fn a_certificate_is_obtained_and_kept() {
    if !is_built_in() {
        return;
    }
    let address = free_address();
    let mut authority = Authority::start(address.port(), AN_HOUR);
    let (configuration, root) = (configuration(address, &authority), authority.root());
    let mut hub = Serving::start(&configuration);
    let (serial, issuer) = wait_for("a certificate is shown", || shown(address));
    assert!(issuer.contains("Pebble"), "{issuer}");
    for protocol in ["--tlsv1.3", "--tls-max=1.2"] {
        let protocol: Vec<_> = protocol.split('=').collect();
        let url = format!("https://localhost:{}/livez", address.port());
        let asked = ["--cacert", root.to_str().unwrap(), "-w", " %{http_version} %{http_code}", &url];
        let answer = curl(&[&protocol[..], &asked].concat()).unwrap();
        assert!(answer.ends_with(" 2 200"), "{answer}");
    }
    for file in ["account.json", "certificate.pem"] {
        let metadata = fs::metadata(hub.path("tidings-data/acme").join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }

    authority.stop();
    hub.kill();
    hub.launch(&[], &configuration);
    hub.places();
    let (again, _) = wait_for("it is shown again", || shown(address));
    assert_eq!(again, serial);
    assert!(!hub.stderr().contains("ERROR"), "{}", hub.stderr());
}

#[test]
fn a_certificate_is_renewed_in_time() {
    if !is_built_in() {
        return;
    }
    let address = free_address();
    let authority = Authority::start(address.port(), 30);
    let hub = Serving::start(&configuration(address, &authority));
    let account = hub.path("tidings-data/acme/account.json");
    let (first, _) = wait_for("a certificate is shown", || shown(address));
    let made = fs::read(&account).unwrap();
    wait_until("another certificate is shown", || shown(address).is_some_and(|(serial, _)| serial != first));
    assert_eq!(fs::read(&account).unwrap(), made, "the account is used again");
}

#[test]
fn the_authoritys_reason_is_said_and_the_hub_serves_meanwhile() {
    if !is_built_in() {
        return;
    }
    // It looks where nobody listens.
    let authority = Authority::start(free_address().port(), AN_HOUR);
    let address = free_address();
    let mut hub = Serving::start(&configuration(address, &authority));
    let plain = hub.places().into_iter().find(|place| place.starts_with("http://")).unwrap();
    wait_until("the reason is said", || {
        let log = hub.stderr();
        log.contains("no certificate could be obtained") && log.contains("Failed to connect to")
    });
    let log = hub.stderr();
    assert!(
        log.contains("there is no certificate yet") && log.contains(r#""next_attempt_in":"60s""#),
        "{log}"
    );
    assert_eq!(shown(address), None);
    curl(&["--fail", &format!("{plain}/livez")]).unwrap();
}
