//! TLS with certificates from files, which are read again when they change, or when whoever obtained a new one says so.
//!
//! One configuration lives as long as the listener; only what it shows to clients is exchanged. So connections go on,
//! and sessions that began under the former certificate can be resumed.

mod shown;
mod validity;

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use thiserror::Error;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject},
        },
        sign::CertifiedKey,
        version::{TLS12, TLS13},
    },
    server::TlsStream,
};

use self::shown::{CHALLENGE, Shown};
use super::transport::Transport;

/// What is spoken, the better first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
const HTTP2: &[u8] = b"h2";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A certificate that ends so soon should have been renewed: Let's Encrypt's have a third of ninety days left by then.
const SOON: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 24 * 60 * 60;

/// A certificate with its key, as files. Cloning is cheap; all clones are the same.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
    /// Held while the files are read: one reading at a time.
    read: Mutex<()>,
}

/// A certificate with its key that have been read.
#[derive(Debug)]
struct Pair {
    key: Arc<CertifiedKey>,
    /// `None` when the certificate does not say it as others do.
    validity: Option<Range<SystemTime>>,
    /// Of the files' contents.
    hash: u64,
}

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", .0.display())]
    NoCertificate(PathBuf),
    /// The file holds no key.
    #[error("{} holds no private key in PEM (-----BEGIN PRIVATE KEY-----)", .0.display())]
    NoKey(PathBuf),
    /// What the file holds is broken.
    #[error("{} is not PEM as it should be: {source}", path.display())]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The key is of another certificate.
    #[error("{} is not the key of the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that cannot be used.
    #[error("{} and {} cannot be used: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads a certificate, with the chain that leads to it, and its key.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let tls = Self::new(certificate, key, &PROTOCOLS)?;
        tls.reload()?;
        Ok(tls)
    }

    /// What an authority is yet to certify. The file will hold the certificate, with the chain that leads to it, and its
    /// key; until it does and [`reload`](Self::reload) has read it, handshakes fail, but for those by which the
    /// authority validates domains ([`begin_challenge`](Self::begin_challenge)).
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn awaited(file: &Path) -> Result<Self, TlsError> {
        Self::new(file, file, &[PROTOCOLS[0], PROTOCOLS[1], CHALLENGE])
    }

    fn new(certificate: &Path, key: &Path, protocols: &[&[u8]]) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable =
            |source| TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), source };
        let shown = Arc::new(Shown::default());
        let mut config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        // Sessions are kept by the clients, so that a crowd that comes back needs no room here.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            provider,
            shown,
            config: Arc::new(config),
            read: Mutex::default(),
        })))
    }

    /// Reads the files again, and answers whether there was something new in them. It blocks while they are read.
    ///
    /// # Errors
    /// When they cannot be used. The former certificate stays then.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Inner { certificate, key, provider, shown, read, .. } = &*self.0;
        // Nothing under the lock can be left half done.
        let _one_at_a_time = read.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = Pair::read(certificate, key, provider)?;
        if shown.pair.load().as_ref().is_some_and(|former| former.hash == pair.hash) {
            return Ok(false);
        }
        shown.pair.store(Some(Arc::new(pair)));
        Ok(true)
    }

    /// When the certificate ends, if there is one and that can be told.
    pub fn expires(&self) -> Option<SystemTime> {
        self.validity().map(|validity| validity.end)
    }

    /// From when to when the certificate is valid, if there is one and that can be told.
    pub fn validity(&self) -> Option<Range<SystemTime>> {
        self.0.shown.pair.load().as_ref()?.validity.clone()
    }

    /// Shows this certificate to whoever validates the domain by the challenge `tls-alpn-01` (RFC 8737), until
    /// [`end_challenges`](Self::end_challenges).
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn begin_challenge(
        &self,
        domain: &str,
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), rustls::Error> {
        // Its extension is critical, and rustls refuses to look at a certificate with one that it does not know.
        let key = self.0.provider.key_provider.load_private_key(key)?;
        self.0.shown.begin_challenge(domain, Arc::new(CertifiedKey::new(vec![certificate], key)));
        Ok(())
    }

    /// Lets nobody validate a domain any more.
    pub fn end_challenges(&self) {
        self.0.shown.end_challenges();
    }

    /// Reads the files again whenever they change, and warns when the certificate comes to its end. Never ends.
    pub async fn watch(self) {
        let mut last_fault = None;
        let mut warned = None;
        loop {
            let now = SystemTime::now();
            if warned.is_none_or(|at| now.duration_since(at).is_ok_and(|since| since.as_secs() >= DAY)) {
                warned = self.warn_of_end(now).then_some(now);
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let tls = self.clone();
            // Only a reading that panicked is no outcome.
            let Ok(outcome) = tokio::task::spawn_blocking(move || tls.reload()).await else { continue };
            match outcome {
                Ok(true) => {
                    (last_fault, warned) = (None, None);
                    tracing::info!(certificate = %self.0.certificate.display(), "a new certificate is in use");
                }
                Ok(false) => last_fault = None,
                Err(error) => {
                    let fault = Some(error.to_string());
                    if fault != last_fault {
                        tracing::error!(%error, "the new certificate cannot be used; the former one stays");
                        last_fault = fault;
                    }
                }
            }
        }
    }

    /// Warns if the certificate ends soon; whether it does.
    fn warn_of_end(&self, now: SystemTime) -> bool {
        let Some(end) = self.expires() else { return false };
        let certificate = self.0.certificate.display();
        match end.duration_since(now) {
            Err(_) => tracing::error!(%certificate, "the certificate has expired: browsers refuse it"),
            Ok(left) if left < SOON => {
                let days = left.as_secs() / DAY;
                tracing::warn!(%certificate, days, "the certificate expires soon: put a new one into its file");
            }
            Ok(_) => return false,
        }
        true
    }

    /// The server's part of the handshake.
    pub(super) async fn accept(&self, transport: Transport) -> io::Result<TlsStream<Transport>> {
        TlsAcceptor::from(self.0.config.clone()).accept(transport).await
    }
}

/// Whether the handshake came to HTTP/2.
pub(super) fn speaks_http2(stream: &TlsStream<Transport>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}

/// Whether the handshake was made to validate a domain; nothing is said on such a connection (RFC 8737, section 3).
pub(super) fn is_challenge(stream: &TlsStream<Transport>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(CHALLENGE)
}

impl Pair {
    fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let [chain_pem, key_pem] = [read(certificate)?, read(key)?];
        let mut hasher = DefaultHasher::new();
        (&chain_pem, &key_pem).hash(&mut hasher);
        let pem = |path: &Path, source| TlsError::Pem { path: path.to_owned(), source };
        let chain = CertificateDer::pem_slice_iter(&chain_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| pem(certificate, error))?;
        let Some(leaf) = chain.first() else { return Err(TlsError::NoCertificate(certificate.to_owned())) };
        let validity = validity::validity(leaf);
        let key_der = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoKey(key.to_owned()),
            error => pem(key, error),
        })?;
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let key = CertifiedKey::from_der(chain, key_der, provider).map_err(|source| match source {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { certificate, key },
            source => TlsError::Unusable { certificate, key, source },
        })?;
        Ok(Self { key: Arc::new(key), validity, hash: hasher.finish() })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}
