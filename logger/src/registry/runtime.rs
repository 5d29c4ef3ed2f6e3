//! Call sites that are described at run time, for code that does not know them when it is compiled.
//!
//! ```text
//!   RuntimeSite   where records come from, and whether they are wanted
//!     └ Shape     what one list of values is: an ordinary call site, with an id of its own
//! ```
//!
//! A shape has an *identity*: bytes that are equal for equal lists of names and types. A record finds its shape
//! by comparing them, without a lock and without a hash, and a wrong shape is impossible.
//!
//! All of this lives as long as the process: threads, the registry and dumps know call sites by their address. So
//! it is bounded:
//!
//! - **B1 (sum).** All of them together take no more than [`MAX_BYTES`] of memory.
//! - **B2 (share).** One call site has no more than [`MAX_SHAPES`] shapes.
//!
//! Beyond a bound, records are kept as text: see [`RuntimeSites::as_text`]. The drain tells the operator.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use stenolog_format::dictionary::{Level, Role};
use stenolog_format::span::SpanEvent;
use stenolog_format::types::Type;

use super::describe::{cut, cut_template};
use super::site::{Meta, Site, SlotMeta};

/// The most bytes of all call sites that are described at run time: a reader accepts four times as much for all
/// call sites of a dump.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// The most shapes of one call site.
pub(crate) const MAX_SHAPES: usize = 64;

/// The most targets, by level, that keep their name when their call sites are refused.
const MAX_TEXT_SITES: usize = 1 << 10;

/// The memory that a call site, or a shape, takes in addition to its texts.
const OVERHEAD_BYTES: usize = 512;

/// How many shapes are in a block of [`Shapes`].
const SHAPES: usize = 4;

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin<'a> {
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    pub(crate) module: &'a str,
    pub(crate) file: &'a str,
    /// From 1; 0 if unknown.
    pub(crate) line: u32,
}

impl Origin<'_> {
    /// A copy for the life of the process.
    fn leak(self) -> Origin<'static> {
        let Self { level, target, module, file, line } = self;
        let leak = |text: &str| -> &'static str { cut(text).leak() };
        Origin { level, target: leak(target), module: leak(module), file: leak(file), line }
    }

    fn bytes(&self) -> usize {
        OVERHEAD_BYTES + self.target.len() + self.module.len() + self.file.len()
    }
}

/// A value of a shape: its name, role and type.
pub(crate) type ShapeSlot = (String, Role, Type);

/// A call site whose records may each have other values.
#[derive(Debug)]
pub(crate) struct RuntimeSite {
    pub(crate) origin: Origin<'static>,
    /// What its records are, if they are events of spans: their first values are then the hidden words.
    event: Option<SpanEvent>,
    /// Tells whether records are wanted. Nothing is logged with it.
    pub(crate) gate: Site,
    /// The message that the records without another one have.
    #[cfg(feature = "tracing")]
    pub(crate) text: OnceLock<&'static str>,
    shapes: Shapes,
    /// Whether it is for records that are kept as text: these have one shape, which must not be refused.
    is_text: bool,
}

/// The records of a call site with one list of names and types.
#[derive(Debug)]
pub(crate) struct Shape {
    identity: Box<[u8]>,
    pub(crate) types: Box<[Type]>,
    pub(crate) site: Site,
}

/// Whether two short texts are equal: a call of `memcmp` costs more than comparing a few words.
#[inline]
pub(crate) fn is_equal(a: &[u8], b: &[u8]) -> bool {
    const LONGEST: usize = 64;
    if a.len() != b.len() {
        return false;
    }
    if a.len() > LONGEST {
        return a == b;
    }
    let ((words_a, rest_a), (words_b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let is_word_equal =
        |(a, b): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*a) == u64::from_le_bytes(*b);
    // The last word overlaps the one before it.
    words_a.iter().zip(words_b).all(is_word_equal)
        && match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
            (Some(a), Some(b)) => is_word_equal((a, b)),
            _ => rest_a.iter().zip(rest_b).all(|(a, b)| a == b),
        }
}

