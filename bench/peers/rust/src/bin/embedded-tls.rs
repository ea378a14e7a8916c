//! The hub within an application whose own server speaks TLS: streams are response bodies there, for only the
//! application knows its sockets. Shows what a subscriber costs on that way.

use std::{path::PathBuf, sync::Arc};

use axum::Router;
use clap::Parser;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tidings_http::{NativeSettings, native};
use tidings_hub::{Hub, Settings, Topic};
use tidings_log::{Memory, Retention};
use tidings_peers::ListenOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

#[derive(Debug, Parser)]
#[command(about = "A hub embedded in an application that serves it over TLS")]
struct Options {
    #[command(flatten)]
    listen: ListenOptions,
    /// The certificate, in a PEM file.
    #[arg(long)]
    certificate: PathBuf,
    /// Its key, in a PEM file.
    #[arg(long)]
    key: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let certificate = CertificateDer::from_pem_file(&options.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&options.key)?;
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let hub = Hub::start(Arc::new(Memory::new(Retention::default())?), Settings::default())?;
    let routes = native(hub, NativeSettings::new(Topic::new("messages")?));
    let listener = TcpListener::bind(options.listen.listen).await?;
    ListenOptions::announce(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, routes) = (acceptor.clone(), routes.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(stream, acceptor, routes).await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, routes: Router) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(acceptor.accept(stream).await?);
    http1::Builder::new().serve_connection(stream, TowerToHyperService::new(routes)).await?;
    Ok(())
}
