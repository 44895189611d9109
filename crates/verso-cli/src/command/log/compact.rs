//! `log compact`: joins what many commands left, and compresses it better.

use std::io::{self, Write};

use serde::Serialize;
use verso_log::CompactReport;

use crate::app::App;
use crate::args::WorkspaceOption;
use crate::command::log::logs;
use crate::error::CliError;
use crate::failure;
use crate::output::{Paint, Report, grouped, shown, size};
use crate::progress::WorkBar;
use crate::table::Table;

pub(super) fn run(app: &App, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let mut device = app.device()?;
    let logs = logs(&device, workspace, app)?;
    let mut view = View { logs: Vec::new() };
    for log in logs {
        let before = device.replica().log_stats(&log.id).unwrap_or_default();
        let bar = WorkBar::new(&app.output, "compacting");
        let told = |done: &CompactReport| bar.show(done.bytes_before, before.bytes);
        let compacted = device.replica_mut().compact_while(&log.id, told, || !app.output.seat().is_left());
        compacted.map_err(|error| {
            if app.output.seat().is_left() {
                CliError::cut_short()
            } else {
                failure::compact(&error, &shown(&log.name))
            }
        })?;
        drop(bar);
        let after = device.replica().log_stats(&log.id).unwrap_or_default();
        view.logs.push(Row {
            workspace: log.id.to_hex(),
            name: log.name,
            entries: after.entries,
            segments_before: before.segments,
            segments_after: after.segments,
            bytes_before: before.bytes,
            bytes_after: after.bytes,
        });
        // One journal after the other, so that nobody waits for all of them.
        device.apart(|| ())?;
    }
    device.close()?;
    app.output.print(&view)
}

#[derive(Debug, Serialize)]
struct View {
    logs: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    workspace: String,
    name: String,
    entries: u64,
    segments_before: u64,
    segments_after: u64,
    bytes_before: u64,
    bytes_after: u64,
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let mut table = Table::new(["journal", "entries", "segments", "bytes"]);
        for row in &self.logs {
            table.row([
                shown(&row.name),
                grouped(row.entries),
                format!("{} -> {}", grouped(row.segments_before), grouped(row.segments_after)),
                format!("{} -> {}", size(row.bytes_before), size(row.bytes_after)),
            ]);
        }
        table.write(out, paint)
    }
}
