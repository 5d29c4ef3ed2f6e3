use stenolog_format::dictionary::{Level, Role, Slot, TimeSource};
use stenolog_format::types::{EnumType, Shape};

use super::*;
use crate::Filter;
use crate::model::site::CompiledSite;

/// A question that has to go on for longer than there are steps is answered all the same.
const LAST_QUESTION: i64 = 1 << 25;

fn fields(names: usize, length: usize) -> Fields {
    let field = |_| ("n".repeat(length), Type::Str);
    Fields { name: "S".into(), shape: Shape::Struct, fields: (0..names).map(field).collect() }
}

fn nested(depth: usize, leaf: Type) -> Type {
    (0..depth).fold(leaf, |of, _| Type::Option(of.into()))
}

fn site(id: u32, types: Vec<Type>, template: &str) -> CompiledSite {
    let slot = |ty| Slot { name: String::new(), role: Role::Argument, ty };
    let (site, _) = CompiledSite::new(CallSite {
        id,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "t".into(),
        module: "m".into(),
        file: "f".into(),
        line: 1,
        column: 1,
        template: Some(template.into()),
        slots: types.into_iter().map(slot).collect(),
    });
    site
}

/// As many call sites, each with as many slots of one type.
fn sites(count: usize, slots: usize, ty: &Type) -> Vec<CompiledSite> {
    let template: String = (0..slots).map(|slot| format!("{{{slot}:?}}")).collect();
    let site = |id| site(16 + id as u32, vec![ty.clone(); slots], &template);
    (0..count).map(site).collect()
}

/// How many steps a filter takes, and how many bytes the call sites have.
fn steps(filter: &Filter, sites: &[CompiledSite]) -> (i64, i64) {
    let mut budget = Budget::default();
    let mut bytes = 0;
    for site in sites {
        bytes += bytes_of(site.call_site());
        budget.earn(site.call_site());
        let _predicate = filter.predicate(site, &mut budget);
    }
    (budget.spent, bytes)
}

fn greps(patterns: &[String]) -> Filter {
    let grep = |filter: Filter, pattern: &String| filter.with_grep_pattern(pattern, true).unwrap();
    patterns.iter().fold(Filter::default(), grep)
}

/// Patterns of all sizes: a word, alternatives, a long one, very many.
fn filters() -> [Filter; 4] {
    let words = (0..16).map(|n| format!("{n}{}", "wombat quokka ".repeat(4))).collect::<Vec<_>>();
    let many = (0..200).map(|n| format!("wombat {n}")).collect::<Vec<_>>();
    let fields = |filter: Filter| {
        (0..50)
            .fold(filter, |filter, n| filter.with_field(format!("a.b{n}=wombat").parse().unwrap()))
    };
    [
        greps(&["wombat".into()]),
        greps(&[words.join("|")]),
        greps(&["n".repeat(48)]),
        fields(greps(&many)),
    ]
}

#[test]
fn no_dictionary_takes_more_steps_than_its_bytes_pay_for() {
    let variants = EnumType { name: "E".into(), variants: vec![fields(6, 4); 30] };
    let shapes = [
        sites(1, 64, &Type::Tuple(vec![Type::Str; 200])),
        sites(8, 64, &Type::Tuple(vec![Type::Str; 200])),
        sites(8, 64, &Type::Struct(fields(1, 60_000))),
        sites(8, 64, &Type::Struct(fields(30, 30))),
        sites(8, 64, &nested(60, Type::Str)),
        sites(8, 64, &Type::Tuple(vec![nested(3, Type::SystemTime); 60])),
        sites(8, 20, &Type::Enum(variants)),
        sites(2_000, 1, &Type::Str),
        vec![site(16, vec![Type::Str], &"{0}".repeat(100_000))],
        vec![site(16, vec![Type::Tuple(vec![Type::Str; 100_000])], &"{0:?}".repeat(200))],
        vec![site(16, vec![Type::Str], &"\u{202e}".repeat(340))],
        vec![site(16, vec![Type::Char; 60], &"{0:\u{202e}^9}".repeat(80))],
    ];
    for (shape, sites) in shapes.iter().enumerate() {
        for (pattern, filter) in filters().iter().enumerate() {
            let (steps, bytes) = steps(filter, sites);
            let most = STEPS_AT_FIRST + STEPS_PER_BYTE * bytes + LAST_QUESTION;
            assert!(steps <= most, "shape {shape}, filter {pattern}: {steps} for {bytes} bytes");
        }
    }
}

/// Twice the bytes take no more than twice the steps, but for what any call site takes.
#[test]
fn steps_grow_with_the_call_site() {
    type Shape = fn(usize) -> Vec<CompiledSite>;
    let shapes: [(&str, Shape); 4] = [
        ("slots", |n| sites(1, n, &Type::Str)),
        ("text", |n| vec![site(16, vec![], &"some text ".repeat(n))]),
        ("names", |n| sites(1, 1, &Type::Struct(fields(n, 8)))),
        ("depth", |n| sites(1, 1, &nested(n, Type::Str))),
    ];
    for (name, shape) in shapes {
        for filter in filters() {
            let (before, _) = steps(&filter, &shape(24));
            let (after, _) = steps(&filter, &shape(48));
            assert!(after <= 2 * before + before / 4, "{name}: {before}, then {after}");
        }
    }
}

#[test]
fn a_call_site_without_budget_may_print_anything() {
    let filter = greps(&["wombat".into()]);
    let site = &sites(1, 1, &Type::U32)[0];
    assert!(matches!(
        filter.predicate(site, &mut Budget::default()),
        crate::filter::SitePredicate::Never
    ));
    let mut budget = Budget { left: 0, spent: 0 };
    assert!(matches!(filter.predicate(site, &mut budget), crate::filter::SitePredicate::Always));
}
