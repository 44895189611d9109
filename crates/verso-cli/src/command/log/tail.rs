//! `log tail`: the entries that were stored last.

use std::io::{self, Write};

use serde::Serialize;
use verso_trust::Control;
use verso_vv::{Author, EntryHash};
use verso_wire::{ChainHead, ChainedUnit, Content, EntryKind, EntryRef};

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
    let mut entries: Vec<Row> = units.into_iter().flat_map(|unit| rows(&unit.chain(), trust)).collect();
    entries.drain(..entries.len().saturating_sub(n));
    if !replica.forks(&workspace.id).is_empty() {
        for row in &mut entries {
            row.call(replica.author_of(&workspace.id, &row.place));
        }
    }
    device.close()?;
    app.output.print(&View { workspace: workspace.id.to_hex(), entries })
}

fn rows(unit: &ChainedUnit, trust: &Control) -> Vec<Row> {
    let row = |(entry, hash): (EntryRef<'_>, &EntryHash)| {
        let (kind, at, bytes) = match entry.content {
            Content::Full { kind, hlc, payload } => (Some(kind.0), Some(when::json(hlc.millis())), payload.len()),
            Content::Digest(_) => (None, None, 0),
        };
        let author = unit.author();
        Row {
            device: author.device.to_hex(),
            name: trust.name(&author.device).map(str::to_owned),
            incarnation: author.incarnation.to_string(),
            stored_as: None,
            seq: entry.seq.0,
            kind,
            at,
            bytes,
            place: ChainHead { seq: entry.seq, hash: *hash },
        }
    };
    unit.entries().zip(unit.hashes()).map(row).collect()
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
    /// What its author goes by now.
    incarnation: String,
    /// Under which incarnation it lies in the journal, if a fork that was learnt of since has changed what its author goes by.
    stored_as: Option<String>,
    seq: u64,
    /// `None` where only the digest is left.
    kind: Option<u8>,
    at: Option<String>,
    /// Length of the payload.
    bytes: usize,
    #[serde(skip)]
    place: ChainHead,
}

impl Row {
    /// Notes what the author goes by, now that forks are known.
    fn call(&mut self, author: Option<Author>) {
        let Some(now) = author.map(|author| author.incarnation.to_string()) else { return };
        if now != self.incarnation {
            self.stored_as = Some(std::mem::replace(&mut self.incarnation, now));
        }
    }
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
