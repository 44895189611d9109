//! [`SyncLog`]: taking records and making them durable.

use std::fmt;
use std::io;
use std::sync::{Mutex, Weak};

use verso_vv::{Author, EntryHash, Seq, VersionVector};

use crate::chains::{Chains, NotNext, Place};
use crate::closing::Row;
use crate::crypto::MasterKey;
use crate::damage::{Corrupt, TornTail};
use crate::header::Link;
use crate::replay::ReadCache;
use crate::run::{Run, RunId, RunMeta};
use crate::segment::{Segment, tag};
use crate::storage::Storage;
use crate::writer::{NewSegment, SegmentWriter};

/// The longest record: twice the largest frame that carries one, so that whatever arrived can be kept.
pub const MAX_RECORD_LEN: usize = 2 * 1024 * 1024;

/// How many records a segment holds at most. It bounds what opening holds in memory of one segment: 200 bytes a record.
pub(crate) const MAX_SEGMENT_RECORDS: u32 = 1 << 14;

/// How a log lays out its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// A segment that has reached this many bytes is closed, and compaction writes none that is longer.
    ///
    /// After a crash the last segment is read whole, and compaction reads as much at once: larger segments make both slower,
    /// smaller ones make more files. Values above [`LogOptions::MAX_SEGMENT_BYTES`] count as that.
    pub segment_bytes: u32,
}

impl LogOptions {
    /// The largest segment: half of what is ever read as one.
    pub const MAX_SEGMENT_BYTES: u32 = 64 << 20;
}

impl Default for LogOptions {
    /// 8 MiB: read through in 10 ms after a crash, and ten million entries are a dozen files.
    fn default() -> Self {
        Self { segment_bytes: 8 << 20 }
    }
}

/// Whether a log takes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogMode {
    /// It does.
    ReadWrite,
    /// Records may be lost from it: what verifies can be read, nothing is written.
    ReadOnly,
    /// A write or a sync failed: what is on the disk is unknown until the log is opened again.
    Poisoned,
}

/// A record was not taken, or not made durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The run does not follow what is held.
    #[error("entry {got} of {author} does not follow: {expected} is next")]
    NotNext {
        /// Whose chain.
        author: Author,
        /// The number that would follow.
        expected: Seq,
        /// The number that came.
        got: Seq,
    },
    /// The run does not continue the chain from its head.
    #[error("the run of {author} from entry {first_seq} does not continue the chain's head")]
    WrongHash {
        /// Whose chain.
        author: Author,
        /// The first entry of the run.
        first_seq: Seq,
    },
    /// The run ends before it begins, begins before its branch does, or names another branch than its author's runs before.
    #[error("the description of a run of {author} contradicts itself or those before")]
    Invalid {
        /// Whose chain.
        author: Author,
    },
    /// The record is longer than [`MAX_RECORD_LEN`].
    #[error("a record of {len} bytes is longer than {MAX_RECORD_LEN}")]
    TooLong {
        /// How long it is.
        len: usize,
    },
    /// The log is damaged and takes nothing.
    #[error("the log is damaged and was opened for reading only")]
    ReadOnly,
    /// An earlier write or sync failed, so what is on the disk is unknown until the log is opened again.
    #[error("an earlier write failed; the log must be opened again")]
    Poisoned,
    /// The storage failed, and the log is poisoned. A full disk is `StorageFull`.
    #[error("the journal could not be written")]
    Io(#[from] io::Error),
}

/// An encrypted append-only journal of opaque records, each a run of one author's entries.
///
/// 1. [`append`](Self::append) buffers a record. It counts as held at once, and can be read.
/// 2. [`sync`](Self::sync) makes all that was appended durable, with one `fdatasync`. Nothing may be acknowledged before it
///    returned.
/// 3. After an error of either the log is poisoned: it can be read, and takes nothing until it is opened again.
/// 4. [`close`](Self::close) ends the open segment, so that the next open need not read it. A log that is dropped instead
///    loses nothing that was synced.
///
/// What is durable survives a power cut; of what was appended after the last sync, a part from its beginning may survive.
pub struct SyncLog<S: Storage> {
    pub(crate) storage: S,
    pub(crate) dir: String,
    pub(crate) master: MasterKey,
    pub(crate) label: [u8; 16],
    pub(crate) options: LogOptions,
    pub(crate) mode: LogMode,
    /// What did not verify when the log was opened.
    pub(crate) damage: Vec<Corrupt>,
    /// A torn tail that was left in place, because the log is damaged elsewhere.
    pub(crate) uncut: Option<TornTail>,
    pub(crate) chains: Chains,
    durable: VersionVector,
    /// Authors of what was appended since the last sync.
    unsynced: Vec<Author>,
    /// The segments that are no longer written to, ascending.
    pub(crate) segments: Vec<Segment>,
    pub(crate) active: Option<SegmentWriter<S>>,
    pub(crate) cache: Mutex<ReadCache<S::File>>,
    /// The step of compaction that is under way.
    pub(crate) compaction: Weak<()>,
}

