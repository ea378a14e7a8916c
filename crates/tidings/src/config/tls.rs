//! `[tls]`: addresses that are served with TLS, and the certificate for them.

use std::path::PathBuf;

use super::{Address, section::Section, value};

/// `[tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tls {
    /// The addresses to serve with TLS. Default: none.
    pub(crate) listen: Vec<Address>,
    /// The certificate to show there.
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate and its key, which are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The file of the certificate, with the chain that leads to it.
    pub(crate) certificate: PathBuf,
    /// The file of its key.
    pub(crate) key: PathBuf,
}

impl Tls {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let listen = section.read("listen", value::one_or_more(value::address)).unwrap_or_default();
        let [certificate, key] =
            ["certificate", "key"].map(|key| section.read(key, value::non_empty).map(PathBuf::from));
        let is_given = [section.has("certificate"), section.has("key")];
        let missing = match is_given {
            [true, false] => Some("key"),
            [false, true] => Some("certificate"),
            [false, false] if !listen.is_empty() => Some("certificate"),
            _ => None,
        };
        if let Some(missing) = missing {
            section.reject(missing, "it is missing: TLS needs the files of a certificate and of its key");
        }
        let certificate = certificate.zip(key).map(|(certificate, key)| Certificate { certificate, key });
        Self { listen, certificate }
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub(crate) fn load(&self) -> Result<tidings_http::Tls, tidings_http::TlsError> {
        tidings_http::Tls::from_files(&self.certificate, &self.key)
    }
}
