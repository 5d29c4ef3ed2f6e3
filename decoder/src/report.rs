//! Reports as data: how [`Info`], [`Verification`], [`Summary`] and [`LeftRings`] serialize.
//!
//! Programs read the JSON of `steno info`, `verify` and `clean`, so the names, order and format of the fields
//! here are a contract. The Rust types may use other representations: nanoseconds instead of RFC 3339, bytes
//! instead of hexadecimal digits.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use chrono::{DateTime, SecondsFormat};
use serde::{Serialize, Serializer};
use stenolog_format::dictionary::Level;

use crate::dump::FrameCounts;
use crate::info::Info;
use crate::model::damage::Damage;
use crate::model::loss::LossKind;
use crate::model::state::Tail;
use crate::read::Summary;
use crate::rings::LeftRings;
use crate::verify::{RingVerification, Verification};

/// Serialized by its `Display`.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn path(path: &Path) -> Text<std::path::Display<'_>> {
    Text(path.display())
}

/// A time in UTC, to the nanosecond.
fn time(unix_ns: i64) -> String {
    DateTime::from_timestamp_nanos(unix_ns).to_rfc3339_opts(SecondsFormat::Nanos, true)
}

#[derive(Serialize)]
struct DamageReport<'a> {
    offset: u64,
    bytes: u64,
    cause: Text<&'a crate::DamageCause>,
}

impl Serialize for Damage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DamageReport { offset: self.offset, bytes: self.bytes, cause: Text(&self.cause) }
            .serialize(serializer)
    }
}

#[derive(Serialize)]
struct InfoReport<'a> {
    path: Text<std::path::Display<'a>>,
    bytes: u64,
    sealed: bool,
    writer_is_alive: Option<bool>,
    continues: Option<bool>,
    complete: bool,
    records: u64,
    spans: u64,
    recovered: u64,
    lost: u64,
    missing: u64,
    gone: u64,
    unreadable: u64,
    first: Option<String>,
    last: Option<String>,
    levels: Vec<&'static str>,
    threads: Vec<ThreadReport<'a>>,
    rings: u64,
    call_sites: u64,
    formatting_call_sites: u64,
    blocks: BlocksReport,
    clock_pairs: u64,
    counter_hz: u64,
    process_id: u32,
    session: String,
    sequence: u32,
    created: String,
    version: Text<crate::format::frame::Version>,
    frames: FrameCounts,
    damage: &'a [Damage],
}

#[derive(Serialize)]
struct ThreadReport<'a> {
    ring: u32,
    os_id: u64,
    name: &'a str,
}

#[derive(Serialize)]
struct BlocksReport {
    raw: u64,
    packed: u64,
    bytes: u64,
}

impl Serialize for Info {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [raw, packed] = self.blocks_by_encoding;
        let threads = self.threads.iter().map(|thread| ThreadReport {
            ring: thread.ring,
            os_id: thread.os_id,
            name: &thread.name,
        });
        InfoReport {
            path: path(&self.file),
            bytes: self.bytes,
            sealed: self.tail == Tail::Sealed,
            writer_is_alive: self.writer_is_alive,
            continues: self.continues,
            complete: self.is_complete(),
            records: self.records,
            spans: self.spans,
            recovered: self.recovered,
            lost: self.lost,
            missing: self.missing,
            gone: self.gone,
            unreadable: self.unreadable,
            first: self.unix_ns.map(|(first, _)| time(first)),
            last: self.unix_ns.map(|(_, last)| time(last)),
            levels: self.levels.iter().map(|&level| Level::as_str(level)).collect(),
            threads: threads.collect(),
            rings: self.rings,
            call_sites: self.call_sites,
            formatting_call_sites: self.formatting_call_sites,
            blocks: BlocksReport { raw, packed, bytes: self.block_bytes },
            clock_pairs: self.clock_pairs,
            counter_hz: self.counter_hz,
            process_id: self.process_id,
            session: self.session_hex(),
            sequence: self.sequence,
            created: time(self.created_unix_ns),
            version: Text(self.version),
            frames: self.frames,
            damage: &self.damage,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct VerificationReport<'a> {
    path: Text<std::path::Display<'a>>,
    complete: bool,
    intact: bool,
    sealed: bool,
    writer_is_alive: Option<bool>,
    bytes: u64,
    frames: u64,
    blocks: u64,
    rings: usize,
    by_ring: &'a [RingVerification],
    recovered: u64,
    records: u64,
    spans: u64,
    lost: u64,
    missing: u64,
    losses: BTreeMap<LossName, u64>,
    gone: u64,
    damage: &'a [Damage],
}

#[derive(Serialize)]
struct SummaryReport<'a> {
    complete: bool,
    records: u64,
    shown: u64,
    recovered: u64,
    duplicates: u64,
    lost: u64,
    missing: u64,
    losses: BTreeMap<LossName, u64>,
    unfinished: Vec<Text<std::path::Display<'a>>>,
    damage: Vec<FileDamage<'a>>,
}

