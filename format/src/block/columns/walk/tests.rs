//! A walk over columns reads what their rows hold.

use proptest::prelude::*;

use super::words::{check_varints, read_varints};
use super::*;
use crate::block::{BlockBuilder, RecordTime};
use crate::dictionary::{CallSite, Level, TimeSource, site};
use crate::loss::Loss;
use crate::types::{EnumType, Fields, Shape, Type};
use crate::value::{Cursor, Encoding, Value, ValueError, Words, put_uint};

/// Types of each shape: numbers, what is made of some, and what has no fixed shape.
fn types() -> Vec<Type> {
    let tuple = |of: &[Type]| Type::Tuple(of.to_vec());
    let option = |of| Type::Option(Box::new(of));
    let array = |of, n| Type::Array(Box::new(of), n);
    let plain = |name: &str| Fields { name: name.to_owned(), shape: Shape::Unit, fields: vec![] };
    let variants = vec![plain("Buy"), plain("Sell"), plain("Hold")];
    let side = Type::Enum(EnumType { name: "Side".to_owned(), variants });
    let fields = vec![("side".to_owned(), side.clone()), ("x".to_owned(), Type::F64)];
    let order = Type::Struct(Fields { name: "Order".to_owned(), shape: Shape::Struct, fields });
    vec![
        Type::Bool,
        Type::U8,
        Type::U16,
        Type::U32,
        Type::U64,
        Type::I8,
        Type::I16,
        Type::I32,
        Type::I64,
        Type::F32,
        Type::F64,
        Type::Str,
        Type::Formatted,
        Type::Char,
        Type::Ipv4,
        Type::Ipv6,
        Type::Ip,
        Type::SocketV4,
        Type::SocketV6,
        Type::Socket,
        Type::U128,
        Type::I128,
        Type::Duration,
        Type::SystemTime,
        Type::Unit,
        Type::Serde(Box::new(Type::U16)),
        Type::Slice(Box::new(Type::U16)),
        array(Type::U8, 0),
        array(Type::U8, 5),
        array(Type::U8, 70),
        array(Type::I16, 3),
        array(Type::U16, 70),
        array(Type::Unit, 2),
        tuple(&[Type::Unit, Type::Str, Type::Bool]),
        tuple(&[array(Type::U8, 3), Type::Duration, Type::Ipv6]),
        tuple(&[option(Type::U8), option(tuple(&[Type::Str, Type::Ip]))]),
        option(option(Type::I32)),
        side,
        order,
    ]
}

