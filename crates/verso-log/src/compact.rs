//! Compaction: runs of an author are joined, and one segment takes the place of several. [`Joiner`] does the joining.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::{self, RangeInclusive};
use std::sync::{Arc, Mutex};

use verso_vv::{Author, EntryHash, Seq};

use crate::chains::Place;
use crate::closing::Row;
use crate::codec::to_u64;
use crate::header::{Link, MAX_REPLACED};
use crate::log::{AppendError, LogOptions, MAX_RECORD_LEN, MAX_SEGMENT_RECORDS, SyncLog, place};
use crate::record::Sealer;
use crate::replay::{self, ReadError};
use crate::run::{BranchPoint, Run, RunId, RunMeta};
use crate::segment::{self, Origin, Segment};
use crate::storage::Storage;
use crate::writer::{NewSegment, SegmentWriter};

/// A segment that compaction wrote is written again only together with others that have at least this part of its bytes. So
/// an entry is rewritten a number of times that grows with the logarithm of the log, however small what is added each time.
const REWRITE_FRACTION: u64 = 4;

/// Joins consecutive runs of an author, for [`SyncLog::compact`]. Implemented by whoever can read the records.
///
/// It gets the runs of one author after the other, each author's in order, and gives out runs that hold the same entries:
/// fewer and larger ones, compressed better, or what it got.
pub trait Joiner {
    /// Why runs could not be joined.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Takes the next run of an author. What is finished goes to `out`, the rest may be held back.
    ///
    /// # Errors
    /// What the joiner says; compaction stops, and the log stays as it was.
    fn push(&mut self, meta: RunMeta, record: Vec<u8>, out: &mut Joined) -> Result<(), Self::Error>;

    /// Gives out all that is held back: another author's runs follow, or none.
    ///
    /// # Errors
    /// What the joiner says; compaction stops, and the log stays as it was.
    fn flush(&mut self, out: &mut Joined) -> Result<(), Self::Error>;
}

/// Takes the runs that a [`Joiner`] has finished.
#[derive(Debug, Default)]
pub struct Joined {
    runs: Vec<(RunMeta, Vec<u8>)>,
}

impl Joined {
    /// Takes a finished run.
    pub fn push(&mut self, meta: RunMeta, record: Vec<u8>) {
        self.runs.push((meta, record));
    }
}

/// What compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactReport {
    /// How many segments were replaced.
    pub segments_before: u64,
    /// How many took their place.
    pub segments_after: u64,
    /// Bytes of the segments that were replaced.
    pub bytes_before: u64,
    /// Bytes of those that took their place.
    pub bytes_after: u64,
}

