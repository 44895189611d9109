//! Looking at a log as a whole: [`SyncLog::verify`], [`SyncLog::stats`], [`SyncLog::tail`].

use std::collections::BTreeSet;
use std::io;

use crate::codec::to_u64;
use crate::damage::{Corrupt, Damage};
use crate::log::SyncLog;
use crate::recovery::{self, Follower};
use crate::replay::ReadError;
use crate::run::Run;
use crate::segment::{self, Segment};
use crate::storage::Storage;
use crate::writer::SegmentWriter;

/// What reading everything found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// How many segments were read.
    pub segments: u64,
    /// How many runs verified.
    pub runs: u64,
    /// How many entries they hold.
    pub entries: u64,
    /// All that does not verify, by place.
    pub damage: Vec<Corrupt>,
}

/// How much a log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Bytes of all segments.
    pub bytes: u64,
    /// How many segments there are.
    pub segments: u64,
    /// How many of them compaction has not written: what it would join.
    pub loose_segments: u64,
    /// Bytes of those that are no longer written to: what compaction would begin with.
    pub loose_bytes: u64,
    /// How many runs are held.
    pub runs: u64,
    /// How many entries they hold.
    pub entries: u64,
    /// How many authors wrote them.
    pub authors: u64,
}

impl<S: Storage> SyncLog<S> {
    /// Reads everything that is on the disk and reports what does not verify. One segment is in memory at a time.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the storage failed; damage is no error.
    pub fn verify(&self) -> Result<VerifyReport, ReadError> {
        Ok(self.verify_while(|| true)?.unwrap_or_default())
    }

    /// As [`verify`](Self::verify), and asks before each segment whether to go on; `None` if it was not to.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_while(&self, mut go_on: impl FnMut() -> bool) -> Result<Option<VerifyReport>, ReadError> {
        let mut report = VerifyReport::default();
        for segment in &self.segments {
            if !go_on() {
                return Ok(None);
            }
            self.verify_segment(segment, &mut report)?;
        }
        if let Some(writer) = &self.active {
            report.segments += 1;
            for run in self.runs_in(writer.segment().number) {
                match self.read(run.id) {
                    Ok(_) => count(&mut report, &run),
                    Err(ReadError::Corrupt(corrupt)) => report.damage.push(corrupt),
                    Err(error) => return Err(error),
                }
            }
        }
        // What opening found was judged by what follows each segment; that stands before what its bytes alone tell.
        let found: BTreeSet<(u32, u64)> = self.damage.iter().map(|corrupt| (corrupt.segment, corrupt.offset)).collect();
        report.damage.retain(|corrupt| !found.contains(&(corrupt.segment, corrupt.offset)));
        report.damage.extend(&self.damage);
        if let Some(torn) = self.uncut {
            report.damage.retain(|corrupt| (corrupt.segment, corrupt.offset) != (torn.segment, torn.offset));
        }
        report.damage.sort_unstable();
        Ok(Some(report))
    }

    fn verify_segment(&self, segment: &Segment, report: &mut VerifyReport) -> Result<(), ReadError> {
        report.segments += 1;
        let number = segment.number;
        let file = match segment::open(&self.storage, &self.dir, number) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                report.damage.push(Corrupt { segment: number, offset: 0, what: Damage::Missing { last: number } });
                return Ok(());
            }
            file => file?,
        };
        let found = match segment::read_header(&file, &self.master)? {
            Ok(found) if found.hash == segment.header_hash => found,
            Ok(_) => {
                report.damage.push(Corrupt { segment: number, offset: 0, what: Damage::Foreign });
                return Ok(());
            }
            Err(_) => {
                report.damage.push(Corrupt { segment: number, offset: 0, what: Damage::Header });
                return Ok(());
            }
        };
        if let Some(offset) = found.damaged_at {
            report.damage.push(Corrupt { segment: number, offset, what: Damage::HeaderCopy });
        }
        let sealer = segment.sealer(&self.master);
        let contents = segment::scan_file(&file, found.records_start, &sealer)?;
        // What the log knows the segment to hold stands in for the segment that would follow.
        let mut follower = found.header.clone();
        follower.previous = segment.link();
        let assessment = recovery::assess(&found.header, &contents, Follower::Segment(&follower));
        report.damage.extend(assessment.damage);
        for run in &contents.runs {
            report.runs += 1;
            report.entries = report.entries.saturating_add(run.meta.entries());
        }
        Ok(())
    }

    /// Counts what the log holds, from what is in memory.
    pub fn stats(&self) -> LogStats {
        let active = self.active.as_ref();
        let segments = self.segments.len() + usize::from(active.is_some());
        let loose = || self.segments.iter().filter(|segment| segment.origin == segment::Origin::Appended);
        let (runs, entries) = self.chains.count();
        LogStats {
            bytes: self.segments.iter().map(|segment| segment.len).sum::<u64>() + active.map_or(0, SegmentWriter::len),
            segments: to_u64(segments),
            loose_segments: to_u64(loose().count() + usize::from(active.is_some())),
            loose_bytes: loose().map(|segment| segment.len).sum(),
            runs: to_u64(runs),
            entries,
            authors: to_u64(self.chains.authors()),
        }
    }

    /// Returns where the file of a segment lies in the storage, whether it is there or not.
    pub fn segment_path(&self, number: u32) -> String {
        segment::path(&self.dir, number)
    }

    /// Returns the last `n` runs in stored order.
    pub fn tail(&self, n: usize) -> Vec<Run> {
        let active = self.active.iter().map(|writer| writer.segment().number);
        let numbers = active.chain(self.segments.iter().rev().map(|segment| segment.number));
        let mut tail: Vec<Run> = numbers.flat_map(|number| self.runs_in(number).into_iter().rev()).take(n).collect();
        tail.reverse();
        tail
    }
}

fn count(report: &mut VerifyReport, run: &Run) {
    report.runs += 1;
    report.entries = report.entries.saturating_add(run.meta.entries());
}
