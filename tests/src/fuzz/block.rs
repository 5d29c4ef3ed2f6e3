//! The bodies of blocks, after checksums that hold.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use stenolog_decoder::Dump;
use stenolog_decoder::format::block::{BlockBuilder, BlockHeader, RawRecord, RecordTime};
use stenolog_decoder::format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_decoder::format::frame::{FileHeader, FrameKind, FrameWriter, VERSION};
use stenolog_decoder::format::types::{EnumType, Fields, Shape, Type};
use stenolog_decoder::format::value::{Cursor, Encoding, Value, pack, unpack};

use super::input::Input;
use super::read::read;

/// Reads blocks of a dump that knows call sites of every type.
///
/// Of each block: how it is encoded (the lower half of a byte: 0 raw, 1 packed, 2 columns, others unknown) and
/// compressed (the upper half: 0 not, 1 and 2 by LZ4 and Zstandard, 3 and 4 so that the body *is* what
/// they made, and others unknown), flags and levels (1 byte each), how many records it has (2 bytes),
/// smallest counter and time (8 bytes each), length of the body (2 bytes), body. Before a body that is
/// compressed already there is the length that it claims to have had (4 bytes).
///
/// # Panics
/// If the decoder breaks a promise.
pub fn block(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut blocks = Vec::new();
    let (mut position, mut first_record) = (0, 0);
    while !input.is_empty() {
        let how = input.u8();
        let mut header = BlockHeader {
            ring: 1,
            encoding: how & 0xf,
            codec: 0,
            flags: input.u8(),
            levels: input.u8(),
            position,
            end_position: position,
            first_record,
            count: input.u16().into(),
            body_bytes: 0,
            counter_first: input.u64(),
            counter_last: u64::MAX,
            unix_first: input.u64() as i64,
            unix_last: i64::MAX,
        };
        let length = input.u16();
        let body = input.bytes(length.into());
        header.body_bytes = body.len() as u32;
        header.end_position += body.len() as u64;
        (position, first_record) = (header.end_position, first_record + u64::from(header.count));
        let plain = if matches!(how >> 4, 0..=2) { body } else { &[] };
        check_packing(&header, plain);
        let stored = match how >> 4 {
            1 => lz4_flex::block::compress(body),
            2 => zstd::bulk::compress(body, 1).expect("zstd compresses anything"),
            3 | 4 => {
                header.body_bytes = input.u32();
                body.to_vec()
            }
            _ => body.to_vec(),
        };
        header.codec = match how >> 4 {
            known @ 0..=2 => known,
            made @ 3..=4 => made - 2,
            unknown => unknown,
        };
        blocks.push(Block { header, plain, stored });
    }
    let file = file(&blocks);
    let length = file.len();
    let dump = Dump::from_bytes("fuzz.steno", file).expect("the header is whole");
    read(&[dump], length);
}

/// A block of the file.
struct Block<'a> {
    header: BlockHeader,
    /// The body before compression, if that is known.
    plain: &'a [u8],
    stored: Vec<u8>,
}

