//! Models of channels: no receiver sleeps through a record or the end.

use loom::thread;
use stenolog_ringbuf::RecvError;

use crate::at_most_3_preemptions;

/// No poll comes to the rescue in a model: a wake-up that is lost is a deadlock.
#[test]
fn a_notified_receiver_wakes_up() {
    at_most_3_preemptions(|| {
        let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(32);
        let sender = thread::spawn(move || {
            for tag in 1..=2 {
                sender.try_send(8).unwrap().commit_tagged(tag);
                sender.notify();
            }
            sender
        });
        for tag in 1..=2 {
            assert_eq!(receiver.recv(None).unwrap().tag(), tag);
        }
        drop(sender.join().unwrap());
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
    });
}

#[test]
fn a_sender_that_goes_away_wakes_the_receiver() {
    at_most_3_preemptions(|| {
        let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(32);
        let sender = thread::spawn(move || {
            sender.try_send(8).unwrap().commit_tagged(1);
        });
        assert_eq!(receiver.recv(None).unwrap().tag(), 1);
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
        sender.join().unwrap();
    });
}

#[test]
fn two_senders_wake_the_receiver() {
    at_most_3_preemptions(|| {
        let (mut first, mut receiver) = stenolog_ringbuf::channel::mpsc::new(64);
        let mut second = first.clone();
        let senders = [
            thread::spawn(move || {
                first.try_send(8).unwrap().commit_tagged(1);
                first.notify();
                first
            }),
            thread::spawn(move || {
                second.try_send(8).unwrap().commit_tagged(2);
                second.notify();
                second
            }),
        ];
        let mut read = [(); 2].map(|()| receiver.recv(None).unwrap().tag());
        read.sort_unstable();
        assert_eq!(read, [1, 2]);
        for sender in senders {
            drop(sender.join().unwrap());
        }
    });
}

#[test]
fn the_last_of_two_senders_wakes_the_receiver() {
    at_most_3_preemptions(|| {
        let (mut first, mut receiver) = stenolog_ringbuf::channel::mpsc::new(64);
        let second = first.clone();
        let senders = [
            thread::spawn(move || first.try_send(8).unwrap().commit_tagged(1)),
            thread::spawn(move || drop(second)),
        ];
        assert_eq!(receiver.recv(None).unwrap().tag(), 1);
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}
