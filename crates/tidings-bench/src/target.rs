//! Where the server is, and what it is asked.

use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{error::Error, marker::Marker, marker::Run, template::Template};

/// A place on a server: where to connect, and the request's target.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// Whether it is spoken to over TLS.
    pub(crate) is_tls: bool,
    host: String,
    path: Template,
}

/// The names of the topics.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Topics {
    pub(crate) name: String,
    pub(crate) count: u32,
}

/// How to subscribe.
#[derive(Clone, Debug)]
pub(crate) struct Subscribe {
    pub(crate) endpoint: Endpoint,
    headers: Vec<String>,
}

/// How to publish.
#[derive(Clone, Debug)]
pub(crate) struct Publish {
    pub(crate) endpoint: Endpoint,
    method: String,
    headers: Vec<String>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// One event, within this text.
    One(Template),
    /// A line for each event, as `POST /publish` of Tidings takes them.
    Lines,
}

impl Endpoint {
    /// The place that a URL names, in which `{topic}` stands for the topic.
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::Url { url: url.to_owned(), reason: reason.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("this is no URL"))?;
        let (is_tls, default_port) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return Err(wrong("only http and https are spoken here")),
        };
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if host.is_empty()
            || host.contains('@')
            || url.contains(|byte: char| byte.is_control() || byte == ' ')
        {
            return Err(wrong("this is no address of a server"));
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let to_resolve = if has_port { host.to_owned() } else { format!("{host}:{default_port}") };
        let resolved = to_resolve.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
        let address = resolved.into_iter().next().ok_or_else(|| wrong("the name has no address"))?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { address, is_tls, host: host.to_owned(), path: Template::new(&path) })
    }

    /// The server's name or address, without the port.
    pub(crate) fn name(&self) -> &str {
        let port = self.host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        port.map_or(self.host.as_str(), |(name, _)| name).trim_matches(['[', ']'])
    }

    /// The place, for one who publishes.
    fn to_publish(url: &str) -> Result<Self, Error> {
        let endpoint = Self::new(url)?;
        match endpoint.is_tls {
            true => Err(Error::Options(format!("{url}: only subscribers speak TLS; publish over http"))),
            false => Ok(endpoint),
        }
    }

    /// A connection for small requests, once it is made.
    pub(crate) fn connect(&self, timeout: Duration) -> io::Result<mio::net::TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(mio::net::TcpStream::from_std(stream))
    }
}

impl Topics {
    /// The name of a topic.
    pub(crate) fn name(&self, topic: u32) -> String {
        if self.count == 1 { self.name.clone() } else { format!("{}-{topic}", self.name) }
    }
}

impl Subscribe {
    pub(crate) fn new(url: &str, headers: &[String]) -> Result<Self, Error> {
        Ok(Self { endpoint: Endpoint::new(url)?, headers: checked(headers)? })
    }

    /// The URL and headers of the request for a topic's stream. HTTP/2 has the server's name in the URL.
    pub(crate) fn parts(&self, topic: &str, http2: bool) -> (String, Vec<(String, String)>) {
        let Endpoint { host, path, is_tls, .. } = &self.endpoint;
        let path = path.path(topic);
        let mut headers = vec![("accept".to_owned(), "text/event-stream".to_owned())];
        let split = |header: &String| {
            header.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        };
        headers.extend(self.headers.iter().filter_map(split));
        if http2 {
            return (format!("{}://{host}{path}", if *is_tls { "https" } else { "http" }), headers);
        }
        headers.push(("host".to_owned(), host.clone()));
        (path, headers)
    }

    /// The request for a topic's stream, from the cursor on if there is one.
    pub(crate) fn request(&self, topic: &str, cursor: Option<&str>) -> Vec<u8> {
        let Endpoint { host, path, .. } = &self.endpoint;
        let mut text = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n",
            path.path(topic)
        );
        for header in &self.headers {
            text += header;
            text += "\r\n";
        }
        if let Some(cursor) = cursor {
            text += &format!("Last-Event-ID: {cursor}\r\n");
        }
        text += "\r\n";
        text.into_bytes()
    }
}

