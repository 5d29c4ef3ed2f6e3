//! The example of `FORMAT.md` reads as it says there, whole and torn.

use stenolog_tests::second_reader::Reading;

use crate::UNIX_NS;

/// The bytes of the example in the specification.
fn example() -> Vec<u8> {
    let text = include_str!("../../../FORMAT.md");
    let (_, text) = text.split_once("## 13. An example").expect("the specification has an example");
    let (_, text) = text.split_once("```text\n").expect("which is a block of text");
    let (text, _) = text.split_once("```").expect("that ends");
    let bytes = text.lines().flat_map(|line| line[5..52].split_whitespace());
    bytes.map(|byte| u8::from_str_radix(byte, 16).expect("a byte in hexadecimal")).collect()
}

#[test]
fn the_example_of_the_specification_reads_as_it_says() {
    let lines = Reading::of_bytes(&example()).whole();
    assert_eq!(
        lines,
        [(1500, "300"), (1480, "null")].map(|(time, value)| format!(
            r#"{{"ring":1,"thread":"main","level":"INFO","target":"app","time_raw":{time},"unix_ns":{},"template":"fill {{0}}","names":["qty"],"values":[{value}]}}"#,
            UNIX_NS + time - 1000
        ))
    );
}

#[test]
fn every_torn_write_shows_what_the_specification_says() {
    let whole = example();
    let lines = Reading::of_bytes(&whole).whole();
    #[track_caller]
    fn check(bytes: &[u8], code: i32, records: &[String]) {
        let reading = Reading::of_bytes(bytes);
        assert_eq!(
            (reading.code, &reading.lines[..]),
            (Some(code), records),
            "{}",
            reading.complaints
        );
        assert_ne!(reading.complaints, "");
        // The first reader must come to the same end.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        if code == 3 {
            let (entries, summary) = stenolog_tests::read(file.path());
            // Which also says, in an entry of its own, what is missing.
            let shown = entries.iter().filter(|entry| entry["target"] != "stenolog").count();
            assert_eq!(shown, records.len(), "{entries:?}");
            assert!(!summary.is_complete(), "{summary:?}");
        } else {
            assert!(stenolog_decoder::Dump::open(file.path()).is_err());
        }
    }
    let zeros = |at: usize, length: usize| {
        let mut bytes = whole[..at].to_vec();
        bytes.resize(length, 0);
        bytes
    };
    // The block's frame is at d0, its body at 130; the records end at 138 and 13c; the end frame is at 140.
    check(&whole[..0], 1, &[]);
    check(&whole[..5], 1, &[]);
    check(&whole[..63], 1, &[]);
    check(&whole[..64], 3, &[]);
    check(&whole[..0x60], 3, &[]); // a cut clock frame
    check(&whole[..0xd0], 3, &[]); // between frames
    check(&whole[..0xd5], 3, &[]); // in a frame header
    check(&whole[..0x120], 3, &[]); // in the header of a block
    check(&whole[..0x137], 3, &[]);
    check(&whole[..0x138], 3, &lines[..1]);
    check(&whole[..0x13b], 3, &lines[..1]);
    check(&whole[..0x13c], 3, &lines); // in the padding
    check(&whole[..0x140], 3, &lines);
    check(&whole[..0x170], 3, &lines); // a cut end
    check(&zeros(0x140, 0x1000), 3, &lines);
    check(&zeros(0x14a, 0x1000), 3, &lines);
    check(&zeros(0x138, 0x1000), 3, &[]); // the block has a wrong checksum
    check(&zeros(0x138, 0x13a), 3, &lines[..1]); // the block is cut, in zeros
    // A hole in the middle: the block after it is found, and its call site is not.
    let mut hole = whole.clone();
    hole[0x93] = 0;
    check(&hole, 3, &[]);
}
