//! Limits of this process.

use super::Outcome;

/// Lowers a limit of this process, or takes it back.
#[expect(clippy::useless_conversion, reason = "the numbers of limits have several types")]
pub(super) fn limit(what: u32, to: Option<u64>) -> Outcome {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit lives on this stack.
    let result = unsafe {
        libc::getrlimit(what.try_into()?, &raw mut limit);
        limit.rlim_cur = to.unwrap_or(limit.rlim_max);
        libc::setrlimit(what.try_into()?, &raw const limit)
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().into()) }
}

/// Limits how long files may become, or takes that back.
pub(super) fn set_file_size(bytes: Option<u64>) -> Outcome {
    limit(libc::RLIMIT_FSIZE, bytes)
}

/// Has a write beyond the limit fail rather than end the process.
pub(super) fn ignore_file_size_signal() {
    // SAFETY: ignoring a signal runs no code.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}
