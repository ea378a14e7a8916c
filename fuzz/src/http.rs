//! The whole server: real routes over a log in memory, a real socket, and any bytes on it.
//!
//! The hub is closed: whoever has the key may publish, everybody may read what is public. After each input a publisher with
//! the key publishes on another connection, and its receipt says how many events there have been since its last one. So it
//! is seen that the server lives, and that nothing was published by who has not the key.

mod answers;

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use tidings_auth::{Anonymous, Authority, Dialects, Key};
use tidings_http::{
    Access, Echo, EchoSettings, Gate, GateSettings, Limits, MercureSettings, NativeSettings, PusherApp,
    PusherSettings, Routes, Server, admin, app, echo, mercure, native, pusher, topics,
};
use tidings_hub::{Hub, Position, Selection, Settings, Topic};
use tidings_log::{Memory, Retention};

/// What publishers have. The corpus has it as well, so that the fuzzer comes to where it opens doors.
const KEY: &str = "fuzz-key";
/// Enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most of an answer that is read: streams do not end by themselves.
const MAX_ANSWER: usize = 1 << 20;
/// How long nothing comes from a server that has answered, as a rule.
const QUIET: Duration = Duration::from_millis(4);
/// What the threads of the server are called.
const SERVER: &str = "fuzz-server";

/// Whether a thread of the server panicked. Tokio goes on after that, and the connection just ends.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Takes bytes for what a client sends on a connection, which it ends when it has its answer.
pub(crate) fn check(bytes: &[u8]) {
    static SURFACE: OnceLock<Mutex<Surface>> = OnceLock::new();
    let surface =
        SURFACE.get_or_init(|| Mutex::new(Surface::start().unwrap_or_else(|error| panic!("{error}"))));
    let mut surface = surface.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = surface.send(bytes).unwrap_or_else(|error| panic!("the connection: {error}"));
    answers::check(bytes, &answer);
    let events = surface.events_since().unwrap_or_else(|error| panic!("a healthy request: {error}"));
    assert!(!PANICKED.load(SeqCst), "the server panicked");
    let has_key = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
    // An HTTP/2 client can write the key in other bytes (HPACK).
    assert!(events == 0 || has_key || bytes.starts_with(answers::PREFACE), "{events} events without the key");
}

struct Surface {
    address: SocketAddr,
    publisher: Option<TcpStream>,
    offset: u64,
}

impl Surface {
    fn start() -> io::Result<Self> {
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if thread::current().name() == Some(SERVER) {
                PANICKED.store(true, SeqCst);
            }
            earlier(panic);
        }));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(SERVER)
            .enable_all()
            .build()?;
        let address = runtime.block_on(serve())?;
        // It serves as long as the process lives.
        std::mem::forget(runtime);
        let mut surface = Self { address, publisher: None, offset: 0 };
        surface.events_since()?;
        Ok(surface)
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends the bytes, reads what is answered, and ends the connection once nothing more comes: a request is given up whose
    /// client is gone before the answer.
    fn send(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        // The server may well close before it has taken everything.
        let is_sent = stream.write_all(bytes).is_ok();
        stream.set_read_timeout(Some(QUIET))?;
        let (mut answer, mut part, mut is_ended) = (Vec::new(), [0; 4096], !is_sent);
        loop {
            match stream.read(&mut part) {
                Ok(0) => return Ok(answer),
                Ok(read) if answer.len() < MAX_ANSWER => answer.extend_from_slice(&part[..read]),
                Ok(_) => return Ok(answer),
                // A stream goes on. One behind whose request there is more learns only by writing that its client is gone.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && answers::is_stream(&answer) => {
                    return Ok(answer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_ended => {
                    is_ended = true;
                    stream.shutdown(Shutdown::Write).ok();
                    stream.set_read_timeout(Some(PATIENCE))?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    panic!("the connection stays open after its end")
                }
                // It was cut off before it had sent everything.
                Err(_) => return Ok(answer),
            }
        }
    }

    /// Publishes an event, and counts those since the last time, without the one itself.
    fn events_since(&mut self) -> io::Result<u64> {
        let kept = self.publisher.take();
        // The server closes it when it has lain idle for long.
        let kept = kept.filter(answers::is_open);
        let mut stream = match kept {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let request = format!(
            "POST /topics/healthy HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 1\r\n\r\nx"
        );
        stream.write_all(request.as_bytes())?;
        let (status, body) = answers::read(&mut stream)?;
        assert_eq!(status, 200, "{body}");
        let receipt: serde_json::Value = serde_json::from_str(&body)?;
        let id = receipt["id"].as_str().and_then(|id| id.parse::<Position>().ok());
        let Some(Position { offset, .. }) = id else { panic!("no position: {body}") };
        self.publisher = Some(stream);
        let events = (offset + 1).saturating_sub(self.offset).saturating_sub(1);
        self.offset = offset + 1;
        Ok(events)
    }
}

/// Starts everything on the runtime that this is called on.
async fn serve() -> io::Result<SocketAddr> {
    let log = Memory::new(Retention::default()).map_err(io::Error::other)?;
    let hub = Hub::start(Arc::new(log), Settings { shards: NonZeroUsize::MIN, ..Settings::default() })?;
    let key = Key {
        name: "fuzz".to_owned(),
        secret: KEY.into(),
        publish: Selection::all(),
        subscribe: Selection::all(),
        rate: None,
        admin: false,
    };
    let rights = tidings_auth::Settings {
        keys: vec![key],
        anonymous: Some(Anonymous { publish: Selection::default(), subscribe: Selection::all() }),
        dialects: DIALECTS,
        ..tidings_auth::Settings::default()
    };
    let authority = Authority::start(rights).map_err(io::Error::other)?;
    let gate = Gate::new(
        authority.clone(),
        GateSettings {
            cookie: "tidings".to_owned(),
            query: true,
            dialects: DIALECTS,
            ..GateSettings::default()
        },
    );
    let default = Topic::new("messages").map_err(io::Error::other)?;
    let app_of = PusherApp {
        id: "app".to_owned(),
        key: "key".to_owned(),
        secret: "a-secret-that-no-input-knows".into(),
        publish: Selection::all(),
    };
    let front = Echo::start(hub.clone(), EchoSettings { gate: gate.clone(), ..EchoSettings::default() });
    let routes = native(hub.clone(), NativeSettings { gate: gate.clone(), ..NativeSettings::new(default) })
        .merge(topics(hub.clone()))
        .merge(admin(hub.clone(), authority.clone(), &gate))
        .merge(echo(&front))
        .merge(pusher(hub.clone(), PusherSettings { apps: vec![app_of], ..PusherSettings::default() }))
        .merge(mercure(hub, authority, MercureSettings { dialects: DIALECTS, ..MercureSettings::default() }));
    let access = Access { origins: vec!["https://app.example".to_owned()], ..Access::default() };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let mut server = Server::new(Limits::default(), true);
    server.serve(listener, Routes::new(app(routes, &access)));
    std::mem::forget((server, front));
    Ok(address)
}

const DIALECTS: Dialects = Dialects { v1: true, v0: true };
