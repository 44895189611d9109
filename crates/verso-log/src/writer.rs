//! Writing one segment: records are buffered, written in batches, and made durable by a sync.

use std::io;

use crate::closing::{ClosingIndex, Row};
use crate::codec::{to_u32, to_u64};
use crate::crypto::{KEY_GENERATION, MasterKey};
use crate::header::{Link, SegmentHeader, SegmentId};
use crate::record::{ClosingDigest, HEADER_LEN, Kind, Numbered, RecordHeader, Sealer, trailer};
use crate::run::{RunId, RunMeta};
use crate::segment::{self, Segment};
use crate::storage::{NEW_SUFFIX, Storage, StorageFile};

/// How much is buffered before it is written, synced or not: enough that a write costs little, and little enough to stay in a
/// processor's cache while it is encrypted.
const BUFFER_LEN: usize = 256 << 10;

/// How far a segment is first preallocated; each time after that, twice as far, up to [`MAX_PREALLOCATE`]. The more, the fewer
/// syncs pay for a new length; the less, the less a crash leaves for the next open to look through.
const MIN_PREALLOCATE: u64 = 64 << 10;
const MAX_PREALLOCATE: u64 = 1 << 20;

/// Up to which length of a batch the room ahead is written with zeros, not only reserved. A sync of bytes that lie in reserved room has to note in
/// the file system's own journal that they are written now; over zeros that were written before it has nothing to note, and takes two thirds of the
/// time. Every byte is written twice for that, which batches longer than this would feel.
const MAX_ZEROED_BATCH: u64 = 16 << 10;

/// How much is zeroed at most at a time: what a commit can do beside without being felt.
const MAX_ZEROED: u64 = 256 << 10;

/// What file systems allocate in.
const BLOCK_LEN: u64 = 4 << 10;

/// What a new segment is to be.
#[derive(Debug, Clone)]
pub(crate) struct NewSegment {
    pub(crate) number: u32,
    pub(crate) first: u32,
    pub(crate) previous: Link,
    pub(crate) stands_for: Link,
    pub(crate) replaces: Vec<SegmentId>,
    pub(crate) label: [u8; 16],
}

/// A segment that is being written.
///
/// It has another name until its first sync, so a file that bears a segment's name begins with a whole header and the
/// records of a whole batch. After an error nothing more may be written: what is on the disk is unknown.
pub(crate) struct SegmentWriter<S: Storage> {
    storage: S,
    dir: String,
    file: S::File,
    segment: Segment,
    sealer: Sealer,
    digest: ClosingDigest,
    /// The number of the next record.
    next: u32,
    /// The number of the first record of the batch that is being written.
    batch: u32,
    buffer: Vec<u8>,
    /// Where the buffer goes.
    flushed: u64,
    /// Length of the file.
    allocated: u64,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The file has not got its name.
    Unnamed,
    /// It has, and all that was written is durable.
    Synced,
    /// It has, and something is buffered or written.
    Dirty,
}

impl<S: Storage> SegmentWriter<S> {
    pub(crate) fn create(storage: &S, dir: &str, master: &MasterKey, new: NewSegment) -> io::Result<Self> {
        let NewSegment { number, first, previous, stands_for, replaces, label } = new;
        let (mut id, mut salt) = ([0; 16], [0; 32]);
        storage.random(&mut id)?;
        storage.random(&mut salt)?;
        let generation = KEY_GENERATION;
        let header = SegmentHeader { generation, number, first, id, previous, stands_for, salt, replaces, label };
        let key = master.segment(generation, &salt);
        let (buffer, header_hash) = header.encode(&key);
        let file = storage.create(&unfinished(dir, number))?;
        Ok(Self {
            storage: storage.clone(),
            dir: dir.to_owned(),
            file,
            segment: Segment::new(&header, header_hash),
            sealer: Sealer { key, header_hash },
            digest: ClosingDigest::new(&header_hash),
            next: 1,
            batch: 1,
            buffer,
            flushed: 0,
            allocated: 0,
            stage: Stage::Unnamed,
        })
    }

    /// Takes a run. It is durable after the next [`sync`](Self::sync).
    pub(crate) fn push(&mut self, meta: &RunMeta, record: &[u8]) -> io::Result<RunId> {
        if self.buffer.len() + record.len() > BUFFER_LEN {
            self.flush()?;
        }
        let offset = self.len();
        let header = self.seal(Kind::Run, |text| {
            meta.encode(text);
            text.extend_from_slice(record);
        });
        self.segment.runs += 1;
        Ok(RunId {
            segment: self.segment.number,
            tag: segment::tag(&self.segment.id),
            number: header.number,
            offset: to_u32(usize::try_from(offset).unwrap_or(usize::MAX)),
            body_len: header.body_len,
        })
    }

