//! Reading records: one by its id, or all of them in stored order with little memory.

use std::fmt;
use std::io;
use std::sync::PoisonError;
use std::vec;

use verso_vv::VersionVector;

use crate::codec::{Input, to_u64, to_usize};
use crate::damage::{Corrupt, Damage};
use crate::log::SyncLog;
use crate::record::{HEADER_LEN, Kind, RecordHeader, Sealer};
use crate::run::{Run, RunId, RunMeta};
use crate::segment;
use crate::storage::{Storage, StorageFile};

/// How much of a segment is read at once. A record that is longer is read whole.
const READ_LEN: u64 = 256 << 10;

/// A record was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The log was compacted since the id was handed out. Ask for the run again.
    #[error("the log was compacted since the record's place was told")]
    Stale,
    /// The record does not verify.
    #[error("the journal is damaged")]
    Corrupt(#[from] Corrupt),
    /// The storage failed.
    #[error("the journal could not be read")]
    Io(#[from] io::Error),
}

/// The segment that was read last: its file and key.
pub(crate) type ReadCache<F> = Option<OpenSegment<F>>;

pub(crate) struct OpenSegment<F> {
    number: u32,
    tag: u32,
    file: F,
    sealer: Sealer,
}

impl<S: Storage> SyncLog<S> {
    /// Reads one record. What was appended and not yet synced can be read, too.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(&self, id: RunId) -> Result<Vec<u8>, ReadError> {
        if let Some(writer) = self.active.as_ref().filter(|writer| writer.segment().issued(id)) {
            let mut text = Vec::new();
            let header = writer.read(id, &mut text)?;
            return take_record(id, header, text).map(|(_, record)| record);
        }
        if !self.segment(id.segment).is_some_and(|segment| segment.issued(id)) {
            return Err(ReadError::Stale);
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match cache.take() {
            Some(open) if open.number == id.segment && open.tag == id.tag => open,
            _ => self.open_segment(id.segment)?,
        };
        let OpenSegment { file, sealer, .. } = cache.insert(open);
        read_record(file, sealer, id)
    }

    /// Iterates over all runs with their records in stored order, reading a piece of a segment at a time.
    ///
    /// Per author that is the order of its chain. A record that does not verify is an error in its place, and those behind it
    /// follow.
    pub fn replay(&self) -> Replay<'_, S> {
        self.replay_after(&VersionVector::new())
    }

    /// Iterates as [`replay`](Self::replay) does over the runs that reach beyond `seen`: what a checkpoint lacks. A run that
    /// begins within `seen` comes whole.
    pub fn replay_after(&self, seen: &VersionVector) -> Replay<'_, S> {
        let mut numbers: Vec<u32> = self.segments.iter().map(|segment| segment.number).collect();
        numbers.extend(self.active.as_ref().map(|writer| writer.segment().number));
        Replay {
            log: self,
            seen: seen.clone(),
            segments: numbers.into_iter(),
            runs: Vec::new().into_iter(),
            open: None,
            window: Window::default(),
            text: Vec::new(),
        }
    }

    pub(crate) fn open_segment(&self, number: u32) -> Result<OpenSegment<S::File>, ReadError> {
        let segment = self.segment(number).ok_or(ReadError::Stale)?;
        let file = segment::open(&self.storage, &self.dir, number)?;
        Ok(OpenSegment { number, tag: segment::tag(&segment.id), file, sealer: segment.sealer(&self.master) })
    }
}

/// Reads one record of a segment.
pub(crate) fn read_record<F: StorageFile>(file: &F, sealer: &Sealer, id: RunId) -> Result<Vec<u8>, ReadError> {
    let start = u64::from(id.offset);
    let bytes = match segment::read_range(file, start, start + record_len(id)) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(corrupt(id).into()),
        bytes => bytes?,
    };
    let mut text = Vec::new();
    let header = sealer.open_number(id.number, &bytes, &mut text);
    take_record(id, header, text).map(|(_, record)| record)
}

