//! Dumps of every version of the format read for ever as they did when they were written.
//!
//! `golden/README.md` says where they come from.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stenolog_decoder::format::frame::VERSION;
use stenolog_decoder::{
    Decoder, Dump, Entry, Format, Limits, RenderOptions, Renderer, RingDir, Tail, info_with,
    repack, verify, verify_with,
};
use stenolog_tests::second_reader::{Reading, parse};

/// A dump, without its extension, and what a reader must find in it.
struct Golden {
    name: &'static str,
    records: u64,
    tail: Ends,
    /// Records that the logger could not record.
    lost: u64,
    /// Records that went with an earlier file.
    gone: u64,
    /// Records that only the rings have.
    recovered: u64,
}

/// How a dump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Sealed,
    Unfinished,
    Torn,
}

use Ends::{Sealed, Torn, Unfinished};

const fn golden(name: &'static str, records: u64, tail: Ends) -> Golden {
    Golden { name, records, tail, lost: 0, gone: 0, recovered: 0 }
}

impl Golden {
    const fn lost(self, lost: u64) -> Self {
        Self { lost, ..self }
    }

    const fn gone(self, gone: u64) -> Self {
        Self { gone, ..self }
    }

    const fn recovered(self, recovered: u64) -> Self {
        Self { recovered, ..self }
    }
}

const GOLDEN: &[Golden] = &[
    golden("1.0/losses", 151, Sealed).lost(57),
    golden("1.0/specs", 13, Sealed),
    golden("1.0/threads", 21, Sealed),
    golden("1.0/torn", 59, Torn),
    golden("1.0/unsealed", 60, Unfinished),
    golden("1.0/values", 157, Sealed),
    golden("1.1/deleted", 3, Sealed).gone(7),
    golden("1.1/killed/killed", 42, Unfinished).lost(1).recovered(22),
    golden("1.1/losses", 237, Sealed).lost(171),
    golden("1.1/specs", 13, Sealed),
    golden("1.1/threads", 21, Sealed),
    golden("1.1/torn", 59, Torn),
    golden("1.1/unsealed", 60, Unfinished),
    golden("1.1/values", 157, Sealed),
    golden("1.2/adaptive", 151, Sealed),
    golden("1.2/deleted", 3, Sealed).gone(7),
    golden("1.2/exported", 151, Sealed),
    golden("1.2/fast", 151, Sealed),
    golden("1.2/killed/killed", 42, Unfinished).lost(1).recovered(22),
    golden("1.2/losses", 151, Sealed).lost(57),
    golden("1.2/none", 151, Sealed),
    golden("1.2/specs", 13, Sealed),
    golden("1.2/threads", 21, Sealed),
    golden("1.2/torn", 30, Torn),
    golden("1.2/unsealed", 60, Unfinished),
    golden("1.2/values", 157, Sealed),
    golden("1.3/adaptive", 151, Sealed),
    golden("1.3/collections", 4, Sealed),
    golden("1.3/deleted", 3, Sealed).gone(7),
    golden("1.3/exchanged", 3, Sealed),
    golden("1.3/exported", 151, Sealed),
    golden("1.3/fast", 151, Sealed),
    golden("1.3/killed/killed", 42, Unfinished).lost(1).recovered(22),
    golden("1.3/losses", 151, Sealed).lost(57),
    golden("1.3/none", 151, Sealed),
    golden("1.3/specs", 13, Sealed),
    golden("1.3/threads", 21, Sealed),
    golden("1.3/torn", 30, Torn),
    golden("1.3/unsealed", 60, Unfinished),
    golden("1.3/values", 157, Sealed),
    golden("1.3/volatile", 5, Unfinished),
    golden("1.4/adaptive", 151, Sealed),
    golden("1.4/collections", 4, Sealed),
    golden("1.4/deleted", 3, Sealed).gone(7),
    golden("1.4/exchanged", 3, Sealed),
    golden("1.4/exported", 151, Sealed),
    golden("1.4/fast", 151, Sealed),
    golden("1.4/grouped", 322, Sealed),
    golden("1.4/killed/killed", 42, Unfinished).lost(1).recovered(22),
    golden("1.4/losses", 344, Sealed).lost(64),
    golden("1.4/none", 151, Sealed),
    golden("1.4/repacked", 322, Sealed),
    golden("1.4/specs", 13, Sealed),
    golden("1.4/threads", 21, Sealed),
    golden("1.4/torn", 30, Torn),
    golden("1.4/unsealed", 60, Unfinished),
    golden("1.4/values", 157, Sealed),
    golden("1.4/volatile", 5, Unfinished),
    golden("1.5/adaptive", 151, Sealed),
    golden("1.5/collections", 4, Sealed),
    golden("1.5/deleted", 3, Sealed).gone(7),
    golden("1.5/exchanged", 3, Sealed),
    golden("1.5/exported", 151, Sealed),
    golden("1.5/fast", 151, Sealed),
    golden("1.5/grouped", 322, Sealed),
    golden("1.5/killed/killed", 42, Unfinished).lost(1).recovered(22),
    golden("1.5/losses", 151, Sealed).lost(57),
    golden("1.5/none", 151, Sealed),
    golden("1.5/packages", 73, Sealed),
    golden("1.5/repacked", 322, Sealed),
    golden("1.5/spans", 198, Sealed),
    golden("1.5/spans_killed/spans_killed", 7, Unfinished).recovered(6),
    golden("1.5/spans_repacked", 198, Sealed),
    golden("1.5/specs", 13, Sealed),
    golden("1.5/threads", 21, Sealed),
    golden("1.5/torn", 30, Torn),
    golden("1.5/unsealed", 60, Unfinished),
    golden("1.5/values", 157, Sealed),
    golden("1.5/volatile", 5, Unfinished),
];

