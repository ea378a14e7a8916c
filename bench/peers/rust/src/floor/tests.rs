//! What the floors deliver: everything, in order, also to who reads late and from who publishes in a pipeline.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
};

use super::{Fanout, Floor};

/// More than the buffers of a loopback connection take.
const EVENTS: usize = 20_000;
const DATA_BYTES: usize = 1_000;

fn start(fanout: Fanout) -> SocketAddr {
    let floor = Floor::bind("127.0.0.1:0".parse().unwrap(), fanout).unwrap();
    let address = floor.address().unwrap();
    thread::spawn(move || floor.run());
    address
}

/// A subscriber whose stream has begun.
fn subscribe(address: SocketAddr, topic: &str) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(address).unwrap();
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
fn publish(address: SocketAddr, topic: &str) {
    let mut socket = TcpStream::connect(address).unwrap();
    let mut answers = socket.try_clone().unwrap();
    let reading = thread::spawn(move || {
        let mut count = 0;
        for line in BufReader::new(&mut answers).lines() {
            count += line.unwrap().matches("HTTP/1.1 200 OK").count();
            if count == EVENTS {
                return;
            }
        }
    });
    for number in 0..EVENTS {
        let head = format!("POST /topics/{topic} HTTP/1.1\r\nContent-Length: {DATA_BYTES}\r\n\r\n");
        write!(socket, "{head}{}", data(number)).unwrap();
    }
    reading.join().unwrap();
}

fn assert_has_all(mut subscriber: BufReader<TcpStream>) {
    for number in 0..EVENTS {
        let mut event = String::new();
        for _ in 0..3 {
            subscriber.read_line(&mut event).unwrap();
        }
        assert_eq!(event, format!("id: 0000000000000-{number}\ndata: {}\n\n", data(number)));
    }
}

fn delivers(fanout: Fanout) {
    let address = start(fanout);
    let late = subscribe(address, "news");
    let prompt = subscribe(address, "news");
    let prompt = thread::spawn(move || assert_has_all(prompt));
    let other = subscribe(address, "weather");
    publish(address, "news");
    prompt.join().unwrap();
    assert_has_all(late);

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