/// A dump of these blocks, with the call sites that they need: all of them would take most of the
/// time.
fn file(blocks: &[Block<'_>]) -> Vec<u8> {
    let header = FileHeader {
        version: VERSION,
        session: [7; 16],
        created_unix_ns: 0,
        sequence: 0,
        process_id: 7,
        counter_hz: 1_000_000_000,
    };
    let mut file = header.encode().to_vec();
    let mut frames = FrameWriter::default();
    let mut tags = BTreeSet::new();
    for Block { header, plain, stored } in blocks {
        let mut rows = Vec::new();
        let plain_header = BlockHeader { codec: 0, ..*header };
        let records = match header.rows(plain, stored.len(), &mut rows) {
            Ok(header) => header.records(&rows),
            Err(_) => plain_header.records(plain),
        };
        tags.extend(records.into_iter().flatten().flatten().map(|record| record.tag));
    }
    for index in tags.into_iter().filter_map(index) {
        frames.frame(&mut file, FrameKind::Dictionary, |out| out.extend(&DICTIONARY[index]));
    }
    let thread = Thread { ring: 1, os_id: 1, name: String::new(), continues: None };
    frames.frame(&mut file, FrameKind::Thread, |out| thread.encode(out));
    for Block { header, stored, .. } in blocks {
        frames.frame(&mut file, FrameKind::Block, |out| {
            out.extend_from_slice(&header.encode());
            out.extend_from_slice(stored);
        });
    }
    file
}

/// The place of a call site among [`SITES`], if it is one of them.
fn index(tag: u32) -> Option<usize> {
    let index = tag.checked_sub(CallSite::FIRST_ID)? as usize;
    (index < SITES.len()).then_some(index)
}

/// What a drain makes of raw records must say what they said.
fn check_packing(header: &BlockHeader, body: &[u8]) {
    if header.encoding != 0 {
        return;
    }
    let records = header.records(body).expect("raw blocks without a codec are known");
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    let mut columns = BlockBuilder::default();
    columns.begin_columns(1, 0, 0);
    let mut expected = Vec::new();
    for record in records.map_while(Result::ok) {
        let Some((site, values)) = values(&record) else { continue };
        let mut packed = Vec::new();
        let mut raw = Cursor::new(record.values, record.encoding);
        let types = || site.slots.iter().map(|slot| &slot.ty);
        types().for_each(|ty| {
            pack(&mut raw, ty, &mut packed).expect("what can be read can be packed")
        });
        let (mut cursor, mut again) = (Cursor::new(&packed, Encoding::Packed), Vec::new());
        let unpacked = types().try_for_each(|ty| unpack(&mut cursor, ty, &mut again));
        assert_eq!((unpacked, &*again), (Ok(()), record.values), "{values}");
        let RecordTime::Word(word) = record.time else { panic!("a raw record has a time word") };
        let payload = [&word.to_le_bytes()[..], record.values].concat();
        for builder in [&mut builder, &mut columns] {
            let packed = builder.push(site, &payload);
            assert_eq!(packed, Ok(()), "what can be read can be packed: {values}");
        }
        let time = match site.time {
            TimeSource::Counter => RecordTime::Counter(word),
            TimeSource::UnixNanos => RecordTime::UnixNanos(word as i64),
        };
        expected.push((record.tag, time, values));
    }
    let mut payload = Vec::new();
    let header = builder.finish(0, &mut payload);
    let (rows, mut turned) = (&payload[BlockHeader::BYTES..], Vec::new());
    if !expected.is_empty() {
        let mut payload = Vec::new();
        let of_columns = columns.finish(0, &mut payload);
        let columns = &payload[BlockHeader::BYTES..];
        assert_eq!(of_columns.rows(columns, columns.len(), &mut turned), Ok(header));
        assert_eq!(turned, rows, "columns stand for the same rows");
    }
    let records = header.records(rows).expect("a packed block is known");
    let found: Vec<_> = records
        .map(|record| {
            let record = record.expect("the block is whole");
            let (_, values) = values(&record).expect("what was packed can be read");
            (record.tag, record.time, values)
        })
        .collect();
    assert_eq!(found, expected);
}

/// The call site and the values of a record, as text, in which NaN equals NaN.
fn values(record: &RawRecord<'_>) -> Option<(&'static CallSite, String)> {
    let site = &SITES[index(record.tag)?];
    let mut cursor = Cursor::new(record.values, record.encoding);
    let values: Result<Vec<_>, _> =
        site.slots.iter().map(|slot| Value::read(&mut cursor, &slot.ty)).collect();
    let values = values.ok().filter(|_| cursor.is_empty())?;
    Some((site, format!("{values:?}")))
}

/// A dictionary frame's payload for each call site.
static DICTIONARY: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let payload = |site| {
        let mut payload = Vec::new();
        CallSite::encode_all(std::iter::once(site), &mut payload);
        payload
    };
    SITES.iter().map(payload).collect()
});

