//! Blocks of several rings are read as if each ring had its own.

use stenolog_testkit::{GroupModel, KindModel};

use super::*;
use crate::model::damage::DamageCause;
use crate::testing::render;
use crate::{Refresh, info, verify};

/// The same records twice: in groups, and in blocks of one ring each.
fn pair(seed: u64, groups: u64) -> [DumpBuilder; 2] {
    let kinds = KindModel::random(seed);
    let mut both = [DumpBuilder::bare(1, 0), DumpBuilder::bare(1, 0)];
    for builder in &mut both {
        builder.call_sites(kinds.iter().map(KindModel::call_site).collect());
        builder.clock(0, START);
    }
    let mut ends = BTreeMap::new();
    let [grouped, plain] = &mut both;
    for n in 0..groups {
        let mut group = GroupModel::of_kinds(&kinds, seed.wrapping_add(n));
        group.follow(&mut ends);
        grouped.group(&group, seed ^ n);
        plain.ungrouped(&group);
    }
    both
}

fn sealed(seed: u64, groups: u64) -> [Dump; 2] {
    pair(seed, groups).map(|mut builder| {
        builder.seal(0);
        builder.dump()
    })
}

#[test]
fn groups_are_read_as_blocks_of_one_ring_each() {
    let literals = ["ord-", "text 1"].map(|literal| regex::Regex::new(literal).unwrap());
    for seed in 0..60 {
        let [grouped, plain] = sealed(seed * 1000, 1 + seed % 5);
        let found = verify(&grouped);
        assert!(found.is_complete(), "seed {seed}: {:?}", found.damage);
        assert_eq!(found.rings, verify(&plain).rings, "seed {seed}");
        let (of_grouped, of_plain) = (info(&grouped), info(&plain));
        assert_eq!(
            (of_grouped.records, of_grouped.rings, of_grouped.unix_ns, of_grouped.is_complete()),
            (of_plain.records, of_plain.rings, of_plain.unix_ns, true),
            "seed {seed}"
        );
        assert_eq!(of_grouped.frames.block, 1 + seed % 5);
        assert_eq!(of_grouped.blocks_by_encoding, [0, 1 + seed % 5]);
        let [grouped, plain] = [[grouped], [plain]];
        let filters = [
            Filter::default(),
            Filter::default().with_grep(literals[0].clone()),
            Filter::default().with_grep(literals[1].clone()),
            Filter::default().with_since(START + 1_010_000),
            Filter::default().with_field("v0=77".parse().unwrap()),
            Filter::default().with_thread("ring-203"),
        ];
        for filter in filters {
            let (text, summary) = render(&grouped, filter.clone(), Format::Json);
            assert_eq!(text, render(&plain, filter, Format::Json).0, "seed {seed}");
            assert!(summary.is_complete(), "seed {seed}: {summary:?}");
        }
    }
}

#[test]
fn a_damaged_group_costs_its_own_records_in_each_of_its_rings() {
    let [mut builder, _] = pair(5000, 1);
    let kinds = KindModel::random(5000);
    let mut group = GroupModel::of_kinds(&kinds, 5001);
    let mut ends = BTreeMap::new();
    GroupModel::of_kinds(&kinds, 5000).follow(&mut ends);
    group.follow(&mut ends);
    let (parts, records) =
        (group.parts.len(), group.parts.iter().map(|part| part.records.len()).sum::<usize>());
    assert!(parts > 1, "the seed gives several parts");
    let at = builder.bytes().len();
    builder.group(&group, 1);
    builder.bytes_mut()[at + 24 + 72 + 90] ^= 0x10;
    builder.seal(0);
    let dumps = [builder.dump()];
    let found = verify(&dumps[0]);
    let of_group = |cause: &DamageCause| matches!(cause, DamageCause::Checksum { kind: "block" });
    assert_eq!(found.damage.iter().filter(|damage| of_group(&damage.cause)).count(), 1);
    let (_, summary) = messages(&dumps, Filter::default());
    assert_eq!(summary.damage.iter().filter(|damage| of_group(&damage.cause)).count(), 1);
    for by_cause in [&found.by_cause, &summary.by_cause] {
        assert_eq!(by_cause, &BTreeMap::from([(LossKind::BadChecksum, records as u64)]));
    }
}

