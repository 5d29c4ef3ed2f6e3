//! Memory of a column from group to group: whether compression makes it shorter.

/// Whether to compress a column, as groups before it suggest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pays {
    /// Not known: it is tried alone.
    #[default]
    Unknown,
    /// It became shorter.
    Yes,
    /// It did not. It is tried again after this many groups.
    No { again_in: u8 },
}

/// How many groups to leave a column uncompressed that did not shrink.
const REST_GROUPS: u8 = 32;

impl Pays {
    /// Notes what compression made of the column.
    pub(super) fn note(&mut self, plain: usize, stored: usize) {
        // What saves less than an eighth is not worth the time of writer and reader.
        *self = if stored <= plain - plain / 8 {
            Self::Yes
        } else {
            Self::No { again_in: REST_GROUPS }
        };
    }

    /// Counts a group in which the column was left uncompressed.
    pub(super) fn rest(&mut self) {
        *self = match *self {
            Self::No { again_in: 0 } => Self::Unknown,
            Self::No { again_in } => Self::No { again_in: again_in - 1 },
            other => other,
        };
    }
}
