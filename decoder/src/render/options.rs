//! Options of rendering.

use std::num::NonZero;

use super::zone::Zone;

/// Options of a [`Renderer`](crate::Renderer) and of [`Decoder::write_to`](crate::Decoder::write_to).
///
/// ```
/// use stenolog_decoder::{Precision, RenderOptions, Zone};
///
/// let options = RenderOptions::default()
///     .with_zone(Zone::named("Europe/Berlin")?)
///     .with_precision(Precision::Nanos);
/// # Ok::<(), stenolog_decoder::ZoneError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    pub(super) zone: Zone,
    pub(super) color: bool,
    pub(super) precision: Option<Precision>,
    pub(super) defuses_formulas: bool,
    pub(super) threads: Option<NonZero<usize>>,
}

impl RenderOptions {
    /// Sets the time zone of times: by default, UTC.
    #[must_use]
    pub fn with_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// Sets whether [`Format::Short`](crate::Format::Short) and [`Format::Verbose`](crate::Format::Verbose)
    /// colour their output: by default, they do not.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Sets whether [`Format::Csv`](crate::Format::Csv) puts a `'` before each cell that begins with `=`,
    /// `+`, `-` or `@`. By default, cells are as logged, and a spreadsheet that opens the file takes such
    /// cells for formulas.
    #[must_use]
    pub fn with_defused_formulas(mut self, defuses_formulas: bool) -> Self {
        self.defuses_formulas = defuses_formulas;
        self
    }

    /// Sets the precision of times: by default, microseconds in [`Format::Short`](crate::Format::Short),
    /// else nanoseconds.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = Some(precision);
        self
    }

    /// Sets how many threads [`Decoder::write_to`](crate::Decoder::write_to) may use, including the
    /// caller's: by default, one. The output is the same for any number.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = Some(threads);
        self
    }
}

/// The precision of times.
///
/// ```
/// use stenolog_decoder::{Precision, RenderOptions};
///
/// let options = RenderOptions::default().with_precision(Precision::Micros);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Six digits after the point.
    Micros,
    /// Nine digits after the point.
    Nanos,
}
