//! `[tls]`: addresses that are served with TLS, and the certificate for them.

use std::path::{Path, PathBuf};

use tidings_http::Tls as Shown;

use super::{Acme, Address, section, section::Section, value};

/// `[tls]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tls {
    /// The addresses to serve with TLS. Default: none.
    pub(crate) listen: Vec<Address>,
    /// The certificate to show there.
    pub(crate) certificate: Option<Certificate>,
}

/// Where a certificate and its key come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Files, which are read again when they change.
    Files {
        /// The file of the certificate, with the chain that leads to it.
        certificate: PathBuf,
        /// The file of its key.
        key: PathBuf,
    },
    /// An authority that gives them out.
    Acme(Acme),
}

impl Tls {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let listen = section.read("listen", value::one_or_more(value::address)).unwrap_or_default();
        let [certificate, key] =
            ["certificate", "key"].map(|key| section.read(key, value::non_empty).map(PathBuf::from));
        let is_given = [section.has("certificate"), section.has("key")];
        if let Some(acme) = self::section(section, "acme", Acme::read) {
            for key in ["certificate", "key"].into_iter().filter(|key| section.has(key)) {
                section.reject(key, "[tls.acme] obtains a certificate and its key: take one of the two out");
            }
            return Self { listen, certificate: Some(Certificate::Acme(acme)) };
        }
        let missing = match is_given {
            [true, false] => Some("key"),
            [false, true] => Some("certificate"),
            [false, false] if !listen.is_empty() => Some("certificate"),
            _ => None,
        };
        if let Some(missing) = missing {
            section.reject(missing, "it is missing: TLS needs the files of a certificate and of its key, or [tls.acme] to obtain them");
        }
        let certificate =
            certificate.zip(key).map(|(certificate, key)| Certificate::Files { certificate, key });
        Self { listen, certificate }
    }
}

impl Certificate {
    /// What is shown from the start. What an authority gives out is kept in this directory.
    ///
    /// # Errors
    /// When the files cannot be used, or this program cannot ask an authority.
    pub(crate) fn load(&self, data: &Path) -> anyhow::Result<Shown> {
        match self {
            Self::Files { certificate, key } => Ok(Shown::from_files(certificate, key)?),
            Self::Acme(acme) => acme.awaited(data),
        }
    }
}
