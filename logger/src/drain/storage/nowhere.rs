//! Storage that keeps nothing: of a logger that only prints.

use std::io;
use std::path::Path;

use super::{Standing, Storage};

/// A storage that keeps nothing.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Storage for Nowhere {
    fn path(&self) -> &Path {
        Path::new("")
    }

    fn write_at(&mut self, _: u64, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn read_at(&mut self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn check(&mut self, _: u64) -> io::Result<Standing> {
        Ok(Standing::Whole)
    }

    fn look(&mut self, _: u64) -> io::Result<Standing> {
        Ok(Standing::Whole)
    }

    fn successor(&mut self) -> io::Result<Box<dyn Storage>> {
        Ok(Box::new(Self))
    }
}
