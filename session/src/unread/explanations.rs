//! The explanations in `meta.steno`, or in a tail.

use std::collections::BTreeMap;
use std::fs::File;

use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, VERSION};
use stenolog_format::span::SpanMark;

use super::NotRecovered;
use crate::frames::{Position, Walk, WalkStep};
use crate::layout::{META_FILE, META_SEQUENCE};

/// The length of the longest file that is read: that of a program with a million call sites.
const MAX_META_BYTES: u64 = 256 << 20;

/// The call sites, threads and clock pairs in the `meta.steno` of one or two directories.
#[derive(Debug, Default)]
pub(crate) struct Explanations {
    pub(crate) sites: BTreeMap<u32, CallSite>,
    /// Which of them are events of spans.
    pub(crate) marks: BTreeMap<u32, SpanMark>,
    pub(crate) threads: BTreeMap<u32, Thread>,
    /// The payloads of clock frames.
    pub(crate) clock: Vec<Vec<u8>>,
}

impl Explanations {
    /// Reads the whole frames: the last one may be torn, and no record needs it (D1).
    pub(super) fn read(file: &File, session: &[u8; 16]) -> Result<Self, NotRecovered> {
        let odd = || NotRecovered::odd(META_FILE);
        let bytes = super::read_whole(file, META_FILE, MAX_META_BYTES)?;
        let (header, begin) = FileHeader::decode(&bytes).map_err(|_| odd())?;
        if header.version > VERSION {
            return Err(NotRecovered::Version);
        }
        if header.session != *session || header.sequence != META_SEQUENCE {
            return Err(odd());
        }
        let mut explanations = Self::default();
        let mut walk = Walk::new(&*bytes, Position::first(begin as u64));
        while let Ok(Some(WalkStep::Frame(frame))) = walk.step() {
            let Ok(Some(payload)) = walk.payload(&frame, u32::MAX) else { break };
            explanations.take(frame.header.kind, payload).ok_or_else(odd)?;
        }
        Ok(explanations)
    }

    /// Adds the explanations of another directory of the session.
    pub(super) fn add(&mut self, mut other: Self) {
        self.sites.append(&mut other.sites);
        self.marks.append(&mut other.marks);
        self.threads.append(&mut other.threads);
        self.clock.append(&mut other.clock);
    }

    /// Adds those of a tail that are not among these.
    pub(super) fn add_missing(&mut self, other: &Self) {
        for (&id, site) in &other.sites {
            self.sites.entry(id).or_insert_with(|| site.clone());
        }
        for (&id, &mark) in &other.marks {
            self.marks.entry(id).or_insert(mark);
        }
        for (&ring, thread) in &other.threads {
            self.threads.entry(ring).or_insert_with(|| thread.clone());
        }
    }

    /// Takes the explanations of a frame; `None` if it has none that can be read.
    pub(crate) fn take(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        match FrameKind::from_u8(kind)? {
            FrameKind::Dictionary => {
                let sites = CallSite::decode_all(payload).ok()?;
                self.sites.extend(sites.into_iter().map(|site| (site.id, site)));
            }
            FrameKind::Spans => {
                let marks = SpanMark::decode_all(payload).ok()?;
                self.marks.extend(marks.into_iter().map(|mark| (mark.site, mark)));
            }
            FrameKind::Thread => {
                let thread = Thread::decode(payload).ok()?;
                self.threads.insert(thread.ring, thread);
            }
            FrameKind::Clock => self.clock.push(payload.to_vec()),
            _ => return None,
        }
        Some(())
    }
}
