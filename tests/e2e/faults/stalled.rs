//! Readers who do not keep up: hundreds who read slowly, and a thousand in all with those who never read.
//!
//! What it proves, of the real program: its memory stays within what the settings allow for so many subscribers, however
//! much is published; those who take nothing for `limits.stall` are dropped and counted, although they hold on to their
//! connections; those who read slowly, and those who read, get everything in order over the connection that they had.
//!
//! What it does not prove: anything about the kernel's own memory for the sockets (`net.ipv4.tcp_mem` bounds it).

use std::{io, time::Duration};

use socket2::{Domain, Socket, Type};

use super::{Crowd, Habits, Key, healthy, watch_memory};
use crate::support::{Hub, wait_until};

const NEVER_READ: usize = 800;
const SLOW: usize = 200;
const EVENTS: usize = 500;
const EVENT_BYTES: usize = 16 << 10;
const SETTINGS: &str = "[limits]\nstall = '5s'\nsubscriber_bytes = '32KiB'\npage_bytes = '32KiB'\n\
                        [logs]\nlevel = 'warn'";
/// What each may cost by these settings, with an event and what the hub keeps of any subscriber.
const COST_EACH: u64 = (32 << 10) + (32 << 10) + EVENT_BYTES as u64 + (2 << 10);
/// What does not depend on how many there are: pages of history, recent batches, what the allocator has not returned.
const COST_AT_ALL: u64 = 64 << 20;

#[test]
fn a_thousand_who_do_not_keep_up_cost_little_and_hurt_nobody() {
    let hub = Hub::configured(SETTINGS);
    let mut crowd = Crowd::around(&hub);
    crowd.subscribe(SLOW, |_| Habits { rest: Duration::from_millis(20), ..Habits::all() });
    crowd.publish_in_all_ways(Duration::from_millis(20));
    crowd.wait_for_answers(20);
    let base = hub.memory("VmRSS");
    let sleepers: Vec<Socket> = (0..NEVER_READ).map(|_| never_reading(&hub).unwrap()).collect();
    let all = (NEVER_READ + SLOW) as u64;
    wait_until("all are there", || hub.stats()["subscribers"].as_u64() > Some(all));
    let watched = watch_memory(&hub, base + all * COST_EACH + COST_AT_ALL);
    let mut publisher = hub.connect();
    let data = format!("{}{}", Key::ASIDE_BEGINS, "z".repeat(EVENT_BYTES));
    for _ in 0..EVENTS {
        publisher.request("POST", "/topics/big", &[], data.as_bytes()).unwrap().receipt();
    }
    wait_until("those who never read are dropped", || {
        hub.metric("tidings_limit_hits_total{limit=\"stall\"}") >= NEVER_READ as f64
    });
    wait_until("nobody else is", || hub.stats()["subscribers"] == SLOW + 1);
    drop(sleepers);
    watched.assert_bounded();
    healthy(&hub, crowd);
}

/// A subscriber with a small window, whose answer nobody ever reads.
fn never_reading(hub: &Hub) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(&hub.address.into())?;
    let request = format!("GET /events?topic=big HTTP/1.1\r\nHost: {}\r\n\r\n", hub.address);
    socket.send(request.as_bytes())?;
    Ok(socket)
}
