//! Room on the disk that is taken before a file needs it, if it grows fast.
//!
//! Most file systems choose the place of written bytes page by page, which takes a third of the time of a
//! write. For a large piece at once that is hardly anything.

use std::fs::File;
use std::io;

/// How much room to take at once. A file that its writer leaves behind may keep that much more than its length.
const ROOM_BYTES: u64 = 4 << 20;

/// Shorter writes are of a program that does not log fast.
const LONG_WRITE_BYTES: usize = 1 << 17;

/// The room of a file.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Up to where there is some, if any was taken.
    end: u64,
    /// The file system has no way, or no room.
    is_refused: bool,
}

impl Room {
    /// Takes room for a write and some that may follow it, unless the write is short. The length of the file
    /// stays.
    pub(super) fn take(&mut self, file: &File, offset: u64, bytes: usize) {
        let end = offset.saturating_add(bytes as u64);
        if bytes < LONG_WRITE_BYTES || end <= self.end || self.is_refused {
            return;
        }
        let from = offset.max(self.end);
        self.end = end + ROOM_BYTES;
        if take(file, from, self.end - from).is_err() {
            // Whatever is wrong, the write will tell. A disk that is nearly full may have given a part.
            self.is_refused = true;
            self.give_back(file);
        }
    }

    /// Gives back what the file does not use.
    pub(super) fn give_back(&mut self, file: &File) {
        if std::mem::take(&mut self.end) > 0
            && let Ok(metadata) = file.metadata()
        {
            let _ = file.set_len(metadata.len());
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn take(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};

    Ok(fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn take(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn only_long_writes_take_room_and_the_end_gives_it_back() {
        let file = tempfile::tempfile().unwrap();
        let mut room = Room::default();
        let taken = || file.metadata().unwrap().blocks() * 512;
        let write = |room: &mut Room, offset, bytes| {
            room.take(&file, offset, bytes);
            file.write_all_at(&vec![1; bytes], offset).unwrap();
        };
        write(&mut room, 0, 1000);
        write(&mut room, 1000, LONG_WRITE_BYTES - 1);
        assert_eq!(room.end, 0);
        let mut length = 1000 + LONG_WRITE_BYTES as u64 - 1;
        for _ in 0..100 {
            write(&mut room, length, LONG_WRITE_BYTES);
            length += LONG_WRITE_BYTES as u64;
            assert_eq!(file.metadata().unwrap().len(), length);
            assert!(room.end >= length && room.end - length <= ROOM_BYTES);
            assert!(room.is_refused || taken() >= room.end);
        }
        room.give_back(&file);
        assert_eq!(file.metadata().unwrap().len(), length);
        file.sync_all().unwrap();
        assert!(taken() < length + ROOM_BYTES / 2, "{} of {length}", taken());
    }
}
