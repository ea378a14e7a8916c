//! Smuggling through a real nginx: what it counts as one request, the hub counts as one.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Watched, send, statuses};
use crate::support::wait_until;

const HIDDEN: &str = "POST /topics/hidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nhidden";

/// nginx in front of a hub, killed when it is dropped.
struct Nginx {
    child: Child,
    directory: TempDir,
    address: SocketAddr,
}

impl Nginx {
    fn before(hub: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let path = directory.path().display();
        // As docs/proxies.md has it, with the hub's connections kept open: there smuggling is worth something.
        let configuration = format!(
            "daemon off; pid {path}/pid; error_log {path}/error.log; worker_processes 1;
             events {{ worker_connections 256; }}
             http {{
               access_log {path}/access.log;
               client_body_temp_path {path}/body; proxy_temp_path {path}/proxy;
               fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;
               upstream hub {{ server {hub}; keepalive 1; }}
               server {{
                 listen {address};
                 location / {{
                   proxy_pass http://hub; proxy_http_version 1.1;
                   proxy_set_header Connection ''; proxy_set_header Host localhost;
                   proxy_request_buffering off; proxy_buffering off;
                 }}
               }}
             }}"
        );
        fs::write(directory.path().join("nginx.conf"), configuration).unwrap();
        let child = Command::new("nginx")
            .args(["-p", &path.to_string(), "-e", "stderr", "-c", &format!("{path}/nginx.conf")])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed (./test rust)");
        let nginx = Self { child, directory, address };
        wait_until("nginx listens", || TcpStream::connect(address).is_ok());
        nginx
    }

    /// Requests that it passed on, or answered itself.
    fn requests(&self) -> usize {
        fs::read_to_string(self.directory.path().join("access.log")).map_or(0, |log| log.lines().count())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It takes its worker with it when it is asked, not when it is killed.
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        self.child.wait().ok();
    }
}

#[test]
fn nginx_and_the_hub_see_the_same_requests() {
    let mut watched = Watched::start();
    let nginx = Nginx::before(watched.hub.address);
    let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    for (headers, body) in [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked", chunk.as_str()),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4", &chunk),
        ("Transfer-Encoding: chunked", &chunk),
        ("Transfer-Encoding: xchunked", HIDDEN),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", &chunk),
        ("Transfer-Encoding:\tchunked", &chunk),
        ("Content-Length: 5\r\nContent-Length: 6", HIDDEN),
        ("Content-Length: +5", HIDDEN),
        ("X: a\r\n\tContent-Length: 5", HIDDEN),
        ("Transfer-Encoding: chunked", "5;a=\n\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "5\r\nhelloX0\r\n\r\n"),
        ("Content-Length\u{b}: 5", HIDDEN),
    ] {
        let before = nginx.requests();
        // The connection ends with this one, so that what nginx itself takes for a second request is not answered.
        let request = format!(
            "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n\r\n{body}"
        );
        let answer = send(nginx.address, request);
        wait_until("nginx has counted it", || nginx.requests() > before);
        assert_eq!(nginx.requests(), before + 1, "{headers:?}: {answer}");
        match statuses(&answer)[..] {
            // One request, one event: what was hidden in it is its data.
            [200] => drop(watched.listener.event()),
            _ => assert!(statuses(&answer).iter().all(|status| *status >= 400), "{headers:?}: {answer}"),
        }
        watched.is_unharmed(headers);
    }
}
