//! Compressed blocks read as they were written, and summaries say what blocks hold.

use stenolog_format::block::{BlockBuilder, BlockHeader, Codec};
use stenolog_format::frame::{FrameHeader, FrameKind};
use stenolog_format::summary::{BlockSummary, SummaryBuilder};
use stenolog_format::types::Type;
use stenolog_tests::second_reader::{Reading, values};

use crate::{dump, every_type, payload, sealed, site};

/// A dump of one block with a thousand records, whose body is `stored` in place of what it was.
fn compressed(codec: Codec, stored: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let site = site(16, Type::U16);
    let mut dump = dump();
    dump.call_site(site.clone());
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    for n in 0..1000_u16 {
        builder.push(&site, &payload(n.into(), &n.to_le_bytes())).unwrap();
    }
    let mut block = Vec::new();
    let header = BlockHeader { codec: codec.number(), ..builder.finish(24_000, &mut block) };
    dump.frame_with(FrameKind::Block, |out| {
        out.extend(header.encode());
        out.extend(stored(&block[BlockHeader::BYTES..]));
    });
    sealed(dump)
}

#[test]
fn compressed_blocks_read_as_they_were_written() {
    let all: Vec<_> = (0..1000).map(|n: u16| n.to_string()).collect();
    let lines = Reading::of_bytes(&compressed(Codec::Lz4, lz4_flex::block::compress)).whole();
    assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), all);
    let zstd = |body: &[u8]| zstd::bulk::compress(body, 1).unwrap();
    let reading = Reading::of_bytes(&compressed(Codec::Zstd, zstd));
    if reading.complaints.contains("this Python does not have") {
        // The records are passed over, and named.
        assert!(reading.complaints.contains("1000 records"), "{}", reading.complaints);
        assert_eq!((reading.lines.len(), reading.code), (0, Some(3)));
    } else {
        let lines = reading.whole();
        assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), all);
    }
}

#[test]
fn a_compressed_body_that_is_not_what_it_says_is_damage() {
    #[track_caller]
    fn check(stored: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let bytes = compressed(Codec::Lz4, |body| stored(lz4_flex::block::compress(body)));
        let reading = Reading::of_bytes(&bytes);
        assert_eq!((reading.lines.len(), reading.code), (0, Some(3)), "{}", reading.complaints);
        assert!(reading.complaints.contains("1000 records"), "{}", reading.complaints);
    }
    check(|stored| stored[..stored.len() / 2].to_vec()); // cut
    check(|_| vec![]);
    check(|_| lz4_flex::block::compress(b"shorter"));
    check(|_| lz4_flex::block::compress(&[16; 100_000])); // longer
    check(|_| vec![0x1f, 16, 0, 0, 255, 255, 0]); // a match before the beginning
}

/// A dump with a block of every type and of many texts, and the summary that a writer makes of it, as
/// `change` has it.
fn summed_up(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let rows = every_type();
    let mut sites: Vec<_> = (16..).zip(&rows).map(|(id, (ty, ..))| site(id, ty.clone())).collect();
    let texts: Vec<_> = (0..500).map(|n| format!("/v1/{}/\u{17f}{}", n * 7919, n % 7)).collect();
    sites.push(site(500, Type::Str));
    let mut dump = dump();
    dump.call_sites(sites.to_vec());
    let mut builder = BlockBuilder::default();
    let mut summary = SummaryBuilder::default();
    builder.begin_columns(1, 64, 0);
    let values = rows.iter().map(|(_, raw, _)| raw.clone());
    let long = texts.iter().map(|t| [&(t.len() as u32).to_le_bytes(), t.as_bytes()].concat());
    let last = sites.len() - 1;
    for (n, raw) in values.chain(long).enumerate() {
        let site = &sites[n.min(last)];
        builder.push(site, &payload(n as u64, &raw)).unwrap();
        summary.note(site.id, &raw, || site.has_text());
    }
    let block = dump.frame_with(FrameKind::Block, |out| _ = builder.finish(4096, out));
    let crc = FrameHeader::decode(&dump.bytes()[block as usize..]).unwrap().payload_crc;
    let mut said = Vec::new();
    summary.encode(crc, &mut said);
    change(&mut said);
    dump.frame_with(FrameKind::Summary, |out| out.extend(said));
    sealed(dump)
}

#[test]
fn a_summary_says_no_less_than_the_block_holds() {
    assert_eq!(Reading::of_bytes(&summed_up(|_| ())).whole().len(), every_type().len() + 500);
    // One of another block says nothing.
    let _ = Reading::of_bytes(&summed_up(|summary| summary[..4].fill(0))).whole();
    let lacks = |change: fn(&mut Vec<u8>)| {
        let reading = Reading::of_bytes(&summed_up(change));
        assert!(reading.complaints.contains("summary lacks"), "{}", reading.complaints);
    };
    // The mark of the letters that fold, a byte of the filter, and the last call site.
    lacks(|summary| summary[8] = 0);
    lacks(|summary| {
        let at = summary[16..].iter().position(|&byte| byte != 0).unwrap();
        summary[16 + at] = 0;
    });
    lacks(|summary| *summary.last_mut().unwrap() -= 1);
    let mut sites = 0;
    summed_up(|summary| sites = BlockSummary::decode(summary).unwrap().sites().flatten().count());
    assert_eq!(sites, every_type().len() + 1);
}
