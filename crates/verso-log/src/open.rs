//! Making, opening and removing a log: gathering what recovery needs, and executing its plan.

use std::io;

use verso_identity::{Key, purposes};

use crate::chains::Chains;
use crate::crypto::MasterKey;
use crate::damage::OpenReport;
use crate::header::{FoundHeader, Link, VERSION};
use crate::log::{LogMode, LogOptions, Parts, SyncLog, place};
use crate::record::Sealer;
use crate::recovery::{self, Assessment, Follower, Layout, NoLog, SegmentFile};
use crate::run::RunId;
use crate::scan::{Contents, FoundRun};
use crate::segment::{self, FileName, Segment, tag};
use crate::storage::{NEW_SUFFIX, Storage, StorageFile, parent};
use crate::writer::{NewSegment, SegmentWriter};

/// What is appended to the name of a log's directory before it is removed, so that a crash leaves no half a log behind.
pub const REMOVED_SUFFIX: &str = ".removed";

/// A log was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The storage failed; `AlreadyExists` if there is something of that name.
    #[error("the log could not be made")]
    Io(#[from] io::Error),
}

/// A log was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory holds no segment: making the log was not completed, so nothing was ever in it.
    #[error("the directory holds no segment of a log")]
    Empty,
    /// The log is whole, and encrypted under another key.
    #[error("the log is encrypted under another key")]
    WrongKey,
    /// A newer version of this program wrote to the log.
    #[error("the log has format version {found}, this program reads up to {supported}")]
    NewerFormat {
        /// The version of the segment.
        found: u16,
        /// The newest version that is understood.
        supported: u16,
    },
    /// There are segments, and not one has a header that verifies.
    #[error("no segment of the log has a header that verifies")]
    Unreadable,
    /// The storage failed.
    #[error("the log could not be read")]
    Io(#[from] io::Error),
}

impl<S: Storage> SyncLog<S> {
    /// Makes a log in a new directory `dir`, durably. `label` is kept encrypted in every segment.
    ///
    /// # Errors
    /// [`CreateError`]. The directory may then be there, empty or not; [`remove`](Self::remove) clears it.
    pub fn create(
        storage: S,
        dir: &str,
        key: &Key<purposes::Log>,
        label: [u8; 16],
        options: LogOptions,
    ) -> Result<Self, CreateError> {
        let master = MasterKey::new(key);
        storage.create_dir(dir)?;
        storage.sync_dir(parent(dir))?;
        let (previous, stands_for, replaces) = (Link::default(), Link::default(), Vec::new());
        let new = NewSegment { number: 1, first: 1, previous, stands_for, replaces, label };
        let mut writer = SegmentWriter::create(&storage, dir, &master, new)?;
        writer.sync()?;
        Ok(Self::assemble(Parts {
            storage,
            dir: dir.to_owned(),
            master,
            label,
            options,
            chains: Chains::default(),
            segments: Vec::new(),
            active: Some(writer),
        }))
    }

    /// Opens the log in `dir`: reads headers and indexes, or the records of what was not closed; cuts off what a power cut
    /// left of the last batch, and removes what a crash left of compaction.
    ///
    /// If records may be lost, nothing on the disk is changed and the log is opened for reading only: see
    /// [`OpenReport::damage`] and [`mode`](Self::mode). Damage within a closed segment shows when it is read.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        storage: S,
        dir: &str,
        key: &Key<purposes::Log>,
        options: LogOptions,
    ) -> Result<(Self, OpenReport), OpenError> {
        Self::open_as(storage, dir, key, options, Owner::This)
    }

    /// Opens the log in `dir` for reading, while another process may be writing to it. Nothing is cut off or removed; but what was found is made
    /// durable, so that nothing is carried elsewhere that a power cut could still take away here.
    ///
    /// Whoever writes may compact meanwhile: then reading fails for a segment that is gone, and the log has to be opened again.
    ///
    /// # Errors
    /// [`OpenError`]; `Io` with `NotFound` if a segment was compacted away meanwhile.
    pub fn open_beside(storage: S, dir: &str, key: &Key<purposes::Log>) -> Result<(Self, OpenReport), OpenError> {
        Self::open_as(storage, dir, key, LogOptions::default(), Owner::Another)
    }

    fn open_as(
        storage: S,
        dir: &str,
        key: &Key<purposes::Log>,
        options: LogOptions,
        owner: Owner,
    ) -> Result<(Self, OpenReport), OpenError> {
        let master = MasterKey::new(key);
        let (files, unfinished) = find_files(&storage, dir, &master)?;
        let Layout { live, leftovers, damage, last_number } = recovery::layout(files).map_err(|fault| match fault {
            NoLog::Empty => OpenError::Empty,
            NoLog::WrongKey => OpenError::WrongKey,
            NoLog::Newer(found) => OpenError::NewerFormat { found, supported: VERSION },
            NoLog::Unreadable => OpenError::Unreadable,
        })?;
        let label = live.first().map_or([0; 16], |found| found.header.label);
        let mut report = OpenReport { torn: None, damage, leftovers };
        let mut chains = Chains::default();
        let mut found = read_segments(&storage, dir, live, last_number, &mut chains)?;
        for FoundSegment { assessment, .. } in &found {
            report.damage.extend(&assessment.damage);
            report.torn = report.torn.or(assessment.torn);
        }
        report.damage.sort_unstable();
        let whole = !report.loses_records();
        match owner {
            Owner::This if whole => execute(&storage, dir, &mut found, &report, &unfinished)?,
            Owner::Another => settle(&storage, dir, &found)?,
            Owner::This => {}
        }
        let segments = found.into_iter().map(|found| found.segment).collect();
        let dir = dir.to_owned();
        let mut log = Self::assemble(Parts { storage, dir, master, label, options, chains, segments, active: None });
        log.damage.clone_from(&report.damage);
        if !whole || owner == Owner::Another {
            log.mode = LogMode::ReadOnly;
            log.uncut = report.torn;
        }
        Ok((log, report))
    }

    /// Removes the log in `dir` with all it holds. A log that is not there is no error.
    ///
    /// The directory first gets another name, with [`REMOVED_SUFFIX`], so that a crash leaves no half a log that looks
    /// damaged. Whoever lists logs passes by such names, or calls this with one to complete the removal.
    ///
    /// # Errors
    /// What the storage reports.
    pub fn remove(storage: &S, dir: &str) -> io::Result<()> {
        let removed = if dir.ends_with(REMOVED_SUFFIX) { dir.to_owned() } else { format!("{dir}{REMOVED_SUFFIX}") };
        if removed != dir {
            match storage.rename(dir, &removed) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                renamed => renamed?,
            }
            storage.sync_dir(parent(dir))?;
        }
        for name in storage.list(&removed)? {
            storage.remove(&format!("{removed}/{name}"))?;
        }
        storage.remove_dir(&removed)?;
        storage.sync_dir(parent(dir))
    }
}

