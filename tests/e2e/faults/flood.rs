//! Floods of connections, and connections that ask for a lot of patience.
//!
//! What it proves, of the real program: connections far beyond the limit, from one address and from hundreds, and
//! hundreds whose heads and bodies come a byte at a time, cost it bounded memory; those who are within go on over the
//! connections that they have, publishers are answered, and when the flood is over there is room again.
//!
//! What it does not prove: the limit per address, from which loopback addresses are exempt, and what a flood does to the
//! kernel before a connection is accepted.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use super::{Crowd, Habits, healthy, watch_memory};
use crate::support::{Hub, wait_until};

const LIMIT: usize = 300;
const FLOOD: usize = 3000;
const SLOW: usize = 150;
const SUBSCRIBERS: usize = 30;
/// For each connection that is there at once, and for each that is being refused.
const COST_EACH: u64 = 64 << 10;
const COST_AT_ALL: u64 = 64 << 20;

#[test]
fn a_flood_of_connections_hurts_nobody_who_is_there() {
    let hub = Hub::configured(&format!(
        "[limits]\nconnections = {LIMIT}\nhead_time = '5s'\n[logs]\nlevel = 'error'"
    ));
    let crowd = well_attended(&hub);
    let base = hub.memory("VmRSS");
    let watched = watch_memory(&hub, base + FLOOD as u64 * COST_EACH + COST_AT_ALL);
    for many_addresses in [false, true] {
        let flood: Vec<Socket> = (0..FLOOD)
            .map(|number| connect(&hub, if many_addresses { number as u32 } else { 0 }).unwrap())
            .collect();
        crowd.wait_for_answers(50);
        drop(flood);
        wait_until("there is room again", || {
            let answer = hub.connect().request("GET", "/readyz", &[], b"");
            answer.is_ok_and(|answer| answer.status() == 200 && answer.header("connection").is_none())
        });
    }
    assert!(hub.metric("tidings_limit_hits_total{limit=\"connections\"}") > 0.0);
    watched.assert_bounded();
    healthy(&hub, crowd);
}

#[test]
fn heads_and_bodies_that_come_a_byte_at_a_time_hurt_nobody() {
    let hub = Hub::configured("[limits]\nhead_time = '2s'\nbody_time = '2s'\n[logs]\nlevel = 'error'");
    let crowd = well_attended(&hub);
    let base = hub.memory("VmRSS");
    let watched = watch_memory(&hub, base + 2 * SLOW as u64 * COST_EACH + COST_AT_ALL);
    let hub = &hub;
    let begin = |begun: &'static str| {
        move |number: usize| {
            let socket = connect(hub, number as u32).unwrap();
            socket.send(begun.as_bytes()).unwrap();
            socket
        }
    };
    let heads = (0..SLOW).map(begin("GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
    let bodies =
        (0..SLOW).map(begin("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"));
    let mut slow: Vec<Socket> = heads.chain(bodies).collect();
    wait_until("all of them are cut off", || {
        // Something keeps coming from each, until it cannot.
        slow.retain(|socket| socket.send(b"x").is_ok());
        std::thread::sleep(Duration::from_millis(20));
        slow.is_empty()
    });
    for limit in ["head_time", "body_time"] {
        let name = format!("tidings_limit_hits_total{{limit=\"{limit}\"}}");
        wait_until("they are counted", || hub.metric(&name) >= SLOW as f64);
    }
    watched.assert_bounded();
    healthy(hub, crowd);
}

fn well_attended(hub: &Hub) -> Crowd {
    let mut crowd = Crowd::around(hub);
    crowd.subscribe(SUBSCRIBERS, |number| Habits { http2: number % 2 == 0, ..Habits::all() });
    crowd.publish_in_all_ways(Duration::from_millis(20));
    wait_until("all are there", || hub.stats()["subscribers"].as_u64() > Some(SUBSCRIBERS as u64));
    crowd.wait_for_answers(20);
    crowd
}

/// A connection from an address of this number.
fn connect(hub: &Hub, number: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 9, 0, 1)) + number);
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&hub.address.into())?;
    Ok(socket)
}
