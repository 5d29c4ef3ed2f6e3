//! Errors of reading values.

/// Why bytes are not a value of the type that the dictionary states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The bytes end within a value.
    #[error("the record ends within a value")]
    End,
    /// A flag that is neither 0 nor 1.
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
        /// The nanoseconds that were read.
        nanos: u32,
    },
    /// An IP version other than 4 and 6.
    #[error("an address of IP version {version}")]
    IpVersion {
        /// The version that was read.
        version: u8,
    },
    /// Bytes after the last value.
    #[error("bytes after the last value")]
    Trailing,
    /// More elements than the record has room for.
    #[error("a list that claims {count} elements")]
    Count {
        /// The count that was read.
        count: usize,
    },
    /// Far more values than bytes: nearly all of them take no bytes.
    #[error("more values than a record of {bytes} bytes may have")]
    Values {
        /// The length of the record.
        bytes: usize,
    },
    /// Names that are far longer than the values.
    #[error("longer names than a record of {bytes} bytes may have")]
    Names {
        /// The length of the record.
        bytes: usize,
    },
}
