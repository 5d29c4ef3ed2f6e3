//! Writing: what a program states, its blocks, and their contexts.

use std::collections::BTreeMap;

use stenolog_format::block::{BlockBuilder, BlockHeader, Codec, Depth, SitePlan};
use stenolog_format::dictionary::{Level, Role};
use stenolog_format::frame::FrameKind;
use stenolog_format::span::{
    ContextBuilder, EVENT_TARGET, SpanDefinition, SpanEvent, SpanMark, SpanRecord, SpanRecords,
    SpanStack,
};
use stenolog_format::types::Type;

use super::{SpanBlocks, SpanProgram, Truth, sites};
use crate::dump::{Rec, site};

impl SpanProgram {
    /// Writes what each file states: call sites, marks, threads, clock.
    pub(super) fn prelude(&mut self) {
        self.dump.prelude();
        let hidden = |names: &[&str]| -> Vec<(&'static str, Role, Type)> {
            names.iter().map(|_| ("", Role::Count, Type::U64)).collect()
        };
        let with = |words: &[&str], field: Option<(&'static str, Role, Type)>| {
            hidden(words).into_iter().chain(field).collect::<Vec<_>>()
        };
        let path = ("path", Role::Field, Type::Str);
        let number = ("n", Role::Field, Type::U32);
        let all = [
            (sites::REQUEST, "request", with(&["id", "parent"], Some(path)), SpanEvent::New),
            (
                sites::QUERY,
                "query",
                with(&["id", "parent", "depth"], Some(number)),
                SpanEvent::NewEntered,
            ),
            (sites::ENTER, "enter", with(&["id", "depth"], None), SpanEvent::Enter),
            (sites::EXIT, "exit", with(&["id", "depth"], None), SpanEvent::Exit),
            (sites::CLOSE, "close", with(&["id"], None), SpanEvent::Close),
            (sites::EXIT_CLOSE, "close", with(&["id", "depth"], None), SpanEvent::ExitClose),
            (
                sites::RECORD,
                "record",
                with(&["id"], Some(("status", Role::Field, Type::U32))),
                SpanEvent::Record,
            ),
            (sites::FOLLOWS, "follows", with(&["id", "other"], None), SpanEvent::Follows),
            (
                sites::OF,
                "of {1}",
                with(&["id"], Some(("n", Role::Argument, Type::U32))),
                SpanEvent::Of,
            ),
        ];
        let mut marks = Vec::new();
        for (id, template, slots, event) in all {
            let (level, target) = match id {
                sites::REQUEST | sites::QUERY | sites::RECORD => (Level::Info, "app::http"),
                sites::OF => (Level::Info, "app"),
                _ => (Level::Trace, EVENT_TARGET),
            };
            self.dump.call_site(site(id, level, target, Some(template), &slots));
            marks.push(SpanMark::new(id, event));
        }
        self.dump.frame_with(FrameKind::Spans, |out| SpanMark::encode_all(marks.into_iter(), out));
    }

    /// Writes the pending records.
    pub fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let rings: Vec<u32> = pending.keys().copied().collect();
        if rings.is_empty() {
            return;
        }
        if self.blocks == SpanBlocks::Groups {
            self.context(&rings, &pending);
            self.group(&pending);
        } else {
            for (ring, records) in &pending {
                self.context(&[*ring], &BTreeMap::from([(*ring, records.clone())]));
                match self.blocks {
                    SpanBlocks::Columns => self.dump.column_block(*ring, records),
                    SpanBlocks::Raw => self.dump.raw_block(*ring, records),
                    SpanBlocks::Packed | SpanBlocks::Groups => self.dump.block(*ring, records),
                }
                self.note(records);
            }
        }
        self.written.clone_from(&self.stacks);
        self.begun.clear();
    }

    /// Notes the statuses that are written.
    fn note(&mut self, records: &[Rec]) {
        for Rec(site, _, values) in records.iter().filter(|rec| rec.0 == sites::RECORD) {
            debug_assert_eq!(*site, sites::RECORD);
            let (id, status) = values.split_at(8);
            let id = u64::from_le_bytes(id.try_into().unwrap_or_default());
            self.statuses.insert(id, u32::from_le_bytes(status.try_into().unwrap_or_default()));
        }
    }

    /// Writes the context of a block: everything that it could need and that does not begin in it.
    fn context(&mut self, rings: &[u32], records: &BTreeMap<u32, Vec<Rec>>) {
        if !self.has_contexts {
            return;
        }
        let mut begun = Vec::new();
        let mut needed = Vec::new();
        let mut builder = ContextBuilder::default();
        for ring in rings {
            let stack = self.written.get(ring).cloned().unwrap_or_default();
            needed.extend(stack.iter().flat_map(|&id| self.lineage(id)));
            builder.put_part(*ring, &SpanStack::of(stack));
        }
        for Rec(site, _, values) in records.values().flatten() {
            if *site == sites::LOG {
                continue;
            }
            let word = |at: usize| {
                values
                    .get(at..at + 8)
                    .map_or(0, |of| u64::from_le_bytes(of.try_into().unwrap_or_default()))
            };
            needed.extend(self.lineage(word(0)));
            match *site {
                sites::REQUEST | sites::QUERY => begun.push(word(0)),
                sites::FOLLOWS => needed.extend(self.lineage(word(8))),
                _ => {}
            }
        }
        let mut defined = Vec::new();
        for id in needed {
            if begun.contains(&id) || defined.contains(&id) {
                continue;
            }
            defined.push(id);
            let Some(Truth { parent, site, packed, .. }) = self.spans.get(&id) else { continue };
            let mut status = Vec::new();
            if let Some(value) = self.statuses.get(&id) {
                let mut packed = Vec::new();
                stenolog_format::value::put_uint(&mut packed, u64::from(*value));
                SpanRecord { site: sites::RECORD, values: &packed }.encode(&mut status);
            }
            let records = SpanRecords::of(u64::from(!status.is_empty()), &status);
            let (parent, site) = (*parent, *site);
            builder.define(&SpanDefinition { id, parent, site, values: packed, records });
        }
        self.dump.frame_with(FrameKind::Context, |out| builder.finish(out));
    }

    fn group(&mut self, pending: &BTreeMap<u32, Vec<Rec>>) {
        let mut builder = BlockBuilder::default();
        builder.begin_group(Depth::Thorough);
        for (ring, records) in pending {
            let (position, number) = self.dump.place(*ring);
            builder.begin_part(*ring, position, number);
            for Rec(id, time, values) in records {
                let plan = SitePlan::new(self.dump.site_of(*id));
                let payload = [&time.to_le_bytes()[..], values].concat();
                let pushed = builder.push_planned(&plan, &payload);
                debug_assert!(pushed.is_ok(), "{pushed:?}");
            }
            let end = position + 32 * records.len() as u64;
            builder.end_part(end);
            self.dump.ring_at(*ring, end, number + records.len() as u64);
        }
        let mut payload = Vec::new();
        let before = self.dump.records();
        builder.finish_group(before, &mut payload, |plain, _, out| {
            out.extend_from_slice(plain);
            Codec::None
        });
        debug_assert!(BlockHeader::decode(&payload).is_some());
        self.dump.put_group(&payload);
        for records in pending.values() {
            self.note(records);
        }
    }
}