impl<S: Storage> SyncLog<S> {
    /// Puts together what `create` and `open` found.
    pub(crate) fn assemble(parts: Parts<S>) -> Self {
        let Parts { storage, dir, master, label, options, chains, segments, active } = parts;
        let durable = chains.held().clone();
        Self {
            storage,
            dir,
            master,
            label,
            options,
            mode: LogMode::ReadWrite,
            damage: Vec::new(),
            uncut: None,
            chains,
            durable,
            unsynced: Vec::new(),
            segments,
            active,
            cache: Mutex::default(),
            compaction: Weak::new(),
        }
    }

    /// Returns the label that the log was made with.
    pub const fn label(&self) -> &[u8; 16] {
        &self.label
    }

    /// Tells whether the log takes records.
    pub const fn mode(&self) -> LogMode {
        self.mode
    }

    /// Takes a record: `meta` must be the next run of its author, beginning one behind what is held and at the head's hash.
    ///
    /// The first run of a chain may have any `prev_hash` (the start of the chain can't be computed here) and begins at entry
    /// 1, or where the branch does.
    ///
    /// # Errors
    /// [`AppendError`]; all but its `Io` leave the log as it was.
    pub fn append(&mut self, meta: &RunMeta, record: &[u8]) -> Result<RunId, AppendError> {
        self.writable()?;
        if record.len() > MAX_RECORD_LEN {
            return Err(AppendError::TooLong { len: record.len() });
        }
        let (author, first_seq) = (meta.author, meta.first_seq);
        self.chains.check_next(meta).map_err(|fault| match fault {
            NotNext::Seq { expected } => AppendError::NotNext { author, expected, got: first_seq },
            NotNext::Hash => AppendError::WrongHash { author, first_seq },
            NotNext::Invalid => AppendError::Invalid { author },
        })?;
        let id = self.poisoning(|log| {
            log.rotate()?;
            log.active()?.push(meta, record)
        })?;
        self.chains.push(meta, place(meta, id));
        if self.unsynced.last() != Some(&author) {
            self.unsynced.push(author);
        }
        Ok(id)
    }

    /// Makes all that was appended durable, and ends the batch. Does nothing if nothing was.
    ///
    /// # Errors
    /// [`AppendError::Io`] if the storage failed: then nothing that was appended since the last sync may be acknowledged.
    pub fn sync(&mut self) -> Result<(), AppendError> {
        self.writable()?;
        self.poisoning(|log| log.active.as_mut().map_or(Ok(()), SegmentWriter::sync))?;
        for author in self.unsynced.drain(..) {
            self.durable.set(author, self.chains.held().get(&author));
        }
        Ok(())
    }

    /// Syncs, ends the open segment with its index, and cuts off what was preallocated.
    ///
    /// # Errors
    /// As [`sync`](Self::sync). If it fails after the sync, all that was appended is durable, and the next open reads the
    /// segment.
    pub fn close(mut self) -> Result<(), AppendError> {
        if self.mode == LogMode::ReadOnly {
            return Ok(());
        }
        self.sync()?;
        self.poisoning(Self::close_active)?;
        Ok(())
    }

    /// Returns up to which entry all of each author is held, what is not yet durable included.
    pub const fn held(&self) -> &VersionVector {
        self.chains.held()
    }

    /// Returns up to which entry all of each author is durable: what may be acknowledged.
    pub const fn durable(&self) -> &VersionVector {
        &self.durable
    }

    /// Returns the last entry that is held of `author`.
    pub fn head(&self, author: &Author) -> Option<(Seq, EntryHash)> {
        self.chains.head(author)
    }

