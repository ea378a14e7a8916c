//! An application whose `/broadcasting/auth` answers as Laravel's does.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

/// Which of Laravel's broadcasters it uses: they answer in different forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    Redis,
    Pusher,
}

/// An application that knows the sessions `ann` (user 7) and `bob` (user 8). Both are in `presence-room.1`; `ann` has
/// `private-orders.7`, and each the channel of their own model.
pub(super) struct Application {
    pub(super) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    driver: Driver,
    /// What nobody may hear any more.
    withdrawn: Mutex<Vec<String>>,
    /// The channels whose rules fail.
    broken: Mutex<Vec<String>>,
    /// Whether it is being deployed.
    is_away: AtomicBool,
    /// The channels that it was asked about, with the session.
    asked: Mutex<Vec<(String, String)>>,
}

impl Application {
    pub(super) fn start(driver: Driver) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/broadcasting/auth", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            driver,
            withdrawn: Mutex::default(),
            broken: Mutex::default(),
            is_away: AtomicBool::new(false),
            asked: Mutex::default(),
        });
        let own = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = own.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, shared }
    }

    /// From now on nobody may hear this channel.
    pub(super) fn withdraw(&self, channel: &str) {
        self.shared.withdrawn.lock().unwrap().push(channel.to_owned());
    }

    /// From now on the rule of this channel fails.
    pub(super) fn break_rule(&self, channel: &str) {
        self.shared.broken.lock().unwrap().push(channel.to_owned());
    }

    /// From now on it answers nothing, or again.
    pub(super) fn set_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Relaxed);
    }

    /// The channels that it was asked about since the last look.
    pub(super) fn asked(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read(&mut stream) else { return };
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let form: HashMap<_, _> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let head = head.to_ascii_lowercase();
        let channel = form.get("channel_name").cloned().unwrap_or_default();
        let session = head.split("session=").nth(1).unwrap_or_default();
        let session: String = session.chars().take_while(char::is_ascii_alphanumeric).collect();
        self.asked.lock().unwrap().push((channel.clone(), session.clone()));
        let is_ajax = head.contains("accept: application/json");
        let (status, media_type, body) = match self.user(&session) {
            _ if self.is_away.load(Relaxed) => ("503 Service Unavailable", "text/html", String::new()),
            _ if self.broken.lock().unwrap().contains(&channel) => {
                ("500 Internal Server Error", "application/json", "{\"message\":\"Server Error\"}".to_owned())
            }
            _ if !is_ajax => ("302 Found", "text/html", String::new()),
            None => ("401 Unauthorized", "application/json", "{\"message\":\"Unauthenticated.\"}".to_owned()),
            Some((id, name)) if self.may(id, &channel) => {
                let socket = form.get("socket_id").cloned().unwrap_or_default();
                let (media_type, body) = self.yes(id, name, &channel, &socket);
                ("200 OK", media_type, body)
            }
            Some(_) => ("403 Forbidden", "application/json", "{\"message\":\"\"}".to_owned()),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nLocation: /login\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).ok();
    }

    fn user(&self, session: &str) -> Option<(u64, &'static str)> {
        match session {
            "ann" => Some((7, "Ann")),
            "bob" => Some((8, "Bob")),
            _ => None,
        }
    }

    fn may(&self, user: u64, channel: &str) -> bool {
        let own = [format!("private-orders.{user}"), format!("private-App.Models.User.{user}")];
        let is_withdrawn = self.withdrawn.lock().unwrap().iter().any(|one| one == channel);
        !is_withdrawn && (channel == "presence-room.1" || own.iter().any(|one| one == channel))
    }

    fn yes(&self, id: u64, name: &str, channel: &str, socket: &str) -> (&'static str, String) {
        let is_presence = channel.starts_with("presence-");
        let info = format!("{{\"id\":{id},\"name\":\"{name}\"}}");
        match (self.driver, is_presence) {
            (Driver::Redis, false) => ("text/html; charset=UTF-8", "true".to_owned()),
            (Driver::Redis, true) => {
                let data = format!("{{\"channel_data\":{{\"user_id\":{id},\"user_info\":{info}}}}}");
                ("text/html; charset=UTF-8", data)
            }
            (Driver::Pusher, _) if !is_socket_id(socket) => ("text/html", String::new()),
            (Driver::Pusher, false) => ("application/json", "{\"auth\":\"key:0\"}".to_owned()),
            (Driver::Pusher, true) => {
                let data = format!("{{\"user_id\":\"{id}\",\"user_info\":{info}}}");
                let data = serde_json::Value::from(data);
                ("application/json", format!("{{\"auth\":\"key:0\",\"channel_data\":{data}}}"))
            }
        }
    }
}

fn is_socket_id(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(one, other)| is_number(one) && is_number(other))
}

/// One request; the body is small.
fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&part[..read]),
        }
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}
