//! A library that is loaded while the program runs, and that has a Stenolog of its own.
#![cfg(unix)]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use stenolog::{Builder, OnFull, StartError, info};

/// Logs `plugin 0` … `plugin 9999` to the dump at `path`. Returns 0, 1 if another logger has the
/// path, and 2 if anything else goes wrong.
///
/// # Safety
/// `path` is a string that ends with a zero, as C has them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stenolog_tests_plugin_run(path: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    let path = OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes());
    match Builder::new(path).on_full(OnFull::Block).start() {
        Ok(log) => {
            (0..10_000).for_each(|n| info!("plugin {n}"));
            if log.close().is_ok() { 0 } else { 2 }
        }
        Err(StartError::Busy { .. }) => 1,
        Err(_) => 2,
    }
}