/// Shapes, in the order in which they were first seen. Nothing is ever removed.
#[derive(Debug, Default)]
struct Shapes {
    known: [OnceLock<&'static Shape>; SHAPES],
    more: OnceLock<&'static Shapes>,
}

impl Shapes {
    /// The shape with this identity.
    #[inline]
    fn find(&self, identity: &[u8]) -> Option<&'static Shape> {
        for known in &self.known {
            let shape = *known.get()?;
            if is_equal(&shape.identity, identity) {
                return Some(shape);
            }
        }
        self.more.get()?.find(identity)
    }

    /// Adds a shape unless another thread has added it meanwhile.
    fn add(&self, shape: &'static Shape) -> &'static Shape {
        for known in &self.known {
            // Not `get_or_init`: an allocator that logs could come here again.
            match known.set(shape) {
                Ok(()) => return shape,
                Err(_) if known.get().is_some_and(|known| known.identity == shape.identity) => {
                    return known.get().copied().unwrap_or(shape);
                }
                Err(_) => {}
            }
        }
        if self.more.get().is_none() {
            let _ = self.more.set(Box::leak(Box::default()));
        }
        self.more.get().map_or(shape, |more| more.add(shape))
    }

    fn count(&self) -> usize {
        let here = self.known.iter().filter(|known| known.get().is_some()).count();
        here + self.more.get().map_or(0, |more| more.count())
    }
}

impl RuntimeSite {
    /// Makes a call site of texts that live long enough. `None` if there are too many (B1).
    #[cfg(any(feature = "log", feature = "tracing", test))]
    pub(crate) fn new(origin: Origin<'static>, event: Option<SpanEvent>) -> Option<&'static Self> {
        take(&BYTES, OVERHEAD_BYTES).then(|| Self::leak(origin, event)).or_else(|| refuse(&origin))
    }

    /// Makes a call site of copied texts. `None` if there are too many (B1).
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn copied(origin: &Origin<'_>) -> Option<&'static Self> {
        let made = take(&BYTES, origin.bytes()).then(|| Self::leak(origin.leak(), None));
        made.or_else(|| refuse(origin))
    }

    #[cfg(any(feature = "log", feature = "tracing", test))]
    fn leak(origin: Origin<'static>, event: Option<SpanEvent>) -> &'static Self {
        Box::leak(Box::new(Self::of(origin, event)))
    }

    fn of(origin: Origin<'static>, event: Option<SpanEvent>) -> Self {
        let meta = meta(origin, event, None, Vec::new());
        Self {
            origin,
            event,
            gate: Site::new(meta),
            #[cfg(feature = "tracing")]
            text: OnceLock::new(),
            shapes: Shapes::default(),
            is_text: false,
        }
    }

    /// The shape with this identity, if it was seen before.
    #[inline]
    pub(crate) fn shape(&self, identity: &[u8]) -> Option<&'static Shape> {
        self.shapes.find(identity)
    }

    /// Adds a shape. `None` if there are too many (B1, B2).
    pub(crate) fn add_shape(
        &self,
        identity: &[u8],
        template: Option<&str>,
        slots: Vec<ShapeSlot>,
    ) -> Option<&'static Shape> {
        let names: usize = slots.iter().map(|(name, ..)| name.len() + OVERHEAD_BYTES / 8).sum();
        let bytes = OVERHEAD_BYTES + identity.len() + names + template.map_or(0, str::len);
        if !self.is_text && (self.shapes.count() >= MAX_SHAPES || !take(&BYTES, bytes)) {
            return refuse(&self.origin);
        }
        let mut types = Vec::with_capacity(slots.len());
        let mut metas = Vec::with_capacity(slots.len());
        for (name, role, ty) in slots {
            metas.push(SlotMeta { name: cut(&name).leak(), role });
            types.push(ty);
        }
        let template: Option<&'static str> = template.map(|text| &*cut_template(text).leak());
        let shape = Shape {
            identity: identity.into(),
            types: types.into(),
            site: Site::new(meta(self.origin, self.event, template, metas)),
        };
        Some(self.shapes.add(Box::leak(Box::new(shape))))
    }

    /// Makes a text the one that records without another one have, unless there is one.
    #[cfg(feature = "tracing")]
    pub(crate) fn set_text(&self, text: &str) {
        if take(&BYTES, text.len()) {
            let _ = self.text.set(text.to_owned().leak());
        }
    }
}

fn meta(
    origin: Origin<'static>,
    event: Option<SpanEvent>,
    template: Option<&'static str>,
    slots: Vec<SlotMeta>,
) -> &'static Meta {
    let Origin { level, target, module, file, line } = origin;
    let slots = slots.leak();
    let meta = Meta { level, target, module, file, line, column: 0, template, slots, event };
    Box::leak(Box::new(meta))
}

/// The bytes that call sites have taken.
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// Takes bytes, if there are as many (B1).
fn take(taken: &AtomicUsize, bytes: usize) -> bool {
    let sum = |taken: usize| taken.checked_add(bytes).filter(|&sum| sum <= MAX_BYTES);
    taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}

/// The first call site that was refused.
static REFUSED: OnceLock<Origin<'static>> = OnceLock::new();

/// Notes that a call site, or a shape of it, was refused.
fn refuse<T>(origin: &Origin<'_>) -> Option<T> {
    if REFUSED.get().is_none() {
        let _ = REFUSED.set(origin.leak());
    }
    None
}

/// The first call site of the process that was refused.
pub(crate) fn refused() -> Option<&'static Origin<'static>> {
    REFUSED.get()
}

/// A call site that a caller has described, with its message and the names of its values.
#[derive(Debug)]
pub(crate) struct NamedSite {
    pub(crate) site: RuntimeSite,
    pub(crate) message: Option<&'static str>,
    pub(crate) names: &'static [&'static str],
}

