//! A trait over the kinds of queue, to test a promise once for each.

use stenolog_ringbuf::queue::{mpsc, spsc};
use stenolog_ringbuf::{Consumer, TryClaimError, WriteClaim};

/// The writing end of either kind.
pub(crate) trait Produce: Sized {
    fn ring(capacity_bytes: usize) -> (Self, Consumer);
    fn try_claim(&mut self, len: usize) -> Result<WriteClaim<'_>, TryClaimError>;
    fn try_claim_within(
        &mut self,
        len: usize,
        max_used_bytes: usize,
    ) -> Result<WriteClaim<'_>, TryClaimError>;
    fn capacity(&self) -> usize;
    fn max_record_bytes(&self) -> usize;
    fn used_bytes(&self) -> usize;
    fn position(&self) -> u64;
    fn is_disconnected(&self) -> bool;
}

macro_rules! produce {
    ($kind:ident) => {
        impl Produce for $kind::Producer {
            fn ring(capacity_bytes: usize) -> (Self, Consumer) {
                $kind::new(capacity_bytes)
            }
            fn try_claim(&mut self, len: usize) -> Result<WriteClaim<'_>, TryClaimError> {
                self.try_claim(len)
            }
            fn try_claim_within(
                &mut self,
                len: usize,
                max_used_bytes: usize,
            ) -> Result<WriteClaim<'_>, TryClaimError> {
                self.try_claim_within(len, max_used_bytes)
            }
            fn capacity(&self) -> usize {
                self.capacity()
            }
            fn max_record_bytes(&self) -> usize {
                self.max_record_bytes()
            }
            fn used_bytes(&self) -> usize {
                self.used_bytes()
            }
            fn position(&self) -> u64 {
                self.position()
            }
            fn is_disconnected(&self) -> bool {
                self.is_disconnected()
            }
        }
    };
}
produce!(spsc);
produce!(mpsc);

/// Declares a test for each kind of queue, from functions generic over the producer; what is in
/// brackets is the message with which they panic.
#[macro_export]
macro_rules! for_each_queue {
    ($($name:ident $([$message:literal])?),* $(,)?) => {
        mod for_each_queue {
            $crate::for_each_queue!(@kind spsc: $($name $([$message])?),*);
            $crate::for_each_queue!(@kind mpsc: $($name $([$message])?),*);
        }
    };
    (@kind $kind:ident: $($name:ident $([$message:literal])?),*) => {
        mod $kind {
            $(
                #[test]
                $(#[should_panic(expected = $message)])?
                fn $name() {
                    super::super::$name::<stenolog_ringbuf::queue::$kind::Producer>();
                }
            )*
        }
    };
}
