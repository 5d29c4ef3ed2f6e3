//! Channels: waiting at both ends, and each end noticing that the other is gone.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};
use stenolog_ringbuf::channel::{Receiver, mpsc, spsc};
use stenolog_ringbuf::{ChannelClosed, RecvError, TrySendError};

const NOW: Option<Duration> = Some(Duration::ZERO);

/// Receives until all senders are gone.
fn receive_all(receiver: &mut Receiver) -> Vec<u32> {
    let mut tags = Vec::new();
    loop {
        match receiver.recv(None) {
            Ok(record) => tags.push(record.tag()),
            Err(error) => {
                assert_eq!(error, RecvError::Disconnected);
                return tags;
            }
        }
    }
}

#[test]
fn what_was_sent_is_received_after_the_sender_left() {
    let (mut sender, mut receiver) = spsc::new(256);
    for tag in 0..5 {
        sender.send(8).unwrap().commit_tagged(tag);
    }
    assert!(!receiver.is_disconnected());
    drop(sender);
    assert!(receiver.is_disconnected());
    assert_eq!(receiver.try_recv().unwrap().tag(), 0);
    assert_eq!(receive_all(&mut receiver), [1, 2, 3, 4]);
    assert!(receiver.try_recv().is_none());
}

#[test]
fn the_last_of_many_senders_counts() {
    let (mut first, mut receiver) = mpsc::new(256);
    let mut second = first.clone();
    first.send(8).unwrap().commit_tagged(1);
    drop(first);
    assert_eq!(receiver.recv(NOW).unwrap().tag(), 1);
    assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Timeout);
    second.send(8).unwrap().commit_tagged(2);
    drop(second);
    assert_eq!(receive_all(&mut receiver), [2]);
}

#[test]
fn a_leaked_claim_hides_nothing_from_the_receiver_of_many() {
    let (mut first, mut receiver) = mpsc::new(256);
    let mut second = first.clone();
    mem::forget(first.send(8).unwrap());
    second.send(8).unwrap().commit_tagged(1);
    mem::forget(second.send(100).unwrap());
    first.send(8).unwrap().commit_tagged(2);
    assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Timeout);
    drop((first, second));
    assert_eq!(receive_all(&mut receiver), [1, 2]);
}

#[test]
fn a_sender_notices_that_the_receiver_is_gone() {
    let (mut sender, receiver) = spsc::new(256);
    assert!(!sender.is_disconnected());
    drop(receiver);
    assert!(sender.is_disconnected());
    assert_eq!(sender.send(8).unwrap_err(), ChannelClosed);
    assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Disconnected);
}

#[test]
fn a_sender_that_waits_notices_it_too() {
    let (mut sender, receiver) = mpsc::new(16);
    sender.send(8).unwrap().commit();
    assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Full);
    let waiting = thread::spawn(move || sender.send(8).map(|_| ()));
    drop(receiver);
    assert_eq!(waiting.join().unwrap(), Err(ChannelClosed));
}

#[test]
fn a_timeout_is_honoured() {
    let (_sender, mut receiver) = spsc::new(256);
    for timeout in [Duration::ZERO, Duration::from_millis(20)] {
        let start = Instant::now();
        assert_eq!(receiver.recv(Some(timeout)).unwrap_err(), RecvError::Timeout);
        assert!(start.elapsed() >= timeout);
        assert_eq!(receiver.wait(Some(timeout)), Err(RecvError::Timeout));
    }
}

#[test]
fn a_timeout_beyond_the_clock_is_none() {
    let (mut sender, mut receiver) = spsc::new(256);
    sender.send(8).unwrap().commit_tagged(1);
    assert_eq!(receiver.recv(Some(Duration::MAX)).unwrap().tag(), 1);
    let sender = thread::spawn(move || sender.send(8).unwrap().commit_tagged(2));
    assert_eq!(receiver.recv(Some(Duration::MAX)).unwrap().tag(), 2);
    sender.join().unwrap();
}

/// A wake-up without a record is no record; nor does it make a wait longer or shorter.
#[test]
fn notifications_without_records_are_no_records() {
    let (sender, mut receiver) = mpsc::new(256);
    for _ in 0..3 {
        sender.notify();
    }
    assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Timeout);
    let mut other = sender.clone();
    let noise = thread::spawn(move || {
        for _ in 0..100_000 {
            sender.notify();
        }
        sender
    });
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    assert_eq!(receiver.recv(Some(timeout)).unwrap_err(), RecvError::Timeout);
    assert!(start.elapsed() >= timeout);
    other.send(8).unwrap().commit_tagged(1);
    other.notify();
    assert_eq!(receiver.recv(Some(Duration::MAX)).unwrap().tag(), 1);
    drop((other, noise.join().unwrap()));
    assert_eq!(receiver.recv(Some(Duration::MAX)).unwrap_err(), RecvError::Disconnected);
}

/// What is leaked has no end: the receiver gets what came before it, and the sender fills the ring.
#[test]
fn a_leaked_claim_of_the_only_sender_hides_what_follows() {
    let (mut sender, mut receiver) = spsc::new(64);
    sender.send(8).unwrap().commit_tagged(1);
    mem::forget(sender.send(8).unwrap());
    sender.send(8).unwrap().commit_tagged(2);
    assert_eq!(receiver.recv(None).unwrap().tag(), 1);
    assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Timeout);
    for tag in 3..5 {
        sender.try_send(8).unwrap().commit_tagged(tag);
    }
    assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Full);
    drop(sender);
    assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
    assert!(receiver.try_recv().is_none());
}

