//! A small application that the hub asks.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The status, with headers behind it if there are any, and the body.
type Answer = fn(&str) -> (&'static str, String);

pub(super) struct Application {
    pub(super) url: String,
    /// The requests it was asked, head and body.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Application {
    /// Answers every request by what it says, head and body, wherever it goes.
    pub(super) fn start(path: &str, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let book = book.clone();
                thread::spawn(move || serve(stream, &book, answer));
            }
        });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, book: &Mutex<Vec<String>>, answer: Answer) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    // One request a connection; the body is small and comes with its head or just behind it.
    while !is_whole(&request) {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&part[..read]),
        }
    }
    let text = String::from_utf8(request).unwrap();
    book.lock().unwrap().push(text.clone());
    let (status, body) = answer(&text);
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).ok();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}
