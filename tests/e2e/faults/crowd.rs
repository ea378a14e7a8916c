//! Many subscribers and some publishers around one hub, and the oracle that judges them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    client::{Habits, Subscriber},
    oracle::{Oracle, Record, Seen},
    publisher::{Publisher, Way, publish_the_end},
};
use crate::support::{BOUND, Hub, wait_until};

/// For all of a crowd to come to the end: on a busy machine a reconnection of hundreds takes its time.
const LAST_BOUND: Duration = Duration::from_secs(6 * 60);

/// Between two looks at what the witness has.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Everybody around a hub, with threads of their own. The test itself deals with the hub meanwhile.
pub(crate) struct Crowd {
    runtime: Runtime,
    address: SocketAddr,
    pub(crate) oracle: Arc<Oracle>,
    /// Publishers finish what they are at.
    stop: Arc<AtomicBool>,
    witness: JoinHandle<Record>,
    subscribers: Vec<JoinHandle<Record>>,
    publishers: Vec<JoinHandle<()>>,
    judged_guests: Mutex<JoinSet<()>>,
}

/// A subscriber, who answers what it saw.
pub(crate) type Guest = JoinHandle<Record>;

impl Crowd {
    /// The witness alone, around a hub that is new.
    pub(crate) fn around(hub: &Hub) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (oracle, address) = (Arc::<Oracle>::default(), hub.address);
        let habits = Habits::all();
        let stop = Arc::new(AtomicBool::new(false));
        let witness =
            Subscriber { address, oracle: oracle.clone(), habits, stop: Arc::default(), is_witness: true };
        let witness = runtime.spawn(witness.run("the witness".into()));
        Self {
            runtime,
            address,
            oracle,
            stop,
            witness,
            subscribers: Vec::new(),
            publishers: Vec::new(),
            judged_guests: Mutex::default(),
        }
    }

    /// So many subscribers more, who stay until the end.
    pub(crate) fn subscribe(&mut self, count: usize, mut habits: impl FnMut(usize) -> Habits) {
        for number in self.subscribers.len()..self.subscribers.len() + count {
            let task = self.invite(habits(number), Arc::default(), format!("subscriber {number}"));
            self.subscribers.push(task);
        }
    }

    /// One who leaves for good when it is told to.
    pub(crate) fn invite(&self, habits: Habits, stop: Arc<AtomicBool>, name: String) -> Guest {
        let (address, oracle) = (self.address, self.oracle.clone());
        let subscriber = Subscriber { address, oracle, habits, stop, is_witness: false };
        self.runtime.spawn(subscriber.run(name))
    }

    /// Judges one who has been told to leave, as soon as it has, and the witness has seen as much.
    pub(crate) fn judge_when_it_has_left(&self, guest: Guest) {
        let oracle = self.oracle.clone();
        let judged = async move {
            let record = guest.await.unwrap();
            let last = record.seen.iter().rev().find_map(|seen| match seen {
                Seen::Event(key) => Some(*key),
                Seen::Reset { .. } => None,
            });
            let witnessed = async {
                while last.is_some_and(|last| !oracle.is_witnessed(last)) {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            // One who saw what the witness never does is found out by the check.
            timeout(BOUND, witnessed).await.ok();
            oracle.check(&record, false);
        };
        let mut judged_guests = self.judged_guests.lock().unwrap();
        judged_guests.spawn_on(judged, self.runtime.handle());
        while judged_guests.try_join_next().is_some() {}
    }

    /// A publisher more, which rests so long between two requests.
    pub(crate) fn publish(&mut self, way: Way, pause: Duration) {
        let (address, oracle, stop) = (self.address, self.oracle.clone(), self.stop.clone());
        let number = u8::try_from(self.publishers.len()).unwrap();
        let publisher = Publisher { address, oracle, stop, number, way, pause };
        self.publishers.push(self.runtime.spawn(publisher.run()));
    }

    /// One publisher of each kind.
    pub(crate) fn publish_in_all_ways(&mut self, pause: Duration) {
        for way in [Way::Single, Way::Batch, Way::OwnId] {
            self.publish(way, pause);
        }
    }

    /// Waits until so many more events are answered, and nothing is wrong.
    pub(crate) fn wait_for_answers(&self, count: u64) {
        let goal = self.oracle.counts().0 + count;
        wait_until("publishers are answered", || {
            self.oracle.assert_well();
            self.oracle.counts().0 >= goal
        });
    }

    /// Stops the publishers, and waits until everything that was answered has been witnessed.
    pub(crate) fn stop_publishing(&mut self) {
        self.stop.store(true, SeqCst);
        for publisher in self.publishers.drain(..) {
            let stopped = self.runtime.block_on(async { timeout(BOUND, publisher).await });
            stopped.expect("publishers stop").unwrap();
        }
    }

    /// Publishes the end, waits until everybody has got there, and holds all that they saw against each other. Answers
    /// what the witness noticed, and then all the others.
    pub(crate) fn judge(mut self) -> (Record, Vec<Record>) {
        self.stop_publishing();
        let (oracle, witness, subscribers) = (self.oracle, self.witness, self.subscribers);
        self.runtime.block_on(async move {
            let end = timeout(BOUND, publish_the_end(self.address)).await;
            end.expect("the end can be published");
            let witness = timeout(LAST_BOUND, witness).await;
            oracle.assert_well();
            let witness = witness.expect("the witness sees the end").unwrap();
            oracle.assert_all_is_there();
            let mut records = Vec::new();
            for (number, subscriber) in subscribers.into_iter().enumerate() {
                let record = timeout(LAST_BOUND, subscriber).await;
                let record = record.unwrap_or_else(|_| panic!("subscriber {number} does not see the end"));
                let record = record.unwrap();
                oracle.check(&record, true);
                records.push(record);
            }
            let judged = async move { self.judged_guests.into_inner().unwrap().join_all().await };
            timeout(LAST_BOUND, judged).await.expect("all guests leave");
            oracle.assert_all_is_there();
            let (answered, all) = oracle.counts();
            eprintln!("{answered} events answered, {all} in the log, {} subscribers", records.len());
            (witness, records)
        })
    }
}
