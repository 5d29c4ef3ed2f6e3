use super::*;

/// The summary of a block with a record of site 20 for each text, and one of sites 17 and 300, which
/// have none.
fn summary(texts: &[&str]) -> Vec<u8> {
    let mut builder = SummaryBuilder::default();
    let mut out = Vec::new();
    // Twice: nothing of the first block must be left in the second.
    for before in [Some("another text"), None] {
        builder.begin();
        for text in texts.iter().copied().chain(before) {
            builder.note(20, &[&[9, 0, 0, 0], text.as_bytes(), &[1, 2]].concat(), || true);
        }
        for id in [300, 17] {
            builder.note(id, b"this is text for none of them", || false);
        }
        out.clear();
        assert!(builder.is_whole());
        builder.encode(7, &mut out);
    }
    out
}

#[test]
fn what_the_block_holds_is_there() {
    let text = "Opened session with coordinator at tcp:host=10.0.9.225,port=00510";
    let long: Vec<String> = (0..3000).map(|n| format!("/v1/{n:05}/{}", n * 7919)).collect();
    let many: Vec<&str> = long.iter().map(String::as_str).chain([text]).collect();
    for texts in [&[text][..], &many] {
        let payload = summary(texts);
        let summary = BlockSummary::decode(&payload).unwrap();
        assert_eq!(summary.block_crc, 7);
        assert_eq!(summary.sites().collect::<Vec<_>>(), [Some(17), Some(20), Some(300)]);
        for text in texts {
            for length in 0..text.len() {
                assert!(summary.may_hold(&text.as_bytes()[length..]), "{text}");
                assert!(summary.may_hold(&text.to_uppercase().as_bytes()[..length]), "{text}");
            }
        }
        for absent in ["zanzibar-7731", "no such text", "QUOKKA", "host=10.0.9.226,port"] {
            assert!(!summary.may_hold(absent.as_bytes()), "{absent}");
        }
    }
}

#[test]
fn a_filter_is_as_long_as_its_text_needs() {
    let short = summary(&["one and the same"; 1000]);
    assert!(short.len() < 100, "{}", short.len());
    let none = summary(&[]);
    let none = BlockSummary::decode(&none).unwrap();
    assert!(!none.may_hold(b"text") && none.may_hold(b"tex"));
}

#[test]
fn letters_beyond_ascii_that_fold_into_it_are_told() {
    let check = |text: &str, expected: bool| {
        let payload = summary(&[text]);
        assert_eq!(BlockSummary::decode(&payload).unwrap().has_folds, expected, "{text:?}");
    };
    check("plain ks", false);
    check("größe ſ", true);
    check("ſ", true);
    check("ſtart", true);
    check("100 \u{212a}", true);
    check("\u{212a}", true);
    check("Åâ\u{2045}", false);
    let payload = summary(&["273 \u{212a}elvin"]);
    let summary = BlockSummary::decode(&payload).unwrap();
    // A `k` may be written otherwise.
    assert!(summary.may_hold(b"kelvin"));
    assert!(!summary.may_hold(b"another text"));
}

#[test]
fn what_is_no_summary_is_refused_and_a_broken_list_is_told() {
    let payload = summary(&["some text"]);
    for length in 0..payload.len() {
        if let Some(cut) = BlockSummary::decode(&payload[..length]) {
            assert_eq!(cut.sites().last(), Some(None), "{length}");
        }
    }
    let mut odd = payload.clone();
    odd[4] = 7;
    assert_eq!(BlockSummary::decode(&odd), None);
    let mut endless = payload.clone();
    let list = endless.len() - 5;
    endless[list] = 0x7f;
    assert_eq!(BlockSummary::decode(&endless).unwrap().sites().last(), Some(None));
}

#[test]
fn an_id_that_no_logger_gives_out_forbids_a_summary() {
    let mut builder = SummaryBuilder::default();
    builder.begin();
    builder.note(u32::MAX, b"text", || true);
    assert!(!builder.is_whole());
    builder.begin();
    assert!(builder.is_whole());
}

