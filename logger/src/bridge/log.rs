//! Records of the crate `log`.
//!
//! A call of its macros becomes a call site by file, line, level and target. Its message is the call site's, if
//! it has no arguments, and a text otherwise. Key-values keep their types.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use log::kv::{self, VisitSource, VisitValue};
use log::{Log, Metadata, Record};
use stenolog_format::dictionary::Level;

use super::capture;
use super::origin::{self, Place};
use crate::call::runtime::{self, Code, Logged, Values, escaped, log_target_as_text};
use crate::call::time::Now;
use crate::handle::logger::flush_within;
use crate::registry::runtime::{Origin, RuntimeSite, ShapeSlot};
use crate::thread;

/// How long a flush waits.
const FLUSH_WITHIN: Duration = Duration::from_secs(10);

/// The [`Log`] that hands records to Stenolog. To compose it with others: `Builder::capture_log` installs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogBridge;

/// Returns a `log::Log` that hands records to the running logger, for programs that compose several. To
/// install it alone, use [`Builder::capture_log`](crate::Builder::capture_log).
///
/// The logger's filter decides for each record; before a logger starts, and after it has ended, records are
/// discarded. While this exists, the filter raises `log::max_level` if need be, but never lowers it: others may want
/// more.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// log::set_boxed_logger(Box::new(stenolog::log_bridge()))?;
/// let _log = stenolog::Builder::new(path).filter("info").start()?;
/// log::info!(user_id = 7; "from a library");
/// stenolog::flush()?;
/// assert_eq!(stenolog::stats().records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn log_bridge() -> impl Log + Clone + 'static {
    capture::follow_log();
    LogBridge
}

impl Log for LogBridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        thread::wants_target(level(metadata.level()), metadata.target(), "")
    }

    fn log(&self, record: &Record<'_>) {
        #[cfg(feature = "tracing")]
        if super::tracing::has_event_of(record) {
            return;
        }
        log(record);
    }

    /// Waits until the operating system has every record, for at most ten seconds. Without a logger, or with a manual
    /// drain, there is nothing to wait for.
    fn flush(&self) {
        // `log` has no way to tell; the drain reports errors itself.
        flush_within(FLUSH_WITHIN);
    }
}

fn log(record: &Record<'_>) {
    let Some(site) = site_of(record) else { return };
    if !site.is_enabled() {
        return;
    }
    let logged = runtime::with(|values| {
        match record.args().as_str() {
            // Static texts are told apart by their address.
            Some(text) => {
                let (address, len) = (text.as_ptr().addr(), text.len());
                let mut tag = [0; 16];
                tag[..8].copy_from_slice(&(address as u64).to_le_bytes());
                tag[8..].copy_from_slice(&(len as u64).to_le_bytes());
                values.known(&tag);
            }
            None => values.message(*record.args()),
        }
        let _ = record.key_values().visit(&mut Pairs(values));
        site.log(Now, values, || describe(record, values))
    });
    if logged == Logged::Refused {
        log_as_text(record);
    }
}

/// The template and the slots of a record.
fn describe(record: &Record<'_>, values: &Values) -> (Option<String>, Vec<ShapeSlot>) {
    let template = record.args().as_str().map_or_else(|| "{0}".to_owned(), escaped);
    (Some(template), values.slots(|_| ""))
}

#[cold]
fn log_as_text(record: &Record<'_>) {
    log_target_as_text(Now, level(record.level()), record.target(), |text| {
        // A string takes everything.
        let _ = write!(text, "{}", record.args());
        let _ = record.key_values().visit(&mut PairsAsText(text));
    });
}

/// The call site of a record. `None` if the record is done with: it has none.
fn site_of(record: &Record<'_>) -> Option<&'static RuntimeSite> {
    let origin = Origin {
        level: level(record.level()),
        target: record.target(),
        module: record.module_path().unwrap_or_default(),
        file: record.file().unwrap_or_default(),
        line: record.line().unwrap_or_default(),
    };
    let place = match (record.module_path_static(), record.file_static()) {
        (Some(module), Some(file)) => Place::Static { module, file },
        _ => Place::Copied,
    };
    let site = origin::site_of(&origin, place);
    if site.is_none() && thread::wants_target(origin.level, origin.target, origin.module) {
        log_as_text(record);
    }
    site
}

const fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warn,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

/// Key-values as values of a record.
struct Pairs<'v>(&'v mut Values);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(Pair { values: self.0, key: key.as_str() })
    }
}

struct Pair<'v> {
    values: &'v mut Values,
    key: &'v str,
}

impl Pair<'_> {
    fn put(&mut self, code: Code, bytes: &[u8]) -> Result<(), kv::Error> {
        self.values.name(code, self.key);
        self.values.put(bytes);
        Ok(())
    }
}

impl<'kvs> VisitValue<'kvs> for Pair<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.values.name(Code::Display, self.key);
        self.values.put_text(format_args!("{value}"));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.put(Code::Empty, &[])
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.put(Code::U64, &value.to_le_bytes())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.put(Code::I64, &value.to_le_bytes())
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.put(Code::U128, &value.to_le_bytes())
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.put(Code::I128, &value.to_le_bytes())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.put(Code::F64, &value.to_le_bytes())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.put(Code::Bool, &[u8::from(value)])
    }

    fn visit_char(&mut self, value: char) -> Result<(), kv::Error> {
        self.put(Code::Char, &u32::from(value).to_le_bytes())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.values.name(Code::Str, self.key);
        self.values.put_counted(value.as_bytes());
        Ok(())
    }

    fn visit_error(&mut self, error: &(dyn Error + 'static)) -> Result<(), kv::Error> {
        self.values.name(Code::Error, self.key);
        self.values.put_error(error);
        Ok(())
    }

    fn visit_borrowed_error(
        &mut self,
        error: &'kvs (dyn Error + 'static),
    ) -> Result<(), kv::Error> {
        self.visit_error(error)
    }
}

/// Key-values as text.
struct PairsAsText<'t>(&'t mut String);

impl<'kvs> VisitSource<'kvs> for PairsAsText<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        // A string takes everything.
        let _ = write!(self.0, " {key}={value}");
        Ok(())
    }
}
