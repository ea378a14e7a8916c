//! Certificates for servers on loopback, made by `openssl`.

use std::{path::PathBuf, process::Command};

/// A certificate for 127.0.0.1 and no other name, its key, and the authority that signed it.
pub(crate) struct Certificates(tempfile::TempDir);

impl Certificates {
    pub(crate) fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        made.openssl("-keyout authority.key -out authority.pem -subj /CN=authority");
        made.openssl(
            "-keyout server.key -out server.pem -subj /CN=server -CA authority.pem -CAkey authority.key \
             -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE",
        );
        made
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn openssl(&self, arguments: &str) {
        let made = Command::new("openssl")
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("these tests need OpenSSL: install it with `apt-get install openssl`");
        assert!(made.status.success(), "{made:?}");
    }
}
