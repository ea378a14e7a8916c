//! Subscribers over HTTP/2 or TLS.
//!
//! What these need, their libraries give; it takes a runtime, and more memory and time for each connection than the
//! poller of [`subscribers`](crate::subscribers) does. It is meant for holding connections, not for racing.

mod tls;

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::mpsc::{Receiver, TryRecvError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use thiserror::Error as ThisError;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Semaphore, SemaphorePermit},
    task::LocalSet,
    time::{Instant, timeout_at},
};

use crate::{
    clock,
    error::Error,
    ledger::Ledger,
    protocol::{Note, Order, Plan, Ready},
    scan::Scanner,
    target::Subscribe,
};
use tls::Tls;

/// How often it looks for orders, and tells how far it is.
const TICK: Duration = Duration::from_millis(20);

/// A group of subscribers.
pub(crate) struct Streams {
    plan: Plan,
    subscribe: Subscribe,
    tls: Option<Tls>,
    ledger: RefCell<Ledger>,
    /// When each subscriber heard something last; none of those who are not subscribed.
    heard: RefCell<Vec<Option<u64>>>,
    /// How many are not subscribed yet and may be.
    unanswered: Cell<usize>,
    wave: Semaphore,
}

/// Why a subscriber has no connection any more.
#[derive(Debug, ThisError)]
enum Lost {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{}", with_cause(.0))]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Request(#[from] hyper::http::Error),
    #[error("answered {0}")]
    Status(u16),
    #[error("the server ended the stream")]
    Ended,
    #[error("the subscription was not answered in time")]
    Late,
}