impl Publish {
    /// One event a request, in a body of this form.
    pub(crate) fn one(url: &str, method: &str, headers: &[String], body: &str) -> Result<Self, Error> {
        let body = Template::new(body);
        if !body.has_data() {
            return Err(Error::Options("--publish-body must contain {data}".to_owned()));
        }
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Error::Options(format!("--publish-method {method}: give a method such as POST")));
        }
        Ok(Self {
            endpoint: Endpoint::to_publish(url)?,
            method: method.to_owned(),
            headers: checked(headers)?,
            body: Body::One(body),
        })
    }

    /// Many events a request, as newline-delimited JSON.
    pub(crate) fn lines(url: &str, headers: &[String]) -> Result<Self, Error> {
        let mut headers = checked(headers)?;
        headers.push("Content-Type: application/x-ndjson".to_owned());
        Ok(Self {
            endpoint: Endpoint::to_publish(url)?,
            method: "POST".to_owned(),
            headers,
            body: Body::Lines,
        })
    }

    /// Appends the request that publishes these events, which are all of one topic. `body` is scratch space.
    pub(crate) fn request(
        &self,
        run: Run,
        topic: &str,
        events: &[Marker],
        size: usize,
        body: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        body.clear();
        for &marker in events {
            let data = |out: &mut Vec<u8>| run.write_data(marker, size, out);
            match &self.body {
                Body::One(template) => template.render(topic, data, body),
                Body::Lines => {
                    body.extend_from_slice(b"{\"topic\":");
                    // Neither a string nor a vector refuses anything.
                    serde_json::to_writer(&mut *body, topic).unwrap_or_default();
                    body.extend_from_slice(b",\"data\":\"");
                    run.write_data(marker, size, body);
                    body.extend_from_slice(b"\"}\n");
                }
            }
        }
        let Endpoint { host, path, .. } = &self.endpoint;
        for text in [&self.method, " ", &path.path(topic), " HTTP/1.1\r\nHost: ", host, "\r\n"] {
            out.extend_from_slice(text.as_bytes());
        }
        for header in &self.headers {
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        write!(out, "Content-Length: {}\r\n\r\n", body.len()).unwrap_or_default();
        out.extend_from_slice(body);
    }
}

/// Header lines that cannot become something else.
fn checked(headers: &[String]) -> Result<Vec<String>, Error> {
    let is_wrong = |header: &&String| {
        header.contains(['\r', '\n', '\0'])
            || header.split_once(':').is_none_or(|(name, _)| name.trim().is_empty())
    };
    match headers.iter().find(is_wrong) {
        Some(header) => Err(Error::Options(format!("{header:?} is no header: write 'Name: value'"))),
        None => Ok(headers.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn urls_name_a_server_and_a_path() {
        for (url, address, path) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", "/"),
            ("http://127.0.0.1/sub/{topic}", "127.0.0.1:80", "/sub/a%20b"),
            ("http://[::1]:9?topic={topic}", "[::1]:9", "/?topic=a%20b"),
        ] {
            let endpoint = Endpoint::new(url).unwrap();
            assert_eq!(
                (endpoint.address, endpoint.path.path("a b")),
                (address.parse().unwrap(), path.to_owned())
            );
        }
        for url in ["127.0.0.1:8080", "ftp://127.0.0.1/", "http:///x", "http://a:b@127.0.0.1/", "http://x y/"]
        {
            assert!(matches!(Endpoint::new(url), Err(Error::Url { .. })), "{url}");
        }
    }

    #[test]
    fn tls_is_for_subscribers() {
        let endpoint = Endpoint::new("https://[::1]/").unwrap();
        assert_eq!((endpoint.is_tls, endpoint.name(), endpoint.address.port()), (true, "::1", 443));
        assert!(matches!(Publish::lines("https://127.0.0.1/", &[]), Err(Error::Options(_))));
        assert!(matches!(Publish::one("https://127.0.0.1/", "POST", &[], "{data}"), Err(Error::Options(_))));
    }

    #[test]
    fn a_subscription_is_a_request_with_its_cursor() {
        let url = "http://127.0.0.1:1/events?topic={topic}";
        let subscribe = Subscribe::new(url, &["Authorization: Bearer x".to_owned()]).unwrap();
        let expected = "GET /events?topic=t HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAccept: text/event-stream\r\n\
            Cache-Control: no-cache\r\nAuthorization: Bearer x\r\nLast-Event-ID: e-7\r\n\r\n";
        assert_eq!(text(&subscribe.request("t", Some("e-7"))), expected);
        assert!(!text(&subscribe.request("t", None)).contains("Last-Event-ID"));
        for header in ["no colon", "a: b\r\nc: d", ": x"] {
            assert!(Subscribe::new(url, &[header.to_owned()]).is_err(), "{header:?}");
        }
    }

    #[test]
    fn publications_are_requests_of_exact_length() {
        let url = "http://127.0.0.1:1/p/{topic}";
        let json = r#"{"c":"{topic}","d":"{data}"}"#;
        let one = Publish::one(url, "PUT", &["X: y".to_owned()], json).unwrap();
        let lines = Publish::lines("http://127.0.0.1:1/publish", &[]).unwrap();
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        let events = [Marker::default(), Marker { sequence: 1, ..Marker::default() }];
        one.request(Run::new(1), "t", &events[..1], 60, &mut scratch, &mut out);
        let (head, body) = text(&out).split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            format!("PUT /p/t HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX: y\r\nContent-Length: {}", body.len())
        );
        assert!(body.starts_with(r#"{"c":"t","d":"xxxxxxx@tb.00000001."#), "{body}");
        out.clear();
        lines.request(Run::new(1), "t", &events, 0, &mut scratch, &mut out);
        let body = text(&out).split_once("\r\n\r\n").unwrap().1;
        let topics = body
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["topic"].clone());
        assert_eq!(topics.collect::<Vec<_>>(), ["t", "t"]);
        for (method, body) in [("PO ST", "{data}"), ("POST", "data")] {
            assert!(matches!(Publish::one(url, method, &[], body), Err(Error::Options(_))));
        }
    }
}
