//! HTTP/1.1 as bytes on a socket: a client that hides nothing, so that tests can look at each byte and send wrong ones.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// A connection to a hub.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    address: SocketAddr,
    /// Read and not yet used.
    unread: Vec<u8>,
    body: Body,
}

/// How the body being read is delimited (RFC 9112, section 6), and how much of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunked,
    ToTheEnd,
}

/// A head.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// `HTTP/1.1 200 OK`.
    pub(crate) line: String,
    pub(crate) status: u16,
    /// Names as they were written.
    pub(crate) headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Head {
    /// The value of a header that is there at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    /// The receipt of one accepted publication.
    pub(crate) fn receipt(&self) -> Value {
        assert_eq!(self.status(), 200, "{}", self.text());
        self.json()
    }

    /// The receipts of a batch.
    pub(crate) fn receipts(&self) -> Vec<Value> {
        assert_eq!(self.status(), 200, "{}", self.text());
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts that this is a problem document (RFC 9457) with this status, and answers its detail.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        problem["detail"].as_str().unwrap().to_owned()
    }
}

impl Connection {
    /// Connects; nothing that is read may take longer than `patience`.
    pub(crate) fn open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = uninterrupted(|| TcpStream::connect(address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream, address, unread: Vec::new(), body: Body::Length(0) })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        self.send_request(method, target, headers, body)?;
        self.response(method)
    }

    /// Sends a request. `Host` is the hub's address unless it is among the headers; there is a length unless it is a
    /// GET or HEAD without a body.
    pub(crate) fn send_request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            write!(bytes, "Host: {}\r\n", self.address)?;
        }
        for (name, value) in headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        if !body.is_empty() || method == "POST" {
            write!(bytes, "Content-Length: {}\r\n", body.len())?;
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.send(bytes)
    }

    /// Reads an answer to its end.
    pub(crate) fn response(&mut self, method: &str) -> io::Result<Response> {
        let head = self.head(method)?;
        Ok(Response { head, body: self.rest()? })
    }

    /// Reads a body to its end.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(part) = self.part()? {
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// Reads a head; the method says whether a body follows.
    pub(crate) fn head(&mut self, method: &str) -> io::Result<Head> {
        let end = self.find(b"\r\n\r\n")?;
        let text = String::from_utf8(self.unread.drain(..end + 4).collect()).map_err(io::Error::other)?;
        let mut lines = text.trim_end().split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status in {line:?}")))?;
        let split =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = lines.map(|line| split(line).ok_or_else(|| io::Error::other(line.to_owned())));
        let head = Head { line, status, headers: headers.collect::<io::Result<_>>()? };
        let length = head.header("content-length").and_then(|length| length.parse().ok());
        self.body = match (method, status) {
            ("HEAD", _) | (_, 204 | 304) => Body::Length(0),
            _ if head.header("transfer-encoding") == Some("chunked") => Body::Chunked,
            _ => length.map_or(Body::ToTheEnd, Body::Length),
        };
        Ok(head)
    }

    /// The next bytes of the body, as they come; `None` at its proper end. A connection that breaks off before that is
    /// an error.
    pub(crate) fn part(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.body {
            Body::Length(0) => Ok(None),
            Body::Length(left) => {
                if self.unread.is_empty() && self.fill()? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let part: Vec<u8> = self.unread.drain(..left.min(self.unread.len())).collect();
                self.body = Body::Length(left - part.len());
                Ok(Some(part))
            }
            Body::Chunked => {
                let end = self.find(b"\r\n")?;
                let line = String::from_utf8_lossy(&self.unread[..end]).into_owned();
                let length = usize::from_str_radix(&line, 16).map_err(io::Error::other)?;
                let whole = end + 2 + length + 2;
                while self.unread.len() < whole {
                    if self.fill()? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                let chunk: Vec<u8> = self.unread.drain(..whole).skip(end + 2).take(length).collect();
                if chunk.is_empty() {
                    self.body = Body::Length(0);
                    return Ok(None);
                }
                Ok(Some(chunk))
            }
            Body::ToTheEnd => {
                if self.unread.is_empty() && self.fill()? == 0 {
                    self.body = Body::Length(0);
                    return Ok(None);
                }
                Ok(Some(std::mem::take(&mut self.unread)))
            }
        }
    }

    /// Whether the hub has closed the connection, with nothing more to be read; waits for one or the other.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty()
            && match self.fill() {
                Ok(count) => count == 0,
                Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
            }
    }

    /// Where this text begins in what is to be read.
    fn find(&mut self, text: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(at) = self.unread.windows(text.len()).position(|window| window == text) {
                return Ok(at);
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let count = uninterrupted(|| self.stream.read(&mut buffer))?;
        self.unread.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

/// Tries again when a signal to this process came in between.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
