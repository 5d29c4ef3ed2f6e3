//! The drain as a whole: its pace, and what it makes of a storage that fails.

mod bench;
mod faults;
mod power_loss;

use super::*;

#[test]
fn sleep_follows_the_pace() {
    let ms = Duration::from_millis;
    let longest = ms(100);
    // Nothing came: the bound.
    assert_eq!(next_sleep(0, 1000, ms(10), longest), longest);
    // Twice a quarter came in 10 ms: half as long.
    assert_eq!(next_sleep(2000, 1000, ms(10), longest), ms(5));
    // A trickle: the bound.
    assert_eq!(next_sleep(1, 1000, ms(10), longest), longest);
    // A flood: never without a pause.
    assert_eq!(next_sleep(1 << 30, 1000, ms(10), longest), SHORTEST_SLEEP);
    // Beyond what a duration holds.
    assert_eq!(next_sleep(1, usize::MAX, Duration::MAX, longest), longest);
}
