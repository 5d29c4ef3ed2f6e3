//! The drain as a whole: its pace, and what it makes of a storage that fails.

mod bench;
mod faults;
mod power_loss;
mod sealing;

use super::*;

#[test]
fn sleep_follows_the_pace() {
    let ms = Duration::from_millis;
    let longest = ms(100);
    // A quarter came in 10 ms: as long.
    assert_eq!(next_sleep(1000, 4000, ms(10), longest), ms(10));
    // A trickle, and not even that: the bound.
    assert_eq!(next_sleep(1, 4000, ms(10), longest), longest);
    assert_eq!(next_sleep(0, 4000, ms(10), longest), longest);
    // A flood: never without a pause.
    assert_eq!(next_sleep(1000, 4000, Duration::from_nanos(1), longest), SHORTEST_SLEEP);
    // Half of it, whatever the pace: who filled it may have had to wait.
    assert_eq!(next_sleep(2000, 4000, ms(1000), longest), SHORTEST_SLEEP);
    // Beyond what a duration holds.
    assert_eq!(next_sleep(1, usize::MAX, Duration::MAX, longest), longest);
}