/// Whose log it is to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// That of whoever opens it.
    This,
    /// Another process may have it.
    Another,
}

/// One segment as it was found, and what was made of it.
struct FoundSegment {
    segment: Segment,
    assessment: Assessment,
}

/// Lists the segments with their headers, ascending, and the files that never got their name.
fn find_files<S: Storage>(storage: &S, dir: &str, master: &MasterKey) -> io::Result<(Vec<SegmentFile>, Vec<String>)> {
    let (mut files, mut unfinished) = (Vec::new(), Vec::new());
    for name in storage.list(dir)? {
        match segment::parse_name(&name) {
            FileName::Segment(number) => {
                let file = segment::open(storage, dir, number)?;
                files.push(SegmentFile { number, header: segment::read_header(&file, master)? });
            }
            FileName::Unfinished => unfinished.push(name),
            FileName::Other => {}
        }
    }
    files.sort_unstable_by_key(|file| file.number);
    Ok((files, unfinished))
}

/// Reads what each segment holds, one after the other, into `chains`.
fn read_segments<S: Storage>(
    storage: &S,
    dir: &str,
    live: Vec<FoundHeader>,
    last_number: u32,
    chains: &mut Chains,
) -> io::Result<Vec<FoundSegment>> {
    let mut segments = Vec::with_capacity(live.len());
    let mut live = live.into_iter().peekable();
    while let Some(FoundHeader { header, hash, key, records_start, .. }) = live.next() {
        let sealer = Sealer { key, header_hash: hash };
        let file = segment::open(storage, dir, header.number)?;
        let contents = segment::read_contents(&file, records_start, &sealer)?;
        let follower = match live.peek() {
            Some(next) if next.header.first == header.number + 1 => Follower::Segment(&next.header),
            None if header.number == last_number => Follower::Nothing,
            _ => Follower::Unknown,
        };
        let assessment = recovery::assess(&header, &contents, follower);
        let Contents { mut runs, len, .. } = contents;
        runs.truncate(assessment.keep);
        for FoundRun { meta, number, offset, body_len } in &runs {
            let (number, offset, body_len) = (*number, *offset, *body_len);
            let id = RunId { segment: header.number, tag: tag(&header.id), number, offset, body_len };
            chains.push(meta, place(meta, id));
        }
        let segment = Segment { digest: assessment.digest, len, runs: runs.len(), ..Segment::new(&header, hash) };
        segments.push(FoundSegment { segment, assessment });
    }
    Ok(segments)
}

/// Makes durable what was found, and changes nothing.
fn settle<S: Storage>(storage: &S, dir: &str, segments: &[FoundSegment]) -> io::Result<()> {
    for FoundSegment { segment, .. } in segments.iter().filter(|found| found.assessment.unsettled.is_some()) {
        segment::open(storage, dir, segment.number)?.sync_data()?;
    }
    storage.sync_dir(dir)
}

/// Does what recovery found is to be done, durably, before anything new is written.
///
/// What is found must not get lost by a power cut after it was told of: names are synced before what they replace is
/// removed, and the last batch is written once more, since a sync alone does nothing for what an earlier one failed at. What
/// is cut off must not come back behind what is written next.
fn execute<S: Storage>(
    storage: &S,
    dir: &str,
    segments: &mut [FoundSegment],
    report: &OpenReport,
    unfinished: &[String],
) -> io::Result<()> {
    storage.sync_dir(dir)?;
    for FoundSegment { segment, assessment } in segments {
        segment.len = assessment.cut.unwrap_or(segment.len);
        if assessment.cut.is_none() && assessment.unsettled.is_none() {
            continue;
        }
        let mut file = segment::open(storage, dir, segment.number)?;
        file.set_len(segment.len)?;
        if let Some(start) = assessment.unsettled {
            let bytes = segment::read_range(&file, start, segment.len)?;
            file.write_at(start, &bytes)?;
        }
        file.sync_data()?;
    }
    for number in &report.leftovers {
        storage.remove(&segment::path(dir, *number))?;
    }
    for name in unfinished {
        debug_assert!(name.ends_with(NEW_SUFFIX), "only what never got its name is removed");
        storage.remove(&format!("{dir}/{name}"))?;
    }
    if !report.leftovers.is_empty() || !unfinished.is_empty() {
        storage.sync_dir(dir)?;
    }
    Ok(())
}