/// hyper names the cause only when it is asked for.
fn with_cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// A connection, whatever it is made of.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl Streams {
    /// The group.
    pub(crate) fn new(plan: Plan) -> Result<Self, Error> {
        let subscribe = Subscribe::new(&plan.url, &plan.headers)?;
        let tls = match subscribe.endpoint.is_tls {
            true => Some(Tls::new(&subscribe.endpoint, plan.http2, plan.insecure)?),
            false => None,
        };
        Ok(Self {
            subscribe,
            tls,
            ledger: RefCell::new(Ledger::new(&plan)),
            heard: RefCell::new(vec![None; plan.count]),
            unanswered: Cell::new(0),
            wave: Semaphore::new(plan.wave),
            plan,
        })
    }

    /// Follows orders until told to stop. Whoever gives them having gone is an order to stop, too.
    pub(crate) fn run(self, orders: &Receiver<Order>, tell: impl FnMut(Note)) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, Rc::new(self).follow(orders, tell));
        Ok(())
    }

    async fn follow(self: Rc<Self>, orders: &Receiver<Order>, mut tell: impl FnMut(Note)) {
        let mut ticks = tokio::time::interval(TICK);
        let mut is_connecting = false;
        loop {
            ticks.tick().await;
            match orders.try_recv() {
                Ok(Order::Connect) => {
                    is_connecting = true;
                    self.connect();
                }
                Ok(Order::Await(sent)) => self.ledger.borrow_mut().awaits(sent),
                // Only those who resume are told to leave, and they are of the other kind.
                Ok(Order::Disconnect) => tell(Note::Disconnected { without_cursor: self.plan.count }),
                Ok(Order::Stop) => break,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return,
            }
            let mut ledger = self.ledger.borrow_mut();
            let heard = self.heard.borrow();
            let held = heard.iter().flatten().count();
            let is_stuck = ledger.tell_progress(held, &mut tell);
            if is_connecting && self.unanswered.get() == 0 {
                is_connecting = false;
                tell(Note::Held);
            }
            if !is_connecting {
                ledger.look(held, |number| heard[number].is_some(), &mut tell);
                if is_stuck {
                    ledger.give_up(&mut tell);
                }
            }
        }
        let now = clock::now();
        let silences = self.heard.borrow().iter().flatten().map(|heard| now - heard).max();
        self.ledger.borrow_mut().silence(silences.unwrap_or_default());
        tell(Note::Outcome(Box::new(self.ledger.borrow().outcome())));
    }

    fn connect(self: &Rc<Self>) {
        self.ledger.borrow_mut().connect();
        self.unanswered.set(self.plan.count);
        for number in 0..self.plan.count {
            let group = self.clone();
            tokio::task::spawn_local(async move {
                let Err(lost) = group.listen(number).await;
                group.ledger.borrow_mut().lose(&lost.to_string());
                if group.heard.borrow_mut()[number].take().is_none() {
                    group.unanswered.set(group.unanswered.get() - 1);
                }
            });
        }
    }

    /// Subscribes, and listens until the connection ends.
    async fn listen(&self, number: usize) -> Result<std::convert::Infallible, Lost> {
        // The semaphore is never closed; were it, there would be no waves.
        let permit = self.wave.acquire().await.ok();
        let deadline = Instant::now() + self.plan.timeout;
        let transport = timeout_at(deadline, self.transport()).await.map_err(|_| Lost::Late)??;
        let topic = self.plan.topics.name(self.ledger.borrow().topic(number));
        let io = TokioIo::new(transport);
        let request = self.request(&topic)?;
        if self.plan.http2 {
            let handshake = http2::handshake(TokioExecutor::new(), io);
            let (mut sender, connection) =
                timeout_at(deadline, handshake).await.map_err(|_| Lost::Late)??;
            let response = sender.send_request(request);
            tokio::select! {
                biased;
                lost = self.read(number, response, deadline, permit) => lost,
                ended = connection => Err(ended.err().map_or(Lost::Ended, Lost::Http)),
            }
        } else {
            let (mut sender, connection) = http1::handshake(io).await?;
            let response = sender.send_request(request);
            tokio::select! {
                biased;
                lost = self.read(number, response, deadline, permit) => lost,
                ended = connection => Err(ended.err().map_or(Lost::Ended, Lost::Http)),
            }
        }
    }

    async fn transport(&self) -> io::Result<Box<dyn Transport>> {
        let stream = TcpStream::connect(self.subscribe.endpoint.address).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(tls.connect(stream).await?),
        })
    }

    fn request(&self, topic: &str) -> Result<Request<Empty<Bytes>>, Lost> {
        let (uri, headers) = self.subscribe.parts(topic, self.plan.http2);
        let request =
            headers.into_iter().fold(Request::get(uri), |request, (name, value)| request.header(name, value));
        Ok(request.body(Empty::new())?)
    }

    /// Reads the answer, until the stream ends.
    async fn read(
        &self,
        number: usize,
        response: impl Future<Output = hyper::Result<Response<Incoming>>>,
        deadline: Instant,
        mut permit: Option<SemaphorePermit<'_>>,
    ) -> Result<std::convert::Infallible, Lost> {
        let response = timeout_at(deadline, response).await.map_err(|_| Lost::Late)??;
        if response.status() != 200 {
            return Err(Lost::Status(response.status().as_u16()));
        }
        let (mut body, mut scanner) = (response.into_body(), Scanner::default());
        if self.plan.ready == Ready::Head {
            self.hears(number);
            permit = None;
        }
        loop {
            let frame = match &permit {
                Some(_) => timeout_at(deadline, body.frame()).await.map_err(|_| Lost::Late)?,
                None => body.frame().await,
            };
            let frame = frame.ok_or(Lost::Ended)??;
            if let Some(piece) = frame.data_ref() {
                let now = self.hears(number);
                permit = None;
                self.ledger.borrow_mut().read(number, &mut scanner, piece, now);
            }
        }
    }

    /// Something has come: a subscriber of whom this is the first is subscribed now.
    fn hears(&self, number: usize) -> u64 {
        let now = clock::now();
        let mut ledger = self.ledger.borrow_mut();
        match self.heard.borrow_mut()[number].replace(now) {
            Some(before) => ledger.silence(now - before),
            None => {
                ledger.moves();
                self.unanswered.set(self.unanswered.get() - 1);
            }
        }
        now
    }
}
