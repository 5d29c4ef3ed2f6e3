//! Rendering in the caller's thread.

use std::ops::ControlFlow;

use super::encoder::{EncodedEntry, EntryEncoder, EntryEncoding};
use super::limits::{MAX_CALLS, PIECE_BYTES};
use super::stitcher::{MarkedText, Stitcher};
use crate::read::{Decoder, Turn};

/// Renders all entries of a decoder.
pub(super) fn render(
    decoder: &mut Decoder,
    encoding: &EntryEncoding,
    mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let names = decoder.ring_names();
    let mut encoder = EntryEncoder::new(encoding.clone());
    let (mut marked, mut stitcher) = (MarkedText::default(), Stitcher::new(decoder.take_pending()));
    let mut calls = 0;
    let flow = decoder.merge(|turn, index, tally| {
        let mut count = 1;
        match turn {
            Turn::Nothing => {}
            Turn::Pause => calls = MAX_CALLS,
            Turn::Loss(loss) => marked.push(&loss, index, &mut encoder),
            Turn::Records(run) => {
                count = 0;
                for raw in run.records() {
                    count += 1;
                    match encoder.record(&raw, true, &mut marked.text) {
                        Ok(encoded) => tally.shown += u64::from(encoded == EncodedEntry::Written),
                        Err(why) => {
                            tally.lose_values(run.place(), 1, why);
                            marked.push(&raw.loss(), index, &mut encoder);
                        }
                    }
                    if marked.text.len() >= PIECE_BYTES {
                        break;
                    }
                }
            }
        }
        calls += count;
        if marked.text.len() < PIECE_BYTES && calls < MAX_CALLS {
            return (count, ControlFlow::Continue(()));
        }
        calls = 0;
        (count, stitcher.pass_on(&mut marked, (&mut encoder, &names), &mut sink))
    });
    let flow = match flow {
        ControlFlow::Continue(()) => {
            stitcher.pass_on(&mut marked, (&mut encoder, &names), &mut sink)
        }
        ControlFlow::Break(()) => flow,
    };
    if flow.is_break() {
        decoder.put_pending(stitcher.into_pending());
        return flow;
    }
    stitcher.finish((&mut encoder, &names), &mut sink)
}