/// The log was not compacted. It holds what it held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError<E: std::error::Error + 'static> {
    /// The joiner failed.
    #[error("runs could not be joined")]
    Joiner(#[source] E),
    /// The joiner gave out runs that are not the entries it was given, or a record that is too long.
    #[error("the joined runs of {author} do not hold the entries that were to be joined")]
    Mismatch {
        /// Whose runs.
        author: Author,
    },
    /// A record could not be read.
    #[error("a run could not be read")]
    Read(#[from] ReadError),
    /// The log takes nothing, or could not be synced before.
    #[error("the log can't be written to")]
    Append(#[from] AppendError),
    /// The new segment could not be written. What it would have replaced is in place.
    #[error("the compacted segment could not be written")]
    Io(#[from] io::Error),
    /// Whoever ran the step no longer wanted it.
    #[error("compaction was stopped")]
    Stopped,
}

impl<S: Storage> SyncLog<S> {
    /// Compacts until nothing is worth it; syncs first. Per author the order stays; ids of runs handed out before may be
    /// stale after it.
    ///
    /// # Errors
    /// [`CompactError`]; what earlier steps did stays done.
    pub fn compact<J: Joiner>(&mut self, joiner: &mut J) -> Result<CompactReport, CompactError<J::Error>> {
        let mut all = CompactReport::default();
        while let Some(step) = self.compact_step(joiner)? {
            all += step;
        }
        Ok(all)
    }

    /// Does one step of compaction, which reads and writes at most about a segment's bytes; `None` if nothing is worth it.
    ///
    /// The open segment is closed first, and what was appended synced. A step is atomic: the new segment is written and synced
    /// under another name, takes the name of the last one that it replaces, and when that is durable the others are removed.
    ///
    /// # Errors
    /// [`CompactError`].
    pub fn compact_step<J: Joiner>(&mut self, joiner: &mut J) -> Result<Option<CompactReport>, CompactError<J::Error>> {
        self.end_segment()?;
        let Some(step) = self.begin_compaction()? else { return Ok(None) };
        Ok(self.finish_compaction(step.run(joiner)?)?)
    }

    /// Syncs, and ends the open segment, so that compaction can take it. The next append begins a new one.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub fn end_segment(&mut self) -> Result<(), AppendError> {
        self.sync()?;
        self.poisoning(Self::close_active)
    }

    /// Begins a step of compaction of the segments that are no longer written to; `None` if nothing is worth it, or another step is
    /// under way.
    ///
    /// The step is [run](Compaction::run) wherever there is time, since it only reads segments that nobody changes; the log goes on
    /// meanwhile. Then [`finish_compaction`](Self::finish_compaction) puts its segment in place, which takes no longer than a
    /// sync.
    ///
    /// # Errors
    /// [`AppendError`] if the log takes nothing, or the new segment can't be made: then the log stays as it was.
    pub fn begin_compaction(&mut self) -> Result<Option<Compaction<S>>, AppendError> {
        self.writable()?;
        if self.compaction.strong_count() > 0 {
            return Ok(None);
        }
        let Some(numbers) = self.worth_compacting() else { return Ok(None) };
        self.begin_replacing(numbers).map(Some)
    }

    /// Begins a step of compaction of the segment that holds a run, whether or not it is worth it: because the joiner leaves something out of it. `None` if
    /// that segment is still written to, or is there no more, or another step is under way.
    ///
    /// # Errors
    /// As [`begin_compaction`](Self::begin_compaction).
    pub fn begin_rewriting(&mut self, run: RunId) -> Result<Option<Compaction<S>>, AppendError> {
        self.writable()?;
        if self.compaction.strong_count() > 0 || !self.segments.iter().any(|segment| segment.number == run.segment) {
            return Ok(None);
        }
        self.begin_replacing(run.segment..=run.segment).map(Some)
    }

    fn begin_replacing(&mut self, numbers: RangeInclusive<u32>) -> Result<Compaction<S>, AppendError> {
        let writer = SegmentWriter::create(&self.storage, &self.dir, &self.master, self.replacement(&numbers))?;
        let runs = self.chains.in_segments(&numbers);
        let runs = runs.into_iter().filter_map(|(meta, place)| Some(Run { meta, id: self.run_id(place)? })).collect();
        let replaced = self.segments.iter().filter(|segment| numbers.contains(&segment.number));
        let sealers = replaced.map(|segment| (segment.number, segment.sealer(&self.master))).collect();
        let token = Arc::new(());
        self.compaction = Arc::downgrade(&token);
        let (storage, dir) = (self.storage.clone(), self.dir.clone());
        Ok(Compaction { token, numbers, storage, dir, sealers, runs, writer })
    }

    /// Puts the segment of a step in the place of those that it was made of. `None` if the step was begun before the log was opened
    /// again: then it is given up, and nothing has happened.
    ///
    /// # Errors
    /// [`AppendError`] if the log takes nothing, or the storage fails.
    pub fn finish_compaction(&mut self, done: Compacted<S>) -> Result<Option<CompactReport>, AppendError> {
        self.writable()?;
        let Compacted { token, numbers, writer, places } = done;
        if !std::ptr::eq(self.compaction.as_ptr(), Arc::as_ptr(&token)) {
            // Its file went when the log was opened again, or goes at the next time.
            return Ok(None);
        }
        self.put_in_place(&numbers, writer, &places).map(Some)
    }

    /// Chooses the next segments to be replaced by one: the newest first, with those before that are worth it.
    fn worth_compacting(&self) -> Option<RangeInclusive<u32>> {
        let limit = u64::from(self.options.segment_bytes.min(LogOptions::MAX_SEGMENT_BYTES));
        let mut group: Vec<&Segment> = Vec::new();
        let (mut bytes, mut runs) = (0, 0);
        for segment in self.segments.iter().rev() {
            let fits = group.len() < MAX_REPLACED
                && bytes + segment.len <= limit
                && to_u64(runs + segment.runs) <= u64::from(MAX_SEGMENT_RECORDS);
            let cheap = segment.origin == Origin::Appended || bytes >= segment.len / REWRITE_FRACTION;
            let joins = group.is_empty() || fits && cheap;
            if !joins {
                if is_worth_it(&group) {
                    break;
                }
                group.clear();
                (bytes, runs) = (0, 0);
            }
            group.push(segment);
            bytes += segment.len;
            runs += segment.runs;
        }
        is_worth_it(&group).then(|| Some(group.last()?.number..=group.first()?.number))?
    }

    /// Describes the segment that takes the place of these.
    fn replacement(&self, numbers: &RangeInclusive<u32>) -> NewSegment {
        let replaced = || self.segments.iter().filter(|segment| numbers.contains(&segment.number));
        let active = self.active.iter().map(SegmentWriter::segment);
        let next = self.segments.iter().chain(active).find(|segment| segment.number > *numbers.end());
        // A segment that is begun before this one is in place names the last that is replaced.
        let last = replaced().next_back().map_or(Link::default(), Segment::link);
        NewSegment {
            number: *numbers.end(),
            first: replaced().next().map_or(*numbers.start(), |segment| segment.first),
            previous: replaced().next().map_or(Link::default(), |segment| segment.previous),
            stands_for: next.map_or(last, |segment| segment.previous),
            replaces: replaced().map(|segment| segment.id).collect(),
            label: self.label,
        }
    }

    /// Gives the new segment its name and removes those it replaces.
    fn put_in_place(
        &mut self,
        numbers: &RangeInclusive<u32>,
        mut writer: SegmentWriter<S>,
        places: &BTreeMap<Author, Vec<Place>>,
    ) -> Result<CompactReport, AppendError> {
        self.cache = Mutex::default();
        self.poisoning(|_| writer.publish())?;
        let new = writer.into_segment();
        let mut report = CompactReport { segments_after: 1, bytes_after: new.len, ..CompactReport::default() };
        let start = self.segments.partition_point(|segment| segment.number < *numbers.start());
        let end = self.segments.partition_point(|segment| segment.number <= *numbers.end());
        let replaced: Vec<Segment> = self.segments.splice(start..end, [new]).collect();
        self.chains.replace(numbers, places);
        self.damage.retain(|corrupt| !numbers.contains(&corrupt.segment));
        report.segments_before = to_u64(replaced.len());
        report.bytes_before = replaced.iter().map(|segment| segment.len).sum();
        self.poisoning(|log| {
            // The last of them lost its file when the new one took its name.
            for segment in replaced.iter().filter(|segment| segment.number != *numbers.end()) {
                log.storage.remove(&segment::path(&log.dir, segment.number))?;
            }
            // Durable before the next step: that one would not know the ids of what came back.
            log.storage.sync_dir(&log.dir)
        })?;
        Ok(report)
    }
}

/// A step of compaction that was begun: what it reads, and the segment that it writes. Made by [`SyncLog::begin_compaction`].
pub struct Compaction<S: Storage> {
    /// Tells the log that the step is its own, and that none other may begin.
    token: Arc<()>,
    numbers: RangeInclusive<u32>,
    storage: S,
    dir: String,
    sealers: BTreeMap<u32, Sealer>,
    /// By author, each author's in order.
    runs: Vec<Run>,
    writer: SegmentWriter<S>,
}

/// A step of compaction that was run: a whole segment, which has no name yet.
pub struct Compacted<S: Storage> {
    token: Arc<()>,
    numbers: RangeInclusive<u32>,
    writer: SegmentWriter<S>,
    places: BTreeMap<Author, Vec<Place>>,
}

impl<S: Storage> Compaction<S> {
    /// Reads the runs, has them joined, and writes and syncs what came of it.
    ///
    /// # Errors
    /// [`CompactError`]; the log stays as it was.
    pub fn run<J: Joiner>(self, joiner: &mut J) -> Result<Compacted<S>, CompactError<J::Error>> {
        self.run_while(joiner, || true)
    }

    /// As [`run`](Self::run), and asks before each run, of at most some milliseconds, whether to go on.
    ///
    /// # Errors
    /// [`CompactError`], which is [`Stopped`](CompactError::Stopped) if it was not to go on; the log stays as it was.
    pub fn run_while<J: Joiner>(
        self,
        joiner: &mut J,
        go_on: impl Fn() -> bool,
    ) -> Result<Compacted<S>, CompactError<J::Error>> {
        let Self { token, numbers, storage, dir, sealers, runs, writer } = self;
        let mut rewrite = Rewrite { writer, places: BTreeMap::new(), rows: Vec::new(), heads: BTreeMap::new() };
        let mut source = Source { storage: &storage, dir: &dir, sealers: &sealers, open: None };
        let written = rewrite.all(&runs, &mut source, joiner, &go_on);
        let Rewrite { mut writer, places, rows, .. } = rewrite;
        if let Err(error) = written.and_then(|()| Ok(writer.close(rows)?)) {
            // What is left of it is removed at the next open, if not now.
            drop(writer.discard());
            return Err(error);
        }
        Ok(Compacted { token, numbers, writer, places })
    }

    /// Returns how many runs are to be joined.
    pub const fn runs(&self) -> usize {
        self.runs.len()
    }
}

/// The segments that a step reads.
struct Source<'a, S: Storage> {
    storage: &'a S,
    dir: &'a str,
    sealers: &'a BTreeMap<u32, Sealer>,
    /// The one that was read last.
    open: Option<(u32, S::File)>,
}

impl<S: Storage> Source<'_, S> {
    fn read(&mut self, id: RunId) -> Result<Vec<u8>, ReadError> {
        let number = id.segment;
        let (_, file) = match self.open.take() {
            Some(open) if open.0 == number => self.open.insert(open),
            _ => self.open.insert((number, segment::open(self.storage, self.dir, number)?)),
        };
        let sealer = self.sealers.get(&number).ok_or(ReadError::Stale)?;
        replay::read_record(file, sealer, id)
    }
}