/// With one sender as with many: nothing but the end of the receiver ends the wait.
#[test]
fn behind_a_leak_a_sender_waits_until_the_receiver_is_gone() {
    macro_rules! check {
        ($kind:ident) => {
            let (mut sender, mut receiver) = $kind::new(64);
            mem::forget(sender.send(8).unwrap());
            for tag in 0..3 {
                sender.send(8).unwrap().commit_tagged(tag);
            }
            for _ in 0..3 {
                assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Timeout);
                assert!(receiver.try_recv().is_none());
                assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Full);
            }
            let waiting = thread::spawn(move || sender.send(8).map(|_| ()));
            assert_eq!(
                receiver.recv(Some(Duration::from_millis(10))).unwrap_err(),
                RecvError::Timeout
            );
            assert!(!waiting.is_finished());
            drop(receiver);
            assert_eq!(waiting.join().unwrap(), Err(ChannelClosed));
        };
    }
    check!(spsc);
    check!(mpsc);
}

/// The receiver looks by itself: no sender notifies it, and none goes away.
#[test]
fn what_nobody_notifies_of_is_received() {
    let (mut sender, mut receiver) = spsc::new(256);
    let (received, wait) = std::sync::mpsc::channel();
    let sending = thread::spawn(move || {
        for tag in 0..20 {
            sender.send(8).unwrap().commit_tagged(tag);
            wait.recv().unwrap();
        }
    });
    for tag in 0..20 {
        assert_eq!(receiver.recv(None).unwrap().tag(), tag);
        received.send(()).unwrap();
    }
    sending.join().unwrap();
}

#[test]
fn too_large_a_capacity_panics() {
    assert!(catch_unwind(|| spsc::new((1 << 30) + 1)).is_err());
    assert!(catch_unwind(|| mpsc::new((1 << 30) + 1)).is_err());
}

#[test]
fn a_sender_that_was_leaked_never_disconnects() {
    let (mut sender, mut receiver) = mpsc::new(64);
    sender.send(8).unwrap().commit_tagged(1);
    mem::forget(sender.clone());
    drop(sender);
    assert_eq!(receiver.recv(NOW).unwrap().tag(), 1);
    assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Timeout);
}

/// Senders leave in the midst of a wait, with and without records, again and again.
#[test]
fn a_wait_ends_when_the_last_sender_leaves() {
    for round in 0..300 {
        let (mut sender, mut receiver) = mpsc::new(64);
        let other = sender.clone();
        let expected = round % 3;
        let threads = [
            thread::spawn(move || {
                for _ in 0..expected {
                    sender.send(8).unwrap().commit();
                }
            }),
            thread::spawn(move || drop(other)),
        ];
        assert_eq!(receive_all(&mut receiver).len(), expected);
        assert_eq!(receiver.recv(NOW).unwrap_err(), RecvError::Disconnected);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_claim_that_is_unwound_out_of_is_not_received() {
    let (mut sender, mut receiver) = spsc::new(256);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        sender.send(8).unwrap().commit_truncated(9);
    }));
    assert!(unwound.is_err());
    drop(sender.send(30).unwrap());
    sender.send(8).unwrap().commit_tagged(1);
    drop(sender);
    assert_eq!(receive_all(&mut receiver), [1]);
}

#[test]
fn lengths_that_never_fit_panic() {
    let (mut sender, _receiver) = spsc::new(64);
    assert_eq!(sender.max_record_bytes(), 56);
    for len in [0, 57, usize::MAX] {
        assert!(catch_unwind(AssertUnwindSafe(|| drop(sender.send(len)))).is_err(), "{len}");
        assert!(catch_unwind(AssertUnwindSafe(|| drop(sender.try_send(len)))).is_err(), "{len}");
    }
    sender.send(56).unwrap().commit();
}

#[test]
fn dead_space_never_keeps_a_sender_waiting() {
    let (mut sender, mut receiver) = spsc::new(64);
    thread::scope(|scope| {
        scope.spawn(move || {
            for tag in 0..1000 {
                drop(sender.send(40).unwrap());
                sender.send(1 + tag as usize % 56).unwrap().commit_tagged(tag);
            }
        });
        assert!(receive_all(&mut receiver).into_iter().eq(0..1000));
    });
}

#[test]
fn all_records_of_all_senders_arrive() {
    const SENDERS: u32 = 3;
    const RECORDS: u32 = 20_000;
    for notify in [false, true] {
        let (sender, mut receiver) = mpsc::new(4096);
        for index in 0..SENDERS {
            let mut sender = sender.clone();
            thread::spawn(move || {
                for record in 0..RECORDS {
                    let mut claim = sender.send(4 + record as usize % 50).unwrap();
                    claim[..4].copy_from_slice(&record.to_le_bytes());
                    claim.commit_tagged(index);
                    if notify {
                        sender.notify();
                    }
                }
            });
        }
        drop(sender);
        let mut next = [0; SENDERS as usize];
        while receiver.wait(None).is_ok() {
            receiver.consumer().drain(1000, |record| {
                let next = &mut next[record.tag() as usize];
                assert_eq!(record.payload()[..4], u32::to_le_bytes(*next));
                *next += 1;
            });
        }
        assert_eq!(next, [RECORDS; SENDERS as usize]);
    }
}

#[test]
fn the_receiver_may_move_between_threads() {
    let (mut sender, mut receiver) = spsc::new(256);
    for tag in 0..3 {
        receiver = thread::scope(|scope| {
            let receiving = scope.spawn(move || {
                assert_eq!(receiver.recv(None).unwrap().tag(), tag);
                receiver
            });
            sender.send(8).unwrap().commit_tagged(tag);
            sender.notify();
            receiving.join().unwrap()
        });
    }
}