/// The runs of a log with their records, in stored order. Made by [`SyncLog::replay`].
pub struct Replay<'a, S: Storage> {
    log: &'a SyncLog<S>,
    seen: VersionVector,
    segments: vec::IntoIter<u32>,
    /// The runs of the segment that is being read.
    runs: vec::IntoIter<Run>,
    /// That segment; `None` while it is the one that is written to.
    open: Option<OpenSegment<S::File>>,
    window: Window,
    text: Vec<u8>,
}

impl<S: Storage> Iterator for Replay<'_, S> {
    type Item = Result<(RunMeta, Vec<u8>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let seen = &self.seen;
            if let Some(run) = self.runs.find(|run| run.meta.last_seq > seen.get(&run.meta.author)) {
                return Some(self.read(run.id).map(|record| (run.meta, record)));
            }
            if let Err(error) = self.next_segment()? {
                return Some(Err(error));
            }
        }
    }
}

impl<S: Storage> Replay<'_, S> {
    fn next_segment(&mut self) -> Option<Result<(), ReadError>> {
        let number = self.segments.next()?;
        self.window = Window::default();
        self.open = None;
        let is_active = self.log.active.as_ref().is_some_and(|writer| writer.segment().number == number);
        if !is_active {
            match self.log.open_segment(number) {
                Ok(open) => self.open = Some(open),
                Err(error) => return Some(Err(error)),
            }
        }
        self.runs = self.log.runs_in(number).into_iter();
        Some(Ok(()))
    }

    fn read(&mut self, id: RunId) -> Result<Vec<u8>, ReadError> {
        let Some(OpenSegment { file, sealer, .. }) = &self.open else { return self.log.read(id) };
        let start = u64::from(id.offset);
        let bytes = match self.window.bytes(file, start, start + record_len(id)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(corrupt(id).into()),
            bytes => bytes?,
        };
        let header = sealer.open_number(id.number, bytes, &mut self.text);
        let (_, at) = open_run(id, header, &self.text)?;
        Ok(self.text.get(at..).unwrap_or_default().to_vec())
    }
}

/// A piece of a file in memory.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Returns the bytes from `start` to `end`, reading on from `start` if they are not all here.
    fn bytes<F: StorageFile>(&mut self, file: &F, start: u64, end: u64) -> io::Result<&[u8]> {
        if start < self.start || end > self.start + to_u64(self.bytes.len()) {
            let read_end = file.len()?.min(start + READ_LEN).max(end);
            self.bytes.resize(usize::try_from(read_end - start).map_err(io::Error::other)?, 0);
            self.start = start;
            if let Err(error) = file.read_at(start, &mut self.bytes) {
                self.bytes.clear();
                return Err(error);
            }
        }
        let range = |at: u64| usize::try_from(at - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(range(start)..range(end)).unwrap_or_default())
    }
}

/// Splits the text of an opened record, whose header must be the one that `id` tells of.
fn take_record(id: RunId, header: Option<RecordHeader>, mut text: Vec<u8>) -> Result<(RunMeta, Vec<u8>), ReadError> {
    let (meta, at) = open_run(id, header, &text)?;
    text.drain(..at);
    Ok((meta, text))
}

/// Reads the description in front of a record; returns where the record begins.
fn open_run(id: RunId, header: Option<RecordHeader>, text: &[u8]) -> Result<(RunMeta, usize), Corrupt> {
    let header = header.filter(|header| header.kind == Kind::Run && header.body_len == id.body_len);
    header.ok_or_else(|| corrupt(id))?;
    let mut input = Input::new(text);
    let meta = RunMeta::decode(&mut input).ok_or_else(|| corrupt(id))?;
    Ok((meta, text.len() - input.rest().len()))
}

fn corrupt(id: RunId) -> Corrupt {
    Corrupt { segment: id.segment, offset: u64::from(id.offset), what: Damage::Record }
}

fn record_len(id: RunId) -> u64 {
    to_u64(HEADER_LEN + to_usize(id.body_len))
}

impl<S: Storage> fmt::Debug for Replay<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("log", &self.log).finish_non_exhaustive()
    }
}
