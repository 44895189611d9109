//! `quarantine`: what is held and not applied, and what becomes of it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;
use verso_identity::WorkspaceId;
use verso_replica::{Quarantine, Quarantined, WhyHeld};
use verso_vv::Dot;

use super::agreement::{self, Consent};
use crate::app::App;
use crate::args::{Chosen, QuarantineCommand, WorkspaceOption};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find::{self, Named};
use crate::output::{Output, Paint, Report, entries, grouped, hex, shown};
use crate::prompt;
use crate::table::Table;
use crate::when;

const CANT_DECIDE: &str = "can't decide about the entries";

/// How many of the entries that would be lost, and of those that depend on them, are shown before somebody is asked.
const SHOWN: usize = 20;

pub(crate) fn run(app: &App, wanted: &QuarantineCommand) -> Result<(), CliError> {
    match wanted {
        QuarantineCommand::List { workspace } => list(app, workspace),
        QuarantineCommand::Keep { chosen, workspace } => keep(app, chosen, workspace),
        QuarantineCommand::Discard { chosen, workspace, yes } => discard(app, chosen, workspace, (*yes).into()),
    }
}

fn list(app: &App, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let device = app.device()?;
    let (held, more) = held(app, &device, workspace)?;
    let rows = held.iter().map(|(workspace, entry)| Row::new(&device, workspace, entry)).collect();
    device.close()?;
    app.output.print(&List { entries: rows, more })
}

fn keep(app: &App, chosen: &Chosen, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let mut device = app.device()?;
    let chosen = choose(app, &device, chosen, workspace)?;
    let rows: Vec<Row> = chosen.iter().map(|(workspace, entry)| Row::new(&device, workspace, entry)).collect();
    let now = device.now();
    for (workspace, dots) in by_workspace(&chosen) {
        let kept = device.replica_mut().keep(&workspace, &dots, now);
        kept.map_err(|error| failure::decision(&error, CANT_DECIDE))?;
    }
    device.close()?;
    app.output.note("Other devices learn of it at the next contact: `verso up`.");
    app.output.print(&Decided { verdict: "keep", entries: rows, dependents: Vec::new() })
}

fn discard(app: &App, chosen: &Chosen, workspace: &WorkspaceOption, consent: Consent) -> Result<(), CliError> {
    agreement::require_answer(app.output.seat(), consent, CANT_DECIDE)?;
    let mut device = app.device()?;
    let chosen = choose(app, &device, chosen, workspace)?;
    let rows: Vec<Row> = chosen.iter().map(|(workspace, entry)| Row::new(&device, workspace, entry)).collect();
    let mut dependents = Vec::new();
    for (workspace, dots) in by_workspace(&chosen) {
        let found = device.replica().depending_on(&workspace, &dots).map_err(|error| failure::read_log(&error))?;
        dependents.extend(found.into_iter().map(|dependent| Dependent {
            workspace: workspace.to_hex(),
            device: dependent.dot.author.device.to_hex(),
            name: name_of(&device, &dependent.dot),
            seq: dependent.dot.seq.0,
            applied: dependent.is_applied,
            does: dependent.text,
        }));
    }
    tell(&rows, &dependents, &app.output);
    if consent == Consent::Asked {
        let question = format!("Give {} up for good, on every device?", entries(count(rows.len())));
        if !device.apart(|| prompt::consent(app.output.seat(), CANT_DECIDE, &question))?? {
            device.close()?;
            return Err(CliError::new(Exit::Failed, CANT_DECIDE, "you said no", "nothing was changed"));
        }
    }
    let now = device.now();
    for (workspace, dots) in by_workspace(&chosen) {
        let discarded = device.replica_mut().discard(&workspace, &dots, now);
        discarded.map_err(|error| failure::decision(&error, CANT_DECIDE))?;
        device.flush()?;
        // Nothing of it is left here, if no other device has a say. What goes wrong with that compaction does later.
        if let Err(error) = device.replica_mut().erase(&workspace) {
            tracing::warn!(target: "verso.sync", %workspace, %error, "what was given up is not erased yet");
        }
    }
    device.close()?;
    app.output.note("Other devices learn of it at the next contact: `verso up`.");
    app.output.print(&Decided { verdict: "discard", entries: rows, dependents })
}

