//! Where connections come from: sockets that the hub makes, and those that it is started with.

mod acme;
mod authority;
mod http2;
mod inherited;
mod proxy_protocol;
mod support;
mod tls;
mod unix;
