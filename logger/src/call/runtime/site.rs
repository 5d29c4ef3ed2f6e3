//! Call sites that a program describes at run time: for scripting languages, plugins and bridges.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use stenolog_format::dictionary::{Level, Role};

use super::template::{normalize, unnamed};
use super::{DynamicValue, Logged, Values, log_target_as_text, values};
use crate::call::time::{IntoTime, Now, TimeWord};
use crate::registry;
use crate::registry::runtime::{Description, NamedSite, Origin, ShapeSlot};
use crate::thread;

/// A call site that is described at run time, for programs that do not know it when they are compiled: scripting
/// languages, plugins, bridges from other logging interfaces.
///
/// Make one for each place in the script and keep it; clones share everything. Its records have values of any
/// types, each time others if need be. Their names and types are in the dump once, as with the macros, so a
/// record takes as few bytes.
///
/// A record takes no lock and no allocation if one with values of the same types was logged at the call site
/// before. It costs about twice as much as a call of a macro.
///
/// In a signal handler use the macros: a record of this call may allocate.
///
/// # Limits
/// Call sites live as long as the process: all of them together may take 16 MiB, and each may have 64 lists of
/// types. Equal descriptions share one call site, so describing it again takes no memory. A program that exceeds
/// a limit, for example because it puts numbers into messages, loses no record: further ones are kept as text,
/// under their level and target, and [`Event::TooManyCallSites`](crate::Event::TooManyCallSites) tells the
/// operator.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{DynamicSite, DynamicValue, Level};
///
/// let log = stenolog::Builder::new(path).start()?;
/// let site = DynamicSite::new(
///     Level::Info, "script", "game::ai", "ai.lua", 7, Some("{unit} attacks"), &["unit", "damage"],
/// );
/// site.log(&["orc".into(), 7_u8.into()]);
/// site.log(&["troll".into(), DynamicValue::F64(0.5)]); // another list of types
/// log.flush()?;
/// assert_eq!(log.stats().records, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DynamicSite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    level: Level,
    target: Box<str>,
    module: Box<str>,
    file: Box<str>,
    line: u32,
    message: Option<Box<str>>,
    names: Box<[Box<str>]>,
    /// The registered call site; `None` if it was refused. Unset if it could not be asked for yet.
    site: OnceLock<Option<&'static NamedSite>>,
}

impl DynamicSite {
    /// Describes a call site. Takes a lock and allocates.
    ///
    /// `message` is a format string, or `None` if records have fields only. `names` are those of the values: a
    /// placeholder `{name}` prints that value, all others are fields. If a record has more values than there are
    /// names, those without a name come first, as in `format!`, for `{}` and `{0}`; if it does not, these count
    /// all values in order. A message that is no valid format string, or that refers to other values, is shown as
    /// it is. `line` is 0 if it is unknown.
    #[must_use]
    pub fn new(
        level: Level,
        target: &str,
        module: &str,
        file: &str,
        line: u32,
        message: Option<&str>,
        names: &[&str],
    ) -> Self {
        let inner = Inner {
            level,
            target: target.into(),
            module: module.into(),
            file: file.into(),
            line,
            message: message.map(Into::into),
            names: names.iter().map(|&name| name.into()).collect(),
            site: OnceLock::new(),
        };
        inner.resolve();
        Self { inner: Arc::new(inner) }
    }

    /// Whether a record of this call would be logged. Costs a load and a comparison.
    #[inline]
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        match self.inner.site.get() {
            Some(Some(named)) => named.site.is_enabled(),
            _ => self.inner.is_enabled_unresolved(),
        }
    }

    /// Logs a record with these values, if the call site is enabled.
    #[inline]
    pub fn log(&self, values: &[DynamicValue<'_>]) {
        self.log_with(Now, values);
    }

    /// Logs a record with these values and a time that the caller has: as `at:` of the macros.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{DynamicSite, Level};
    ///
    /// let log = stenolog::Builder::new(path).start()?;
    /// let tick = DynamicSite::new(Level::Info, "replay", "", "", 0, Some("tick"), &[]);
    /// tick.log_at(1_700_000_000_000_000_000_u64, &[]);
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_at(&self, time: impl IntoTime, values: &[DynamicValue<'_>]) {
        self.log_with(time.into_word(), values);
    }

    #[inline]
    fn log_with<T: TimeWord>(&self, time: T, values: &[DynamicValue<'_>]) {
        if !self.is_enabled() {
            return;
        }
        let Some(Some(named)) = self.inner.site.get() else {
            return self.inner.log_as_text(time, values);
        };
        let logged = values::with(|record| {
            for (index, value) in values.iter().enumerate() {
                value.append(record, index);
            }
            named.site.log(time, record, || describe(named, record, values.len()))
        });
        if logged == Logged::Refused {
            self.inner.log_as_text(time, values);
        }
    }
}

/// The template and the slots of records with this many values.
fn describe(named: &NamedSite, record: &Values, values: usize) -> (Option<String>, Vec<ShapeSlot>) {
    let first = unnamed(named.names, values);
    let mut slots = record.slots(|_| "");
    for (index, (name, ..)) in slots.iter_mut().enumerate() {
        let given = index.checked_sub(first).and_then(|index| named.names.get(index));
        *name = given.map_or_else(|| index.to_string(), |&given| given.to_owned());
    }
    let normalized = named.message.map(|message| normalize(message, named.names, values));
    let Some(normalized) = normalized else { return (None, slots) };
    for ((_, role, _), is_printed) in slots.iter_mut().zip(normalized.is_printed) {
        if is_printed {
            *role = Role::Argument;
        }
    }
    (Some(normalized.template), slots)
}

impl Inner {
    /// Asks for the call site, unless this is within a log call: by a signal handler, or by an allocator that
    /// logs.
    fn resolve(&self) {
        let asked = thread::in_cold_section(|| {
            let names: Vec<&str> = self.names.iter().map(|name| &**name).collect();
            let origin = Origin {
                level: self.level,
                target: &self.target,
                module: &self.module,
                file: &self.file,
                line: self.line,
            };
            let message = self.message.as_deref();
            Some(registry::intern(&Description { origin, event: None, message, names: &names }))
        });
        if let Some(site) = asked {
            let _ = self.site.set(site);
        }
    }

    #[cold]
    fn is_enabled_unresolved(&self) -> bool {
        if self.site.get().is_none() {
            self.resolve();
        }
        match self.site.get() {
            Some(Some(named)) => named.site.is_enabled(),
            // Not by its own state: it has none.
            _ => thread::wants_target(self.level, &self.target, &self.module),
        }
    }

    #[cold]
    fn log_as_text<T: TimeWord>(&self, time: T, values: &[DynamicValue<'_>]) {
        log_target_as_text(time, self.level, &self.target, |text| {
            text.push_str(self.message.as_deref().unwrap_or_default());
            let first = values.len().saturating_sub(self.names.len());
            for (index, value) in values.iter().enumerate() {
                let separator = if text.is_empty() { "" } else { " " };
                let name = index.checked_sub(first).and_then(|index| self.names.get(index));
                // A string takes everything.
                let _ = match name {
                    Some(name) => write!(text, "{separator}{name}={value:?}"),
                    None => write!(text, "{separator}{value:?}"),
                };
            }
        });
    }
}
