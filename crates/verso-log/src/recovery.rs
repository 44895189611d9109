//! Recovery as pure functions: from what the files hold to a plan of what the log is and what is to be done about it.
//!
//! 1. [`layout`] looks at the headers alone: which segments make the log, which were replaced, which are missing.
//! 2. Each segment's records are read, from its index or by [`scan`](crate::scan::scan).
//! 3. [`assess`] judges one segment by what follows it: a torn tail, damage, or whole.
//!
//! Nothing here writes. `open` executes the plan, and only if no record is lost.

use crate::codec::to_u64;
use crate::damage::{Corrupt, Damage, TornTail};
use crate::header::{FoundHeader, HeaderFault, SegmentHeader};
use crate::record::trailer;
use crate::scan::{Contents, FoundRun, Gap, Missing};

/// A segment file and its header.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    /// The number in the file's name.
    pub(crate) number: u32,
    pub(crate) header: Result<FoundHeader, HeaderFault>,
}

/// Which files make the log.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The segments of the log, ascending.
    pub(crate) live: Vec<FoundHeader>,
    /// Files that compaction put another segment in the place of.
    pub(crate) leftovers: Vec<u32>,
    pub(crate) damage: Vec<Corrupt>,
    /// The highest number of any file.
    pub(crate) last_number: u32,
}

/// Why there is no log in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLog {
    Empty,
    WrongKey,
    Newer(u16),
    Unreadable,
}

/// Tells from the headers which files make the log. `files` ascend by number.
pub(crate) fn layout(files: Vec<SegmentFile>) -> Result<Layout, NoLog> {
    let last_number = files.last().ok_or(NoLog::Empty)?.number;
    let faults = || files.iter().filter_map(|file| file.header.as_ref().err());
    if let Some(version) =
        faults().find_map(|fault| if let HeaderFault::Newer(version) = fault { Some(*version) } else { None })
    {
        return Err(NoLog::Newer(version));
    }
    let Some(label) = files.iter().find_map(|file| file.header.as_ref().ok()).map(|found| found.header.label) else {
        let wrong_key = faults().any(|fault| *fault == HeaderFault::WrongKey);
        return Err(if wrong_key { NoLog::WrongKey } else { NoLog::Unreadable });
    };

    let mut layout = Layout { live: Vec::new(), leftovers: Vec::new(), damage: Vec::new(), last_number };
    let mut unreadable = Vec::new();
    // From the newest down: a segment that compaction wrote covers the numbers from its first up to its own.
    for file in files.into_iter().rev() {
        let cover = layout.live.last().map(|found| &found.header).filter(|above| file.number >= above.first);
        let mut report = |what| layout.damage.push(Corrupt { segment: file.number, offset: 0, what });
        match (file.header, cover) {
            (Ok(found), Some(cover)) if !cover.replaces.contains(&found.header.id) => report(Damage::Stray),
            (_, Some(_)) => layout.leftovers.push(file.number),
            (Ok(found), None) if found.header.number == file.number && found.header.label == label => {
                if let Some(offset) = found.damaged_at {
                    layout.damage.push(Corrupt { segment: file.number, offset, what: Damage::HeaderCopy });
                }
                layout.live.push(found);
            }
            (Err(HeaderFault::Damaged), None) => {
                report(Damage::Header);
                unreadable.push(file.number);
            }
            (Ok(_) | Err(_), None) => {
                report(Damage::Foreign);
                unreadable.push(file.number);
            }
        }
    }
    layout.live.reverse();
    layout.leftovers.reverse();
    report_missing(&mut layout, &unreadable);
    Ok(layout)
}

/// Finds the numbers that neither a segment covers nor an unreadable one bears.
fn report_missing(layout: &mut Layout, unreadable: &[u32]) {
    let live = layout.live.iter().map(|found| (found.header.first, found.header.number));
    // What an unreadable segment covered can't be known, so all that lacks before it may have been in it.
    let mut ranges: Vec<(Option<u32>, u32)> = live.map(|(first, number)| (Some(first), number)).collect();
    ranges.extend(unreadable.iter().map(|number| (None, *number)));
    ranges.sort_unstable_by_key(|(_, number)| *number);
    let mut expected = 1;
    for (first, number) in ranges {
        if let Some(first) = first.filter(|first| *first > expected) {
            layout.damage.push(Corrupt { segment: expected, offset: 0, what: Damage::Missing { last: first - 1 } });
        }
        expected = number.saturating_add(1);
    }
}

/// What follows a segment, which decides what its end must look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Follower<'a> {
    /// Nothing: it is the last, and a power cut may have torn its last batch.
    Nothing,
    /// The next segment, which tells what this one held.
    Segment(&'a SegmentHeader),
    /// Something, but not the segment that came next.
    Unknown,
}

