//! `log verify`: reads everything, and names what is damaged by file and offset.

use std::io::{self, Write};

use serde::Serialize;

use crate::app::App;
use crate::args::WorkspaceOption;
use crate::command::log::{Log, logs};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::{Paint, Report, counted, entries, shown};
use crate::progress::WorkBar;

pub(super) fn run(app: &App, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let mut device = app.device()?;
    let mut view = View { ok: true, entries: 0, segments: 0, damage: Vec::new(), torn: Vec::new() };
    let logs = logs(&device, workspace, app)?;
    let bytes = |device: &Device, log: &Log| device.replica().log_stats(&log.id).unwrap_or_default().bytes;
    let of = logs.iter().map(|log| bytes(&device, log)).fold(0, u64::saturating_add);
    let bar = WorkBar::new(&app.output, "verifying");
    let mut done = 0_u64;
    for log in &logs {
        bar.show(done, of);
        view.add(app, &device, log)?;
        done = done.saturating_add(bytes(&device, log));
        // One journal after the other, so that nobody waits for all of them.
        device.apart(|| ())?;
    }
    drop(bar);
    view.ok = view.damage.is_empty();
    device.close()?;
    app.output.print(&view)?;
    if view.ok {
        return Ok(());
    }
    let why = format!("{} in {} named above", count(view.damage.len(), "place"), count(view.files(), "file"));
    Err(CliError::new(Exit::Damaged, "the journals are damaged", why, failure::DAMAGED))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[derive(Debug, Serialize)]
struct View {
    ok: bool,
    entries: u64,
    segments: u64,
    damage: Vec<Damage>,
    torn: Vec<Torn>,
}

/// Something that does not verify.
#[derive(Debug, Serialize)]
struct Damage {
    /// The segment's file, under the data directory.
    segment: String,
    offset: u64,
    what: String,
    workspace: String,
    name: String,
    loses_records: bool,
}

/// What a power cut had left of a change that was never completed, and opening has cut off.
#[derive(Debug, Serialize)]
struct Torn {
    segment: String,
    offset: u64,
    bytes: u64,
    workspace: String,
}

impl View {
    fn add(&mut self, app: &App, device: &Device, log: &Log) -> Result<(), CliError> {
        let replica = device.replica();
        let report = replica.verify_log_while(&log.id, || !app.output.seat().is_left());
        let report = report.map_err(|error| failure::read_log(&error))?.ok_or_else(CliError::cut_short)?;
        self.entries += report.entries;
        self.segments += report.segments;
        let workspace = log.id.to_hex();
        let path = |segment| replica.segment_path(&log.id, segment).unwrap_or_default();
        self.damage.extend(report.damage.iter().map(|corrupt| Damage {
            segment: path(corrupt.segment),
            offset: corrupt.offset,
            what: corrupt.what.to_string(),
            workspace: workspace.clone(),
            name: log.name.clone(),
            loses_records: corrupt.what.loses_records(),
        }));
        let opened = device.notices().logs.iter().filter(|(id, _)| *id == log.id);
        self.torn.extend(opened.filter_map(|(_, report)| report.torn).map(|torn| Torn {
            segment: path(torn.segment),
            offset: torn.offset,
            bytes: torn.bytes,
            workspace: workspace.clone(),
        }));
        Ok(())
    }

    fn files(&self) -> usize {
        let mut files: Vec<&str> = self.damage.iter().map(|damage| damage.segment.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        files.len()
    }
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let whole = format!("{} in {}", entries(self.entries), counted(self.segments, "segment"));
        if self.ok {
            return writeln!(out, "{} {whole}, all of it", paint.good("verified:"));
        }
        writeln!(out, "{} {whole}; the rest is damaged", paint.warn("verified:"))?;
        for damage in &self.damage {
            let cost = if damage.loses_records { "entries may be lost" } else { "no entry is lost" };
            writeln!(
                out,
                "{} at byte {}: {}; {cost} of {}",
                paint.bad(&damage.segment),
                damage.offset,
                damage.what,
                shown(&damage.name)
            )?;
        }
        Ok(())
    }
}
