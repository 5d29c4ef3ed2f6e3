//! Workload: requests that begin at random times, and the events of all of them by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::random::Random;
use crate::{Event, What, background, pools, requests};

/// How many records a request makes on average, with those of the system meanwhile.
pub const RECORDS_PER_REQUEST: f64 = 13.5;

/// How many sessions are alive at once.
const SESSIONS: usize = 400;

/// The first order number.
const FIRST_ORDER: u64 = 71_400_000_000;

/// How many requests begin, on average, between two bursts.
const BETWEEN_BURSTS: f64 = 60.0;

/// How many requests a burst has.
const BURST: u32 = 20;

/// How much faster requests begin in a burst.
const BURST_SPEED: f64 = 10.0;

/// The factor between bursts that keeps the mean.
const CALM: f64 = (BETWEEN_BURSTS + BURST as f64 - BURST as f64 / BURST_SPEED) / BETWEEN_BURSTS;

/// A user's session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub id: Arc<str>,
    pub user: &'static str,
}

/// Yields the events of a service, by time and without end.
#[derive(Debug)]
pub struct Workload {
    pub(crate) random: Random,
    pub(crate) sessions: Vec<Session>,
    /// The numbers that the service counts up.
    pub(crate) next_order: u64,
    pub(crate) next_transaction: u64,
    pub(crate) fix_sequence: u64,
    pub(crate) log_position: u64,
    pending: BinaryHeap<Reverse<Due>>,
    /// Events of the same time stay in order.
    scheduled: u64,
    mean_gap_ns: f64,
    next_request_ns: f64,
    burst_left: u32,
}

/// An event that is due.
#[derive(Debug)]
struct Due {
    number: u64,
    event: Event,
}

impl Due {
    fn key(&self) -> (u64, u64) {
        (self.event.at_ns, self.number)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Workload {
    /// The events of a service that logs `rate` records a second.
    ///
    /// A request takes some milliseconds at any rate: the lower the rate, the longer the pauses.
    #[must_use]
    pub fn new(seed: u64, rate: f64) -> Self {
        let mut random = Random::new(seed);
        let session = |_| {
            let user = random.pick_skewed(pools::users());
            Session { id: random.uuid(), user }
        };
        let sessions = (0..SESSIONS).map(session).collect();
        let mut workload = Self {
            random,
            sessions,
            next_order: FIRST_ORDER,
            next_transaction: 880_112,
            fix_sequence: 1,
            log_position: 0x16_B374_8000,
            pending: BinaryHeap::new(),
            scheduled: 0,
            mean_gap_ns: RECORDS_PER_REQUEST / rate * 1e9,
            next_request_ns: 0.0,
            burst_left: 0,
        };
        background::start(&mut workload);
        workload
    }

    /// Schedules an event.
    pub(crate) fn push(&mut self, at_ns: u64, thread: usize, what: impl Into<What>) {
        let event = Event { at_ns, thread, what: what.into() };
        self.pending.push(Reverse(Due { number: self.scheduled, event }));
        self.scheduled += 1;
    }

    fn begin_request(&mut self) {
        let at = self.next_request_ns;
        if self.burst_left > 0 {
            self.burst_left -= 1;
        } else if self.random.chance(1.0 / BETWEEN_BURSTS) {
            self.burst_left = BURST;
        }
        let pace = if self.burst_left > 0 { 1.0 / BURST_SPEED } else { CALM };
        self.next_request_ns += self.random.exponential(self.mean_gap_ns * pace);
        requests::request(self, at as u64);
    }
}

impl Iterator for Workload {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            match self.pending.peek() {
                // No request that has yet to begin makes an earlier event.
                Some(Reverse(due)) if (due.event.at_ns as f64) < self.next_request_ns => {
                    return self.pending.pop().map(|Reverse(due)| due.event);
                }
                _ => self.begin_request(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SITES, THREADS};

    const COUNT: usize = 300_000;

    #[test]
    fn the_same_seed_gives_the_same_events() {
        let texts = |seed| Workload::new(seed, 1e5).take(10_000).map(|event| event.to_string());
        assert!(texts(1).eq(texts(1)));
        assert!(!texts(1).eq(texts(2)));
    }

    #[test]
    fn events_come_by_time_at_the_rate_from_all_threads_and_call_sites() {
        let (mut sites, mut threads) = ([0_u32; SITES], [0_u32; THREADS.len()]);
        let mut last = 0;
        for event in Workload::new(7, 1000.0).take(COUNT) {
            assert!(event.at_ns >= last);
            last = event.at_ns;
            sites[event.site()] += 1;
            threads[event.thread] += 1;
        }
        let rate = COUNT as f64 / (last as f64 / 1e9);
        assert!((950.0..1050.0).contains(&rate), "{rate} records a second");
        assert!(sites.iter().all(|count| *count > 0), "{sites:?}");
        assert!(threads.iter().all(|count| *count > 500), "{threads:?}");
    }

    #[test]
    fn a_trace_passes_through_four_threads() {
        let mut threads =
            std::collections::HashMap::<String, std::collections::BTreeSet<usize>>::new();
        for event in Workload::new(3, 1e5).take(20_000) {
            let text = event.to_string();
            if let Some((_, trace)) = text.split_once("trace_id=\"") {
                threads.entry(trace[..32].to_owned()).or_default().insert(event.thread);
            }
        }
        let four = threads.values().filter(|threads| threads.len() >= 4).count();
        assert!(four > threads.len() / 4, "{four} of {}", threads.len());
    }
}
