//! Small units are joined into large ones on their way to a peer: [`Pack`].

use bytes::Bytes;
use verso_identity::WorkspaceId;
use verso_session::EncodedRun;
use verso_vv::Seq;
use verso_wire::{CompressionLevel, DecodeError, Seam, SyncUnit};

/// Below how many stored bytes a unit is joined with those beside it: 8 KiB. Of such a unit the head, with its seal, is still 2 % and more, and
/// its columns compress worse than those of a larger one. From there on joining brings little, and a unit travels as it is stored.
pub(crate) const SMALL: usize = 8 * 1024;

/// What is read of one chain, in order, to be sent.
///
/// Units that are large pass as they are stored, neither decoded nor compressed again. Small ones that follow each other become as few
/// as the limits of a unit allow, so that a thousand single commits cost one head and one seal. Seals at which the chain is cut are kept.
#[derive(Debug)]
pub(crate) struct Pack {
    workspace: WorkspaceId,
    /// The entries behind which a seal is needed.
    needed: Vec<Seq>,
    runs: Vec<EncodedRun>,
    /// Small ones that follow each other, and what is in `runs`.
    small: Vec<EncodedRun>,
}

impl Pack {
    pub(crate) const fn new(workspace: WorkspaceId, needed: Vec<Seq>) -> Self {
        Self { workspace, needed, runs: Vec::new(), small: Vec::new() }
    }

    /// Tells whether nothing was put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.small.is_empty()
    }

    /// Puts in the next stored unit.
    pub(crate) fn push(&mut self, run: EncodedRun) -> Result<(), DecodeError> {
        if run.bytes.len() >= SMALL {
            self.join()?;
            self.runs.push(run);
        } else {
            self.small.push(run);
        }
        Ok(())
    }

    /// Gives out what was put in.
    pub(crate) fn finish(mut self) -> Result<Vec<EncodedRun>, DecodeError> {
        self.join()?;
        Ok(self.runs)
    }

    /// Joins the small units that were put in last.
    fn join(&mut self) -> Result<(), DecodeError> {
        if self.small.len() < 2 {
            self.runs.append(&mut self.small);
            return Ok(());
        }
        let mut before: Option<SyncUnit> = None;
        for run in self.small.drain(..) {
            let next = SyncUnit::decode(&self.workspace, &run.bytes)?;
            if let Some(unit) = &mut before {
                let seam = if self.needed.contains(&unit.last_seq()) { Seam::Keep } else { Seam::Drop };
                if unit.join(&next, seam).is_ok() {
                    continue;
                }
            }
            self.runs.extend(before.replace(next).as_ref().map(encoded));
        }
        self.runs.extend(before.as_ref().map(encoded));
        Ok(())
    }
}

fn encoded(unit: &SyncUnit) -> EncodedRun {
    let bytes = Bytes::from(unit.encode(CompressionLevel::RECORD));
    EncodedRun { first: unit.first_seq(), last: unit.last_seq(), bytes }
}
