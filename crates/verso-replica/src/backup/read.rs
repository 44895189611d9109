//! Making a device again from a backup.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use verso_identity::{DeviceId, DeviceKey, Key, Passphrase, WorkspaceId, purposes};
use verso_log::{AppendError, CreateError, LogOptions, Storage, StorageFile, StreamError, StreamReader, SyncLog};
use verso_vv::{Author, Seq};
use verso_wire::{DecodeError, SyncUnit};
use zeroize::Zeroizing;

use super::BackupProgress;
use super::format::{HEADER_LEN, HeaderError, ITEM_HEAD_LEN, Item, MAX_HEADER_LEN, MAX_ITEM_LEN, open_header};
use crate::forks::Forks;
use crate::journal::meta_of;
use crate::local::{LocalState, LocalStateError};
use crate::logs;
use crate::mend::{MendError, put_aside_if_detached};

/// A device that was restored. Its secret is in no key store yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The device's key.
    pub key: DeviceKey,
    /// How many workspaces were in the backup.
    pub workspaces: u64,
    /// How many entries.
    pub entries: u64,
}

/// A device was not restored. What lies in the storage is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The file does not open as a backup.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The file is damaged.
    #[error("the backup is damaged")]
    Damaged(#[source] StreamError),
    /// What the file holds is authentic, and not what a backup holds: a defect wrote it.
    #[error("the backup contradicts itself: {what}")]
    Contradiction {
        /// In what.
        what: &'static str,
    },
    /// A unit can't be read.
    #[error("a unit in the backup is not one that this version reads")]
    Record(#[from] DecodeError),
    /// The file can't be read.
    #[error("the backup can't be read")]
    Read(#[source] io::Error),
    /// There are logs already.
    #[error("there are logs already")]
    NotEmpty,
    /// A log can't be made.
    #[error("a log can't be made")]
    Create(#[from] CreateError),
    /// A log can't be written.
    #[error("a log can't be written")]
    Append(#[from] AppendError),
    /// The storage failed.
    #[error("the data directory can't be written")]
    Write(#[source] io::Error),
    /// The local state can't be written.
    #[error(transparent)]
    Local(#[from] LocalStateError),
    /// A log lacks what some of it follows, and can't be made without that.
    #[error(transparent)]
    Mend(#[from] MendError),
}

impl From<StreamError> for RestoreError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Io(source) => Self::Read(source),
            damaged => Self::Damaged(damaged),
        }
    }
}

/// A backup that opens: whose it is, and when it was made. Whether it is whole shows when a device is made of it.
#[derive(Debug)]
pub struct Backup<F> {
    items: Items<F>,
    key: DeviceKey,
    made_ms: u64,
    host: Vec<u8>,
}

impl<F: StorageFile> Backup<F> {
    /// Opens the backup in `file`.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn open(file: F, passphrase: &Passphrase) -> Result<Self, RestoreError> {
        let len = usize::try_from(file.len().map_err(RestoreError::Read)?).unwrap_or(usize::MAX).min(MAX_HEADER_LEN);
        let mut header = vec![0; len];
        file.read_at(0, &mut header).map_err(RestoreError::Read)?;
        let key = open_header(&header, passphrase)?;
        let start = u64::try_from(HEADER_LEN).unwrap_or(u64::MAX);
        let stream = StreamReader::new(file, key, start).map_err(RestoreError::Read)?;
        let mut items = Items { stream, body: Zeroizing::default() };
        let Item::Device = items.next()? else { return Err(contradiction("it does not begin with its device")) };
        let (secret, rest) = items.body.split_first_chunk::<32>().ok_or(contradiction("its device"))?;
        let (made, host) = rest.split_first_chunk::<8>().ok_or(contradiction("its device"))?;
        let key = DeviceKey::from_secret(&Zeroizing::new(*secret));
        let (made_ms, host) = (u64::from_le_bytes(*made), host.to_vec());
        Ok(Self { items, key, made_ms, host })
    }

    /// Returns whose backup it is.
    pub fn device(&self) -> DeviceId {
        self.key.id()
    }

    /// Returns when it was made, in milliseconds since the Unix epoch.
    pub const fn made_ms(&self) -> u64 {
        self.made_ms
    }

    /// Returns what the host had kept beside.
    pub fn host(&self) -> &[u8] {
        &self.host
    }

    /// Makes the device again, in a storage without one. All is durable when this returns; it is a device once its key is in a key store, and until
    /// then as good as nothing.
    ///
    /// It begins a new incarnation, since others may hold what it wrote after the backup was made. And whom it trusts is unconfirmed:
    /// those who were removed since are still in the backup. See [`Replica::unconfirmed`](crate::Replica::unconfirmed).
    ///
    /// # Errors
    /// [`RestoreError`]; what then lies in the storage is no device.
    pub fn restore<S: Storage>(
        self,
        storage: &S,
        progress: &mut dyn FnMut(BackupProgress),
    ) -> Result<Restored, RestoreError> {
        let Self { mut items, key, .. } = self;
        if !logs::names(storage).map_err(RestoreError::Write)?.is_empty() {
            return Err(RestoreError::NotEmpty);
        }
        let mut restoring = Restoring {
            storage,
            log_key: key.derive(),
            log: None,
            units: 0,
            entries: 0,
            workspaces: BTreeSet::new(),
            branched: BTreeSet::new(),
            control: BTreeMap::new(),
        };
        let (mut state, mut forks) = (None, None);
        loop {
            let (done, of) = items.stream.position();
            progress(BackupProgress { done, of });
            match items.next()? {
                Item::Device => return Err(contradiction("it names two devices")),
                Item::Log => restoring.begin(&items.body)?,
                Item::Unit => restoring.unit(&items.body)?,
                Item::State => state = Some(LocalState::decode(&items.body)?.ok_or(contradiction("its local state"))?),
                Item::Forks => forks = Some(std::mem::take(&mut items.body)),
                Item::End => break,
            }
        }
        let counts = [restoring.units.to_le_bytes(), restoring.entries.to_le_bytes()].concat();
        if *items.body != counts {
            return Err(contradiction("its counts"));
        }
        items.stream.finish()?;
        restoring.end_log()?;

        // Last, and only now that all of it is known to be whole.
        let mut state = match state {
            Some(state) => state,
            None => LocalState::fresh(storage)?,
        };
        state.renew(storage)?;
        // Pairings that were under way are over.
        state.provisional.clear();
        state.put_back(restoring.control);
        crate::local::ensure_dir(storage, "state").map_err(RestoreError::Write)?;
        if let Some(forks) = forks {
            Forks::write(storage, &key.derive(), &forks).map_err(LocalStateError::Seal)?;
        }
        for directory in &restoring.branched {
            put_aside_if_detached(storage, &key, directory)?;
        }
        state.store(storage, &key.derive())?;
        let workspaces = restoring.workspaces.iter().filter(|workspace| **workspace != WorkspaceId::CONTROL).count();
        let workspaces = u64::try_from(workspaces).unwrap_or(u64::MAX);
        Ok(Restored { key, workspaces, entries: restoring.entries })
    }
}

const fn contradiction(what: &'static str) -> RestoreError {
    RestoreError::Contradiction { what }
}

#[derive(Debug)]
struct Items<F> {
    stream: StreamReader<F>,
    body: Zeroizing<Vec<u8>>,
}

impl<F: StorageFile> Items<F> {
    /// Reads the next item into the body.
    fn next(&mut self) -> Result<Item, RestoreError> {
        let mut head = [0; ITEM_HEAD_LEN];
        self.stream.read(&mut head)?;
        let [code, len @ ..] = head;
        let item = Item::from_code(code).ok_or(contradiction("an item of unknown kind"))?;
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        if len > MAX_ITEM_LEN {
            return Err(contradiction("an item that is too long"));
        }
        self.body = Zeroizing::new(vec![0; len]);
        self.stream.read(&mut self.body)?;
        Ok(item)
    }
}

struct Restoring<'a, S: Storage> {
    storage: &'a S,
    log_key: Key<purposes::Log>,
    log: Option<(WorkspaceId, String, SyncLog<S>)>,
    units: u64,
    entries: u64,
    workspaces: BTreeSet<WorkspaceId>,
    /// Where logs lie that have branches: of a damaged device, what one was forked off from may not be in its backup.
    branched: BTreeSet<String>,
    /// The ends of the control log's chains.
    control: BTreeMap<Author, Seq>,
}

impl<S: Storage> Restoring<'_, S> {
    fn begin(&mut self, body: &[u8]) -> Result<(), RestoreError> {
        self.end_log()?;
        let label: [u8; 16] = body.try_into().map_err(|_len| contradiction("the name of a workspace"))?;
        let workspace = WorkspaceId::from_bytes(label);
        if !self.workspaces.insert(workspace) {
            return Err(contradiction("a workspace twice"));
        }
        let directory = logs::new_directory(self.storage).map_err(RestoreError::Write)?;
        let log = SyncLog::create(self.storage.clone(), &directory, &self.log_key, label, LogOptions::default())?;
        self.log = Some((workspace, directory, log));
        Ok(())
    }

    fn unit(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        let (workspace, directory, log) = self.log.as_mut().ok_or(contradiction("a unit without a log"))?;
        let unit = SyncUnit::decode(workspace, bytes)?.chain();
        let meta = meta_of(&unit);
        log.append(&meta, bytes).map_err(|error| match error {
            error @ (AppendError::Io(_) | AppendError::Poisoned) => error.into(),
            _ => contradiction("a unit that does not follow"),
        })?;
        if meta.branch.is_some() {
            self.branched.insert(directory.clone());
        }
        self.units += 1;
        self.entries = self.entries.saturating_add(meta.entries());
        if *workspace == WorkspaceId::CONTROL {
            let last = self.control.entry(*unit.signer()).or_default();
            *last = meta.last_seq.max(*last);
        }
        Ok(())
    }

    fn end_log(&mut self) -> Result<(), RestoreError> {
        if let Some((.., mut log)) = self.log.take() {
            log.sync()?;
            log.close()?;
        }
        Ok(())
    }
}
