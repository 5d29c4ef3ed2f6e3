//! Writing a record into a ring, with the policy for full rings.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use stenolog_format::dictionary::{CallSite, Level, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_ringbuf::TryClaimError;
use stenolog_ringbuf::queue::spsc::Producer;

use crate::clock::ClockRef;
use crate::config::OnFull;
use crate::core::{Core, RingSlot};
use crate::registry::site::Site;
use crate::ring_dir;
use crate::thread::record::ColdRecord;
use crate::thread::wait::Waiter;

/// A ring in use: what the slow path needs in addition to the producer.
pub(super) struct Attachment {
    pub(super) core: Arc<Core>,
    pub(super) slot: Arc<RingSlot>,
    /// Whether there are losses that the ring does not state yet.
    pub(super) owes_loss: Cell<bool>,
}

/// Writes a record if the ring then holds no more than `limit` bytes.
pub(super) fn write(
    record: &ColdRecord<'_>,
    producer: &mut Producer,
    id: u32,
    time: u64,
    limit: usize,
) -> Result<(), TryClaimError> {
    let mut claim = producer.try_claim_within(record.payload_bytes, limit)?;
    // SAFETY: the claim is as long as the payload.
    unsafe { record.payload.write(claim.as_mut_ptr(), time) };
    claim.commit_tagged(id);
    Ok(())
}

/// Writes the record, following the logger's policy if the ring is full, and returns how far the hot path may
/// fill the ring from now on.
pub(super) fn write_by_policy(
    record: &ColdRecord<'_>,
    attachment: &Attachment,
    producer: &mut Producer,
    id: u32,
) -> usize {
    let Attachment { core, slot, owes_loss } = attachment;
    let capacity = producer.capacity();
    let time = record.payload.time(&ClockRef(core.clock));
    let limit = capacity - reserved(record.site, capacity);
    let mut waiter = None;
    let result = loop {
        let written = write_owed_loss(record, attachment, producer, time, limit)
            .and_then(|()| write(record, producer, id, time, limit));
        let Err(error) = written else { break Ok(()) };
        slot.note_committed(producer);
        if error != TryClaimError::Full || !may_wait(record.site, core) || slot.is_set_aside() {
            break Err(error);
        }
        if !waiter.get_or_insert_with(|| Waiter::new(core)).wait() {
            break Err(error);
        }
    };
    if let Err(error) = result {
        slot.count_loss(record.site.meta.level, matches!(error, TryClaimError::TooLarge));
        // Release: a drain that sees the sum changed finds out which ring it was.
        core.counters.lost.fetch_add(1, Ordering::Release);
        ring_dir::state_loss(producer, &slot.loss(core.clock.now()));
        owes_loss.set(true);
    }
    next_allowance(attachment, producer)
}

/// How many bytes of the ring are not for records of this call site. The last eighth is for warnings and errors, and
/// half of it for events of spans as well: one that is lost takes the fields of many records with it.
fn reserved(site: &Site, capacity: usize) -> usize {
    match site {
        _ if site.meta.level <= Level::Warn => 0,
        _ if site.is_span_event() => capacity / 16,
        _ => capacity / 8,
    }
}

/// Whether a call of this site waits for room.
fn may_wait(site: &Site, core: &Core) -> bool {
    let waits = |level: Level| core.config.on_full[level.index()] == OnFull::Block;
    // The call sites that all spans share have no level of a span: they follow that of most.
    waits(site.meta.level) || site.is_unfiltered() && waits(Level::Info)
}

/// States losses in the ring before the next record, where they happened.
fn write_owed_loss(
    record: &ColdRecord<'_>,
    attachment: &Attachment,
    producer: &mut Producer,
    time: u64,
    limit: usize,
) -> Result<(), TryClaimError> {
    let Attachment { core, slot, owes_loss } = attachment;
    if owes_loss.get() {
        // No later than the record that follows.
        let counter = match record.payload.types().time {
            TimeSource::Counter => time,
            TimeSource::UnixNanos => core.clock.now(),
        };
        let statement = slot.loss(counter).encode();
        let mut claim = producer.try_claim_within(Loss::BYTES, limit)?;
        claim.copy_from_slice(&statement);
        claim.commit_tagged(CallSite::LOSS_ID);
        owes_loss.set(false);
    }
    Ok(())
}

/// How far the hot path may fill the ring before it comes here again. First half, which wakes the drain in
/// time; then an eighth more each time, because otherwise a ring that stays half full would bring every call
/// here. At most seven eighths: the rest is for records that matter more. Once the ring was emptied,
/// [`lowered_allowance`] applies.
pub(super) fn next_allowance(attachment: &Attachment, producer: &Producer) -> usize {
    let capacity = producer.capacity();
    let used = producer.used_bytes();
    let owes_loss = attachment.owes_loss.get();
    if owes_loss || used >= capacity / 2 {
        attachment.core.wake_drain();
    }
    if owes_loss { 0 } else { (used + capacity / 8).clamp(capacity / 2, capacity / 8 * 7) }
}

/// The allowance after a record that found room within it, if it is to be lower: once the drain has made room,
/// it must be woken again before the next burst has filled the ring.
pub(super) fn lowered_allowance(producer: &Producer) -> Option<usize> {
    let half = producer.capacity() / 2;
    (producer.quick_max() > half && producer.used_bytes() < half).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stenolog_ringbuf::queue::spsc;

    #[test]
    fn the_allowance_falls_when_the_drain_has_made_room() {
        let (mut producer, mut consumer) = spsc::new(1024);
        producer.set_quick_max(896);
        while let Some(claim) = producer.try_claim_quick(56) {
            claim.commit();
        }
        assert_eq!((producer.used_bytes(), lowered_allowance(&producer)), (896, None));
        let half = consumer.batch(512);
        half.release();
        assert_eq!(lowered_allowance(&producer), Some(512));
        producer.set_quick_max(512);
        assert_eq!(lowered_allowance(&producer), None, "it is as low as it gets");
    }
}
