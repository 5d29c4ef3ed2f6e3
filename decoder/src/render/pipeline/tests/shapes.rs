//! Lines of values of all shapes, with specs of all kinds, are what the renderer writes.

use proptest::prelude::*;
use stenolog_format::types::{EnumType, Fields, Shape};

use super::*;

/// Types of each shape, made of those before.
fn types() -> impl Strategy<Value = Type> {
    let leaves = [
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
        Type::Serde(Box::new(Type::U16)),
        stenolog_format::types::error_type(),
        stenolog_format::types::empty_type(),
    ];
    let name = prop::sample::select(vec!["Point", "x\"y", "größe", ""]);
    let shape = prop::sample::select(vec![Shape::Unit, Shape::Tuple, Shape::Struct]);
    prop::sample::select(leaves.to_vec()).prop_recursive(3, 12, 4, move |of| {
        let fields = (name.clone(), shape.clone(), prop::collection::vec(of.clone(), 0..4));
        let fields = fields.prop_map(|(name, shape, of)| {
            let of = if shape == Shape::Unit { Vec::new() } else { of };
            let field = if shape == Shape::Struct { "a \"b\"" } else { "" };
            let fields = of.into_iter().map(|ty| (field.to_owned(), ty)).collect();
            Fields { name: name.to_owned(), shape, fields }
        });
        let variants = prop::collection::vec(fields.clone(), 1..4);
        prop_oneof![
            of.clone().prop_map(|of| Type::Option(Box::new(of))),
            of.clone().prop_map(|of| Type::Slice(Box::new(of))),
            (of.clone(), 0..4_u32).prop_map(|(of, n)| Type::Array(Box::new(of), n)),
            Just(Type::Array(Box::new(Type::U8), 5)),
            prop::collection::vec(of.clone(), 0..4).prop_map(Type::Tuple),
            fields.prop_map(Type::Struct),
            variants.clone().prop_map(|variants| enum_type(variants, |_| true)),
            variants.prop_map(|variants| enum_type(variants, |of| of.fields.is_empty())),
            (of.clone(), of).prop_map(|(key, value)| Type::Map(Box::new(key), Box::new(value))),
        ]
    })
}

fn enum_type(variants: Vec<Fields>, is_kept: impl Fn(&Fields) -> bool) -> Type {
    let plain = Fields { name: "Plain".to_owned(), shape: Shape::Unit, fields: Vec::new() };
    let variants = variants.into_iter().filter(is_kept).chain([plain]).collect();
    Type::Enum(EnumType { name: "E".to_owned(), variants })
}

const TEXTS: [&str; 12] = [
    "",
    "word",
    "two words",
    "a=b",
    "C:\\temp\\x",
    "SELECT * FROM \"orders\" WHERE id = 7",
    "{\"id\":7,\"tags\":[\"a\",\"b\"]}",
    "line\n\tnext\r",
    "größe",
    "\x1b[31m\u{202e}\0",
    "0123456789abcdef0123456789abcdef",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126",
];

/// A raw value, made of the bits of a seed.
fn put_value(ty: &Type, seed: &mut u64, out: &mut Vec<u8>) {
    *seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    let noise = *seed ^ *seed >> 29;
    let number = match noise % 8 {
        0 => noise >> 8 & 0x3f,
        1 => 10_u64.pow((noise >> 8) as u32 % 20),
        2 => (noise >> 8 & 3).wrapping_neg(),
        3 => noise,
        4 => 0,
        _ => noise >> ((noise >> 8) % 64),
    };
    match ty {
        Type::Ip | Type::Socket => {
            let is_v4 = noise & 256 == 0;
            out.push(if is_v4 { 4 } else { 6 });
            let of = match (ty, is_v4) {
                (Type::Ip, true) => Type::Ipv4,
                (Type::Ip, false) => Type::Ipv6,
                (_, true) => Type::SocketV4,
                (_, false) => Type::SocketV6,
            };
            put_value(&of, seed, out);
        }
        Type::Option(of) => {
            out.push((number & 1) as u8);
            (0..number & 1).for_each(|_| put_value(of, seed, out));
        }
        Type::Array(of, n) => (0..*n).for_each(|_| put_value(of, seed, out)),
        Type::Slice(of) => {
            out.extend((number as u32 % 4).to_le_bytes());
            (0..number as u32 % 4).for_each(|_| put_value(of, seed, out));
        }
        Type::Map(key, value) => {
            out.extend((number as u32 % 3).to_le_bytes());
            for _ in 0..number as u32 % 3 {
                put_value(key, seed, out);
                put_value(value, seed, out);
            }
        }
        Type::Tuple(of) => of.iter().for_each(|ty| put_value(ty, seed, out)),
        Type::Struct(of) => of.fields.iter().for_each(|(_, ty)| put_value(ty, seed, out)),
        Type::Enum(of) => {
            let index = number as usize % of.variants.len();
            out.extend((index as u16).to_le_bytes());
            of.variants[index].fields.iter().for_each(|(_, ty)| put_value(ty, seed, out));
        }
        _ => put_leaf(ty, (noise, number), out),
    }
}