impl ops::AddAssign for CompactReport {
    fn add_assign(&mut self, step: Self) {
        self.segments_before += step.segments_before;
        self.segments_after += step.segments_after;
        self.bytes_before += step.bytes_before;
        self.bytes_after += step.bytes_after;
    }
}

/// Tells whether replacing these segments gains something: several become one, or what was appended is joined.
fn is_worth_it(group: &[&Segment]) -> bool {
    group.len() > 1 || group.iter().any(|segment| segment.origin == Origin::Appended)
}

/// A compacted segment that is being written.
struct Rewrite<S: Storage> {
    writer: SegmentWriter<S>,
    places: BTreeMap<Author, Vec<Place>>,
    rows: Vec<Row>,
    /// What the next run of each author must begin with.
    heads: BTreeMap<Author, (Seq, EntryHash, Option<BranchPoint>)>,
}

impl<S: Storage> Rewrite<S> {
    /// Writes what the joiner makes of these runs.
    fn all<J: Joiner>(
        &mut self,
        runs: &[Run],
        source: &mut Source<'_, S>,
        joiner: &mut J,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), CompactError<J::Error>> {
        let mut finished = Joined::default();
        for of_author in runs.chunk_by(|one, next| one.meta.author == next.meta.author) {
            for Run { meta, id } in of_author {
                if !go_on() {
                    return Err(CompactError::Stopped);
                }
                let record = source.read(*id)?;
                self.heads.entry(meta.author).or_insert((meta.first_seq, meta.prev_hash, meta.branch));
                joiner.push(*meta, record, &mut finished).map_err(CompactError::Joiner)?;
                self.take(&mut finished)?;
            }
            joiner.flush(&mut finished).map_err(CompactError::Joiner)?;
            self.take(&mut finished)?;
            of_author.last().map_or(Ok(()), |last| self.check_complete(&last.meta))?;
        }
        Ok(())
    }

