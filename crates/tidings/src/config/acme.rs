//! `[tls.acme]`: certificates from an authority that speaks ACME.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use tidings_http::Tls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{
    section::Section,
    value::{self, Given, Parsed},
};

/// Let's Encrypt's.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// `[tls.acme]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acme {
    /// What the certificate is for, in lower case.
    pub(crate) domains: Vec<String>,
    /// Whom the authority writes to, as a URL. Default: nobody.
    pub(crate) contact: Option<String>,
    /// The URL by which the authority is found. Default: Let's Encrypt's.
    pub(crate) directory: String,
    /// The root that signs the authority's own certificate. Default: those of the system.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Acme {
    /// `None` if it is not there.
    pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let domains = section.read("domains", value::one_or_more(domain)).unwrap_or_default();
        let contact = section.read("contact", contact);
        let directory = section.read("directory", |given| value::url(given, &["https"]));
        let ca_file = section.read("ca_file", value::non_empty).map(PathBuf::from);
        let terms = section.read("terms", value::boolean);
        if !section.is_given() {
            return None;
        }
        if domains.is_empty() && !section.has("domains") {
            section.reject("domains", "it is missing: name the domains that the certificate is to be for");
        }
        if terms != Some(true) && (terms.is_some() || !section.has("terms")) {
            section.reject(
                "terms",
                "the authority gives certificates to whoever agrees to its terms of service: read them, and write \
                 terms = true",
            );
        }
        let directory = directory.map_or_else(|| DIRECTORY.to_owned(), Into::into);
        Some(Self { domains, contact, directory, ca_file })
    }

    /// Where the certificate and its key are kept, in that directory.
    pub(crate) const FILE: &str = "certificate.pem";

    /// The directory for what the authority gave, in that of the hub.
    pub(crate) fn directory(data: &Path) -> PathBuf {
        data.join("acme")
    }

    /// What is shown before there is a certificate.
    pub(super) fn awaited(&self, data: &Path) -> anyhow::Result<Tls> {
        if cfg!(not(feature = "acme")) {
            bail!(
                "this program was built without ACME, for [tls.acme]: build it with `cargo build --release \
                 --features acme`, or give the files of a certificate and of its key in [tls]"
            );
        }
        if let Some(file) = &self.ca_file {
            fs::metadata(file)
                .with_context(|| format!("tls.acme.ca_file: {} cannot be read", file.display()))?;
        }
        Ok(Tls::awaited(&Self::directory(data).join(Self::FILE))?)
    }
}

fn domain(given: &Given<'_>) -> Parsed<String> {
    let text = value::non_empty(given)?.to_ascii_lowercase();
    if text.starts_with("*.") {
        return Err(format!(
            "{text:?} is a wildcard, for which an authority wants a record in the DNS: name each domain, or obtain \
             that certificate elsewhere and give its files in [tls]"
        ));
    }
    match ServerName::try_from(text.as_str()) {
        Ok(ServerName::DnsName(_)) => Ok(text),
        _ => Err(format!("{text:?} is not the name of a domain: write one such as \"hub.example\"")),
    }
}

fn contact(given: &Given<'_>) -> Parsed<String> {
    let text = value::non_empty(given)?;
    match text.strip_prefix("mailto:").is_some_and(|address| address.contains('@')) {
        true => Ok(text),
        false => Err(format!("{text:?} is not the URL of a mailbox: write \"mailto:you@your.example\"")),
    }
}
