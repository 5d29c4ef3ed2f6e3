//! The sending end of a channel.

use super::bell::Bell;
use crate::claim::WriteClaim;
use crate::error::{ChannelClosed, TryClaimError, TrySendError};
use crate::queue::{mpsc, spsc};
use crate::sync::{Arc, Backoff};
use core::fmt;

/// The sending end of a channel: see [`spsc::Sender`](super::spsc::Sender) and
/// [`mpsc::Sender`](super::mpsc::Sender).
///
/// When the last one is dropped, the receiver still gets all records that were sent.
///
/// # Examples
///
/// ```
/// let (mut sender, mut receiver) = stenolog_ringbuf::channel::spsc::new(64);
/// sender.send(8)?.commit_tagged(1);
/// sender.notify();
/// assert_eq!(receiver.recv(None).unwrap().tag(), 1);
/// # Ok::<(), stenolog_ringbuf::ChannelClosed>(())
/// ```
pub struct Sender<P> {
    // Before `on_drop`: the receiver is to find the producer gone when it is woken.
    producer: P,
    on_drop: RingOnDrop,
}

struct RingOnDrop(Arc<Bell>);

impl Drop for RingOnDrop {
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl<P> Sender<P> {
    pub(super) fn new(producer: P, bell: Arc<Bell>) -> Self {
        Self { producer, on_drop: RingOnDrop(bell) }
    }

    /// Wakes the receiver if it sleeps. It then sees all records committed before.
    ///
    /// Costs a full fence, and a system call only if the receiver sleeps.
    #[inline]
    pub fn notify(&self) {
        self.on_drop.0.ring();
    }
}

/// The operations that a sender needs from a producer.
pub(crate) trait Claim {
    /// The place of the taken space.
    type Place;
    fn take(&mut self, len: usize) -> Result<Self::Place, TryClaimError>;
    /// # Safety
    ///
    /// The place was taken for `len` bytes, and no other claim was made of it.
    unsafe fn claim(&mut self, place: Self::Place, len: usize) -> WriteClaim<'_>;
    fn is_disconnected(&self) -> bool;
    fn max_record_bytes(&self) -> usize;
}

macro_rules! claim {
    ($kind:ident, $place:ty) => {
        impl Claim for $kind::Producer {
            type Place = $place;
            #[inline]
            fn take(&mut self, len: usize) -> Result<$place, TryClaimError> {
                self.take(len)
            }
            #[inline]
            unsafe fn claim(&mut self, place: $place, len: usize) -> WriteClaim<'_> {
                // SAFETY: the caller vouches for the place.
                unsafe { self.claim(place, len) }
            }
            #[inline]
            fn is_disconnected(&self) -> bool {
                self.is_disconnected()
            }
            fn max_record_bytes(&self) -> usize {
                self.max_record_bytes()
            }
        }
    };
}
claim!(spsc, usize);
claim!(mpsc, u64);

#[expect(private_bounds, reason = "there are two producers, and no others are wanted")]
impl<P: Claim> Sender<P> {
    /// Claims space for a record of `len` bytes. Waits until there is room.
    ///
    /// Spins first, and then yields to other threads between attempts. It never sleeps and never wakes the
    /// receiver, not even by committing: see [`notify`](Self::notify).
    ///
    /// # Errors
    ///
    /// [`ChannelClosed`] if the receiver was dropped.
    ///
    /// # Panics
    ///
    /// If `len` is 0, or more than [`max_record_bytes`](Self::max_record_bytes).
    #[inline]
    pub fn send(&mut self, len: usize) -> Result<WriteClaim<'_>, ChannelClosed> {
        let place = match self.take(len) {
            Ok(place) => place,
            Err(TrySendError::Disconnected) => return Err(ChannelClosed),
            Err(TrySendError::Full) => self.wait_for_room(len)?,
        };
        // SAFETY: just taken.
        Ok(unsafe { self.producer.claim(place, len) })
    }

    /// Claims space for a record of `len` bytes without waiting.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) if there is no room at the moment,
    /// [`Disconnected`](TrySendError::Disconnected) if the receiver was dropped.
    ///
    /// # Panics
    ///
    /// If `len` is 0, or more than [`max_record_bytes`](Self::max_record_bytes).
    #[inline]
    pub fn try_send(&mut self, len: usize) -> Result<WriteClaim<'_>, TrySendError> {
        let place = self.take(len)?;
        // SAFETY: just taken.
        Ok(unsafe { self.producer.claim(place, len) })
    }

    /// Whether the receiver was dropped.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.producer.is_disconnected()
    }

    /// The length of the largest record that fits.
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.producer.max_record_bytes()
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<P::Place, TrySendError> {
        if self.producer.is_disconnected() {
            return Err(TrySendError::Disconnected);
        }
        self.producer.take(len).map_err(|error| match error {
            TryClaimError::Full => TrySendError::Full,
            TryClaimError::TooLarge => self.too_large(len),
        })
    }

    #[cold]
    fn wait_for_room(&mut self, len: usize) -> Result<P::Place, ChannelClosed> {
        let backoff = Backoff::new();
        loop {
            backoff.snooze();
            match self.take(len) {
                Ok(place) => return Ok(place),
                Err(TrySendError::Disconnected) => return Err(ChannelClosed),
                Err(TrySendError::Full) => {}
            }
        }
    }

    #[cold]
    fn too_large(&self, len: usize) -> ! {
        panic!("a record of {len} bytes exceeds the {} that fit", self.max_record_bytes())
    }
}

impl<P: Clone> Clone for Sender<P> {
    /// Another sending end of the same channel.
    fn clone(&self) -> Self {
        Self { producer: self.producer.clone(), on_drop: RingOnDrop(Arc::clone(&self.on_drop.0)) }
    }
}

impl<P: fmt::Debug> fmt::Debug for Sender<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("producer", &self.producer).finish_non_exhaustive()
    }
}