#[test]
fn columns_are_summed_up_as_their_records_are() {
    use crate::block::{BlockBuilder, SitePlan};
    use crate::dictionary::{Level, TimeSource, site};

    let site = |id, types: Vec<Type>| site(id, Level::Info, TimeSource::Counter, &types);
    let sites = [
        site(16, vec![Type::U64]),
        site(40, vec![Type::Slice(Box::new(Type::U8)), Type::Option(Box::new(Type::Str))]),
        site(17, vec![Type::Str, Type::U32, Type::Formatted]),
    ];
    let text = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let mut builder = BlockBuilder::default();
    builder.begin_columns(1, 0, 0);
    for n in 0..100_u32 {
        let values = [
            [7; 8].to_vec(),
            [&text("list of bytes")[..], &[1], &text(&format!("perhaps {n}"))].concat(),
            [text(&format!("peer-{n}")), vec![1; 4], text("Pa\u{17f}s")].concat(),
        ];
        for (site, values) in sites.iter().zip(values) {
            builder.push_planned(&SitePlan::new(site), &[vec![0; 8], values].concat()).unwrap();
        }
    }
    builder.push_loss(&[0; 88]).unwrap();
    let mut summaries = SummaryBuilder::default();
    let mut sum_up = |has_text| {
        let mut out = Vec::new();
        builder.sum_up(has_text, &mut summaries);
        assert!(summaries.is_whole());
        summaries.encode(3, &mut out);
        out
    };
    let whole = sum_up(true);
    let whole = BlockSummary::decode(&whole).unwrap();
    assert_eq!(whole.sites().collect::<Vec<_>>(), [Some(16), Some(17), Some(40)]);
    for there in ["peer-99", "perhaps 7", "perhaps 99", "pa\u{17f}s"] {
        assert!(whole.may_hold(there.as_bytes()), "{there}");
    }
    assert!(whole.has_folds && !whole.may_hold(b"brown"));
    let fast = sum_up(false);
    let fast = BlockSummary::decode(&fast).unwrap();
    assert_eq!(fast.sites().collect::<Vec<_>>(), [Some(16), Some(17), Some(40)]);
    assert!(fast.has_folds && fast.may_hold(b"brown"));
}

#[test]
fn digits_are_told_from_other_bytes() {
    for byte in 0..=u8::MAX {
        for at in 0..4 {
            let mut gram = *b"0fA9";
            gram[at] = byte;
            let expected = byte.is_ascii_hexdigit();
            assert_eq!(are_digits(u32::from_le_bytes(gram)), expected, "{byte:#x} at {at}");
        }
    }
}

#[test]
fn a_filter_without_digits_finds_all_else() {
    let mut builder = SummaryBuilder::default();
    builder.begin();
    builder.leave_digits_out();
    builder.note(20, b"order 20481234 of 9f86d081884c7d65 filled", || true);
    let mut payload = Vec::new();
    builder.encode(7, &mut payload);
    let summary = BlockSummary::decode(&payload).unwrap();
    for text in ["order 2048", "FILLED", "d65 fil", "deadbeef"] {
        assert!(summary.may_hold(text.as_bytes()), "{text}");
    }
    assert!(!summary.may_hold(b"order 9999 cancelled"));
}

