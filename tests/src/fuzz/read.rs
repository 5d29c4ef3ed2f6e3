//! Everything that can be done with dumps, and what must hold whatever they are.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use stenolog_decoder::format::block::{BlockHeader, Codec, most_rows};
use stenolog_decoder::{
    Block, Decoder, Dump, Entry, Filter, Format, Level, Levels, Order, RenderOptions, Renderer,
    Summary, info, verify,
};

/// A record takes no fewer bytes than its tag, its length and its time.
const MIN_RECORD_BYTES: usize = 3;

/// Reading stops after this much text: a few bytes may ask for wide paddings, record by record.
const MAX_TEXT_BYTES: usize = 128 << 10;

/// Reads `dumps`, which were made of `bytes` bytes, in every way that there is.
///
/// # Panics
/// If the decoder breaks a promise.
pub(super) fn read(dumps: &[Dump], bytes: usize) {
    let blocks = dumps.iter().flat_map(Dump::blocks);
    let unpacked = blocks.map(|block| {
        let Block { header, payload_bytes, .. } = block;
        // Each body once, if a reader may decompress it.
        match Codec::from_number(header.codec) {
            // Each part counts the rows of all.
            _ if header.encoding == BlockHeader::GROUP => most_rows(payload_bytes as usize),
            Some(Codec::None) | None => 0,
            Some(codec) if codec.allows(header.body_bytes as usize, payload_bytes as usize) => {
                header.body_bytes as usize
            }
            Some(_) => 0,
        }
    });
    let bytes = bytes + unpacked.sum::<usize>();
    for dump in dumps {
        let _ = info(dump);
        for damage in dump.damage() {
            assert!(damage.offset <= dump.len_bytes(), "damage after the end: {damage}");
            let _ = damage.to_string();
        }
    }
    let Some(whole) = walk(dumps, bytes, Order::Time) else { return };
    let by_file = walk(dumps, bytes, Order::File);
    if let Some(by_file) = &by_file {
        assert_eq!(whole.records, by_file.records, "the order decides nothing else");
        assert_eq!(whole.lost, by_file.lost);
        assert_eq!(whole.missing, by_file.missing);
        assert_eq!(whole.duplicates, by_file.duplicates);
        assert_eq!(whole.damage.len(), by_file.damage.len());
    }
    // JSON, and one of the others: all of them would take most of the time.
    let others = Format::ALL.into_iter().filter(|&format| format != Format::Json);
    let other = others.cycle().nth(bytes / 8 % 5);
    [Format::Json].into_iter().chain(other).for_each(|format| check_format(dumps, format));
    check_filter(dumps, &whole);
    for dump in dumps {
        let found = verify(dump);
        found.damage.iter().for_each(|damage| drop(damage.to_string()));
        if dumps.len() == 1 && found.is_intact() {
            assert!(whole.damage.is_empty(), "verify found nothing: {:?}", whole.damage);
            assert_eq!((whole.missing, whole.duplicates), (0, 0), "verify found nothing");
            assert_eq!(whole.shown, whole.records, "verify found nothing");
        }
    }
}

