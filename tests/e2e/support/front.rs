//! Real proxies in front of a hub: nginx, HAProxy, Apache and Caddy as Debian has them, each with a directory and ports
//! of its own.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::wait_until;

/// A proxy, stopped when this is dropped.
pub(crate) struct Front {
    directory: TempDir,
    child: Option<Child>,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
}

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Apache,
    Caddy,
}

impl Front {
    /// Starts it with this configuration, in which `@HTTP@` and `@HTTPS@` are its addresses and `@DIR@` is a directory
    /// with `certificate.pem`, `key.pem` and, of both, `both.pem`. What a site's file does not say is added: the file
    /// of nginx stands in `http`, and that of Apache below its modules.
    pub(crate) fn start(kind: Kind, configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        make_certificate(directory.path());
        let mut front = Self { http: free_address(), https: free_address(), directory, child: None };
        let text = match kind {
            Kind::Nginx => NGINX.replace("@SITE@", configuration),
            Kind::Apache => APACHE.replace("@SITE@", configuration),
            Kind::Caddy => CADDY.replace("@SITE@", configuration),
            Kind::Haproxy => configuration.to_owned(),
        };
        let text = text
            .replace("@HTTP@", &front.http.to_string())
            .replace("@HTTPS@", &front.https.to_string())
            .replace("@DIR@", front.directory.path().to_str().unwrap());
        let file = front.directory.path().join("configuration");
        fs::write(&file, text).unwrap();
        let log = fs::File::create(front.directory.path().join("log")).unwrap();
        let mut command = front.command(kind, &file);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let package = format!("{kind:?}").to_lowercase();
        let child = command.spawn();
        front.child = Some(
            child.unwrap_or_else(|error| panic!("a real {package} is needed ({error}): apt-get install it")),
        );
        wait_until("the proxy listens", || {
            let ended = front.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{kind:?} ended ({ended:?}): {}", front.log());
            [front.http, front.https].iter().any(|address| TcpStream::connect(address).is_ok())
        });
        front
    }

    fn command(&self, kind: Kind, file: &Path) -> Command {
        let directory = self.directory.path();
        let mut command = Command::new(match kind {
            Kind::Nginx => "nginx",
            Kind::Haproxy => "haproxy",
            Kind::Apache => "apache2",
            Kind::Caddy => "caddy",
        });
        match kind {
            Kind::Nginx => {
                command.arg("-p").arg(directory).arg("-c").arg(file).arg("-e").arg(directory.join("log"))
            }
            Kind::Haproxy => command.arg("-db").arg("-f").arg(file),
            Kind::Apache => command.arg("-DFOREGROUND").arg("-d").arg(directory).arg("-f").arg(file),
            Kind::Caddy => command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file),
        };
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .env("HOME", directory)
            .env("XDG_DATA_HOME", directory)
            .current_dir(directory);
        command
    }

    pub(crate) fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    pub(crate) fn https_url(&self) -> String {
        format!("https://{}", self.https)
    }

    /// What a client must trust.
    pub(crate) fn certificate(&self) -> String {
        self.directory.path().join("certificate.pem").to_str().unwrap().to_owned()
    }

    /// All that it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Not at once by SIGKILL: the workers of nginx and Apache would stay.
            let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
            child.wait().ok();
        }
    }
}

/// A port that is free now; that another program takes it before the proxy does is possible and very unlikely.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// A certificate for 127.0.0.1 that vouches for itself and lasts long enough.
pub(crate) fn make_certificate(directory: &Path) {
    let (key, certificate) = (directory.join("key.pem"), directory.join("certificate.pem"));
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "90",
    ]);
    command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate).stderr(Stdio::null());
    assert!(command.status().unwrap().success());
    let both = [fs::read(certificate).unwrap(), fs::read(key).unwrap()].concat();
    fs::write(directory.join("both.pem"), both).unwrap();
}

/// What stands around a site in `/etc/nginx/nginx.conf`.
const NGINX: &str = "
daemon off;
pid @DIR@/nginx.pid;
worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path @DIR@/body;
  proxy_temp_path @DIR@/proxy;
  fastcgi_temp_path @DIR@/fastcgi;
  uwsgi_temp_path @DIR@/uwsgi;
  scgi_temp_path @DIR@/scgi;
@SITE@
}
";

/// What stands around a site in `/etc/apache2`, with the modules that `deploy/apache/tidings.conf` asks for.
const APACHE: &str = "
ServerName 127.0.0.1
DefaultRuntimeDir @DIR@
PidFile @DIR@/apache.pid
ErrorLog @DIR@/log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
LoadModule macro_module /usr/lib/apache2/modules/mod_macro.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
<IfModule unixd_module>
User www-data
Group www-data
</IfModule>
Listen @HTTP@
Listen @HTTPS@
@SITE@
";

/// Without what would touch the machine: ports 80 and 2019, and the system's certificates.
const CADDY: &str = "
{
	admin off
	auto_https off
	skip_install_trust
}
@SITE@
";