    fn seal(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) -> RecordHeader {
        let start = self.buffer.len();
        let numbered = Numbered { kind, number: self.next, batch: self.batch };
        let header = self.sealer.seal(numbered, &mut self.buffer, write);
        if kind == Kind::Run {
            self.digest.push(self.buffer.get(start..).unwrap_or_default());
        }
        self.next += 1;
        if self.stage == Stage::Synced {
            self.stage = Stage::Dirty;
        }
        header
    }

    /// Makes all that was taken durable, and ends the batch.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.stage == Stage::Synced {
            return Ok(());
        }
        if self.stage == Stage::Dirty {
            self.preallocate()?;
        }
        self.flush()?;
        self.file.sync_data()?;
        self.publish()?;
        self.batch = self.next;
        Ok(())
    }

    /// Ends the segment with its index and cuts off what was preallocated, all durable. `rows` are its runs in stored order.
    ///
    /// A segment that has no name yet gets none: see [`publish`](Self::publish).
    pub(crate) fn close(&mut self, rows: Vec<Row>) -> io::Result<()> {
        // The index is a batch of its own, so that where it verifies all runs are known to have been durable.
        if self.stage == Stage::Dirty {
            self.sync()?;
        }
        self.batch = self.next;
        let index_offset = self.len();
        let digest = self.digest.finish();
        self.seal(Kind::Index, |text| ClosingIndex { digest, rows }.encode(text));
        self.buffer.extend_from_slice(&trailer::encode(&self.segment.header_hash, index_offset));
        self.flush()?;
        if self.allocated > self.flushed {
            self.file.set_len(self.flushed)?;
            self.allocated = self.flushed;
        }
        self.file.sync_data()
    }

    /// Gives the file its name, durably; a segment that had it is replaced.
    pub(crate) fn publish(&mut self) -> io::Result<()> {
        if self.stage == Stage::Unnamed {
            let number = self.segment.number;
            self.storage.rename(&unfinished(&self.dir, number), &segment::path(&self.dir, number))?;
            self.storage.sync_dir(&self.dir)?;
        }
        self.stage = Stage::Synced;
        Ok(())
    }

    /// Returns the segment as it stands, to be read on and not written to.
    pub(crate) fn into_segment(self) -> Segment {
        Segment { digest: self.digest.finish(), len: self.flushed, ..self.segment }
    }

    /// Removes the file of a segment that never got its name.
    pub(crate) fn discard(self) -> io::Result<()> {
        let path = unfinished(&self.dir, self.segment.number);
        drop(self.file);
        self.storage.remove(&path)
    }

    /// Reads the record at `id`, buffered or written, into `text`. `None` if it does not verify.
    pub(crate) fn read(&self, id: RunId, text: &mut Vec<u8>) -> io::Result<Option<RecordHeader>> {
        let offset = u64::from(id.offset);
        if let Some(in_buffer) = offset.checked_sub(self.flushed) {
            let start = usize::try_from(in_buffer).unwrap_or(usize::MAX);
            return Ok(self.sealer.open_number(id.number, self.buffer.get(start..).unwrap_or_default(), text));
        }
        let end = offset + to_u64(HEADER_LEN) + u64::from(id.body_len);
        let bytes = segment::read_range(&self.file, offset, end)?;
        Ok(self.sealer.open_number(id.number, &bytes, text))
    }

    pub(crate) const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Length of the segment with all that was taken.
    pub(crate) fn len(&self) -> u64 {
        self.flushed + to_u64(self.buffer.len())
    }

    /// How many records were taken.
    pub(crate) const fn records(&self) -> u32 {
        self.next - 1
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(self.flushed, &self.buffer)?;
        self.flushed += to_u64(self.buffer.len());
        self.allocated = self.allocated.max(self.flushed);
        self.buffer.clear();
        if self.buffer.capacity() > 2 * BUFFER_LEN {
            // One long record should not hold its memory for the life of the log.
            self.buffer.shrink_to(BUFFER_LEN);
        }
        Ok(())
    }

    /// Makes the file longer than needed, from the second batch on: whoever commits once does not pay for it.
    fn preallocate(&mut self) -> io::Result<()> {
        let needed = self.len();
        if needed > self.allocated {
            let ahead = self.allocated.clamp(MIN_PREALLOCATE, MAX_PREALLOCATE);
            let is_zeroed = needed - self.flushed <= MAX_ZEROED_BATCH;
            let ahead = if is_zeroed { ahead.min(MAX_ZEROED) } else { ahead };
            let len = (needed + ahead).next_multiple_of(BLOCK_LEN);
            if is_zeroed {
                let zeros = vec![0; usize::try_from(len - needed).unwrap_or_default()];
                self.file.write_at(needed, &zeros)?;
            } else {
                self.file.preallocate(len)?;
            }
            self.allocated = len;
        }
        Ok(())
    }
}

fn unfinished(dir: &str, number: u32) -> String {
    format!("{}{NEW_SUFFIX}", segment::path(dir, number))
}
