//! `demo`: two devices in temporary directories, real from end to end: what Verso is, in a minute.
//!
//! 1. Two devices are made, each with a key of its own, in memory.
//! 2. One imports a graph; the other joins it by a link; they sync.
//! 3. Apart, both change the same nodes. They meet again.
//! 4. What became of it is shown, and that both hold the same.

use std::path::Path;
use std::time::{Duration, Instant};

use verso_graph::Graph;
use verso_identity::WorkspaceId;

use super::import::{Named, Stop, import};
use crate::error::{CliError, Exit};
use crate::import::{FileFormat, ImportCounts};
use crate::net::{self, Signals};
use crate::output::{Output, grouped, shown, size};

mod figures;
mod proof;
mod stage;
mod story;

use figures::{Figures, Imported, Synced, per_intent};
use proof::Proof;
use stage::{Actor, Backstage};
use story::Plot;

/// The graph that is imported if none is given.
const SAMPLE: &str = include_str!("../../assets/sample.jsonl");

/// The workspace's name.
const WORKSPACE: &str = "garden";

pub(crate) fn run(file: Option<&Path>, output: &Output) -> Result<(), CliError> {
    let stop = Stop::at_interrupt(output.seat())?;
    output.tell(format_args!(
        "{}\ntwo devices on this machine, in temporary directories, over real QUIC on 127.0.0.1\n",
        output.stdout().strong("Verso")
    ))?;
    let desk = Backstage::new("desk")?;
    let laptop = Backstage::new("laptop")?;
    heading(output, 1, "Two devices, each with a key of its own")?;
    for device in [&desk, &laptop] {
        let (id, fingerprint) = (device.id(), device.id().fingerprint());
        output.tell(format_args!("     {:<7} {id}  fingerprint {fingerprint}", device.name()))?;
    }
    heading(output, 2, "desk makes a workspace and imports a graph")?;
    let (workspace, imported) = write(&desk, file, output, &stop)?;
    let figures = net::block_on(async {
        let mut signals = Signals::listen(output.seat())?;
        tokio::select! {
            figures = Box::pin(play([desk, laptop], workspace, imported, output)) => figures,
            () = signals.recv() => Err(stopped()),
        }
    })?;
    output.tell(format_args!(
        "\n{} verso init, verso workspace new NAME, verso pair\n",
        output.stdout().faint("yours:")
    ))?;
    figures.print(output)
}

/// Makes the workspace and imports the graph, without any network.
fn write(
    desk: &Backstage,
    file: Option<&Path>,
    output: &Output,
    stop: &Stop,
) -> Result<(WorkspaceId, Imported), CliError> {
    let sample = tempfile::NamedTempFile::new().and_then(|sample| {
        std::fs::write(sample.path(), SAMPLE)?;
        Ok(sample)
    });
    let sample = sample.map_err(|error| failed("can't write the sample", &error))?;
    let mut device = desk.open()?;
    let workspace = device.found(WORKSPACE)?;
    device.flush()?;
    let started = Instant::now();
    let file = file.unwrap_or(sample.path());
    let named = Named { file, at: file, format: FileFormat::Auto };
    let counts = import(&mut device, &workspace, named, output, stop)?;
    let took = started.elapsed();
    device.close()?;
    let imported = Imported { counts, took, bytes_at_rest: desk.bytes_at_rest()? };
    let ImportCounts { nodes, tags, edges, intents, .. } = counts;
    let [nodes, tags, edges, many] = [nodes, tags, edges, intents].map(grouped);
    output.tell(format_args!("     {nodes} nodes, {tags} tags, {edges} edges: {many} intents"))?;
    output.tell(format_args!(
        "     checked, signed, encrypted and on the disk in {}: {}, {} bytes an intent",
        figures::time(took),
        size(imported.bytes_at_rest),
        per_intent(imported.bytes_at_rest, intents)
    ))?;
    Ok((workspace, imported))
}

