//! Tests of the drain as a whole, on a storage that fails.

mod bench;
mod faults;
mod power_loss;
mod sealing;
mod tail;
