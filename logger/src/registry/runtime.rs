//! Call sites that are described at run time, for code that does not know them when it is compiled.
//!
//! A call site lives as long as the process: threads, the registry and dumps know it by its address. Equal
//! descriptions therefore share one call site, and a caller may drop a handle and ask again without using more
//! memory. The memory of different descriptions and lists of types is bounded:
//!
//! - **B1 (sum).** All of them together take no more than [`MAX_BYTES`]: of memory, and in each dump. A
//!   reader accepts four times as much for all call sites of a dump.
//! - **B2 (share).** One call site has no more than [`MAX_TYPE_LISTS`] lists of types.
//!
//! A call that exceeds a bound is refused, and the caller is told.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::OnceLock;

use stenolog_format::dictionary::{CallSite, Level, Role, TimeSource};
use stenolog_format::span::SpanEvent;
use stenolog_format::types::{MAX_TYPE_DEPTH, Type};

use super::describe::{CallTypes, TypeList, cut, cut_template, describe};
use super::site::{Meta, Site, SlotMeta};

/// The most bytes of all call sites that are described at run time.
const MAX_BYTES: usize = 16 << 20;

/// The most lists of types of one such call site.
const MAX_TYPE_LISTS: usize = 64;

/// The memory that a call site, or one of its entries, takes in addition to its texts.
const OVERHEAD_BYTES: usize = 256;

/// The caller's description of a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteDescription<'a> {
    /// The level.
    pub level: Level,
    /// The target.
    pub target: &'a str,
    /// The module path.
    pub module: &'a str,
    /// The source file.
    pub file: &'a str,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// The message, whose placeholders name slots by index.
    pub template: Option<&'a str>,
    /// Name and role of each value of a record.
    pub slots: &'a [(&'a str, Role)],
}

/// The reason why a call site, or a record of it, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteRefused {
    /// B1.
    #[error(
        "call sites described at run time take more than {MAX_BYTES} bytes (put what varies into \
         values, not into messages and names)"
    )]
    TooManyBytes,
    /// B2.
    #[error("a call site has more than {MAX_TYPE_LISTS} lists of types (log values as text)")]
    TooManyTypeLists,
    /// There is not one type for each slot.
    #[error("a call site has {slots} values, and a record {values}")]
    Count {
        /// How many slots the description has.
        slots: usize,
        /// How many types the record has.
        values: usize,
    },
    /// The call site is unknown, and is asked for within a log call of the same thread.
    #[error("a call site cannot be described within a log call")]
    WithinCall,
    /// A reader would not accept the type.
    #[error("a value's type is nested more than {MAX_TYPE_DEPTH} deep")]
    TooDeep,
}

/// The call sites that were described so far.
#[derive(Default)]
pub(super) struct RuntimeSites {
    /// By the hash of the description.
    sites: HashMap<u64, Vec<&'static Site>>,
    /// How many lists of types a call site has, by its address.
    type_lists: HashMap<usize, usize>,
    bytes: usize,
}

impl RuntimeSites {
    pub(super) fn get(
        &self,
        description: &SiteDescription<'_>,
        event: Option<SpanEvent>,
    ) -> Option<&'static Site> {
        let sites = self.sites.get(&hash((description, event)))?;
        let is_of = |site: &&Site| site.meta.event == event && is_of(site.meta, description);
        sites.iter().copied().find(is_of)
    }

    /// The call site of a description; makes it if it is new.
    pub(super) fn intern(
        &mut self,
        description: &SiteDescription<'_>,
        event: Option<SpanEvent>,
    ) -> Result<&'static Site, SiteRefused> {
        if let Some(site) = self.get(description, event) {
            return Ok(site);
        }
        let SiteDescription { level, target, module, file, line, template, slots } = *description;
        let names: usize = slots.iter().map(|(name, _)| name.len() + OVERHEAD_BYTES / 8).sum();
        let texts = [target, module, file, template.unwrap_or_default()];
        let bytes = names + texts.map(str::len).iter().sum::<usize>();
        self.take(bytes)?;
        let leak = |text: String| -> &'static str { text.leak() };
        let slot = |&(name, role): &(&str, Role)| SlotMeta { name: leak(cut(name)), role };
        let meta = Meta {
            level,
            target: leak(cut(target)),
            module: leak(cut(module)),
            file: leak(cut(file)),
            line,
            column: 0,
            template: template.map(|text| leak(cut_template(text))),
            slots: Vec::leak(slots.iter().map(slot).collect()),
            event,
        };
        let site: &'static Site = Box::leak(Box::new(Site::new(Box::leak(Box::new(meta)))));
        self.sites.entry(hash((description, event))).or_default().push(site);
        Ok(site)
    }

    /// Accounts for another list of types of a call site.
    pub(super) fn admit(&mut self, site: &Site, types: CallTypes<'_>) -> Result<(), SiteRefused> {
        if let TypeList::Listed(list) = types.list {
            let slots = site.meta.slots.len();
            if slots != list.len() {
                return Err(SiteRefused::Count { slots, values: list.len() });
            }
            if list.iter().any(|ty| ty.depth() > MAX_TYPE_DEPTH) {
                return Err(SiteRefused::TooDeep);
            }
        }
        let address = std::ptr::from_ref(site).addr();
        let count = self.type_lists.get(&address).copied().unwrap_or_default();
        if count >= MAX_TYPE_LISTS {
            return Err(SiteRefused::TooManyTypeLists);
        }
        let entry = describe(site.meta, types, CallSite::FIRST_ID);
        let mut encoded = Vec::new();
        CallSite::encode_all([&entry].into_iter(), &mut encoded);
        self.take(encoded.len())?;
        self.type_lists.insert(address, count + 1);
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<(), SiteRefused> {
        let sum = self.bytes.saturating_add(bytes).saturating_add(OVERHEAD_BYTES);
        if sum > MAX_BYTES {
            return Err(SiteRefused::TooManyBytes);
        }
        self.bytes = sum;
        Ok(())
    }
}