/// A raw value, of numbers that change little or much.
fn put_value(ty: &Type, seed: u64, out: &mut Vec<u8>) {
    let number = match seed % 4 {
        0 => seed >> 8 & 0x3f,
        1 => 1_000_000 + (seed >> 8 & 0xff),
        2 => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        _ => (seed >> 3 & 3).wrapping_neg(),
    };
    let put_all = |of: &mut dyn Iterator<Item = &Type>, out: &mut Vec<u8>| {
        of.zip(1..).for_each(|(ty, turn)| put_value(ty, seed.rotate_left(7 * turn), out));
    };
    match ty {
        Type::Unit => {}
        Type::Bool => out.push((number & 1) as u8),
        Type::U8 | Type::I8 => out.push(number as u8),
        Type::U16 | Type::I16 => out.extend((number as u16).to_le_bytes()),
        Type::U32 | Type::I32 | Type::F32 | Type::Ipv4 => out.extend((number as u32).to_le_bytes()),
        Type::Char => out.extend((0x61 + (number as u32 & 0xff)).to_le_bytes()),
        Type::Str | Type::Formatted => {
            let text = &"größer und länger"[..[0, 2, 4, 6, 9][number as usize % 5]];
            out.extend((text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        // One byte, two, or what no `u16` is.
        Type::Serde(_) => {
            let bytes = &[0x85, 0x01, 0x80][..number as usize % 4];
            out.extend((bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        Type::U128 | Type::I128 => out.extend((u128::from(number) << (number % 65)).to_le_bytes()),
        Type::Duration | Type::SystemTime => {
            out.extend(number.to_le_bytes());
            out.extend((number as u32 % 1_000_000_000).to_le_bytes());
        }
        Type::Ipv6 => out.extend([number, number >> 7].map(u64::to_le_bytes).concat()),
        Type::SocketV4 => out.extend_from_slice(&number.to_le_bytes()[..6]),
        Type::SocketV6 => out.extend_from_slice(&[number.to_le_bytes(); 4].concat()[..26]),
        Type::Ip | Type::Socket => {
            let (v4, v6) = match ty {
                Type::Ip => (Type::Ipv4, Type::Ipv6),
                _ => (Type::SocketV4, Type::SocketV6),
            };
            let (version, of) = if number % 2 == 0 { (4, v4) } else { (6, v6) };
            out.push(version);
            put_value(&of, seed, out);
        }
        Type::Option(of) => {
            out.push((number & 1) as u8);
            if number & 1 == 1 {
                put_value(of, seed.rotate_left(9), out);
            }
        }
        Type::Enum(_) => out.extend((number as u16 % 3).to_le_bytes()),
        Type::Slice(of) => {
            out.extend((number as u32 % 4).to_le_bytes());
            put_all(&mut std::iter::repeat_n(&**of, number as usize % 4), out);
        }
        Type::Array(of, n) => put_all(&mut std::iter::repeat_n(&**of, *n as usize), out),
        Type::Tuple(of) => put_all(&mut of.iter(), out),
        Type::Struct(of) => put_all(&mut of.fields.iter().map(|(_, ty)| ty), out),
        _ => out.extend(number.to_le_bytes()),
    }
}

fn plan(site: &CallSite) -> WordPlan {
    WordPlan::new(&site.slots).unwrap()
}

/// What was read of a record: index, tag, time, and values if they are wanted, as text.
type Found = (u32, u32, RecordTime, Option<String>);

/// The values as text. Bytes are read as values if the record was asked for as words.
fn shown(site: Option<&CallSite>, values: &[u8]) -> String {
    let Some(site) = site else { return format!("{values:?}") };
    let mut cursor = Cursor::new(values, Encoding::Packed);
    let read = site.slots.iter().map(|slot| Value::read(&mut cursor, &slot.ty));
    let read = read.collect::<Result<Vec<_>, _>>();
    let read =
        read.and_then(|read| if cursor.is_empty() { Ok(read) } else { Err(ValueError::Trailing) });
    format!("{read:?}")
}

fn shown_words(site: &CallSite, plan: &WordPlan, words: &Words<'_>) -> String {
    let slots = site.slots.iter().enumerate();
    let read = slots.map(|(at, slot)| plan.value(at, &slot.ty, words));
    format!("{:?}", read.collect::<Result<Vec<_>, _>>())
}

/// Which records are asked for how, by the tag's lowest bits.
#[derive(Clone, Copy, Debug)]
struct Ask(u8);

impl Ask {
    fn wish<'t>(self, sites: &[CallSite], plans: &'t [WordPlan], tag: u32) -> Wish<'t> {
        if tag == CallSite::LOSS_ID {
            return Wish::Alone;
        }
        let at = sites.iter().position(|site| site.id == tag);
        match (self.0 >> (2 * (tag % 4)) & 3, at.map(|at| &plans[at])) {
            (0, _) => Wish::Nothing,
            (1, _) | (_, None) => Wish::Packed,
            (_, Some(plan)) => Wish::Words(plan),
        }
    }
}

fn by_rows(
    header: &BlockHeader,
    body: &[u8],
    stored: usize,
    sites: &[CallSite],
    plans: &[WordPlan],
    ask: Ask,
) -> Option<Vec<Found>> {
    let is_wanted = |tag| !matches!(ask.wish(sites, plans, tag), Wish::Nothing);
    let mut rows = Vec::new();
    let of_rows = header.rows_of(body, stored, &mut rows, is_wanted).ok()?;
    let records = of_rows.records(&rows).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    let found = records.iter().zip(0..).filter_map(|(record, index)| {
        let of = match ask.wish(sites, plans, record.tag) {
            Wish::Nothing => return None,
            Wish::Words(_) => sites.iter().find(|site| site.id == record.tag),
            Wish::Packed | Wish::Alone => None,
        };
        Some((index, record.tag, record.time, Some(shown(of, record.values))))
    });
    Some(found.collect())
}

fn by_walk(
    header: &BlockHeader,
    body: &[u8],
    stored: usize,
    sites: &[CallSite],
    plans: &[WordPlan],
    ask: Ask,
    (most, is_as_written): (usize, bool),
) -> Option<Vec<Found>> {
    let mut walk = ColumnWalk::default();
    // One that was used is as good as a new one.
    let _ = walk.begin(header, &body[..body.len() / 2], stored, |_| Wish::Packed);
    if !walk.begin(header, body, stored, |tag| ask.wish(sites, plans, tag)) {
        return None;
    }
    let mut found = Vec::new();
    let mut passed = 0;
    loop {
        let (mut words, mut bytes, mut records) = (vec![9; 3], vec![7; 5], Vec::new());
        let read = walk.next(body, most, &mut words, &mut bytes, |record| records.push(record));
        passed += read;
        assert_eq!(walk.left(), header.count - passed);
        if read == 0 {
            assert_eq!(passed, header.count);
            return Some(found);
        }
        for ColumnRecord { index, kind, time, values } in &records {
            let kind = walk.kinds()[usize::from(*kind)];
            let wish = ask.wish(sites, plans, kind.tag);
            if matches!(wish, Wish::Alone) {
                assert_eq!(records.len(), 1);
            }
            let values = match (*values, wish) {
                (ColumnValues::Packed { start, length }, _) => {
                    let bytes = &bytes[start as usize..][..length as usize];
                    let is_values = matches!(wish, Wish::Words(_));
                    assert!(!is_values || !is_as_written, "what was written gives words");
                    shown(sites.iter().find(|site| is_values && site.id == kind.tag), bytes)
                }
                (ColumnValues::Words { first, stride }, Wish::Words(plan)) => {
                    // Values without words have no place.
                    let words = words.get(first as usize..).unwrap_or_default();
                    let stride = stride as usize;
                    let encoding = Encoding::Packed;
                    let words = Words { words, stride, body, restored: &bytes, encoding };
                    let site = sites.iter().find(|site| site.id == kind.tag).unwrap();
                    shown_words(site, plan, &words)
                }
                (ColumnValues::Words { .. }, _) => panic!("words were not requested"),
            };
            assert_eq!(kind.is_unix, matches!(time, RecordTime::UnixNanos(_)));
            found.push((*index, kind.tag, *time, Some(values)));
        }
    }
}

/// Rows and walk agree; whether there is anything to read.
fn check(
    header: &BlockHeader,
    body: &[u8],
    sites: &[CallSite],
    ask: Ask,
    how: (usize, bool),
) -> bool {
    let plans: Vec<_> = sites.iter().map(plan).collect();
    let walked = by_walk(header, body, body.len(), sites, &plans, ask, how);
    let expected = by_rows(header, body, body.len(), sites, &plans, ask);
    if walked.is_some() {
        assert_eq!(walked, expected);
    }
    walked.is_some()
}

prop_compose! {
    fn blocks()(
        kinds in prop::collection::vec((prop::collection::vec(0..types().len(), 0..5), any::<bool>()), 1..6),
        records in prop::collection::vec((any::<u8>(), any::<u64>(), 0..100_000_u64), 1..300),
        has_loss in any::<bool>(),
    ) -> (Vec<CallSite>, BlockHeader, Vec<u8>) {
        let time = |is_unix| if is_unix { TimeSource::UnixNanos } else { TimeSource::Counter };
        let sites: Vec<_> = kinds
            .iter()
            .zip(16..)
            .map(|((types, is_unix), id)| {
                let types: Vec<_> = types.iter().map(|&at| self::types()[at].clone()).collect();
                site(id, Level::Info, time(*is_unix), &types)
            })
            .collect();
        let mut builder = BlockBuilder::default();
        builder.begin_columns(1, 0, 0);
        let mut now = 1 << 40;
        for (which, seed, step) in records {
            now += step;
            if has_loss && which == 255 {
                let full = [seed; 5];
                builder.push_loss(&Loss { counter: now, full, too_large: [0; 5] }.encode()).unwrap();
                continue;
            }
            let site = &sites[usize::from(which) % sites.len()];
            let mut payload = now.to_le_bytes().to_vec();
            for (slot, turn) in site.slots.iter().zip(0..) {
                put_value(&slot.ty, seed.rotate_left(turn), &mut payload);
            }
            builder.push(site, &payload).unwrap();
        }
        let mut out = Vec::new();
        let header = builder.finish(0, &mut out);
        (sites, header, out.split_off(BlockHeader::BYTES))
    }
}

proptest! {
    #[test]
    fn a_walk_reads_what_stands_in_the_rows((sites, header, body) in blocks(), ask: u8, most in 1..400_usize) {
        prop_assert!(check(&header, &body, &sites, Ask(ask), (most, true)));
    }

    /// Whatever is changed: the walk refuses it, or it reads what the rows have.
    #[test]
    fn hostile_columns_are_refused_or_read_alike(
        (sites, header, body) in blocks(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        near_the_front: bool,
        ask: u8,
        count: Option<u32>,
    ) {
        let mut body = body;
        let within = if near_the_front { body.len().min(60) } else { body.len() };
        for (at, byte) in changes {
            body[at.index(within)] = byte;
        }
        let header = BlockHeader { count: count.map_or(header.count, |count| count % 1000), ..header };
        check(&header, &body, &sites, Ask(ask), (64, false));
    }

    #[test]
    fn columns_of_noise_do_no_harm(body in prop::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..200), count in 0..100_u32) {
        let site = site(16, Level::Info, TimeSource::Counter, &[Type::U32]);
        let mut out = Vec::new();
        let mut builder = BlockBuilder::default();
        builder.begin_columns(1, 0, 0);
        builder.push(&site, &[0; 12]).unwrap();
        let header = BlockHeader { count, ..builder.finish(0, &mut out) };
        check(&header, &body, &[site], Ask(0xff), (7, false));
    }

    #[test]
    fn varints_are_read_as_they_were_written(values in prop::collection::vec((0..64_u32, any::<u64>()), 0..100)) {
        let values: Vec<_> = values.into_iter().map(|(shift, value)| value >> shift).collect();
        let mut data = Vec::new();
        values.iter().for_each(|&value| put_uint(&mut data, value));
        prop_assert!(check_varints(&data, values.len()).is_ok());
        prop_assert!(check_varints(&data, values.len() + 1).is_err());
        let mut words = vec![0; values.len()];
        prop_assert_eq!(read_varints(&data, &mut words).ok(), Some(data.len()));
        prop_assert_eq!(words, values);
        data.push(0x80);
        prop_assert!(check_varints(&data, data.len()).is_err());
    }
}

#[test]
fn varints_of_more_than_64_bits_are_none() {
    for before in 0..20 {
        let mut data = vec![1; before];
        data.extend([0xff; 9]);
        data.push(1);
        assert!(check_varints(&data, before + 1).is_ok());
        *data.last_mut().unwrap() = 2;
        assert!(check_varints(&data, before + 1).is_err());
        *data.last_mut().unwrap() = 0x80;
        data.push(0);
        assert!(check_varints(&data, before + 1).is_err());
    }
}

#[test]
fn without_any_that_is_wanted_all_are_passed_at_once() {
    let sites = [
        site(16, Level::Info, TimeSource::Counter, &[Type::U32]),
        site(17, Level::Info, TimeSource::Counter, &[]),
    ];
    let mut builder = BlockBuilder::default();
    builder.begin_columns(1, 0, 0);
    for n in 0..1000_u64 {
        let values = [&n.to_le_bytes()[..], &[1, 2, 3, 4]].concat();
        builder.push(&sites[0], &values).unwrap();
        if n == 500 {
            builder.push(&sites[1], &values[..8]).unwrap();
        }
    }
    let mut out = Vec::new();
    let header = builder.finish(0, &mut out);
    let body = &out[BlockHeader::BYTES..];
    let mut walk = ColumnWalk::default();
    let wish = |tag| if tag == 17 { Wish::Packed } else { Wish::Nothing };
    assert!(walk.begin(&header, body, body.len(), wish));
    let mut found = Vec::new();
    let mut steps = Vec::new();
    while walk.left() > 0 {
        let each = |record: ColumnRecord| found.push((record.index, record.time));
        steps.push(walk.next(body, 64, &mut Vec::new(), &mut Vec::new(), each));
    }
    assert_eq!(found, [(501, RecordTime::Counter(500))]);
    assert_eq!(steps, [64, 64, 64, 64, 64, 64, 64, 64, 489]);
}