    /// Writes the runs that were given out, each of which must continue the one before.
    fn take<E: std::error::Error>(&mut self, joined: &mut Joined) -> Result<(), CompactError<E>> {
        for (meta, record) in joined.runs.drain(..) {
            let author = meta.author;
            let continues = self.heads.get(&author) == Some(&(meta.first_seq, meta.prev_hash, meta.branch));
            if !continues || !meta.is_valid() || record.len() > MAX_RECORD_LEN {
                return Err(CompactError::Mismatch { author });
            }
            let id: RunId = self.writer.push(&meta, &record)?;
            self.heads.insert(author, (meta.last_seq.next(), meta.head_hash, meta.branch));
            self.places.entry(author).or_default().push(place(&meta, id));
            self.rows.push(Row { meta, body_len: id.body_len });
        }
        Ok(())
    }

    /// Checks that the author's last run was written, to its end.
    fn check_complete<E: std::error::Error>(&self, last: &RunMeta) -> Result<(), CompactError<E>> {
        let author = last.author;
        let complete = self.heads.get(&author) == Some(&(last.last_seq.next(), last.head_hash, last.branch));
        if complete { Ok(()) } else { Err(CompactError::Mismatch { author }) }
    }
}

impl<S: Storage> fmt::Debug for Compaction<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compaction").field("segments", &self.numbers).finish_non_exhaustive()
    }
}

impl<S: Storage> fmt::Debug for Compacted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compacted").field("segments", &self.numbers).finish_non_exhaustive()
    }
}
