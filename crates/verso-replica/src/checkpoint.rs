//! Checkpoints: the state of a workspace in one sealed file, so that opening need not replay what the file covers.
//!
//! A checkpoint is a copy and never the truth. Whatever is wrong with one, it is put aside and the state is built from the log; a
//! disk that takes none costs time at the next start and nothing else. `docs/formats/checkpoint.md` describes the bytes.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{NEW_SUFFIX, SealError, SealedFile, Storage, UnsealError};
use verso_trust::{EventContext, Membership, MembershipEvent};
use verso_vv::{Author, AuthorTag, EntryHash, Hlc, Seq};
use verso_wire::{Application, EntryKind};

use crate::logs;
use crate::replica::Replica;
use crate::view::SavedView;

/// The version of all but the application's part. It changes with the bytes, and with what this crate makes of them.
const VERSION: u8 = 1;

/// Where the checkpoints lie, beside the device's local state: one file a log, of the same random name.
const DIRECTORY: &str = "state";

/// The fewest entries for which a checkpoint is written: replaying these takes about 10 ms, less than anyone notices.
const MIN_ENTRIES: u64 = 1 << 14;

/// How hard zstd tries: level 1, since a checkpoint is written often and soon replaced.
const LEVEL: i32 = 1;

/// How many times its compressed size a checkpoint may have. Real ones have 2 to 20 times.
const MAX_RATIO: usize = 256;

/// When a checkpoint is considered.
///
/// A checkpoint costs in proportion to the whole state, so it is written when enough has come since the last one that each entry pays for
/// a fixed number of others, however large the workspace has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The device goes on running: once half of what is held is not covered. So all that is ever written this way is three times the
    /// last checkpoint at most, and a crash costs a replay of half the history.
    Running,
    /// The device is being closed, and somebody will open it: once an eighth is not covered, so that a start replays no more than that.
    Closing,
}

/// A checkpoint that is about to be written: by whoever has time, on any thread. It says what was true when it was
/// [prepared](Replica::checkpoint).
#[derive(Debug)]
pub struct Checkpoint<S> {
    storage: S,
    key: Key<purposes::Checkpoint>,
    workspace: WorkspaceId,
    path: String,
    plaintext: Vec<u8>,
}

/// A checkpoint was not written. Nothing is lost but time at the next start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It can't be compressed.
    #[error("the checkpoint can't be compressed")]
    Compress(#[source] std::io::Error),
    /// The disk does not take it.
    #[error("the checkpoint can't be written")]
    Seal(#[from] SealError),
}

/// Why the state is built from the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("there is none")]
    Absent,
    #[error("the application takes none")]
    Unsupported,
    #[error(transparent)]
    Sealed(UnsealError),
    #[error("it was written by another version")]
    Version,
    #[error("it makes no sense")]
    Malformed,
    #[error("the log holds something else")]
    Log,
}

/// What a checkpoint holds before the application's part.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) view: SavedView,
    /// All membership entries that are held, from which the fold is made again.
    events: Vec<SavedEvent>,
}

/// A membership entry.
#[derive(Debug, Serialize, Deserialize)]
struct SavedEvent {
    author: Author,
    seq: Seq,
    hash: EntryHash,
    hlc: Hlc,
    tag: AuthorTag,
    kind: u8,
    payload: Vec<u8>,
}

impl<S: Storage> Checkpoint<S> {
    /// Returns the workspace.
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Compresses, encrypts and writes it in the place of the one before, durably.
    ///
    /// # Errors
    /// [`CheckpointError`]; the one before is then still there, or none.
    pub fn store(self) -> Result<(), CheckpointError> {
        let compressed = zstd::bulk::compress(&self.plaintext, LEVEL).map_err(CheckpointError::Compress)?;
        let len = u64::try_from(self.plaintext.len()).unwrap_or(u64::MAX);
        let text = [&[VERSION][..], &len.to_le_bytes(), &compressed].concat();
        drop(compressed);
        Ok(SealedFile::seal(&self.storage, &self.path, &self.key, &label(&self.workspace), &text)?)
    }

    /// Writes it if the disk lets it; tells whoever reads the diagnostics if not.
    pub fn store_or_tell(self) {
        let workspace = self.workspace;
        match self.store() {
            Ok(()) => tracing::debug!(target: "verso.sync", %workspace, "a checkpoint was written"),
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(target: "verso.sync", %workspace, %error, source, "no checkpoint was written");
            }
        }
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Prepares the checkpoints that are due. Each is then to be [stored](Checkpoint::store), one after the other.
    pub fn checkpoints_due(&mut self, moment: Moment) -> Vec<Checkpoint<S>> {
        let is_due = |since: u64, held: u64| {
            since >= MIN_ENTRIES
                && match moment {
                    Moment::Running => since.saturating_mul(2) >= held,
                    Moment::Closing => since.saturating_mul(8) >= held,
                }
        };
        let due = self
            .workspaces
            .iter()
            .filter(|(_, journal)| is_due(journal.entries_since_checkpoint(), journal.view.counts().0));
        let due: Vec<WorkspaceId> = due.map(|(workspace, _)| *workspace).collect();
        due.iter().filter_map(|workspace| self.checkpoint(workspace)).collect()
    }

