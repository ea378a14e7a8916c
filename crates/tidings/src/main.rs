//! Tidings: a server-sent events hub.

mod config;
mod serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let c = config::Config::load(&config::Overrides { demo: true, listen: vec!["127.0.0.1:8090".into()], ..Default::default() }, &config::Environment::of_process());
    match c { Ok(c) => serve::run(c).await, Err(e) => anyhow::bail!("{e}") }
}
