//! Notes on standard error about what is damaged or missing.

use stenolog_decoder::{Dump, LossKind, Summary, Tail};

use super::messages::warn;
use super::report::damage_line;
use crate::cli::units::counted;

/// How many places to list. A file of noise has millions.
const MAX_PLACES: usize = 20;

/// Prints a line for each place where something is wrong, then a sum; nothing if all is well. `absence` tells
/// why an unfinished dump has no rings.
pub(crate) fn report<'r>(dumps: &[Dump], summary: &Summary, absence: impl Fn(&Dump) -> &'r str) {
    if summary.is_complete() {
        return;
    }
    for damage in summary.damage.iter().take(MAX_PLACES) {
        warn(damage_line(damage));
    }
    if let Some(more @ 1..) = summary.damage.len().checked_sub(MAX_PLACES) {
        warn(format_args!("… and {more} more places; `steno verify` lists them all"));
    }
    for dump in dumps {
        let name = dump.name();
        if summary.unfinished.iter().any(|file| **file == *name) {
            let (end, absence) = (describe_end(dump), absence(dump));
            warn(format_args!("{}: {end}{absence}", name.display()));
        }
    }
    warn(sum(summary));
}

/// How an unfinished dump ends, and why.
pub(crate) fn describe_end(dump: &Dump) -> String {
    let (end, why) = end_and_cause(dump);
    format!("{end}; it is not sealed: {why}")
}

/// How an unfinished dump ends, and why it is not sealed.
pub(crate) fn end_and_cause(dump: &Dump) -> (String, String) {
    // A process that exits without dropping the guard leaves the same bytes as one that was killed.
    const WHY: &str = "its writer was killed or did not close it";
    match dump.tail() {
        Tail::Torn { offset, bytes } => (
            format!(
                "byte {offset}: the file ends within a frame, after {} of it",
                counted(bytes, "byte")
            ),
            format!("{WHY}, or the file was cut"),
        ),
        _ => (
            format!("byte {}: the file ends without an end mark", dump.len_bytes()),
            format!("{WHY}, and records that it had not written are missing"),
        ),
    }
}

/// `incomplete: 17 records lost, 2 places damaged; 1 234 records read`.
fn sum(summary: &Summary) -> String {
    let Summary { by_cause, damage, unfinished, records, .. } = summary;
    let places =
        [(damage.len() as u64, "damaged place"), (unfinished.len() as u64, "unsealed dump")];
    let places = places.into_iter().filter(|&(number, _)| number > 0);
    let places = places.map(|(number, noun)| counted(number, noun));
    let parts = places.chain(by_cause.iter().map(|(&kind, &number)| loss(kind, number)));
    format!(
        "incomplete: {}; {} read",
        parts.collect::<Vec<_>>().join(", "),
        counted(*records, "record")
    )
}

/// `17 records lost when logged: ring full`.
pub(crate) fn loss(kind: LossKind, number: u64) -> String {
    let what = match kind {
        LossKind::RingFull => "lost when logged: ring full",
        LossKind::TooLarge => "lost when logged: longer than the ring",
        LossKind::Missing => "missing from the files",
        LossKind::Gone => {
            "gone with an earlier file of the log, or with a ring that another program wrote to"
        }
        LossKind::TornFrame => "lost: frame cut",
        LossKind::BadChecksum => "lost: wrong checksum",
        LossKind::UnknownCallSite => "lost: unknown call site",
        LossKind::Unreadable => "lost: cannot be read",
        _ => "lost",
    };
    format!("{} {what}", counted(number, "record"))
}