    /// Prepares a checkpoint of a workspace, whether it is due or not. `None` if there is nothing that could be covered: the workspace or
    /// its application has none, its log failed or is damaged, or something of it is not durable yet.
    pub fn checkpoint(&mut self, workspace: &WorkspaceId) -> Option<Checkpoint<S>> {
        let journal = self.workspaces.get_mut(workspace)?;
        let plaintext = journal.save()?;
        let path = path(journal.directory());
        let (storage, key) = (self.storage.clone(), self.key.derive());
        Some(Checkpoint { storage, key, workspace: *workspace, path, plaintext })
    }
}

/// Writes what a checkpoint of a workspace says.
pub(crate) fn encode<A: Application>(view: SavedView, membership: &Membership, application: &A) -> Option<Vec<u8>> {
    let version = A::SNAPSHOTS?;
    let event = |(context, event): (&EventContext, MembershipEvent)| {
        let EventContext { author, seq, hash, hlc, tag } = *context;
        Some(SavedEvent { author, seq, hash, hlc, tag, kind: event.kind(), payload: event.encode().ok()? })
    };
    let events: Option<Vec<SavedEvent>> = membership.events().map(event).collect();
    let saved = Saved { view, events: events? };
    let mut out = postcard::to_extend(&saved, version.to_le_bytes().to_vec()).ok()?;
    application.snapshot(&mut out);
    Some(out)
}

/// Reads the checkpoint of the log in `directory`: what it says, and the application as it was.
pub(crate) fn load<S: Storage, A: Application>(
    storage: &S,
    key: &DeviceKey,
    directory: &str,
    workspace: &WorkspaceId,
) -> Result<(Saved, A), Unusable> {
    let version = A::SNAPSHOTS.ok_or(Unusable::Unsupported)?;
    let text = SealedFile::open(storage, &path(directory), &key.derive::<purposes::Checkpoint>(), &label(workspace));
    let text = text.map_err(|error| match error {
        UnsealError::NotFound => Unusable::Absent,
        error => Unusable::Sealed(error),
    })?;
    let (&format, rest) = text.split_first().ok_or(Unusable::Malformed)?;
    if format != VERSION {
        return Err(Unusable::Version);
    }
    let (len, compressed) = rest.split_first_chunk().ok_or(Unusable::Malformed)?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok().filter(|len| len / MAX_RATIO <= compressed.len());
    let plaintext = zstd::bulk::decompress(compressed, len.ok_or(Unusable::Malformed)?);
    let plaintext = plaintext.map_err(|_source| Unusable::Malformed)?;
    drop(text);
    let (written_by, rest) = plaintext.split_first_chunk().ok_or(Unusable::Malformed)?;
    if u32::from_le_bytes(*written_by) != version {
        return Err(Unusable::Version);
    }
    let (saved, snapshot) = postcard::take_from_bytes(rest).map_err(|_source| Unusable::Malformed)?;
    let application = A::restore(snapshot).ok_or(Unusable::Malformed)?;
    Ok((saved, application))
}

/// Removes the checkpoints of logs that are not there any more, and what a power cut left of writing one. What can't be removed stays for now.
pub(crate) fn clear<S: Storage>(storage: &S, directories: &[&str]) {
    let Ok(names) = storage.list(DIRECTORY) else { return };
    for name in names {
        let log = name.strip_suffix(NEW_SUFFIX).unwrap_or(&name);
        let is_needed = name == log && directories.iter().any(|directory| logs::name(directory) == log);
        if logs::is_name(log)
            && !is_needed
            && let Err(error) = storage.remove(&format!("{DIRECTORY}/{name}"))
        {
            tracing::debug!(target: "verso.sync", %error, "a checkpoint that is not needed stays for now");
        }
    }
}

impl Saved {
    /// Iterates over the membership entries.
    pub(crate) fn events(&self) -> impl Iterator<Item = (EventContext, EntryKind, &[u8])> {
        self.events.iter().map(|event| {
            let SavedEvent { author, seq, hash, hlc, tag, kind, ref payload } = *event;
            (EventContext { author, seq, hash, hlc, tag }, EntryKind(kind), &payload[..])
        })
    }
}

/// Binds a file to its workspace.
fn label(workspace: &WorkspaceId) -> Vec<u8> {
    [b"checkpoint", &workspace.as_bytes()[..]].concat()
}

fn path(directory: &str) -> String {
    format!("{DIRECTORY}/{}", logs::name(directory))
}
