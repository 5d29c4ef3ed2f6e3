//! Load: what a logger is given to log, the same for all of them.

use std::error::Error;
use std::hint::black_box;

use bench_statements::Statement;
use bench_workload::{Event, Plan, Stamps};

use crate::peers::Peer;

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// A statement with regular values, from 0 to 5.
    Regular(usize),
    /// The six statements by turns, with regular values.
    Mix,
    /// A statement with values of high entropy, from 0 to 6.
    High(usize),
    /// The first six statements by turns, with values of high entropy.
    HighMix,
    /// The records of the realistic service.
    Service,
}

impl Load {
    /// The workload, a statement with two values of high entropy, and the same with regular ones.
    pub const OF_ONE_CALL: [Self; 3] = [Self::Service, Self::High(3), Self::Regular(3)];

    /// The workload, and the mix with values of high entropy and with regular ones.
    pub const MIXED: [Self; 3] = [Self::Service, Self::HighMix, Self::Mix];

    /// All that have a row of their own end to end.
    pub const ALL: [Self; 15] = [
        Self::Service,
        Self::HighMix,
        Self::High(1),
        Self::High(2),
        Self::High(3),
        Self::High(4),
        Self::High(5),
        Self::High(6),
        Self::Mix,
        Self::Regular(0),
        Self::Regular(1),
        Self::Regular(2),
        Self::Regular(3),
        Self::Regular(4),
        Self::Regular(5),
    ];

    /// As it is called in a child's command line.
    pub fn word(self) -> String {
        match self {
            Self::Regular(s) => format!("s{}", s + 1),
            Self::Mix => "mix".into(),
            Self::High(s) => format!("e{}", s + 1),
            Self::HighMix => "e-mix".into(),
            Self::Service => "service".into(),
        }
    }

    /// As it is called in a table.
    pub fn label(self) -> String {
        match self {
            Self::Regular(s) => format!("s{}", s + 1),
            Self::Mix => "the mix".into(),
            Self::High(s) => format!("s{} high entropy", s + 1),
            Self::HighMix => "the mix, high entropy".into(),
            Self::Service => "the workload".into(),
        }
    }

    /// The one of that word.
    pub fn of_word(word: &str) -> Result<Self, Box<dyn Error>> {
        let known = Self::ALL.into_iter().find(|load| load.word() == word);
        known.ok_or_else(|| format!("there is no load {word}").into())
    }

    /// Whether a logger can be given it.
    pub const fn fits(self, peer: &Peer) -> bool {
        !matches!(self, Self::Service) || peer.service.is_some()
    }
}

/// What one thread logs.
pub enum Source {
    /// Statements by turns, with a counter.
    Calls(Vec<Statement>),
    /// Records that were made before.
    Events(fn(&Event), Vec<Event>),
}

impl Source {
    /// What each of the threads logs, `records` each at most.
    pub fn for_threads(
        peer: &Peer,
        load: Load,
        threads: usize,
        records: u32,
    ) -> Result<Vec<Self>, Box<dyn Error>> {
        let calls = match load {
            Load::Regular(s) => vec![peer.calls[s]],
            Load::Mix => peer.calls.to_vec(),
            Load::High(s) => vec![peer.high[s]],
            Load::HighMix => peer.high[..6].to_vec(),
            Load::Service => {
                let service = peer.service.ok_or("it has no way to take the workload")?;
                return Ok(Self::of_events(service, threads, records));
            }
        };
        Ok((0..threads).map(|_| Self::Calls(calls.clone())).collect())
    }

    /// Enough events that each thread has that many: threads of the service log at different rates.
    fn of_events(service: fn(&Event), threads: usize, records: u32) -> Vec<Self> {
        let plan = Plan {
            records: records as usize * threads,
            rate: None,
            threads,
            seed: 1,
            stamps: Stamps::Real,
        };
        plan.events().into_iter().map(|events| Self::Events(service, events)).collect()
    }

    /// Logs records, the first of which is number `from`. Returns how many: a thread of the service may have
    /// fewer than its share.
    pub fn log(&self, from: u32, records: u32) -> u32 {
        match self {
            Self::Calls(calls) => {
                let turns = calls.len() as u32;
                let first = from / turns;
                for n in first..first + records / turns {
                    for call in calls {
                        call(n);
                    }
                }
                (0..records % turns).for_each(calls[0]);
                records
            }
            Self::Events(log, events) => {
                let end = (from as usize + records as usize).min(events.len());
                let events = events.get(from as usize..end).unwrap_or_default();
                events.iter().for_each(log);
                events.len() as u32
            }
        }
    }

    /// Where a thread begins, so that no two log the same.
    pub const fn first_of_thread(&self, thread: u32, share: u32) -> u32 {
        match self {
            Self::Calls(_) => thread * share,
            // Each has its own.
            Self::Events(..) => 0,
        }
    }

    /// The floor of a burst: the same loop over the same events, which finds the kind of each and reads its texts.
    pub fn look(&self, n: u32) {
        if let Self::Events(_, events) = self {
            black_box(events[n as usize].touch());
        }
    }

    /// Logs one record. Those that were made before are logged by turns, if there are not as many.
    pub fn log_one(&self, n: u32) {
        match self {
            Self::Calls(calls) => calls[n as usize % calls.len()](n),
            Self::Events(log, events) => log(&events[n as usize % events.len()]),
        }
    }
}