fn put_leaf(ty: &Type, (noise, number): (u64, u64), out: &mut Vec<u8>) {
    let bytes = number.to_le_bytes();
    match ty {
        Type::Unit => {}
        Type::Bool => out.push((number & 1) as u8),
        Type::Char => {
            let chars = ['a', 'Z', '7', '"', '\'', '\\', '\n', '\0', ' ', 'ß', '\u{202e}', '💧'];
            out.extend(u32::from(chars[number as usize % chars.len()]).to_le_bytes());
        }
        Type::U8 | Type::I8 => out.push(number as u8),
        Type::U16 | Type::I16 => out.extend(&bytes[..2]),
        Type::U32 | Type::I32 | Type::Ipv4 => out.extend(&bytes[..4]),
        Type::F32 => {
            let floats = [1.5, -0.0, 1e-7, 1e20, f32::NAN, f32::from_bits(number as u32)];
            out.extend(floats[noise as usize / 8 % 6].to_le_bytes());
        }
        Type::F64 => {
            let cents = (number % 1_000_000) as f64 / 100.0;
            let floats = [cents, -0.0, 0.125, f64::NAN, f64::INFINITY, f64::from_bits(number)];
            out.extend(floats[noise as usize / 8 % 6].to_le_bytes());
        }
        Type::U64 | Type::I64 => out.extend(bytes),
        Type::U128 | Type::I128 => out.extend((u128::from(number) << (noise % 65)).to_le_bytes()),
        Type::Str | Type::Formatted => {
            out.extend(str_bytes(TEXTS[number as usize % TEXTS.len()]));
        }
        Type::Duration | Type::SystemTime => {
            let seconds = if noise & 256 == 0 { number % 2_000_000_000 } else { number };
            out.extend(if noise & 512 == 0 { [0; 8] } else { seconds.to_le_bytes() });
            out.extend((number as u32 % 1_000_000_000).to_le_bytes());
        }
        Type::Ipv6 => out.extend([bytes, (number >> 40).to_le_bytes()].concat()),
        Type::SocketV4 => out.extend(&bytes[..6]),
        Type::SocketV6 => out.extend(&[bytes; 4].concat()[..26]),
        Type::Serde(_) => {
            let length = number as usize % 4;
            out.extend((length as u32).to_le_bytes());
            out.extend(&[0x85, 0x01, 0x80][..length]);
        }
        _ => unreachable!("no other types are made"),
    }
}

/// What a placeholder says after its argument.
fn specs() -> impl Strategy<Value = String> {
    let usual = ["", "", ":?", ":.3", ":.2?", ":x", ":016x", ":5", ":05", ":#?", ":>8", ":<12"];
    let usual = prop::sample::select(usual.map(str::to_owned).to_vec());
    let any = "[*0]?[<^>]?[+]?#?0?[0-9]?(\\.[0-9])?(\\?|x\\?|X|e|b|o)?";
    prop_oneof![3 => usual, 1 => any.prop_map(|spec| format!(":{}", spec.trim_start_matches('0')))]
}

prop_compose! {
    fn sites()(
        slots in prop::collection::vec((types(), 0..3_usize), 0..12),
        placeholders in prop::collection::vec((any::<prop::sample::Index>(), specs()), 0..5),
        literals in prop::collection::vec(prop::sample::select(vec!["", " ", "id \"", "größe "]), 6),
        has_template in prop::bool::weighted(0.9),
    ) -> (Vec<(Type, Role)>, Option<String>) {
        let roles = [Role::Argument, Role::Field, Role::DebugField];
        let template = placeholders.iter().filter(|_| !slots.is_empty()).zip(&literals);
        let template: String = template
            .map(|((at, spec), literal)| format!("{literal}{{{}{spec}}}", at.index(slots.len())))
            .chain([literals[5].to_owned()])
            .collect();
        let slots = slots.into_iter().map(|(ty, role)| (ty, roles[role])).collect();
        (slots, Some(template).filter(|_| has_template))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn lines_of_any_shape_are_what_the_renderer_writes(
        sites in prop::collection::vec(sites(), 1..4),
        seed: u64,
    ) {
        let (mut builder, mut seed) = (DumpBuilder::new(), seed);
        for ((slots, template), id) in sites.iter().zip(100..) {
            let slots: Vec<_> = slots.iter().map(|(ty, role)| ("n", *role, ty.clone())).collect();
            builder.site(id, Level::Info, "app", template.as_deref(), &slots);
        }
        let records: Vec<_> = (0..30).map(|at| {
            let which = at % sites.len();
            let mut values = Vec::new();
            sites[which].0.iter().for_each(|(ty, _)| put_value(ty, &mut seed, &mut values));
            Rec(100 + which as u32, 1000 + at as u64, values)
        }).collect();
        builder.block(1, &records);
        builder.raw_block(2, &records);
        builder.column_block(3, &records);
        builder.seal(0);
        let dumps = [builder.dump()];
        for format in [Format::Short, Format::Json] {
            let (filter, options) = (Filter::default(), RenderOptions::default());
            let expected = one_by_one(&dumps, &filter, Order::Time, format, &options);
            let found = rendered(&dumps, &filter, Order::Time, format, &options, 1);
            let text = |of: &str| of.lines().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(text(&found.0), text(&expected.0));
            prop_assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
        }
    }
}
