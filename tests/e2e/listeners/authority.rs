//! A real authority that speaks ACME: pebble, of Let's Encrypt, as Debian has it.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::support::curl;
use crate::support::{Running, free_address, make_certificate, wait_until};

/// It, stopped when this is dropped.
pub(super) struct Authority {
    directory: TempDir,
    running: Option<Running>,
    address: SocketAddr,
    management: SocketAddr,
}

impl Authority {
    /// Starts one that validates `localhost` at this port, and whose certificates are valid for so many seconds.
    pub(super) fn start(tls_port: u16, validity: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        make_certificate(directory.path());
        let (address, management) = (free_address(), free_address());
        let configuration = serde_json::json!({ "pebble": {
            "listenAddress": address,
            "managementListenAddress": management,
            "certificate": "certificate.pem",
            "privateKey": "key.pem",
            // It does not come to that challenge.
            "httpPort": 1,
            "tlsPort": tls_port,
            "certificateValidityPeriod": validity,
        }});
        fs::write(directory.path().join("pebble.json"), configuration.to_string()).unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let child = Command::new("pebble")
            .args(["-config", "pebble.json"])
            // It would wait, and refuse, at random.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0")])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("a real pebble is needed ({error}): apt-get install it"));
        wait_until("the authority listens", || {
            let log = fs::read_to_string(directory.path().join("log")).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "it ended: {log}");
            [address, management].iter().all(|address| TcpStream::connect(address).is_ok())
        });
        Self { directory, running: Some(Running(child)), address, management }
    }

    /// Lets nobody ask it any more.
    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// What a hub is told of it.
    pub(super) fn configuration(&self) -> String {
        let (address, root) = (self.address, self.own_certificate());
        format!(
            "[tls.acme]\nterms = true\ndomains = ['localhost']\ncontact = 'mailto:operator@hub.example'\ndirectory = \
             'https://{address}/dir'\nca_file = '{}'\n",
            root.display()
        )
    }

    /// The file of the root of what it certifies.
    pub(super) fn root(&self) -> PathBuf {
        let (own, url) = (self.own_certificate(), format!("https://{}/roots/0", self.management));
        let root = curl(&["--cacert", own.to_str().unwrap(), &url]).unwrap();
        let file = self.directory.path().join("root.pem");
        fs::write(&file, root).unwrap();
        file
    }

    fn own_certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }
}
