//! Hex dumps: bytes that the decoder shows as lines of 16.

use std::fmt;

use stenolog_format::types::reserved;
use stenolog_format::value::write_hexdump;

use super::as_record::{AsRecord, Shown};
use super::named::named;

/// Bytes that are shown as a hex dump: see [`hexdump`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hexdump<'a>(&'a [u8]);

/// Shows bytes as a hex dump, as `hexdump -C` does: lines of 16 bytes with their offsets and their ASCII
/// characters.
///
/// The call stores the bytes, and the decoder makes the lines: `steno -o verbose` shows them below each other, JSON
/// has them as one string, and formats with one line a record escape the line feeds.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let _log = stenolog::Builder::new(path).start()?;
/// let packet = b"GET / HTTP/1.1\r\n";
/// stenolog::info!(packet = stenolog::hexdump(packet), "received");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn hexdump<T: AsRef<[u8]> + ?Sized>(bytes: &T) -> Hexdump<'_> {
    Hexdump(bytes.as_ref())
}

impl fmt::Display for Hexdump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexdump(f, self.0)
    }
}

impl fmt::Debug for Hexdump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexdump(f, self.0)
    }
}

named! {
    [] Hexdump<'_>: reserved::HEXDUMP, Tuple [], |dump| (dump.0,) => (&[u8],);
}

impl AsRecord for Hexdump<'_> {
    type As<'a>
        = &'a Self
    where
        Self: 'a;

    fn as_record(&self) -> &Self {
        self
    }
}

impl Shown for Hexdump<'_> {}
