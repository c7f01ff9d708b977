//! The report of a transfer: every task in order, streamed, for machines (JSON, JSON lines) and spreadsheets (CSV).
//! Memory does not grow with the transfer.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::{Status, Task};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::ids::{IndexId, TaskId, TransferId, VideoId, WorkspaceId};
use crate::store::Store;
use crate::time::Timestamp;

/// Tasks that are read at once.
const PAGE: u32 = 500;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// One array.
    Json,
    /// One object a line.
    Jsonl,
    /// A header and one row a task, after RFC 4180.
    Csv,
}

impl ReportFormat {
    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "jsonl" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// For the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// A task in a report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportRow {
    /// The task.
    #[serde(rename = "_id")]
    pub id: TaskId,
    /// The index to enter.
    pub index_id: IndexId,
    /// The video's address.
    pub object: String,
    /// Its name.
    pub filename: String,
    /// Where it stands.
    pub status: Status,
    /// Times that a worker took it.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<Fault>,
    /// The video that it equals.
    pub duplicate_of: Option<VideoId>,
    /// Bytes, once known.
    pub size_bytes: Option<u64>,
    /// Seconds, once known.
    pub duration: Option<f64>,
    /// BLAKE3 of the bytes, once known.
    pub content_hash: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<Task> for ReportRow {
    fn from(task: Task) -> Self {
        let size_bytes = task.meta.as_ref().map(|meta| meta.size_bytes);
        Self {
            id: task.id,
            index_id: task.index,
            object: task.source.address(),
            filename: task.source.filename().to_owned(),
            status: task.status,
            attempts: task.attempts,
            error: task.fault,
            duplicate_of: task.duplicate.map(|duplicate| duplicate.video),
            size_bytes: size_bytes.or(task.stamp.map(|stamp| stamp.size_bytes)),
            duration: task.meta.map(|meta| meta.duration_s),
            content_hash: task.content_hash,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

/// Writes the report in parts. False when there is no such transfer; then nothing was sent.
///
/// # Errors
/// The store's.
pub async fn write_report(
    app: &Arc<App>,
    workspace: WorkspaceId,
    id: TransferId,
    format: ReportFormat,
    out: mpsc::Sender<Bytes>,
) -> Result<bool> {
    write_report_of(&*app.store, workspace, id, format, out).await
}

/// [`write_report`], from its source.
///
/// # Errors
/// The store's.
pub async fn write_report_of(
    store: &dyn Store,
    workspace: WorkspaceId,
    id: TransferId,
    format: ReportFormat,
    out: mpsc::Sender<Bytes>,
) -> Result<bool> {
    if store.transfer(workspace, id).await?.is_none() {
        return Ok(false);
    }
    let mut part = Vec::new();
    begin(format, &mut part);
    let mut is_first = true;
    let mut after = None;
    loop {
        let tasks = store.tasks_after(id, after, PAGE).await?;
        let Some(last) = tasks.last() else { break };
        after = Some(last.id);
        for task in tasks {
            write(format, &ReportRow::from(task), std::mem::take(&mut is_first), &mut part)?;
        }
        if out.send(Bytes::from(std::mem::take(&mut part))).await.is_err() {
            // Nobody reads on.
            return Ok(true);
        }
    }
    end(format, &mut part);
    // Whoever left before the end misses nothing more.
    let _ = out.send(Bytes::from(part)).await;
    Ok(true)
}

fn begin(format: ReportFormat, out: &mut Vec<u8>) {
    match format {
        ReportFormat::Json => out.push(b'['),
        ReportFormat::Jsonl => (),
        ReportFormat::Csv => csv_row(&COLUMNS.map(Cow::Borrowed), out),
    }
}

fn end(format: ReportFormat, out: &mut Vec<u8>) {
    if format == ReportFormat::Json {
        out.extend_from_slice(b"\n]\n");
    }
}

fn write(format: ReportFormat, row: &ReportRow, is_first: bool, out: &mut Vec<u8>) -> Result<()> {
    match format {
        ReportFormat::Json => {
            out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
            serde_json::to_writer(out, row).map_err(anyhow::Error::from)?;
        }
        ReportFormat::Jsonl => {
            serde_json::to_writer(&mut *out, row).map_err(anyhow::Error::from)?;
            out.push(b'\n');
        }
        ReportFormat::Csv => csv_row(&cells(row), out),
    }
    Ok(())
}

const COLUMNS: [&str; 17] = [
    "_id",
    "index_id",
    "object",
    "filename",
    "status",
    "attempts",
    "error_code",
    "error_message",
    "error_value",
    "error_rule",
    "error_remedy",
    "duplicate_of",
    "size_bytes",
    "duration",
    "content_hash",
    "created_at",
    "updated_at",
];

fn cells(row: &ReportRow) -> [Cow<'_, str>; 17] {
    fn owned(value: Option<impl ToString>) -> Cow<'static, str> {
        Cow::Owned(value.map(|value| value.to_string()).unwrap_or_default())
    }
    fn text(value: Option<&str>) -> Cow<'_, str> {
        harmless(value.unwrap_or_default())
    }
    let fault = row.error.as_ref();
    [
        owned(Some(row.id)),
        owned(Some(row.index_id)),
        harmless(&row.object),
        harmless(&row.filename),
        Cow::Borrowed(row.status.as_str()),
        owned(Some(row.attempts)),
        owned(fault.map(|fault| fault.code)),
        text(fault.map(|fault| fault.message.as_str())),
        text(fault.and_then(|fault| fault.value.as_deref())),
        text(fault.and_then(|fault| fault.rule.as_deref())),
        text(fault.and_then(|fault| fault.remedy.as_deref())),
        owned(row.duplicate_of),
        owned(row.size_bytes),
        owned(row.duration),
        text(row.content_hash.as_deref()),
        owned(Some(row.created_at)),
        owned(Some(row.updated_at)),
    ]
}

/// A text that no spreadsheet takes for a formula: where one begins like a formula, an apostrophe goes before it.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A row of CSV, as RFC 4180 has it.
pub(crate) fn csv_row(cells: &[Cow<'_, str>], out: &mut Vec<u8>) {
    for (number, cell) in cells.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cells of a row, read after RFC 4180.
    fn read_csv(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        let mut is_quoted = false;
        while let Some(c) = chars.next() {
            match c {
                '"' if is_quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !is_quoted && chars.peek() == Some(&'\n') => {
                    chars.next();
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                c => cell.push(c),
            }
        }
        rows
    }

    #[test]
    fn nothing_in_a_cell_is_taken_for_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        assert_eq!(harmless("s3://b/=k.mp4"), "s3://b/=k.mp4");
        assert_eq!(harmless(""), "");
    }

    proptest! {
        #[test]
        fn any_cells_come_back_from_csv(
            rows in prop::collection::vec(prop::collection::vec(".{0,20}|[,\"\r\n ]{0,5}", 2..5), 1..4),
        ) {
            let mut out = Vec::new();
            for row in &rows {
                csv_row(&row.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect::<Vec<_>>(), &mut out);
            }
            prop_assert_eq!(read_csv(std::str::from_utf8(&out).unwrap()), rows);
        }
    }
}