#[test]
fn ranges_come_back() {
    let mut builder = SummaryBuilder::default();
    builder.begin();
    for site in [300, 20, 21] {
        builder.note(site, b"", || false);
    }
    let zigzag = |n: i64| (n << 1 ^ n >> 63) as u64;
    builder.note_integers(300, 5, false, &[7, u64::MAX, 3]);
    builder.note_integers(20, 0, true, &[zigzag(-4), zigzag(i64::MIN), zigzag(9)]);
    builder.note_integers(20, 2, false, &[8]);
    builder.note_integers(20, 3, false, &[]);
    // The same call site with times of another kind.
    builder.note_integers(20, 2, false, &[11, 9]);
    let mut payload = Vec::new();
    builder.encode(7, &mut payload);
    let ranges = BlockSummary::decode(&payload).unwrap().ranges();
    let range = |least, most| Some(IntegerRange { least, most });
    assert_eq!(ranges.get(300, 5), range(3, u64::MAX.into()));
    assert_eq!(ranges.get(20, 0), range(i64::MIN.into(), 9));
    assert_eq!(ranges.get(20, 2), range(8, 11));
    for (site, column) in [(20, 1), (20, 3), (21, 0), (300, 0)] {
        assert_eq!(ranges.get(site, column), None);
    }
    // Cut anywhere, it states less, and nothing that is wrong.
    for length in 0..payload.len() {
        let Some(cut) = BlockSummary::decode(&payload[..length]) else { continue };
        let cut = cut.ranges();
        for (site, column) in [(300, 5), (20, 0), (20, 2)] {
            assert!([None, ranges.get(site, column)].contains(&cut.get(site, column)));
        }
    }
}

/// The summary of a group with these texts.
fn summary_of_group(texts: &[String]) -> Vec<u8> {
    let (mut builder, mut out) = (SummaryBuilder::default(), Vec::new());
    builder.begin();
    builder.leave_digits_out();
    builder.note_site(20);
    for text in texts {
        builder.note_text(text.as_bytes());
        builder.note_ids(text.as_bytes());
    }
    builder.encode(7, &mut out);
    out
}

/// 128 bits that differ for each number.
fn id(n: u128) -> u128 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let product = (n + 1).wrapping_mul(ODD);
    (product ^ product >> 64).wrapping_mul(ODD)
}

#[test]
fn ids_of_a_group_are_found_wherever_they_begin_and_few_others() {
    let uuid = |n: u128| {
        let hex = format!("{:032X}", id(n));
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    };
    let text = |n: u128| match n % 4 {
        0 => format!("{:032x}", id(n)),
        1 => format!("of {} at once", uuid(n)),
        2 => format!("{:064x}{:037}", id(n), n),
        _ => format!("{:031x}", id(n) >> 4),
    };
    let texts: Vec<_> = (0..2000).map(text).collect();
    let payload = summary_of_group(&[&texts[..], &texts[..]].concat());
    let ids = BlockSummary::decode(&payload).unwrap().ranges_and_ids().1.unwrap();
    for text in &texts {
        let text = text.as_bytes();
        for length in [4, ID_BYTES - 1, ID_BYTES, ID_BYTES + 1, text.len()] {
            for part in text.windows(length) {
                assert!(ids.may_hold(part), "{}", String::from_utf8_lossy(part));
                assert!(ids.may_hold(&part.to_ascii_uppercase()));
                assert!(ids.may_hold(&part.to_ascii_lowercase()));
            }
        }
    }
    let others = 10_000..20_000;
    let wrong = others.filter(|n| ids.may_hold(format!("{:032x}", id(*n)).as_bytes())).count();
    assert!(wrong < 200, "{wrong} of 10000");
}

#[test]
fn a_group_without_ids_says_so_and_one_without_text_does_not() {
    let payload = summary_of_group(&["deadbeef".to_owned()]);
    let ids = BlockSummary::decode(&payload).unwrap().ranges_and_ids().1.unwrap();
    assert!(!ids.may_hold(&[b'7'; 32]) && ids.may_hold(&[b'7'; 31]));
    let (mut builder, mut out) = (SummaryBuilder::default(), Vec::new());
    builder.begin();
    builder.leave_digits_out();
    builder.leave_text_out();
    builder.note_integers(20, 0, true, &[7]);
    builder.note_site(20);
    builder.encode(7, &mut out);
    let summary = BlockSummary::decode(&out).unwrap();
    assert!(summary.ranges_and_ids().1.is_none() && summary.ranges().get(20, 0).is_some());
    for length in 0..payload.len() {
        let cut = BlockSummary::decode(&payload[..length]);
        assert!(cut.is_none_or(|cut| cut.ranges_and_ids().1.is_none()), "{length}");
    }
}