#[test]
fn a_group_of_a_later_version_is_named_for_each_ring() {
    let [mut builder, _] = pair(5000, 1);
    let kinds = KindModel::random(5000);
    let mut group = GroupModel::of_kinds(&kinds, 5001);
    group.follow(&mut BTreeMap::new());
    let mut payload = group.payload(1);
    // The codec of the header, which groups do not use.
    payload[5] = 9;
    builder.put_group(&payload);
    builder.seal(0);
    let (_, summary) = messages(&[builder.dump()], Filter::default());
    let named = |damage: &crate::Damage| damage.to_string().contains("use a newer steno");
    assert!(summary.damage.iter().any(named), "{:?}", summary.damage);
}

#[test]
fn every_beginning_of_a_dump_with_groups_has_a_beginning_of_each_rings_records() {
    let [builder, _] = pair(77_000, 3);
    let whole = builder.bytes();
    let (text, _) = messages(&[builder.dump()], Filter::default());
    let mut before = 0;
    for length in (88..=whole.len()).filter(|length| length % 7 == 0 || *length == whole.len()) {
        let Ok(dump) = Dump::from_bytes("cut.steno", whole[..length].to_vec()) else { continue };
        let found = verify(&dump);
        let (cut, summary) = messages(&[dump], Filter::default());
        assert!(summary.records >= before, "{length} bytes");
        assert_eq!(found.records, summary.records, "{length} bytes");
        before = summary.records;
        let shown = cut.lines().filter(|line| !line.contains("lost"));
        let all: Vec<_> = text.lines().collect();
        assert!(shown.into_iter().all(|line| all.contains(&line)), "{length} bytes");
    }
    assert_eq!(before as usize, text.lines().count());
}

#[test]
fn a_growing_dump_with_groups_gives_each_record_once() {
    let [builder, _] = pair(31_000, 5);
    let whole = builder.bytes();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let first = builder.dump().blocks().get(0).unwrap().offset as usize;
    std::fs::write(&path, &whole[..first]).unwrap();
    let mut dump = Dump::open(&path).unwrap();
    let mut decoder = Decoder::new(dump.clone());
    let mut records = 0;
    for length in (first..=whole.len()).step_by(50).chain([whole.len()]) {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(dump.refresh().unwrap(), Refresh::Grown { .. } | Refresh::Unchanged));
        assert!(decoder.update(0, dump.clone()));
        let _ = decoder.for_each(|entry| {
            records += u64::from(matches!(entry, Entry::Record(_)));
            ControlFlow::Continue(())
        });
    }
    assert_eq!(records, verify(&builder.dump()).records);
    assert_eq!(decoder.summary().duplicates, 0);
}

#[test]
fn groups_are_rewritten_and_recovered_with_all_their_records() {
    for seed in [3000, 4000, 9000] {
        let [grouped, _] = sealed(seed, 4);
        let expected = render(std::slice::from_ref(&grouped), Filter::default(), Format::Json).0;
        let (mut repacked, mut recovered) = (Vec::new(), Vec::new());
        crate::repack(&grouped, 3, &mut repacked).unwrap();
        crate::recover(&[grouped], &mut recovered).unwrap();
        for bytes in [repacked, recovered] {
            let dump = Dump::from_bytes("test.steno", bytes).unwrap();
            assert!(verify(&dump).is_complete(), "{:?}", verify(&dump).damage);
            let (text, _) = render(&[dump], Filter::default(), Format::Json);
            assert_eq!(text, expected, "seed {seed}");
        }
    }
}
