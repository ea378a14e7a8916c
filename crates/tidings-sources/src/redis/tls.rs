//! TLS to a Redis server (`rediss://`).

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, pem::PemObject},
    },
};

use crate::invalid::InvalidSourceReason;

pub(super) const NOT_ENCRYPTED: &str =
    "it is of no use without TLS: write rediss:// in the url, or remove it";

/// Trusts the certificates of `ca_file` and no others; without one, those that the system trusts.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, InvalidSourceReason> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let bad = |error: &dyn std::fmt::Display| {
                InvalidSourceReason::CaFile(format!("{path:?} cannot be used: {error}"))
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))? {
                roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
            }
            if roots.is_empty() {
                return Err(bad(&"it holds no certificate in PEM"));
            }
        }
        None => {
            // A certificate that cannot be read is one that is not trusted; the others are.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                let none =
                    "the system trusts no CA certificates: install them (ca-certificates) or set ca_file";
                return Err(InvalidSourceReason::CaFile(none.to_owned()));
            }
        }
    }
    // Named, so that it does not matter whether the program has chosen a provider yet.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidSourceReason::CaFile(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
