//! A soak with an oracle: a hub with random publishers, subscribers and faults, for as long as one likes.
//!
//! Publishers of all ways, among them one who repeats under its own ids; subscribers who come and go, with random topics and
//! patterns, over HTTP/1.1 and HTTP/2, from the beginning and from now on, some of them slow, some over a network that loses
//! packets; and a hub that is killed, stopped in order, or held still for a moment, and started again, with its history so
//! small that it is trimmed all the time.
//!
//! What it proves, of the real program: each subscriber saw what it asked for exactly once and in order from where it
//! began; nothing that was answered is lost; a `tidings.reset` came only where the history was really trimmed; what anybody
//! has seen is never taken back; memory is bounded; after each fault the hub is ready again.
//!
//! What it does not prove: the order in which a random run finds things is not repeatable, as the real program has threads
//! and a kernel below. The seed repeats the faults and the subscribers, which mostly is enough to see a failure again.
//!
//! `SOAK_MINUTES` says how long it takes (1.5 if it is not set), `SOAK_SEED` repeats a run.

use std::{
    collections::VecDeque,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use rustix::process::Signal;

use crate::{
    faults::{Crowd, Guest, Habits, Selection},
    support::{Hub, wait_until},
};

const DEFAULT_MINUTES: f64 = 1.5;
/// Who stays until the end.
const RESIDENTS: usize = 20;
/// So many events, so that they get to the end: who leaves after each, and rests besides, is overtaken by the rest.
const RESIDENTS_STAY_FOR: usize = 1000;
/// Who comes and goes, at once.
const GUESTS: usize = 60;
const MAX_STAY_MS: u64 = 40_000;
/// Long enough to miss what has been trimmed meanwhile.
const MAX_AWAY_MS: u64 = 25_000;
/// Between two faults.
const CALM_MS: std::ops::Range<u64> = 200..4000;
const MAX_PAUSE_MS: u64 = 1500;
/// Small enough to be trimmed, and large enough for those who only reconnect.
const CONFIGURATION: &str = "[history]\nevents = 15000\n[stream]\ndrain_window = '500ms'\nheartbeat = '2s'\n\
                             [limits]\nstall = '10s'\n[logs]\nlevel = 'warn'";
/// What it may take with so few subscribers: about what it takes with nobody, several times over.
const MEMORY: u64 = 192 << 20;
const PROGRESS: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    KillWhileItStarts,
    Restart,
    Pause,
    Nothing,
}

#[test]
fn everybody_sees_what_they_should_whatever_happens() {
    let number = |name: &str| env::var(name).ok().map(|value| value.parse().unwrap());
    let minutes: f64 = number("SOAK_MINUTES").unwrap_or(DEFAULT_MINUTES);
    let seed = env::var("SOAK_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    eprintln!("soak: SOAK_SEED={seed} SOAK_MINUTES={minutes}");
    let mut random = Rng::with_seed(seed);
    let (begun, lasts) = (Instant::now(), Duration::from_secs_f64(minutes * 60.0));

    let mut hub = Hub::configured(CONFIGURATION);
    let mut crowd = Crowd::around(&hub);
    let mut residents = random.fork();
    crowd.subscribe(RESIDENTS, |number| {
        let habits = habits(&mut residents.fork());
        let leaves_after = habits.leaves_after.max(RESIDENTS_STAY_FOR);
        Habits { http2: number % 2 == 0, leaves_after, away: Duration::ZERO, ..habits }
    });
    crowd.publish_in_all_ways(Duration::from_millis(5));
    let mut guests = Guests { names: 0, stop_at: VecDeque::new() };
    let (mut faults, mut told) = ([0_usize; 5], begun);
    while begun.elapsed() < lasts {
        let calm = Instant::now() + Duration::from_millis(random.u64(CALM_MS));
        while Instant::now() < calm {
            guests.come_and_go(&crowd, &mut random);
            thread::sleep(Duration::from_millis(20));
        }
        let fault = [Fault::Kill, Fault::KillWhileItStarts, Fault::Restart, Fault::Pause, Fault::Nothing]
            [random.usize(..faults.len())];
        faults[fault as usize] += 1;
        strike(&mut hub, fault, &mut random);
        wait_until("the hub is ready at rest", || hub.get("/readyz").status() == 200);
        crowd.wait_for_answers(1);
        let memory = hub.memory("VmHWM");
        assert!(memory < MEMORY, "{} MiB of memory after {fault:?}", memory >> 20);
        if told.elapsed() > PROGRESS {
            told = Instant::now();
            let (answered, witnessed) = crowd.oracle.counts();
            eprintln!(
                "soak: {} s, {answered} answered, {witnessed} witnessed, {} guests, memory {} MiB, faults {faults:?}",
                begun.elapsed().as_secs(),
                guests.names,
                memory >> 20
            );
        }
    }
    guests.leave(&crowd);
    crowd.judge();
    assert_eq!(hub.get("/readyz").status(), 200);
}

fn strike(hub: &mut Hub, fault: Fault, random: &mut Rng) {
    match fault {
        Fault::Nothing => {}
        Fault::Pause => {
            hub.signal(Signal::STOP);
            thread::sleep(Duration::from_millis(random.u64(..MAX_PAUSE_MS)));
            hub.signal(Signal::CONT);
        }
        Fault::Restart => {
            hub.signal(Signal::TERM);
            assert!(hub.ended().success());
            hub.launch();
        }
        Fault::Kill => {
            hub.kill();
            hub.launch();
        }
        Fault::KillWhileItStarts => {
            hub.kill();
            hub.kill_while_it_starts(Duration::from_millis(random.u64(..30)));
            hub.launch();
        }
    }
}

fn habits(random: &mut Rng) -> Habits {
    Habits {
        selection: Selection::random(random),
        http2: random.u8(..3) == 0,
        from_the_beginning: false,
        loss_percent: if random.u8(..10) == 0 { 10 } else { 0 },
        rest: if random.u8(..6) == 0 { Duration::from_millis(random.u64(..50)) } else { Duration::ZERO },
        leaves_after: if random.bool() { random.usize(1..500) } else { usize::MAX },
        away: if random.u8(..8) == 0 {
            Duration::from_millis(random.u64(..MAX_AWAY_MS))
        } else {
            Duration::ZERO
        },
    }
}

/// Who comes and goes.
struct Guests {
    names: usize,
    stop_at: VecDeque<(Instant, Arc<AtomicBool>, Guest)>,
}

impl Guests {
    fn come_and_go(&mut self, crowd: &Crowd, random: &mut Rng) {
        let now = Instant::now();
        let (leaving, staying) = self.stop_at.drain(..).partition::<VecDeque<_>, _>(|(at, ..)| *at <= now);
        self.stop_at = staying;
        for (_, stop, guest) in leaving {
            stop.store(true, SeqCst);
            crowd.judge_when_it_has_left(guest);
        }
        while self.stop_at.len() < GUESTS {
            let stop = Arc::new(AtomicBool::new(false));
            let guest = crowd.invite(habits(random), stop.clone(), format!("guest {}", self.names));
            self.names += 1;
            let stay = Duration::from_millis(random.u64(..MAX_STAY_MS));
            self.stop_at.push_back((now + stay, stop, guest));
        }
    }

    /// All go.
    fn leave(&mut self, crowd: &Crowd) {
        for (_, stop, guest) in self.stop_at.drain(..) {
            stop.store(true, SeqCst);
            crowd.judge_when_it_has_left(guest);
        }
    }
}