/// Shows what would be lost, and what makes no sense without it.
fn tell(rows: &[Row], dependents: &[Dependent], output: &Output) {
    output.note(format_args!("To be given up, {}:", entries(count(rows.len()))));
    for row in rows.iter().take(SHOWN) {
        output.note(format_args!("  {} {}: {}", row.id, row.who(), shown(&row.does)));
    }
    if rows.len() > SHOWN {
        output.note(format_args!("  … and {} more", grouped(count(rows.len() - SHOWN))));
    }
    if dependents.is_empty() {
        output.note("Nothing depends on it.");
        return;
    }
    output.note(format_args!(
        "{} of others depend on it and will do nothing, or less:",
        entries(count(dependents.len()))
    ));
    for dependent in dependents.iter().take(SHOWN) {
        let state = if dependent.applied { "applied" } else { "held" };
        output.note(format_args!("  {} ({state}): {}", shown(&dependent.name), shown(&dependent.does)));
    }
    if dependents.len() > SHOWN {
        output.note(format_args!("  … and {} more", grouped(count(dependents.len() - SHOWN))));
    }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

type Entry = (Named, Quarantined);

/// Returns what is held, of one workspace or of all, and how much more there is.
fn held(app: &App, device: &Device, workspace: &WorkspaceOption) -> Result<(Vec<Entry>, u64), CliError> {
    let workspaces = match workspace.workspace.as_deref() {
        Some(wanted) => vec![find::workspace(device, Some(wanted), &app.settings)?],
        None => find::workspaces(device),
    };
    let (mut all, mut beyond) = (Vec::new(), 0_u64);
    for workspace in workspaces {
        let Quarantine { entries, more } =
            device.replica().quarantine(&workspace.id).map_err(|error| failure::read_log(&error))?;
        beyond = beyond.saturating_add(more);
        all.extend(entries.into_iter().map(|entry| (workspace.clone(), entry)));
    }
    Ok((all, beyond))
}

/// Finds the entries that are meant; there has to be one.
fn choose(app: &App, device: &Device, chosen: &Chosen, workspace: &WorkspaceOption) -> Result<Vec<Entry>, CliError> {
    let (all, _more) = held(app, device, workspace)?;
    let none = |why: String| CliError::new(Exit::Failed, CANT_DECIDE, why, "see `verso quarantine list`");
    if chosen.all {
        return if all.is_empty() { Err(none("nothing is held".to_owned())) } else { Ok(all) };
    }
    if let Some(wanted) = &chosen.from {
        let is_by = |(_, entry): &Entry| {
            let id = entry.dot.author.device.to_hex();
            name_of(device, &entry.dot) == *wanted || id.starts_with(&wanted.to_ascii_lowercase())
        };
        let by: Vec<Entry> = all.into_iter().filter(is_by).collect();
        let devices: BTreeSet<_> = by.iter().map(|(_, entry)| entry.dot.author.device).collect();
        return match devices.len() {
            0 => Err(none(format!("nothing of `{}` is held", shown(wanted)))),
            1 => Ok(by),
            _ => {
                let why = format!("`{}` could be several devices", shown(wanted));
                Err(CliError::new(Exit::Usage, CANT_DECIDE, why, "name it by more of its id"))
            }
        };
    }
    let mut meant: Vec<Entry> = Vec::new();
    for wanted in &chosen.entries {
        let lower = wanted.to_ascii_lowercase();
        let is_it = |entry: &&Entry| !lower.is_empty() && whole_id(&entry.1).starts_with(&lower);
        match all.iter().filter(is_it).collect::<Vec<_>>().as_slice() {
            [] => return Err(none(format!("no entry that is held has an id that starts like `{}`", shown(wanted)))),
            [one] => {
                if !meant.contains(one) {
                    meant.push((*one).clone());
                }
            }
            several => {
                let why = format!("{} have ids that start like `{}`", entries(count(several.len())), shown(wanted));
                return Err(CliError::new(Exit::Usage, CANT_DECIDE, why, "name it by more of its id"));
            }
        }
    }
    Ok(meant)
}

fn by_workspace(chosen: &[Entry]) -> std::collections::BTreeMap<WorkspaceId, Vec<Dot>> {
    let mut by = std::collections::BTreeMap::<WorkspaceId, Vec<Dot>>::new();
    for (workspace, entry) in chosen {
        by.entry(workspace.id).or_default().push(entry.dot);
    }
    by
}

/// The chain hash of an entry, which names it and its history.
fn whole_id(entry: &Quarantined) -> String {
    hex(&entry.hash.0)
}

fn name_of(device: &Device, dot: &Dot) -> String {
    let author = &dot.author.device;
    device.replica().trust().name(author).map_or_else(|| short(&author.to_hex()).to_owned(), str::to_owned)
}

fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// An entry that is held.
#[derive(Debug, Serialize)]
struct Row {
    /// The first 8 digits of its chain hash.
    id: String,
    workspace: Place,
    device: String,
    name: String,
    seq: u64,
    at: String,
    does: String,
    /// `cut`, `read-only` where it never could write, or `unvouched`.
    reason: &'static str,
    /// Who took the access away, and when.
    cut_by: Option<Cut>,
}

#[derive(Debug, Serialize)]
struct Place {
    id: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct Cut {
    device: String,
    name: String,
    at: String,
}

impl Row {
    fn new(device: &Device, workspace: &Named, entry: &Quarantined) -> Self {
        let trust = device.replica().trust();
        let (reason, cut_by) = match entry.reason {
            WhyHeld::Cut { by, at } => {
                let name = trust.name(&by).unwrap_or_default().to_owned();
                ("cut", Some(Cut { device: by.to_hex(), name, at: when::json(at.millis()) }))
            }
            WhyHeld::Unvouched => ("unvouched", None),
            _ => ("read-only", None),
        };
        Self {
            id: whole_id(entry).get(..8).unwrap_or_default().to_owned(),
            workspace: Place { id: workspace.id.to_hex(), name: workspace.name.clone() },
            device: entry.dot.author.device.to_hex(),
            name: trust.name(&entry.dot.author.device).unwrap_or_default().to_owned(),
            seq: entry.dot.seq.0,
            at: when::json(entry.hlc.millis()),
            does: entry.text.clone(),
            reason,
            cut_by,
        }
    }

    fn who(&self) -> String {
        shown(if self.name.is_empty() { short(&self.device) } else { &self.name })
    }
}

#[derive(Debug, Serialize)]
struct List {
    entries: Vec<Row>,
    /// How many are held beside these, which are too many to be listed.
    more: u64,
}

impl Report for List {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        if self.entries.is_empty() {
            return writeln!(out, "Nothing is held: all that is here counts.");
        }
        let mut table = Table::new(["entry", "workspace", "device", "written", "cut", "would do"]);
        for row in &self.entries {
            let cut = row.cut_by.as_ref().map_or_else(
                || if row.reason == "unvouched" { "nobody vouched for it" } else { "may only read" }.to_owned(),
                |cut| {
                    let by = if cut.name.is_empty() { short(&cut.device) } else { &cut.name };
                    format!("by {}, {}", shown(by), when::person_reads(&cut.at))
                },
            );
            let (workspace, written) = (shown(&row.workspace.name), when::person_reads(&row.at));
            table.row([row.id.clone(), workspace, row.who(), written, cut, shown(&row.does)]);
        }
        table.write(out, paint)?;
        if self.more > 0 {
            writeln!(out, "… and {} more", grouped(self.more))?;
        }
        writeln!(out, "{} verso quarantine keep ENTRY, or verso quarantine discard ENTRY", paint.faint("next:"))
    }
}

/// What makes no sense without what was discarded.
#[derive(Debug, Serialize)]
struct Dependent {
    workspace: String,
    device: String,
    name: String,
    seq: u64,
    /// Whether it is applied, and waits; else it is held, too.
    applied: bool,
    does: String,
}

#[derive(Debug, Serialize)]
struct Decided {
    #[serde(rename = "decided")]
    verdict: &'static str,
    entries: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependents: Vec<Dependent>,
}

impl Report for Decided {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let what = if self.verdict == "keep" { "kept" } else { "discarded" };
        writeln!(out, "{} {}", paint.good(what), entries(count(self.entries.len())))
    }
}
