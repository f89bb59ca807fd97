//! What an import did or would do, row by row.

use serde::Serialize;
use utoipa::ToSchema;

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub(super) struct Report {
    /// Whether anything was changed: not if it was a dry run, nor if a row was refused and the import was not `partial`.
    pub(super) applied: bool,
    pub(super) dry_run: bool,
    /// How many rows are, or would be, new.
    pub(super) created: usize,
    /// How many change something.
    pub(super) updated: usize,
    /// How many change nothing.
    pub(super) unchanged: usize,
    /// How many cannot be taken.
    pub(super) refused: usize,
    /// Every row, in the order of the file.
    pub(super) rows: Vec<RowReport>,
}

/// What came of a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ImportRow)]
pub(super) struct RowReport {
    /// Its number as spreadsheets count: the column names are row 1.
    #[schema(example = 2)]
    pub(super) row: usize,
    pub(super) result: RowResult,
    /// The id of what it describes, once there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "sto_01h455vb4pex5vsknk084sn02q")]
    pub(super) id: Option<String>,
    /// The column at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "time_zone")]
    pub(super) field: Option<&'static str>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) reason: Option<String>,
}

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportResult)]
pub(super) enum RowResult {
    Created,
    Updated,
    Unchanged,
    Refused,
}

/// Why a row cannot be taken.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) field: &'static str,
    pub(super) reason: String,
}

impl Refused {
    pub(super) fn new(field: &'static str, reason: impl ToString) -> Self {
        Self { field, reason: reason.to_string() }
    }
}

impl RowReport {
    pub(super) fn refused(row: usize, refused: Refused) -> Self {
        let (field, reason) = (Some(refused.field), Some(refused.reason));
        Self { row, result: RowResult::Refused, id: None, field, reason }
    }
}

impl Report {
    /// Of a run that was not told yet how it ends.
    pub(super) fn new(rows: Vec<RowReport>) -> Self {
        let count = |result| rows.iter().filter(|row| row.result == result).count();
        Self {
            applied: false,
            dry_run: false,
            created: count(RowResult::Created),
            updated: count(RowResult::Updated),
            unchanged: count(RowResult::Unchanged),
            refused: count(RowResult::Refused),
            rows,
        }
    }
}
