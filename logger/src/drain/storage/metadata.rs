//! Metadata of files, as far as the platform tells.

#[cfg(unix)]
use std::fs;
use std::fs::{File, Metadata};
use std::io;

/// Whether both are of the same file. `None` if the platform does not say.
#[cfg(unix)]
pub(crate) fn is_same(a: &Metadata, b: &Metadata) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;
    Some((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

#[cfg(not(unix))]
pub(crate) fn is_same(_: &Metadata, _: &Metadata) -> Option<bool> {
    None
}

/// How many names a file has. `None` if the platform does not say.
#[cfg(unix)]
pub(crate) fn link_count(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::nlink(metadata))
}

#[cfg(not(unix))]
pub(crate) fn link_count(_: &Metadata) -> Option<u64> {
    None
}

/// Whether the file is this user's and has one name, so no other user or path sees a change.
#[cfg(unix)]
pub(crate) fn is_ours_alone(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.nlink() == 1
}

#[cfg(not(unix))]
pub(crate) fn is_ours_alone(_: &Metadata) -> bool {
    true
}

/// Removes the permissions that the builder does not want a file to have.
#[cfg(unix)]
pub(crate) fn narrow(file: &File, metadata: &Metadata, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (has, may_have) = (metadata.mode() & 0o7777, mode_within(metadata, mode));
    if has == may_have {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(may_have))
}

/// The permissions that both the file and the builder allow.
#[cfg(unix)]
pub(crate) fn mode_within(metadata: &Metadata, mode: u32) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & mode & 0o7777
}

#[cfg(not(unix))]
pub(crate) fn mode_within(_: &Metadata, mode: u32) -> u32 {
    mode
}

#[cfg(not(unix))]
pub(crate) fn narrow(_: &File, _: &Metadata, _: u32) -> io::Result<()> {
    Ok(())
}

/// Whether the error says that the server no longer has the file.
#[cfg(unix)]
pub(crate) fn is_stale(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESTALE)
}

#[cfg(not(unix))]
pub(crate) fn is_stale(_: &io::Error) -> bool {
    false
}
