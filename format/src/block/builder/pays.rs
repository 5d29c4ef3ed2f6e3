//! Memory of a column from group to group: whether compression makes it shorter.

/// Whether to compress a column, as groups before it suggest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pays {
    /// Not known: it is tried alone.
    #[default]
    Unknown,
    /// It became shorter, at least by half if `is_much`.
    Yes { is_much: bool },
    /// It did not. It is tried again after this many groups, and if it does not shrink then, after twice as
    /// many as the last time.
    No { again_in: u16, last_time: u16 },
    /// It did not when it was tried last, and is tried alone. It rested for `last_time` groups.
    Again { last_time: u16 },
}

/// How many groups to leave a column uncompressed that did not shrink, at first and at most.
const REST_GROUPS: u16 = 32;
const MOST_REST_GROUPS: u16 = 1024;

impl Pays {
    /// Notes what compression made of the column.
    pub(super) fn note(&mut self, plain: usize, stored: usize) {
        // What saves less than an eighth is not worth the time of writer and reader.
        *self = if stored <= plain - plain / 8 {
            Self::Yes { is_much: stored <= plain / 2 }
        } else {
            let again_in = match *self {
                Self::Again { last_time } => (2 * last_time).min(MOST_REST_GROUPS),
                _ => REST_GROUPS,
            };
            Self::No { again_in, last_time: again_in }
        };
    }

    /// Counts a group in which the column was left uncompressed.
    pub(super) fn rest(&mut self) {
        *self = match *self {
            Self::No { again_in: 0, last_time } => Self::Again { last_time },
            Self::No { again_in, last_time } => Self::No { again_in: again_in - 1, last_time },
            other => other,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_shrink_is_tried_ever_more_rarely() {
        let mut pays = Pays::Unknown;
        for rest in [32_u16, 64, 128, 256, 512, 1024, 1024] {
            pays.note(1000, 900);
            let groups = (0..=rest).map(|_| matches!(pays, Pays::No { .. }).then(|| pays.rest()));
            assert_eq!(groups.flatten().count(), usize::from(rest) + 1);
            assert!(matches!(pays, Pays::Again { .. }));
        }
        pays.note(1000, 600);
        assert_eq!(pays, Pays::Yes { is_much: false });
        pays.note(1000, 500);
        assert_eq!(pays, Pays::Yes { is_much: true });
    }
}