/// Damage of one of several files.
#[derive(Serialize)]
struct FileDamage<'a> {
    path: Text<std::path::Display<'a>>,
    #[serde(flatten)]
    damage: &'a Damage,
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let damage = self.damage.iter();
        SummaryReport {
            complete: self.is_complete(),
            records: self.records,
            shown: self.shown,
            recovered: self.recovered,
            duplicates: self.duplicates,
            lost: self.lost,
            missing: self.missing,
            losses: loss_names(&self.by_cause),
            unfinished: self.unfinished.iter().map(|file| path(file)).collect(),
            damage: damage.map(|damage| FileDamage { path: path(&damage.file), damage }).collect(),
        }
        .serialize(serializer)
    }
}

fn loss_names(by_cause: &BTreeMap<LossKind, u64>) -> BTreeMap<LossName, u64> {
    by_cause.iter().map(|(&kind, &count)| (LossName(kind), count)).collect()
}

/// The name of a loss as a key, in the order of the kinds.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LossName(LossKind);

impl Serialize for LossName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl Serialize for Verification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        VerificationReport {
            path: path(&self.file),
            complete: self.is_complete(),
            intact: self.is_intact(),
            sealed: self.tail == Tail::Sealed,
            writer_is_alive: self.writer_is_alive,
            bytes: self.bytes,
            frames: self.frames,
            blocks: self.blocks,
            rings: self.rings.len(),
            by_ring: &self.rings,
            recovered: self.recovered,
            records: self.records,
            spans: self.spans,
            lost: self.lost,
            missing: self.missing,
            losses: loss_names(&self.by_cause),
            gone: self.gone,
            damage: &self.damage,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct RingReport {
    ring: u32,
    complete: bool,
    records: u64,
    first_record: u64,
    next_record: u64,
    position: u64,
    end_position: u64,
    lost: u64,
    missing: u64,
}

impl Serialize for RingVerification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RingReport {
            ring: self.ring,
            complete: self.is_complete(),
            records: self.records,
            first_record: self.first_record,
            next_record: self.next_record,
            position: self.position,
            end_position: self.end_position,
            lost: self.lost,
            missing: self.missing,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct LeftRingsReport<'a> {
    rings: Text<std::path::Display<'a>>,
    dump: Option<Text<std::path::Display<'a>>>,
    state: &'static str,
    why: Text<&'a crate::LeftState>,
    unread: Option<u64>,
    bytes: u64,
    age_s: Option<u64>,
}

impl Serialize for LeftRings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        LeftRingsReport {
            rings: path(&self.path),
            dump: self.dump.as_deref().map(path),
            state: self.state.as_str(),
            why: Text(&self.state),
            unread: self.state.unread_records(),
            bytes: self.bytes,
            age_s: self.age.map(|age| age.as_secs()),
        }
        .serialize(serializer)
    }
}