/// The description of a [`NamedSite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Description<'a> {
    pub(crate) origin: Origin<'a>,
    pub(crate) event: Option<SpanEvent>,
    pub(crate) message: Option<&'a str>,
    pub(crate) names: &'a [&'a str],
}

/// The call sites that callers have described so far. Equal descriptions share one, so a caller may drop a
/// handle and ask again without using more memory.
#[derive(Default)]
pub(super) struct RuntimeSites {
    /// By the hash of the description.
    named: HashMap<u64, Vec<&'static NamedSite>>,
    /// The call sites of records that are kept as text, by level and target.
    texts: HashMap<(Level, String), &'static RuntimeSite>,
}

impl RuntimeSites {
    pub(super) fn get(&self, description: &Description<'_>) -> Option<&'static NamedSite> {
        let named = self.named.get(&hash(description))?;
        named.iter().copied().find(|named| is_of(named, description))
    }

    /// The call site of a description; makes it if it is new. `None` if there are too many (B1).
    pub(super) fn intern(&mut self, description: &Description<'_>) -> Option<&'static NamedSite> {
        if let Some(named) = self.get(description) {
            return Some(named);
        }
        let Description { origin, event, message, names } = *description;
        let name_bytes: usize = names.iter().map(|name| name.len() + OVERHEAD_BYTES / 8).sum();
        if !take(&BYTES, origin.bytes() + name_bytes + message.map_or(0, str::len)) {
            return refuse(&origin);
        }
        let leak = |text: &str| -> &'static str { text.to_owned().leak() };
        let named: &'static NamedSite = Box::leak(Box::new(NamedSite {
            site: RuntimeSite::of(origin.leak(), event),
            message: message.map(|text| &*cut_template(text).leak()),
            names: names.iter().map(|name| leak(name)).collect::<Vec<_>>().leak(),
        }));
        self.named.entry(hash(description)).or_default().push(named);
        Some(named)
    }

    /// The call site under which a record is kept whose own one was refused: it has its level and its target,
    /// as long as there are not too many of these either.
    pub(super) fn as_text(&mut self, level: Level, target: &str) -> &'static RuntimeSite {
        let target = if self.texts.len() < MAX_TEXT_SITES { target } else { "stenolog::runtime" };
        let origin = Origin { level, target, module: "", file: "", line: 0 };
        let site = || -> &'static RuntimeSite {
            Box::leak(Box::new(RuntimeSite {
                is_text: true,
                ..RuntimeSite::of(origin.leak(), None)
            }))
        };
        self.texts.entry((level, target.to_owned())).or_insert_with(site)
    }

    pub(super) fn known_as_text(&self, level: Level, target: &str) -> Option<&'static RuntimeSite> {
        self.texts.get(&(level, target.to_owned())).copied()
    }
}

