//! [`Proof`]: that two devices hold the same, and that their files tell nobody.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use tempfile::TempDir;
use verso_graph::Graph;
use verso_identity::WorkspaceId;
use verso_wire::Application as _;

use super::failed;
use super::stage::Actor;
use crate::error::CliError;
use crate::export::write_document;

/// What two devices hold.
#[derive(Debug)]
pub(super) struct Proof {
    /// Of the canonical state.
    pub(super) digests: [String; 2],
    /// Of the bytes that `export` prints.
    exports: [[u8; 32]; 2],
    pub(super) export_bytes: u64,
}

/// Hashes what is written, and counts it.
#[derive(Default)]
struct Sum {
    hash: blake3::Hasher,
    bytes: u64,
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Proof {
    pub(super) async fn of(desk: &Actor, laptop: &Actor, workspace: WorkspaceId) -> Result<Self, CliError> {
        let (one, first, export_bytes) = sum(desk, workspace).await?;
        let (other, second, _bytes) = sum(laptop, workspace).await?;
        Ok(Self { digests: [one, other], exports: [first, second], export_bytes })
    }

    pub(super) fn is_equal(&self) -> bool {
        let ([one, other], [first, second]) = (&self.digests, &self.exports);
        one == other && first == second
    }
}

async fn sum(actor: &Actor, workspace: WorkspaceId) -> Result<(String, [u8; 32], u64), CliError> {
    let summed = actor.read(
        move |graph: &Graph| {
            let mut sum = Sum::default();
            let written = write_document(&mut sum, &workspace, graph);
            written.map(|()| (HEXLOWER.encode(&graph.digest()), *sum.hash.finalize().as_bytes(), sum.bytes))
        },
        workspace,
    );
    summed.await?.map_err(|error| failed("can't export the workspace", &error))
}

/// Counts which of the texts stand in any file below the directories.
pub(super) fn plaintext(dirs: &[TempDir], texts: &[String]) -> Result<usize, CliError> {
    let mut files = Vec::new();
    for dir in dirs {
        collect(dir.path(), &mut files).map_err(|error| failed("can't search the files", &error))?;
    }
    let stands_in = |text: &String, file: &Vec<u8>| file.windows(text.len()).any(|window| window == text.as_bytes());
    Ok(texts.iter().filter(|text| files.iter().any(|file| stands_in(text, file))).count())
}

fn collect(dir: &Path, files: &mut Vec<Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(fs::read(entry.path())?);
        }
    }
    Ok(())
}
