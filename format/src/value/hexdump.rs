//! Hex dumps: lines of 16 bytes, as `hexdump -C` writes them.

use std::fmt;

/// Bytes in a line.
const LINE: usize = 16;

/// Writes the lines of a hex dump, without a line feed after the last one; nothing for no bytes.
///
/// # Errors
/// Those of `out`.
///
/// ```
/// let mut out = String::new();
/// stenolog_format::value::write_hexdump(&mut out, b"Hello, world!\n\xff")?;
/// assert_eq!(
///     out,
///     "00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 0a ff     |Hello, world!..|",
/// );
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub fn write_hexdump(out: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    for (at, line) in bytes.chunks(LINE).enumerate() {
        write!(out, "{}{:08x} ", if at > 0 { "\n" } else { "" }, at * LINE)?;
        for index in 0..LINE {
            out.write_str(if index == LINE / 2 { "  " } else { " " })?;
            match line.get(index) {
                Some(byte) => write!(out, "{byte:02x}")?,
                None => out.write_str("  ")?,
            }
        }
        out.write_str("  |")?;
        for &byte in line {
            let is_shown = matches!(byte, b' '..=b'~');
            out.write_char(if is_shown { char::from(byte) } else { '.' })?;
        }
        out.write_char('|')?;
    }
    Ok(())
}