/// Whether a call site was made of a description.
fn is_of(named: &NamedSite, description: &Description<'_>) -> bool {
    let Description { origin, event, message, names } = *description;
    let known = named.site.origin;
    known.level == origin.level
        && known.line == origin.line
        && known.target == cut(origin.target)
        && known.module == cut(origin.module)
        && known.file == cut(origin.file)
        && named.message.map(str::to_owned) == message.map(cut_template)
        && named.site.event == event
        && named.names == names
}

/// A hash with keys of this process: what a program logs cannot be chosen to collide.
fn hash(of: impl Hash) -> u64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    KEYS.get_or_init(RandomState::new).hash_one(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Origin<'_> =
        Origin { level: Level::Info, target: "t", module: "m", file: "f", line: 1 };

    #[test]
    fn equal_descriptions_are_one_call_site() {
        let mut sites = RuntimeSites::default();
        let plain =
            Description { origin: PLAIN, event: None, message: Some("a {a}"), names: &["a"] };
        let first = sites.intern(&plain).unwrap();
        for _ in 0..1000 {
            let names = ["a".to_owned()];
            let names = names.each_ref().map(String::as_str);
            let again = Description { names: &names, ..plain };
            assert!(std::ptr::eq(sites.intern(&again).unwrap(), first));
        }
        let with = |origin| Description { origin, ..plain };
        let others = [
            with(Origin { level: Level::Warn, ..PLAIN }),
            with(Origin { target: "u", ..PLAIN }),
            with(Origin { line: 2, ..PLAIN }),
            Description { message: None, ..plain },
            Description { names: &["b"], ..plain },
            Description { names: &[], ..plain },
        ];
        for other in others {
            assert!(!std::ptr::eq(sites.intern(&other).unwrap(), first), "{other:?}");
        }
    }

    #[test]
    fn short_texts_are_compared_whole() {
        for len in 0..100_u8 {
            let a: Vec<u8> = (0..len).collect();
            assert!(is_equal(&a, &a.clone()));
            for at in 0..a.len() {
                let mut b = a.clone();
                b[at] ^= 0x80;
                assert!(!is_equal(&a, &b) && !is_equal(&a[..at], &a), "{len} {at}");
            }
        }
    }

    #[test]
    fn bytes_are_taken_up_to_the_bound() {
        let taken = AtomicUsize::new(0);
        let count = (0..).take_while(|_| take(&taken, 1 << 12)).count();
        assert_eq!(count, MAX_BYTES >> 12);
        assert!(!take(&taken, 1) && !take(&taken, usize::MAX));
    }

    #[test]
    fn shapes_are_found_by_their_identity_and_bounded() {
        let site = RuntimeSite::new(PLAIN.leak(), None).unwrap();
        let slot = |n: u32| vec![("a".to_owned(), Role::Field, Type::Array(Box::new(Type::U8), n))];
        let add = |n: u32| site.add_shape(&n.to_le_bytes(), None, slot(n));
        let shapes: Vec<_> = (0..200).map_while(add).collect();
        assert_eq!(shapes.len(), MAX_SHAPES);
        for (n, shape) in (0_u32..).zip(&shapes) {
            assert!(std::ptr::eq(site.shape(&n.to_le_bytes()).unwrap(), *shape));
        }
        assert!(site.shape(b"other").is_none());
        assert!(refused().is_some(), "the operator is told");
    }

    #[test]
    fn a_shape_that_two_threads_add_is_one() {
        let shapes = Shapes::default();
        let shape = |identity: &[u8]| -> &'static Shape {
            let site = Site::new(meta(PLAIN.leak(), None, None, Vec::new()));
            Box::leak(Box::new(Shape { identity: identity.into(), types: Box::new([]), site }))
        };
        let first = shapes.add(shape(b"a"));
        for n in 0..20_u8 {
            shapes.add(shape(&[n]));
        }
        assert!(std::ptr::eq(shapes.add(shape(b"a")), first));
        assert_eq!(shapes.count(), 21);
    }

    #[test]
    fn records_that_are_kept_as_text_have_a_bounded_number_of_call_sites() {
        let mut sites = RuntimeSites::default();
        for n in 0..2 * MAX_TEXT_SITES {
            let target = format!("target {n}");
            let site = sites.as_text(Level::Warn, &target);
            assert_eq!(site.origin.target == target, n < MAX_TEXT_SITES);
        }
        assert_eq!(sites.texts.len(), MAX_TEXT_SITES + 1);
    }
}
