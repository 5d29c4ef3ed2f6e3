//! Values of a group's column, one after the other.

use super::rows::ValueCursor;
use super::{GroupBody, GroupColumn};
use crate::block::BlockError;
use crate::block::columns::read::Malformed;

/// The values of a column, in the form that they have in a row.
///
/// ```
/// use stenolog_format::block::{BlockError, GroupBody, GroupKind};
///
/// /// The packed values of one record. The sections of its columns were asked for.
/// fn record(body: &GroupBody, kind: &GroupKind, index: u32) -> Result<Vec<u8>, BlockError> {
///     let mut packed = Vec::new();
///     for column in body.columns_of(kind) {
///         let mut values = body.values(column)?;
///         (0..index).try_for_each(|_| values.skip())?;
///         values.put(&mut packed)?;
///     }
///     Ok(packed)
/// }
/// ```
pub struct GroupValues<'a> {
    body: &'a GroupBody,
    cursor: ValueCursor<'a>,
}

impl GroupBody {
    /// The values of a column whose sections were [asked for](Self::need_column).
    ///
    /// # Errors
    /// If the column is malformed, or was not asked for.
    pub fn values(&self, column: &GroupColumn) -> Result<GroupValues<'_>, BlockError> {
        let cursor = ValueCursor::new(column, self).map_err(|Malformed| BlockError::Columns)?;
        Ok(GroupValues { body: self, cursor })
    }
}

impl GroupValues<'_> {
    /// Appends the next value, which is no longer than [`GroupBody::most_rows`].
    ///
    /// # Errors
    /// If there is none, or it is malformed.
    #[inline]
    pub fn put(&mut self, out: &mut Vec<u8>) -> Result<(), BlockError> {
        let end = out.len().saturating_add(self.body.most_rows());
        self.cursor.put(self.body, end, out).map_err(|Malformed| BlockError::Columns)
    }

    /// Passes the next value.
    ///
    /// # Errors
    /// If there is none, or it is malformed.
    #[inline]
    pub fn skip(&mut self) -> Result<(), BlockError> {
        self.cursor.skip().map_err(|Malformed| BlockError::Columns)
    }
}

impl std::fmt::Debug for GroupValues<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupValues").finish_non_exhaustive()
    }
}