/// A call site for each type, in an order that must not change: corpora go by the ids.
pub(super) static SITES: LazyLock<Vec<CallSite>> = LazyLock::new(|| {
    let templates = ["{0}", "{0:?}", "{0:#?}", "{0:>+#012.3}", "{0:#x?}", "{0:*^9.5e}"];
    let mut sites: Vec<CallSite> = types()
        .into_iter()
        .zip(templates.into_iter().cycle())
        .map(|(ty, template)| site(template, vec![slot("value", Role::Argument, ty)]))
        .collect();
    let counted = [
        slot("price", Role::Argument, Type::F64),
        slot("width", Role::Count, Type::U16),
        slot("", Role::Count, Type::U16),
        slot("price", Role::Field, Type::Str),
        slot("debug", Role::DebugField, Type::Char),
    ];
    sites.push(site("{0:1$.2$} of {3}", counted.to_vec()));
    sites.push(site("{3:}", vec![slot("a", Role::Field, Type::U8)]));
    let units = serde(slice(serde(array(Type::Unit, 60))));
    sites.push(site("{0:>99?}", vec![slot("units", Role::Argument, units)]));
    let wide = slice(Type::Tuple(vec![Type::U8, Type::Tuple(vec![Type::Unit; 90])]));
    sites.push(site("{0:?}", vec![slot("wide", Role::Argument, wide)]));
    for (index, site) in sites.iter_mut().enumerate() {
        site.id = CallSite::FIRST_ID + index as u32;
        site.level = Level::ALL[index % Level::ALL.len()];
        site.time = if index % 7 == 6 { TimeSource::UnixNanos } else { TimeSource::Counter };
    }
    sites
});

fn site(template: &str, slots: Vec<Slot>) -> CallSite {
    CallSite {
        id: 0,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "fuzz".into(),
        module: "fuzz::block".into(),
        file: "block.rs".into(),
        line: 1,
        column: 1,
        template: Some(template.into()),
        slots,
    }
}

fn slot(name: &str, role: Role, ty: Type) -> Slot {
    Slot { name: name.into(), role, ty }
}

/// The types without inner ones.
const LEAVES: [Type; 25] = [
    Type::Unit,
    Type::Bool,
    Type::Char,
    Type::U8,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::U128,
    Type::I8,
    Type::I16,
    Type::I32,
    Type::I64,
    Type::I128,
    Type::F32,
    Type::F64,
    Type::Str,
    Type::Formatted,
    Type::Duration,
    Type::SystemTime,
    Type::Ipv4,
    Type::Ipv6,
    Type::Ip,
    Type::SocketV4,
    Type::SocketV6,
    Type::Socket,
];

fn types() -> Vec<Type> {
    let product = |name: &str, shape, of: &[(&str, Type)]| Fields {
        name: name.into(),
        shape,
        fields: of.iter().map(|(name, ty)| ((*name).into(), ty.clone())).collect(),
    };
    let side = Type::Enum(EnumType {
        name: "Side".into(),
        variants: vec![
            product("Buy", Shape::Unit, &[]),
            product("Newtype", Shape::Tuple, &[("", Type::Str)]),
            product("Pair", Shape::Tuple, &[("", Type::Char), ("", Type::Unit)]),
            product("Limit", Shape::Struct, &[("px", Type::F64), ("qty", Type::U32)]),
        ],
    });
    let order = Type::Struct(product(
        "Order",
        Shape::Struct,
        &[("side", side.clone()), ("flags", slice(Type::Bool))],
    ));
    let newtype = Type::Struct(product("Id", Shape::Tuple, &[("", Type::U64)]));
    let map = |key, value| Type::Map(Box::new(key), Box::new(value));
    let deep = (0..30).fold(Type::U8, |ty, _| option(ty));
    let composites = [
        option(Type::Str),
        slice(Type::U8),
        slice(Type::U16),
        slice(Type::Unit),
        array(Type::U8, 4),
        array(option(Type::I32), 3),
        array(Type::Unit, 70),
        slice(array(Type::Unit, 100)),
        Type::Tuple(vec![Type::U8, Type::Str, Type::Tuple(vec![])]),
        side,
        order.clone(),
        newtype.clone(),
        serde(order),
        serde(map(Type::Str, slice(Type::I64))),
        serde(map(newtype, Type::F32)),
        serde(map(option(Type::U8), Type::Unit)),
        serde(Type::Unit),
        serde(slice(serde(Type::Str))),
        slice(slice(slice(Type::Unit))),
        deep,
    ];
    LEAVES.into_iter().chain(composites).collect()
}

fn option(of: Type) -> Type {
    Type::Option(Box::new(of))
}

fn slice(of: Type) -> Type {
    Type::Slice(Box::new(of))
}

fn array(of: Type, n: u32) -> Type {
    Type::Array(Box::new(of), n)
}

fn serde(of: Type) -> Type {
    Type::Serde(Box::new(of))
}