/// What one segment is found to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Assessment {
    /// How many of its runs are the log's, from its first.
    pub(crate) keep: usize,
    /// The digest over these.
    pub(crate) digest: [u8; 32],
    /// To which length the file is to be cut.
    pub(crate) cut: Option<u64>,
    /// From where on what is kept may not be durable, though it can be read.
    pub(crate) unsettled: Option<u64>,
    pub(crate) torn: Option<TornTail>,
    pub(crate) damage: Vec<Corrupt>,
}

/// Judges what a segment holds.
///
/// A bad region is a torn tail only in the last segment, and only if no record of a later batch verifies: a batch is written
/// when the one before is durable, so a power cut can't have touched that. Batches are named by the number of their first
/// record, so a batch that verifies tells of every number before it that it was durable.
pub(crate) fn assess(header: &SegmentHeader, contents: &Contents, follower: Follower<'_>) -> Assessment {
    let whole = Assessment { keep: contents.runs.len(), digest: contents.digest, ..Assessment::default() };
    // What compaction writes is synced before it gets its name: no power cut tears it.
    let can_be_torn = matches!(follower, Follower::Nothing) && header.replaces.is_empty();
    if !can_be_torn {
        return Assessment { damage: find_damage(header, contents, follower), ..whole };
    }
    let torn = |gap: &&Gap| gap.missing != Missing::None && gap.number >= contents.last_batch;
    let damage = contents.gaps.iter().filter(|gap| !torn(gap));
    let damage: Vec<_> = damage.map(|gap| corrupt(header, gap.offset, Damage::Record)).collect();
    let Some(gap) = contents.gaps.iter().find(torn) else {
        let cut = (clean_end(contents) < contents.len).then_some(contents.end);
        let unsettled = contents.index_offset.or_else(|| last_batch(contents, &contents.runs));
        return Assessment { cut, unsettled, damage, ..whole };
    };
    // An index without its trailer was being written when the power went. All it says stands in the records.
    let offset = contents.index_offset.unwrap_or(gap.offset);
    let keep = contents.runs.partition_point(|run| u64::from(run.offset) < offset);
    let torn = TornTail { segment: header.number, offset, bytes: contents.len - offset };
    let unsettled = last_batch(contents, contents.runs.get(..keep).unwrap_or_default());
    Assessment { keep, digest: gap.digest_before, cut: Some(offset), unsettled, torn: Some(torn), damage }
}

/// Where the last batch begins, of which the runs that are kept may hold a part.
///
/// What was written and never synced can be read as long as the power is on, and so can what a failed sync left. Only that a
/// later batch or an index was begun tells that a batch is durable.
fn last_batch(contents: &Contents, kept: &[FoundRun]) -> Option<u64> {
    let first = kept.iter().find(|run| run.number >= contents.last_batch)?;
    Some(u64::from(first.offset))
}

/// Finds what is wrong with a segment that no power cut can have touched since it was whole.
fn find_damage(header: &SegmentHeader, contents: &Contents, follower: Follower<'_>) -> Vec<Corrupt> {
    let at_index = |gap: &Gap| gap.missing == Missing::Unknown && contents.trailer == Some(gap.offset);
    let index_found = contents.index_offset.is_some() || contents.gaps.last().is_some_and(at_index);
    let nothing_missing = contents.gaps.iter().all(|gap| match gap.missing {
        Missing::None => true,
        Missing::Some => false,
        Missing::Unknown => index_found,
    });
    let complete = match follower {
        Follower::Segment(next) if next.previous.id == header.id => next.previous.digest == contents.digest,
        Follower::Segment(next) => next.previous == header.stands_for && nothing_missing && index_found,
        // Compaction closes what it writes, so without an index the end is lost.
        Follower::Nothing | Follower::Unknown => nothing_missing && (index_found || header.replaces.is_empty()),
    };
    let what = if complete { Damage::Index } else { Damage::Record };
    let mut damage: Vec<_> = contents.gaps.iter().map(|gap| corrupt(header, gap.offset, what)).collect();
    if damage.is_empty() && !complete {
        damage.push(corrupt(header, contents.end, Damage::Ending));
    } else if damage.is_empty() && clean_end(contents) < contents.len {
        damage.push(corrupt(header, contents.end, Damage::Index));
    }
    damage
}

fn corrupt(header: &SegmentHeader, offset: u64, what: Damage) -> Corrupt {
    Corrupt { segment: header.number, offset, what }
}

/// Where the file of a segment ends that was cut or closed cleanly.
fn clean_end(contents: &Contents) -> u64 {
    let trailer = if contents.index_offset.is_some() { to_u64(trailer::LEN) } else { 0 };
    contents.end + trailer
}