/// A golden dump, and the rings beside it.
struct Opened {
    dump: Dump,
    rings: Option<Dump>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

impl Golden {
    fn path(&self) -> PathBuf {
        folder().join(format!("{}.steno", self.name))
    }

    fn open(&self) -> Opened {
        let dump = Dump::open(self.path()).unwrap();
        let entries = fs::read_dir(self.path().parent().unwrap()).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        let rings = paths.find(|path| path.extension().is_some_and(|of| of == "rings"));
        let rings = rings.map(|path| {
            let dir = RingDir::open(path).unwrap();
            dir.read(Some(&dump), &Limits::default()).unwrap().dump
        });
        Opened { dump, rings }
    }

    /// What was printed of it when it was written, if this was kept.
    fn printed(&self, extension: &str) -> Option<String> {
        fs::read_to_string(folder().join(format!("{}.{extension}", self.name))).ok()
    }
}

impl Opened {
    fn dumps(self) -> Vec<Dump> {
        // A reader of rings and file reads the rings first.
        self.rings.into_iter().chain([self.dump]).collect()
    }
}

fn render(dumps: &[Dump], format: Format) -> String {
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut text = String::new();
    let _ = Decoder::new(dumps).for_each(|entry| {
        renderer.write(entry, &mut text);
        ControlFlow::Continue(())
    });
    text
}

/// Compares line by line, as a whole file says too little.
#[track_caller]
fn same(what: &str, found: &str, expected: &str) {
    for (n, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{what}, line {}", n + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{what}");
}

#[test]
fn every_dump_prints_as_it_did() {
    for golden in GOLDEN {
        let dumps = golden.open().dumps();
        let forms =
            [("txt", Format::Short), ("verbose.txt", Format::Verbose), ("json", Format::Json)];
        for (extension, format) in forms {
            let found = render(&dumps, format);
            let Some(expected) = golden.printed(extension) else { continue };
            same(&format!("{}.{extension}", golden.name), &found, &expected);
        }
        assert!(golden.printed("txt").is_some() && golden.printed("json").is_some());
    }
}

#[test]
fn every_dump_holds_what_it_held() {
    for golden in GOLDEN {
        let Opened { dump, rings } = golden.open();
        let found = verify_with(&dump, rings.as_ref());
        let tail = match dump.tail() {
            Tail::Sealed => Sealed,
            Tail::Unfinished => Unfinished,
            _ => Torn,
        };
        let name = golden.name;
        assert_eq!((found.records, tail), (golden.records, golden.tail), "{name}: {found:?}");
        assert_eq!(
            (found.lost, found.missing, found.gone, found.recovered),
            (golden.lost, 0, golden.gone, golden.recovered),
            "{name}: {found:?}"
        );
        assert_eq!(found.damage, [], "{name}");
        let info = info_with(&dump, rings.as_ref());
        let minor = name.strip_prefix("1.").unwrap().split('/').next().unwrap();
        assert_eq!((info.version.major, info.version.minor), (1, minor.parse().unwrap()));
        assert_eq!((info.lost, info.gone), (golden.lost, golden.gone), "{name}");
    }
}

/// The file alone: what is still in rings or in a tail stays there.
#[test]
fn every_dump_prints_the_same_after_it_was_repacked() {
    for golden in GOLDEN {
        let name = golden.name;
        let bytes = fs::read(golden.path()).unwrap();
        let dump = Dump::from_bytes("golden.steno", bytes).unwrap();
        let (mut out, mut again) = (Vec::new(), Vec::new());
        repack(&dump, 19, &mut out).unwrap();
        let packed = Dump::from_bytes("repacked.steno", out).unwrap();
        repack(&packed, 3, &mut again).unwrap();
        let again = Dump::from_bytes("repacked.steno", again).unwrap();
        assert_eq!(packed.header().version, VERSION, "{name}");
        let before = verify(&dump);
        for packed in [&packed, &again] {
            let found = verify(packed);
            assert_eq!(
                (found.records, found.lost, found.missing, found.gone),
                (before.records, before.lost, before.missing, before.gone),
                "{name}: {found:?}"
            );
            assert!(found.damage.is_empty(), "{name}: {found:?}");
        }
        let dumps = [dump];
        for (extension, format) in [("txt", Format::Short), ("json", Format::Json)] {
            let what = format!("{name}.{extension}, repacked");
            // What was printed when the dump was written, if the file alone has it all.
            let printed = golden.printed(extension).filter(|_| golden.recovered == 0);
            let mut expected = printed.unwrap_or_else(|| render(&dumps, format));
            if matches!(golden.tail, Torn) {
                // The records of the cut frame that can be read stay, and the frame that was cut does not.
                let lines = expected.lines().filter(|line| !line.contains("their frame is cut"));
                expected = lines.collect::<Vec<_>>().join("\n");
            }
            same(&what, &render(std::slice::from_ref(&packed), format), &expected);
            same(&what, &render(std::slice::from_ref(&again), format), &expected);
        }
    }
}

/// The table is complete, and so is the history of the format.
#[test]
fn every_version_is_there() {
    let mut names = BTreeSet::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_rings = path.extension().is_some_and(|of| of == "rings");
            if path.is_dir() && !is_rings {
                folders.push(path);
            } else if path.extension().is_some_and(|of| of == "steno") {
                let name = path.strip_prefix(self::folder()).unwrap().with_extension("");
                names.insert(name.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let in_table: BTreeSet<_> = GOLDEN.iter().map(|golden| golden.name.to_owned()).collect();
    assert_eq!(names, in_table);
    for minor in 0..=VERSION.minor {
        let of_version = format!("{}.{minor}/", VERSION.major);
        assert!(names.iter().any(|name| name.starts_with(&of_version)), "{of_version}");
    }
}

/// Whatever is cut off, the rest reads as a prefix of each ring's records.
#[test]
fn a_cut_dump_shows_a_part_of_what_the_whole_one_shows() {
    let records = |dumps: &[Dump]| {
        let mut records = BTreeSet::new();
        let _ = Decoder::new(dumps).for_each(|entry| {
            if let Entry::Record(record) = entry {
                let mut text = String::new();
                record.write_message(&mut text);
                records.insert((record.ring(), record.number(), text));
            }
            ControlFlow::Continue(())
        });
        records
    };
    for golden in GOLDEN {
        let bytes = fs::read(golden.path()).unwrap();
        let open = |bytes: &[u8]| Dump::from_bytes("cut.steno", bytes.to_vec());
        let whole = records(&[open(&bytes).unwrap()]);
        let mut shown = BTreeSet::new();
        // A prime, so cuts are at all offsets within words.
        for len in (0..bytes.len()).step_by((bytes.len() / 50) | 1).chain([bytes.len()]) {
            let Ok(dump) = open(&bytes[..len]) else {
                assert!(len < 64, "{} has no header at {len} bytes", golden.name);
                continue;
            };
            let _ = (info_with(&dump, None), verify_with(&dump, None));
            let found = records(&[dump]);
            assert!(found.is_superset(&shown), "{}: fewer records in {len} bytes", golden.name);
            shown = found;
            assert!(shown.is_subset(&whole), "{}: other records in {len} bytes", golden.name);
        }
        assert_eq!(shown, whole, "{}", golden.name);
    }
}

#[test]
fn the_second_reader_reads_every_version() {
    // Ring, level, target, thread and time of each record.
    type Row = (u64, String, String, String, i64);
    for golden in GOLDEN {
        let reading = Reading::of(&golden.path());
        if reading.complaints.contains("this Python does not have") {
            continue;
        }
        let text = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap().to_owned();
        let lines = reading.lines.iter().map(|line| parse(line));
        let mut found: Vec<Row> = lines
            .filter(|line| line.get("values").is_some())
            // Events of spans are no records to the first reader; 64 is a record with a parent of its own.
            .filter(|line| line["event"].as_u64().is_none_or(|event| event == 0 || event == 64))
            .map(|line| {
                let [level, target, thread] = ["level", "target", "thread"].map(|k| text(&line, k));
                let ring = line["ring"].as_u64().unwrap();
                (ring, level, target, thread, line["unix_ns"].as_i64().unwrap())
            })
            .collect();
        let mut expected: Vec<Row> = Vec::new();
        let dumps = [Dump::open(golden.path()).unwrap()];
        let _ = Decoder::new(&dumps).for_each(|entry| {
            if let Entry::Record(record) = entry {
                let (level, thread) = (record.level().to_string(), record.thread_name().to_owned());
                let target = record.call_site().target.to_string();
                expected.push((record.ring().into(), level, target, thread, record.unix_ns()));
            }
            ControlFlow::Continue(())
        });
        // In the order of each ring.
        found.sort_by_key(|row| row.0);
        expected.sort_by_key(|row| row.0);
        assert_eq!(found.len(), expected.len(), "{}: {}", golden.name, reading.complaints);
        for (mut found, expected) in found.into_iter().zip(expected) {
            // A time between two pairs of a clock is rounded.
            assert!(found.4.abs_diff(expected.4) <= 1, "{}: {found:?}", golden.name);
            found.4 = expected.4;
            assert_eq!(found, expected, "{}", golden.name);
        }
    }
}
