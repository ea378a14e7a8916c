//! Connections as browsers make them: TLS with both protocols offered, so that it shows which one is chosen.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use super::notes::{Certificate, Unreachable};

/// How long a connection, with its TLS, may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// A certificate that ends within so many days should have been renewed.
const EXPIRES_SOON: u64 = 14;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where to connect to.
pub(super) struct Dialer {
    url: Url,
    host: String,
    port: u16,
    /// Who judges certificates. `None` without TLS.
    tls: Option<Arc<WebPkiServerVerifier>>,
}

/// A connection on which requests can be made.
pub(super) struct Line {
    sender: Sender,
    url: Url,
    pub(super) certificate: Option<Certificate>,
}

#[derive(Clone)]
enum Sender {
    Http1(Arc<tokio::sync::Mutex<http1::SendRequest<Empty<Bytes>>>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Dialer {
    pub(super) fn new(url: &Url) -> Result<Self, Unreachable> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let tls = match url.scheme() {
            "https" => Some(verifier().map_err(|error| Unreachable::Tls(error.to_string()))?),
            _ => None,
        };
        Ok(Self { url: url.clone(), host, port: url.port_or_known_default().unwrap_or(80), tls })
    }

    /// Connects.
    pub(super) async fn dial(&self) -> Result<Line, Unreachable> {
        tokio::time::timeout(CONNECT, self.connect()).await.map_err(|_| Unreachable::Silent)?
    }

    async fn connect(&self) -> Result<Line, Unreachable> {
        let stream = self.tcp().await?;
        let (sender, certificate) = match &self.tls {
            None => (http1(stream).await?, None),
            Some(verifier) => {
                let (stream, certificate) = self.encrypt(stream, verifier.clone()).await?;
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let sender = if is_http2 { http2(stream).await? } else { http1(stream).await? };
                (sender, Some(certificate))
            }
        };
        Ok(Line { sender, url: self.url.clone(), certificate })
    }

    async fn tcp(&self) -> Result<TcpStream, Unreachable> {
        let addresses = lookup_host((self.host.as_str(), self.port)).await;
        let addresses = addresses.map_err(|error| Unreachable::Name(error.to_string()))?;
        let mut outcome = Err(Unreachable::Name("it has no address".to_owned()));
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true).ok();
                    return Ok(stream);
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    outcome = Err(Unreachable::Refused);
                }
                Err(error) => outcome = Err(Unreachable::Broken(error.to_string())),
            }
        }
        outcome
    }

    async fn encrypt(
        &self,
        stream: TcpStream,
        verifier: Arc<WebPkiServerVerifier>,
    ) -> Result<(TlsStream<TcpStream>, Certificate), Unreachable> {
        let failed = |error: &dyn std::fmt::Display| Unreachable::Tls(error.to_string());
        let witness = Arc::new(Witness { verifier, verdict: Mutex::new(Certificate::Good) });
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(witness.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from(self.host.clone()).map_err(|error| failed(&error))?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.map_err(|error| failed(&error))?;
        let verdict = witness.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((stream, verdict))
    }
}

impl Line {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Whether the server is who it says it is, or needs no proof.
    pub(super) fn is_trusted(&self) -> bool {
        !matches!(self.certificate, Some(Certificate::Wrong(_)))
    }

    /// Asks for a path below the hub's address. The request has method and headers; over HTTP/2 several may be under way.
    pub(super) async fn ask(
        &self,
        path: &str,
        mut request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, Unreachable> {
        let broken = |error: &dyn std::fmt::Display| Unreachable::Broken(error.to_string());
        let path = format!("{}/{path}", self.url.path().trim_end_matches('/'));
        let authority = self.url.authority();
        let (scheme, is_http2) = (self.url.scheme(), self.is_http2());
        let target = if is_http2 { format!("{scheme}://{authority}{path}") } else { path };
        *request.uri_mut() = target.parse::<Uri>().map_err(|error| broken(&error))?;
        let response = match self.sender.clone() {
            Sender::Http1(sender) => {
                let host =
                    authority.parse().map_err(|error: http::header::InvalidHeaderValue| broken(&error))?;
                request.headers_mut().insert(header::HOST, host);
                sender.lock().await.send_request(request).await
            }
            Sender::Http2(mut sender) => sender.send_request(request).await,
        };
        response.map_err(|error| broken(&error))
    }
}

async fn http1<S>(stream: S) -> Result<Sender, Unreachable>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Unreachable::Broken(error.to_string()))?;
    // It ends with its sender, and what went wrong the sender says.
    tokio::spawn(connection);
    Ok(Sender::Http1(Arc::new(tokio::sync::Mutex::new(sender))))
}

async fn http2<S>(stream: S) -> Result<Sender, Unreachable>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|error| Unreachable::Broken(error.to_string()))?;
    tokio::spawn(connection);
    Ok(Sender::Http2(sender))
}

fn verifier() -> Result<Arc<WebPkiServerVerifier>, rustls::client::VerifierBuilderError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()
}

/// Lets every server in, so that the rest can be examined, and remembers what its certificate is worth.
#[derive(Debug)]
struct Witness {
    verifier: Arc<WebPkiServerVerifier>,
    verdict: Mutex<Certificate>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |days: u64| {
            let then = Duration::from_secs(now.as_secs()) + DAY * u32::try_from(days).unwrap_or(u32::MAX);
            let then = UnixTime::since_unix_epoch(then);
            self.verifier.verify_server_cert(end_entity, intermediates, name, ocsp, then)
        };
        let verdict = match verify(0) {
            Ok(_) => match (1..=EXPIRES_SOON).find(|days| verify(*days).is_err()) {
                Some(days) => Certificate::Expiring(days - 1),
                None => Certificate::Good,
            },
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Certificate::Wrong(
                "nobody who is trusted here has signed it, or an intermediate is missing".to_owned(),
            ),
            Err(error) => Certificate::Wrong(error.to_string()),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
