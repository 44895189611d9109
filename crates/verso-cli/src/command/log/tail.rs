//! `log tail`: the entries that were stored last.

use std::io::{self, Write};

use serde::Serialize;
use verso_trust::Control;
use verso_wire::{Content, EntryKind, SyncUnit};

use crate::app::App;
use crate::args::WorkspaceOption;
use crate::error::CliError;
use crate::failure;
use crate::find;
use crate::output::{Paint, Report, grouped, shown};
use crate::table::Table;
use crate::when;

pub(super) fn run(app: &App, n: usize, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let device = app.device()?;
    let workspace = find::workspace(&device, workspace.workspace.as_deref(), &app.settings)?;
    let replica = device.replica();
    let trust = replica.trust();
    let units = replica.log_tail(&workspace.id, n).map_err(|error| failure::read_log(&error))?;
    let mut entries: Vec<Row> = units.iter().flat_map(|unit| rows(unit, trust)).collect();
    entries.drain(..entries.len().saturating_sub(n));
    device.close()?;
    app.output.print(&View { workspace: workspace.id.to_hex(), entries })
}

fn rows<'a>(unit: &'a SyncUnit, trust: &'a Control) -> impl Iterator<Item = Row> + 'a {
    unit.entries().map(|entry| {
        let (kind, at, bytes) = match entry.content {
            Content::Full { kind, hlc, payload } => (Some(kind.0), Some(when::json(hlc.millis())), payload.len()),
            Content::Digest(_) => (None, None, 0),
        };
        let author = unit.author();
        let (device, incarnation) = (author.device.to_hex(), format!("{:016x}", author.incarnation.0));
        let name = trust.name(&author.device).map(str::to_owned);
        Row { device, name, incarnation, seq: entry.seq.0, kind, at, bytes }
    })
}

#[derive(Debug, Serialize)]
struct View {
    workspace: String,
    entries: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    device: String,
    /// The device's name, if it is known.
    name: Option<String>,
    incarnation: String,
    seq: u64,
    /// `None` where only the digest is left.
    kind: Option<u8>,
    at: Option<String>,
    /// Length of the payload.
    bytes: usize,
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let mut table = Table::new(["device", "entry", "written", "kind", "bytes"]);
        for row in &self.entries {
            let short = || row.device.chars().take(SHORT_ID).collect();
            table.row([
                row.name.as_deref().map_or_else(short, shown),
                grouped(row.seq),
                row.at.as_deref().map_or_else(|| "given up".to_owned(), when::person_reads),
                row.kind.map_or_else(String::new, kind),
                row.bytes.to_string(),
            ]);
        }
        table.write(out, paint)
    }
}

/// How much of a device's id people are shown where it has no name.
const SHORT_ID: usize = 8;

/// Kinds are the application's business up to 127, and beyond tell who may write.
fn kind(kind: u8) -> String {
    if EntryKind(kind).is_membership() { format!("{kind} (trust)") } else { kind.to_string() }
}