/// Everything that needs both.
async fn play(
    devices: [Backstage; 2],
    workspace: WorkspaceId,
    imported: Imported,
    output: &Output,
) -> Result<Figures, CliError> {
    let [desk, laptop] = devices;
    let (desk, laptop) = (desk.enter().await?, laptop.enter().await?);

    heading(output, 3, "laptop joins by the link that desk shows")?;
    let started = Instant::now();
    let link = stage::pair(&desk, &laptop).await?;
    let paired = started.elapsed();
    output.tell(format_args!("     {}", output.stdout().faint(shown(&link))))?;
    output.tell(format_args!(
        "     paired in {}: both proved the link's secret, said yes, and signed what they agreed",
        figures::time(paired)
    ))?;

    heading(output, 4, "First sync")?;
    let first = sync(&desk, &laptop).await?;
    output.tell(format_args!(
        "     {} entries to laptop, checked and durable there, in {}; {} on the wire, {} bytes an entry",
        grouped(first.entries),
        figures::time(first.took),
        size(first.bytes),
        per_intent(first.bytes, first.entries)
    ))?;
    tell_equal(&Proof::of(&desk, &laptop, workspace).await?, output)?;

    heading(output, 5, "Both go on, apart")?;
    let plot = desk.read(move |graph: &Graph| Plot::new(graph), workspace).await?.ok_or_else(|| {
        let why = "the graph has fewer than two nodes with a title";
        CliError::new(Exit::Failed, "the demo can't go on", why, "give it a larger file, or none")
    })?;
    for (actor, acts) in [(&desk, plot.at_desk()), (&laptop, plot.at_laptop())] {
        for (intent, told) in acts {
            output.tell(format_args!("     {:<7} {told}", actor.name()))?;
            actor.commit(workspace, vec![intent]).await?;
        }
    }

    heading(output, 6, "They meet again")?;
    let second = sync(&desk, &laptop).await?;
    output.tell(format_args!(
        "     {} entries crossed in {}; {} on the wire, all that was new and nothing else",
        grouped(second.entries),
        figures::time(second.took),
        size(second.bytes)
    ))?;
    let outcome = laptop.read(move |graph: &Graph| plot.outcome(graph), workspace).await?;
    for (topic, line) in &outcome.lines {
        output.tell(format_args!("     {}  {line}", output.stdout().warn(format_args!("{topic:<6}"))))?;
    }

    heading(output, 7, "Proof")?;
    let proof = Proof::of(&desk, &laptop, workspace).await?;
    tell_equal(&proof, output)?;
    let devices = [&desk, &laptop].map(|actor| (actor.id(), actor.name()));
    let dirs = [desk.leave().await?, laptop.leave().await?];
    let found = proof::plaintext(&dirs, &outcome.secrets)?;
    let paint = output.stdout();
    let verdict = if found == 0 { paint.good("none found") } else { paint.bad("FOUND") };
    let searched = outcome.secrets.len();
    output.tell(format_args!("     files   {searched} titles and tags looked for in the clear  {verdict}"))?;
    if found > 0 || !proof.is_equal() {
        return Err(CliError::new(Exit::Failed, "the demo failed", "the proof does not hold", "report this"));
    }
    Ok(Figures { devices, imported, paired, syncs: [first, second], conflicts: outcome.conflicts, proof })
}

async fn sync(desk: &Actor, laptop: &Actor) -> Result<Synced, CliError> {
    let started = Instant::now();
    let outcome = stage::sync(desk, laptop).await?;
    Ok(Synced {
        took: started.elapsed(),
        entries: outcome.entries_sent.saturating_add(outcome.entries_received),
        bytes: outcome.bytes_sent.saturating_add(outcome.bytes_received),
    })
}

fn tell_equal(proof: &Proof, output: &Output) -> Result<(), CliError> {
    let [desk, laptop] = &proof.digests;
    let paint = output.stdout();
    let verdict = if proof.is_equal() { paint.good("equal") } else { paint.bad("DIFFERENT") };
    let [desk, laptop] = [desk, laptop].map(|digest| digest.get(..16).unwrap_or_default());
    output.tell(format_args!("     state   desk {desk}…  laptop {laptop}…  {verdict}"))?;
    output.tell(format_args!("     export  {} bytes, byte for byte  {verdict}", grouped(proof.export_bytes)))
}

fn heading(output: &Output, number: u32, text: &str) -> Result<(), CliError> {
    output.tell(format_args!("\n  {}", output.stdout().strong(format_args!("{number}  {text}"))))
}

/// A failure that has no place in a demo.
fn failed(what: &str, error: &dyn std::error::Error) -> CliError {
    CliError::because(Exit::Failed, what, error, "run it again; report it if it happens again, with what -vv tells")
}

fn stopped() -> CliError {
    CliError::new(Exit::Failed, "the demo is not over", "it was stopped", "run `verso demo` again")
}

/// How long the two look for each other.
const PATIENCE: Duration = Duration::from_secs(10);
