//! `log stats`: how much the journals hold.

use std::io::{self, Write};

use serde::Serialize;
use verso_log::LogStats;

use crate::app::App;
use crate::args::WorkspaceOption;
use crate::command::log::{Log, logs};
use crate::error::CliError;
use crate::output::{Paint, Report, grouped, shown, size};
use crate::table::Table;

pub(super) fn run(app: &App, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let device = app.device()?;
    let row = |log: Log| {
        let stats = device.replica().log_stats(&log.id).unwrap_or_default();
        Row::new(log.id.to_hex(), log.name, stats)
    };
    let logs = logs(&device, workspace, app)?.into_iter().map(row).collect();
    device.close()?;
    app.output.print(&View { logs })
}

#[derive(Debug, Serialize)]
struct View {
    logs: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    workspace: String,
    name: String,
    bytes: u64,
    segments: u64,
    /// Those that no compaction has written.
    loose_segments: u64,
    runs: u64,
    entries: u64,
    authors: u64,
}

impl Row {
    fn new(workspace: String, name: String, stats: LogStats) -> Self {
        let LogStats { bytes, segments, loose_segments, runs, entries, authors, .. } = stats;
        Self { workspace, name, bytes, segments, loose_segments, runs, entries, authors }
    }
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let mut table = Table::new(["journal", "entries", "bytes", "bytes an entry", "segments", "loose", "authors"]);
        for row in &self.logs {
            // Tenths, rounded down.
            let tenths = row.bytes.saturating_mul(10).checked_div(row.entries).unwrap_or_default();
            table.row([
                shown(&row.name),
                grouped(row.entries),
                size(row.bytes),
                format!("{}.{}", grouped(tenths / 10), tenths % 10),
                grouped(row.segments),
                grouped(row.loose_segments),
                grouped(row.authors),
            ]);
        }
        table.write(out, paint)
    }
}