/// Whether a call site was made of a description.
fn is_of(meta: &Meta, description: &SiteDescription<'_>) -> bool {
    let SiteDescription { level, target, module, file, line, template, slots } = *description;
    meta.level == level
        && meta.line == line
        && meta.target == cut(target)
        && meta.module == cut(module)
        && meta.file == cut(file)
        && meta.template.map(str::to_owned) == template.map(cut_template)
        && meta.slots.len() == slots.len()
        && (meta.slots.iter().zip(slots))
            .all(|(slot, &(name, role))| slot.role == role && slot.name == cut(name))
}

/// A hash with keys of this process: what a program logs cannot be chosen to collide.
fn hash(of: impl Hash) -> u64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    KEYS.get_or_init(RandomState::new).hash_one(of)
}

/// The signature of a record's types, as [`CallTypes::signature`] has it.
pub(crate) fn signature(time: TimeSource, types: &[Type]) -> u64 {
    /// The lengths of lists are part of their hashes.
    struct List<'a>(TimeSource, &'a [Type]);

    impl Hash for List<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
            self.1.hash(state);
        }
    }

    hash(List(time, types)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: SiteDescription<'_> = SiteDescription {
        level: Level::Info,
        target: "t",
        module: "m",
        file: "f",
        line: 1,
        template: Some("a {0}"),
        slots: &[("a", Role::Argument)],
    };

    fn types<'a>(list: &'a [Type]) -> CallTypes<'a> {
        let time = TimeSource::Counter;
        CallTypes { signature: signature(time, list), time, list: TypeList::Listed(list) }
    }

    #[test]
    fn equal_descriptions_are_one_call_site() {
        let mut sites = RuntimeSites::default();
        let first = sites.intern(&PLAIN, None).unwrap();
        let bytes = sites.bytes;
        for _ in 0..1000 {
            let slots = [("a".to_owned(), Role::Argument)];
            let slots = slots.each_ref().map(|(name, role)| (name.as_str(), *role));
            let again = SiteDescription { slots: &slots, ..PLAIN };
            assert!(std::ptr::eq(sites.intern(&again, None).unwrap(), first));
        }
        assert_eq!(sites.bytes, bytes, "what is asked for again takes no memory");
        let others = [
            SiteDescription { level: Level::Warn, ..PLAIN },
            SiteDescription { target: "u", ..PLAIN },
            SiteDescription { line: 2, ..PLAIN },
            SiteDescription { template: None, ..PLAIN },
            SiteDescription { slots: &[("b", Role::Argument)], ..PLAIN },
            SiteDescription { slots: &[], ..PLAIN },
        ];
        for other in others {
            assert!(!std::ptr::eq(sites.intern(&other, None).unwrap(), first), "{other:?}");
        }
    }

    #[test]
    fn descriptions_without_end_are_refused() {
        let mut sites = RuntimeSites::default();
        let text = "x".repeat(1 << 12);
        let describe = |line| SiteDescription { line, template: Some(&text), ..PLAIN };
        let made = (0..).take_while(|&line| sites.intern(&describe(line), None).is_ok()).count();
        assert!((3000..4096).contains(&made), "{made}");
        assert_eq!(sites.intern(&describe(u32::MAX), None).unwrap_err(), SiteRefused::TooManyBytes);
        assert!(sites.bytes <= MAX_BYTES);
        assert!(sites.intern(&describe(0), None).is_ok(), "what is known is still found");
    }

    #[test]
    fn lists_of_types_without_end_are_refused() {
        let mut sites = RuntimeSites::default();
        let site = sites.intern(&PLAIN, None).unwrap();
        let admitted = (0..200).filter(|&n| {
            let list = [Type::Array(Box::new(Type::U8), n)];
            sites.admit(site, types(&list)).is_ok()
        });
        assert_eq!(admitted.count(), MAX_TYPE_LISTS);
        let other = sites.intern(&SiteDescription { line: 2, ..PLAIN }, None).unwrap();
        assert_eq!(sites.admit(other, types(&[Type::U8])), Ok(()));
        let refused = sites.admit(other, types(&[Type::U8, Type::U8]));
        assert_eq!(refused, Err(SiteRefused::Count { slots: 1, values: 2 }));
        let deep = (0..=MAX_TYPE_DEPTH).fold(Type::U8, |of, _| Type::Slice(Box::new(of)));
        assert_eq!(sites.admit(other, types(&[deep])), Err(SiteRefused::TooDeep));
    }
}
