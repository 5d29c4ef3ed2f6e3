//! What `meta.steno` explains.

use std::collections::BTreeMap;
use std::fs::File;

use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, VERSION};
use stenolog_session::layout::{META_FILE, META_SEQUENCE};

use super::{odd, read};
use crate::ring_dir::NotRecovered;

/// No longer explanations are read: those of a program with a million call sites.
const MAX_META_BYTES: u64 = 256 << 20;

/// What `meta.steno` explains.
#[derive(Debug, Default)]
pub(super) struct Explained {
    pub(super) sites: BTreeMap<u32, CallSite>,
    pub(super) threads: BTreeMap<u32, Thread>,
    pub(super) clock: Vec<Vec<u8>>,
}

impl Explained {
    /// Reads the frames that are whole: the last one may be torn, which no record needs (D1).
    pub(super) fn read(file: &File, session: &[u8; 16]) -> Result<Self, NotRecovered> {
        let meta = META_FILE.as_ref();
        let bytes = read(file, meta, MAX_META_BYTES)?;
        let header = FileHeader::decode(&bytes);
        let (header, begin) = header.map_err(|_| odd(meta))?;
        if header.version > VERSION {
            return Err(NotRecovered::Version);
        }
        if header.session != *session || header.sequence != META_SEQUENCE {
            return Err(odd(meta));
        }
        let mut explained = Self::default();
        let mut rest = bytes.get(begin..).unwrap_or_default();
        while let Some(header) = FrameHeader::decode(rest) {
            let behind = FrameHeader::BYTES.saturating_add(header.payload_bytes as usize);
            let Some(payload) = rest.get(FrameHeader::BYTES..behind) else { break };
            if !header.matches(payload) {
                break;
            }
            explained.take(header.kind, payload).ok_or_else(|| odd(meta))?;
            let frame = usize::try_from(header.frame_bytes()).ok();
            rest = frame.and_then(|frame| rest.get(frame..)).unwrap_or_default();
        }
        Ok(explained)
    }

    /// Takes in what another directory of the session explains.
    pub(super) fn add(&mut self, mut other: Self) {
        self.sites.append(&mut other.sites);
        self.threads.append(&mut other.threads);
        self.clock.append(&mut other.clock);
    }

    fn take(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        match FrameKind::from_u8(kind)? {
            FrameKind::Dictionary => {
                let sites = CallSite::decode_all(payload).ok()?;
                self.sites.extend(sites.into_iter().map(|site| (site.id, site)));
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
