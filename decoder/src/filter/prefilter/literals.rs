//! Literals that every match of a regular expression contains.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::fold::{fold, fold_char};

/// At most this many literals are searched for at once.
const MAX_LITERALS: usize = 16;

/// A class with at most this many characters is expanded to them.
const MAX_CLASS: usize = 4;

/// Longer literals are cut to this length.
const MAX_BYTES: usize = 48;

/// Literals, folded, at least one of which every match contains; `None` if there is no such set.
pub(super) fn of_pattern(pattern: &str, ignore_case: bool) -> Option<Vec<Vec<u8>>> {
    let hir = ParserBuilder::new().case_insensitive(ignore_case).build().parse(pattern).ok()?;
    let mut best = KnownText::of(&hir).best()?;
    for literal in &mut best {
        literal.truncate(MAX_BYTES);
    }
    Some(best)
}

/// The known facts about the text that a part of an expression matches.
#[derive(Clone, Debug, Default)]
struct KnownText {
    /// The text is one of these.
    exact: Option<Vec<Vec<u8>>>,
    /// The text contains one of these.
    within: Option<Vec<Vec<u8>>>,
}

impl KnownText {
    fn exactly(texts: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(texts), within: None }
    }

    // Expressions do not nest deeper than the parser's own limit of 250 levels.
    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::exactly(vec![Vec::new()]),
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => Self::exactly(vec![fold(text)]),
                Err(_) => Self::default(),
            },
            HirKind::Class(class) => of_class(class).map_or_else(Self::default, Self::exactly),
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Repetition(repetition) => {
                let sub = Self::of(&repetition.sub);
                match (repetition.min, repetition.max, sub.exact.clone()) {
                    (0, Some(1), Some(mut texts)) if texts.len() < MAX_LITERALS => {
                        texts.push(Vec::new());
                        Self::exactly(texts)
                    }
                    (1, Some(1), Some(texts)) => Self::exactly(texts),
                    (0, ..) => Self::default(),
                    _ => Self { exact: None, within: sub.best() },
                }
            }
            HirKind::Concat(parts) => concat(parts.iter().map(Self::of)),
            HirKind::Alternation(parts) => alternation(parts.iter().map(Self::of)),
        }
    }

    /// The most selective literals.
    fn best(self) -> Option<Vec<Vec<u8>>> {
        better(self.exact, self.within)
    }
}

/// The characters of a small class, each as a text of its own.
fn of_class(class: &Class) -> Option<Vec<Vec<u8>>> {
    let mut chars: Vec<char> = Vec::new();
    let mut add = |first: u32, last: u32| {
        for number in first..=last {
            let char = fold_char(char::from_u32(number)?);
            if !chars.contains(&char) {
                chars.push(char);
            }
            if chars.len() > MAX_CLASS {
                return None;
            }
        }
        Some(())
    };
    match class {
        Class::Unicode(class) => {
            class.iter().try_for_each(|range| add(range.start().into(), range.end().into()))?;
        }
        Class::Bytes(class) => {
            let is_ascii = class.is_ascii();
            let mut ranges = class.iter().filter(|_| is_ascii);
            ranges.try_for_each(|range| add(range.start().into(), range.end().into()))?;
        }
    }
    // A class without characters matches nothing.
    let texts = chars.iter().map(|char| char.to_string().into_bytes()).collect::<Vec<_>>();
    (!texts.is_empty()).then_some(texts)
}

fn concat(parts: impl Iterator<Item = KnownText>) -> KnownText {
    let mut run = vec![Vec::new()];
    let mut is_whole = true;
    let mut within = None;
    for part in parts {
        let Some(texts) = part.exact else {
            is_whole = false;
            within = better(within, Some(std::mem::replace(&mut run, vec![Vec::new()])));
            within = better(within, part.within);
            continue;
        };
        if run.len() * texts.len() > MAX_LITERALS {
            is_whole = false;
            within = better(within, Some(std::mem::replace(&mut run, texts)));
            continue;
        }
        let product = run.iter().flat_map(|head| {
            texts.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat())
        });
        run = product.collect();
    }
    if is_whole {
        KnownText::exactly(run)
    } else {
        KnownText { exact: None, within: better(within, Some(run)) }
    }
}

fn alternation(parts: impl Iterator<Item = KnownText>) -> KnownText {
    let parts: Vec<_> = parts.collect();
    let exact: Option<Vec<_>> = parts.iter().map(|part| part.exact.clone()).collect();
    let exact = exact.map(|texts| texts.concat()).filter(|texts| texts.len() <= MAX_LITERALS);
    if exact.is_some() {
        return KnownText { exact, within: None };
    }
    let within: Option<Vec<_>> = parts.into_iter().map(KnownText::best).collect();
    let within = within.map(|texts| texts.concat()).filter(|texts| texts.len() <= MAX_LITERALS);
    KnownText { exact: None, within }
}

/// The more selective literals: those whose shortest is longer, then the fewer ones.
fn better(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    let worth = |texts: &Option<Vec<Vec<u8>>>| {
        let texts = texts.as_ref()?;
        let shortest = texts.iter().map(Vec::len).min()?;
        (shortest > 0).then_some((shortest, std::cmp::Reverse(texts.len())))
    };
    let best = if worth(&b) > worth(&a) { b } else { a };
    worth(&best).and(best)
}
