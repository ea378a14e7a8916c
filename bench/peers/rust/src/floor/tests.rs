//! What the floors deliver: everything, in order, also to who reads late and from who publishes in a pipeline.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use super::{Fanout, Floor};

/// More than the buffers of a loopback connection take.
const MANY_EVENTS: usize = 20_000;
/// More than a batch is written to before publishers are looked after.
const MANY_SUBSCRIBERS: usize = 300;
const DATA_BYTES: usize = 1_000;
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(fanout: Fanout) -> SocketAddr {
    let floor = Floor::bind("127.0.0.1:0".parse().unwrap(), fanout).unwrap();
    let address = floor.address().unwrap();
    thread::spawn(move || floor.run());
    address
}

/// A subscriber whose stream has begun.
fn subscribe(address: SocketAddr, topic: &str) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET /events?topic={topic} HTTP/1.1\r\nHost: floor\r\n\r\n").unwrap();
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    while line != ":\n" {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the stream has ended");
    }
    reader
}

fn data(number: usize) -> String {
    format!("{number:0DATA_BYTES$}")
}

/// Publishes all events without waiting for an answer in between.
fn publish(address: SocketAddr, topic: &str, events: usize) {
    let mut socket = TcpStream::connect(address).unwrap();
    let mut answers = socket.try_clone().unwrap();
    let reading = thread::spawn(move || {
        let mut count = 0;
        for line in BufReader::new(&mut answers).lines() {
            count += line.unwrap().matches("HTTP/1.1 200 OK").count();
            if count == events {
                return;
            }
        }
    });
    for number in 0..events {
        let head = format!("POST /topics/{topic} HTTP/1.1\r\nContent-Length: {DATA_BYTES}\r\n\r\n");
        write!(socket, "{head}{}", data(number)).unwrap();
    }
    reading.join().unwrap();
}

/// Reads what was published, whose first offset is this; returns the offset behind it.
fn assert_has_all(subscriber: &mut BufReader<TcpStream>, offset: usize, events: usize) -> usize {
    for number in 0..events {
        let mut event = String::new();
        for _ in 0..3 {
            subscriber.read_line(&mut event).unwrap();
        }
        assert_eq!(event, format!("id: 0000000000000-{}\ndata: {}\n\n", offset + number, data(number)));
    }
    offset + events
}

fn delivers(fanout: Fanout) {
    let address = start(fanout);
    let mut late = subscribe(address, "news");
    let mut prompt = subscribe(address, "news");
    let prompt = thread::spawn(move || assert_has_all(&mut prompt, 0, MANY_EVENTS));
    let other = subscribe(address, "weather");
    publish(address, "news", MANY_EVENTS);
    prompt.join().unwrap();
    assert_has_all(&mut late, 0, MANY_EVENTS);

    other.get_ref().set_nonblocking(true).unwrap();
    let mut nothing = [0];
    assert!(other.get_ref().read(&mut nothing).is_err(), "a topic's events go to its subscribers alone");
}

#[test]
fn each_publish_is_delivered() {
    delivers(Fanout::EachPublish);
}

#[test]
fn batches_are_delivered() {
    delivers(Fanout::Batched);
}

/// Others come and go while batches are written, and nobody has to wait for the next publish.
#[test]
fn a_crowd_has_every_batch_in_order_and_comers_are_let_in() {
    const ROUNDS: usize = 30;
    const EVENTS: usize = 10;
    let address = start(Fanout::Batched);
    let crowd: Vec<_> = (0..MANY_SUBSCRIBERS).map(|_| subscribe(address, "news")).collect();
    for _ in 0..ROUNDS {
        let publishing = thread::spawn(move || publish(address, "news", EVENTS));
        while !publishing.is_finished() {
            drop(subscribe(address, "news"));
        }
        publishing.join().unwrap();
    }
    for mut subscriber in crowd {
        let mut offset = 0;
        for _ in 0..ROUNDS {
            offset = assert_has_all(&mut subscriber, offset, EVENTS);
        }
    }
}
