//! Errors of reading values.

/// Why bytes are no value of the type that the dictionary states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The bytes end within a value.
    #[error("the record ends within a value")]
    End,
    /// A byte that is neither 0 nor 1 where a flag stands.
    #[error("{found} is neither true nor false")]
    Flag {
        /// The byte.
        found: u8,
    },
    /// Not a Unicode scalar value.
    #[error("a character that Unicode does not have")]
    Char,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// A variable-length integer that does not fit its type.
    #[error("an integer larger than its type")]
    Overflow,
    /// An enum has no such variant.
    #[error("the enum has no variant {index}")]
    Variant {
        /// The index that was read.
        index: usize,
    },
    /// Nanoseconds of a full second or more.
    #[error("a time with {nanos} nanoseconds")]
    Nanos {
        /// What was read.
        nanos: u32,
    },
    /// An IP version other than 4 and 6.
    #[error("an address of IP version {version}")]
    IpVersion {
        /// What was read.
        version: u8,
    },
    /// Bytes behind the last value.
    #[error("bytes behind the last value")]
    Trailing,
    /// More elements than the record has room for.
    #[error("a list that claims {count} elements")]
    Count {
        /// What was claimed.
        count: usize,
    },
    /// Far more values than bytes: nearly all of them take none.
    #[error("more values than a record of {bytes} bytes may have")]
    Values {
        /// The length of the record.
        bytes: usize,
    },
    /// Names that are far longer than all that they name.
    #[error("longer names than a record of {bytes} bytes may have")]
    Names {
        /// The length of the record.
        bytes: usize,
    },
}
