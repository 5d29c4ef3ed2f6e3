//! Twins: the same log as text or JSON, as `steno` prints it.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::path::Path;

use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};

/// A twin that was written.
#[derive(Clone, Copy, Debug)]
pub struct Twin {
    pub records: u64,
    pub bytes: u64,
}

/// Decodes a dump into a file. The file lies in the page cache as any that was just written.
///
/// # Errors
/// If the dump cannot be read or the file cannot be written.
pub fn twin(dump: &Path, to: &Path, format: Format) -> Result<Twin, Box<dyn Error>> {
    let dumps = [Dump::open(dump)?];
    let mut decoder = Decoder::new(&dumps);
    let mut file = File::create(to)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut written = Ok(());
    let mut bytes = 0;
    let _ = decoder.render(format, &RenderOptions::default(), threads, |text| {
        written = file.write_all(text);
        bytes += text.len() as u64;
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    written?;
    let summary = decoder.summary();
    if !summary.is_complete() {
        return Err(format!("the dump is not complete: {summary:?}").into());
    }
    Ok(Twin { records: summary.shown, bytes })
}

/// Puts a file to the disk, drops it from the page cache, and reads it again: the system then keeps it in
/// larger pieces than those of a file that was written, and programs read it faster.
///
/// # Errors
/// If the file cannot be read.
pub fn reread(path: &Path) -> std::io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    file.sync_all()?;
    for advice in [libc::POSIX_FADV_DONTNEED, libc::POSIX_FADV_SEQUENTIAL] {
        // SAFETY: the call takes no pointers, and the descriptor is open.
        let error = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, advice) };
        if error != 0 {
            return Err(std::io::Error::from_raw_os_error(error));
        }
    }
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
