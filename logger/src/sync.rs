//! Locks that outlive a panic of their holder, and one that a signal handler may take.

use std::sync::{
    Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use std::time::{Duration, Instant};

/// Locks a mutex, even if a holder has panicked: no critical section of this crate leaves its value
/// half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for reading, under the same condition as [`lock`].
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, under the same condition as [`lock`].
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The longest that a signal handler waits for a writer: it may have interrupted what that writer waits for.
const HANDLER_WAITS: Duration = Duration::from_millis(20);

/// Locks for reading in a signal handler. `None` if a writer holds the lock and makes no progress.
pub(crate) fn read_in_handler<T>(lock: &RwLock<T>) -> Option<RwLockReadGuard<'_, T>> {
    let mut began = None;
    loop {
        match lock.try_read() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                if began.get_or_insert_with(Instant::now).elapsed() > HANDLER_WAITS {
                    return None;
                }
                std::thread::yield_now();
            }
        }
    }
}