    /// Iterates over the last entry that is held of each author, in the order of authors.
    pub fn heads(&self) -> impl Iterator<Item = (Author, Seq, EntryHash)> + '_ {
        self.chains.heads()
    }

    /// Iterates over the runs of `author` that end at entry `from` or later, in their order. In a damaged log runs may be
    /// missing between them.
    pub fn runs(&self, author: &Author, from: Seq) -> impl Iterator<Item = Run> + '_ {
        self.chains.runs(author, from).filter_map(|(meta, place)| Some(Run { meta, id: self.run_id(place)? }))
    }

    /// Returns the ids of all runs in a segment, in stored order.
    pub(crate) fn runs_in(&self, segment: u32) -> Vec<Run> {
        let mut runs = self.chains.in_segments(&(segment..=segment));
        runs.sort_unstable_by_key(|(_, place)| place.offset);
        runs.into_iter().filter_map(|(meta, place)| Some(Run { meta, id: self.run_id(place)? })).collect()
    }

    pub(crate) fn run_id(&self, place: Place) -> Option<RunId> {
        let Place { segment, number, offset, body_len, .. } = place;
        let tag = tag(&self.segment(segment)?.id);
        Some(RunId { segment, tag, number, offset, body_len })
    }

    /// Returns the segment with this number, closed or open.
    pub(crate) fn segment(&self, number: u32) -> Option<&Segment> {
        let active = self.active.as_ref().map(SegmentWriter::segment).filter(|segment| segment.number == number);
        active.or_else(|| {
            let at = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
            self.segments.get(at)
        })
    }

    pub(crate) const fn writable(&self) -> Result<(), AppendError> {
        match self.mode {
            LogMode::ReadWrite => Ok(()),
            LogMode::ReadOnly => Err(AppendError::ReadOnly),
            LogMode::Poisoned => Err(AppendError::Poisoned),
        }
    }

    /// Does something that writes; if it fails, nothing is written again.
    pub(crate) fn poisoning<T>(&mut self, write: impl FnOnce(&mut Self) -> io::Result<T>) -> Result<T, AppendError> {
        write(self).map_err(|source| {
            self.mode = LogMode::Poisoned;
            AppendError::Io(source)
        })
    }

    /// Returns the segment that is being written, a new one if there is none.
    fn active(&mut self) -> io::Result<&mut SegmentWriter<S>> {
        let writer = if let Some(writer) = self.active.take() {
            writer
        } else {
            SegmentWriter::create(&self.storage, &self.dir, &self.master, self.next_segment())?
        };
        Ok(self.active.insert(writer))
    }

    fn next_segment(&self) -> NewSegment {
        let last = self.segments.last();
        let number = last.map_or(0, |segment| segment.number).saturating_add(1);
        let previous = last.map_or(Link::default(), Segment::link);
        let (stands_for, replaces) = (Link::default(), Vec::new());
        NewSegment { number, first: number, previous, stands_for, replaces, label: self.label }
    }

    /// Closes the open segment if it is full.
    fn rotate(&mut self) -> io::Result<()> {
        let limit = u64::from(self.options.segment_bytes.min(LogOptions::MAX_SEGMENT_BYTES));
        let full = |writer: &SegmentWriter<S>| writer.len() >= limit || writer.records() >= MAX_SEGMENT_RECORDS;
        if self.active.as_ref().is_some_and(full) { self.close_active() } else { Ok(()) }
    }

    /// Ends the open segment, if there is one.
    pub(crate) fn close_active(&mut self) -> io::Result<()> {
        let Some(number) = self.active.as_ref().map(|writer| writer.segment().number) else { return Ok(()) };
        let rows =
            self.runs_in(number).into_iter().map(|run| Row { meta: run.meta, body_len: run.id.body_len }).collect();
        if let Some(writer) = &mut self.active {
            writer.close(rows)?;
            writer.publish()?;
        }
        self.segments.extend(self.active.take().map(SegmentWriter::into_segment));
        Ok(())
    }
}

/// What a log is made of.
pub(crate) struct Parts<S: Storage> {
    pub(crate) storage: S,
    pub(crate) dir: String,
    pub(crate) master: MasterKey,
    pub(crate) label: [u8; 16],
    pub(crate) options: LogOptions,
    pub(crate) chains: Chains,
    pub(crate) segments: Vec<Segment>,
    pub(crate) active: Option<SegmentWriter<S>>,
}

pub(crate) const fn place(meta: &RunMeta, id: RunId) -> Place {
    let RunId { segment, number, offset, body_len, .. } = id;
    Place { last_seq: meta.last_seq, head_hash: meta.head_hash, segment, number, offset, body_len }
}

impl<S: Storage> fmt::Debug for SyncLog<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncLog")
            .field("dir", &self.dir)
            .field("mode", &self.mode)
            .field("segments", &self.segments.len())
            .field("authors", &self.chains.authors())
            .finish_non_exhaustive()
    }
}