/// Walks over all entries; `None` if there is more text than wanted.
fn walk(dumps: &[Dump], bytes: usize, order: Order) -> Option<Summary> {
    let mut decoder = Decoder::new(dumps).with_order(order);
    let mut next: BTreeMap<([u8; 16], u32), u64> = BTreeMap::new();
    let (mut records, mut losses, mut lost) = (0, 0, 0_u64);
    let mut message = String::new();
    let mut text_bytes = 0;
    let flow = decoder.for_each(|entry| {
        match entry {
            Entry::Record(record) => {
                records += 1;
                let session = dumps[record.dump_index()].header().session;
                let next = next.entry((session, record.ring())).or_default();
                let number = record.number();
                assert!(number >= *next, "record {number} comes after {next}");
                *next = number.saturating_add(1);
                assert_eq!(record.values().len(), record.call_site().slots.len());
                assert!(record.fields().count() <= record.values().len());
                message.clear();
                record.write_message(&mut message);
                text_bytes += message.len();
            }
            Entry::Loss(loss) => {
                losses += 1;
                lost = lost.saturating_add(loss.total());
                assert!(loss.total() > 0, "nothing is lost");
            }
            _ => {}
        }
        if text_bytes > MAX_TEXT_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(records <= bytes / MIN_RECORD_BYTES, "{records} records out of {bytes} bytes");
    assert!(losses <= bytes / MIN_RECORD_BYTES, "{losses} losses out of {bytes} bytes");
    if flow.is_break() {
        return None;
    }
    let summary = decoder.summary();
    assert_eq!(summary.shown, records as u64);
    assert!(summary.shown <= summary.records);
    let by_cause = summary.by_cause.values().fold(0_u64, |sum, &n| sum.saturating_add(n));
    assert_eq!(lost, by_cause, "each loss has its entry");
    assert!(summary.lost.saturating_add(summary.missing) <= by_cause, "each is among the causes");
    let complaints = summary.damage.len();
    assert!(complaints <= 8 + bytes, "{complaints} damages out of {bytes} bytes");
    summary.damage.iter().for_each(|damage| drop(damage.to_string()));
    Some(summary)
}

/// So much text of each format is read; the first entries are as good as all.
const MAX_CHECKED_BYTES: usize = 16 << 10;

/// Writes entries in one format, and reads the text as its readers do.
fn check_format(dumps: &[Dump], format: Format) {
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut colored = Renderer::new(format, RenderOptions::default().with_color(true));
    let mut text = String::new();
    let mut text_bytes = 0;
    let _ = Decoder::new(dumps).for_each(|entry| {
        text.clear();
        renderer.write(entry, &mut text);
        text_bytes += text.len();
        check_text(&text, format);
        if text.len() < 4096 && format != Format::Json {
            colored.write(entry, &mut text);
        }
        if text_bytes > MAX_CHECKED_BYTES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
}

fn check_text(text: &str, format: Format) {
    let line_end = if format == Format::Csv { "\r\n" } else { "\n" };
    let line = text.strip_suffix(line_end).expect("an entry ends its line");
    let is_block = matches!(format, Format::Verbose | Format::JsonPretty);
    // Byte by byte as long as it can be: fuzzing spends its time here.
    let is_control = |byte: &u8| byte.is_ascii_control() && !(is_block && *byte == b'\n');
    let has_control = line.as_bytes().iter().any(is_control)
        || !line.is_ascii() && line.contains(|c: char| !c.is_ascii() && c.is_control());
    assert!(!has_control, "{format}: a control character in {line:?}");
    if matches!(format, Format::Json | Format::JsonPretty) {
        let value: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{format}: {e}: {line}"));
        let members: Vec<_> = value.as_object().expect("an object").keys().collect();
        let expected =
            ["timestamp", "level", "target", "message", "thread", "file", "line", "fields"];
        assert_eq!(members, expected, "{line}");
    }
}

/// A filter only ever leaves out, or shows another copy of what it passed over: block headers that
/// contradict each other can hide the first copy from it.
fn check_filter(dumps: &[Dump], whole: &Summary) {
    let copies = whole.shown.saturating_add(whole.duplicates);
    static FILTER: LazyLock<Filter> = LazyLock::new(|| {
        Filter::default().with_levels(Levels::at_least(Level::Info)).with_thread("*ing-*")
    });
    let mut decoder = Decoder::new(dumps).with_filter(FILTER.clone());
    let mut middle = None;
    let _ = decoder.for_each(|entry| {
        assert!(entry.level() <= Level::Info);
        middle.get_or_insert(entry.unix_ns());
        ControlFlow::Continue(())
    });
    assert!(decoder.summary().shown <= copies);
    let since = middle.unwrap_or_default();
    let mut decoder = Decoder::new(dumps).with_filter(Filter::default().with_since(since));
    let _ = decoder.for_each(|entry| {
        assert!(entry.unix_ns() >= since);
        ControlFlow::Continue(())
    });
    assert!(decoder.summary().shown <= copies);
}
