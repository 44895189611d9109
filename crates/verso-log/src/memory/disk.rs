//! The simulated disk: directories, faults, and what a power cut leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::codec::to_u64;
use crate::memory::inode::Inode;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    File(u64),
    Dir(u64),
}

/// A change of names since the last sync of a directory.
#[derive(Debug, Clone)]
enum Change {
    Set(String, Entry),
    Unset(String),
    Rename { from: String, to: String, entry: Entry },
}

#[derive(Debug, Clone, Default)]
struct Dir {
    current: BTreeMap<String, Entry>,
    durable: BTreeMap<String, Entry>,
    pending: Vec<Change>,
}

/// An open file: it keeps the bytes alive even when no name leads to them.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    inode: u64,
    _alive: Arc<()>,
}

#[derive(Debug)]
struct File {
    inode: Inode,
    alive: Arc<()>,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// One operation fails.
    Once { at: u64 },
    /// All operations fail from here on.
    PowerOff { at: u64 },
}

/// What becomes of an operation.
enum Fate {
    Done,
    /// It fails, and is not done.
    Fails,
    /// It fails, and is done nevertheless, as far as unsynced things are ever done.
    FailsDone,
}

const ROOT: u64 = 0;

#[derive(Debug)]
pub(super) struct Disk {
    files: BTreeMap<u64, File>,
    dirs: BTreeMap<u64, Dir>,
    next: u64,
    operations: u64,
    fault: Option<Fault>,
    capacity: u64,
    /// What programs get.
    random: Random,
    /// What decides over faults. Apart, so that what programs get does not depend on how they use the disk.
    luck: Random,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            files: BTreeMap::new(),
            dirs: BTreeMap::from([(ROOT, Dir::default())]),
            next: ROOT + 1,
            operations: 0,
            fault: None,
            capacity: u64::MAX,
            random: Random(seed),
            luck: Random(!seed),
        }
    }

    pub(super) fn crash(&self, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut disk = self.successor(seed);
        disk.next = self.next;
        disk.capacity = self.capacity;
        disk.dirs = self.dirs.iter().map(|(id, dir)| (*id, dir.survive(&mut random))).collect();
        for (id, file) in &self.files {
            let bytes = file.inode.survive(&mut random);
            disk.files.insert(*id, File::new(Inode::of(bytes.clone(), bytes)));
        }
        disk.sweep();
        disk
    }

    pub(super) fn snapshot(&self, seed: u64) -> Self {
        let mut disk = self.successor(seed);
        disk.next = self.next;
        disk.capacity = self.capacity;
        disk.dirs = self.dirs.iter().map(|(id, dir)| (*id, Dir::of(dir.current.clone()))).collect();
        for (id, file) in &self.files {
            let bytes = file.inode.current().to_vec();
            disk.files.insert(*id, File::new(Inode::of(bytes.clone(), bytes)));
        }
        disk.sweep();
        disk
    }

    /// An empty disk whose randomness is neither this one's, past or to come, nor that of a new disk with the same seed.
    fn successor(&self, seed: u64) -> Self {
        Self::new(Random(self.random.0).next() ^ Random(seed).next())
    }

    pub(super) const fn operations(&self) -> u64 {
        self.operations
    }

    pub(super) const fn fail_after(&mut self, n: u64) {
        self.fault = Some(Fault::Once { at: self.operations.saturating_add(n) });
    }

    pub(super) const fn crash_after(&mut self, n: u64) {
        self.fault = Some(Fault::PowerOff { at: self.operations.saturating_add(n) });
    }

    pub(super) const fn clear_faults(&mut self) {
        self.fault = None;
    }

    pub(super) const fn set_capacity(&mut self, bytes: u64) {
        self.capacity = bytes;
    }

    pub(super) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![(ROOT, String::new())];
        while let Some((dir, path)) = open.pop() {
            for (name, entry) in self.dirs.get(&dir).iter().flat_map(|dir| &dir.current) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                match entry {
                    Entry::File(_) => found.push(path),
                    Entry::Dir(id) => open.push((*id, path)),
                }
            }
        }
        found.sort_unstable();
        found
    }

    pub(super) fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        self.inode_at(path).map(|inode| inode.current().to_vec())
    }

    pub(super) fn read_durable(&self, path: &str) -> Option<Vec<u8>> {
        self.inode_at(path).map(|inode| inode.durable().to_vec())
    }

    fn inode_at(&self, path: &str) -> Option<&Inode> {
        match self.entry(path).ok()? {
            Entry::File(id) => self.files.get(&id).map(|file| &file.inode),
            Entry::Dir(_) => None,
        }
    }

    #[expect(clippy::expect_used, reason = "documented: a test writes where a directory is")]
    pub(super) fn write_file(&mut self, path: &str, bytes: &[u8]) {
        let inode = Inode::of(bytes.to_vec(), bytes.to_vec());
        if let Ok(Entry::File(id)) = self.entry(path) {
            self.files.entry(id).and_modify(|file| file.inode = inode);
            return;
        }
        let (dir, name) = self.split(path).expect("the directory is there");
        let id = self.fresh();
        self.files.insert(id, File::new(inode));
        let dir = self.dirs.get_mut(&dir).expect("the directory is there");
        dir.current.insert(name.clone(), Entry::File(id));
        dir.durable.insert(name, Entry::File(id));
    }

    pub(super) fn list(&mut self, path: &str) -> io::Result<Vec<String>> {
        self.read_only()?;
        let dir = self.dir(path)?;
        Ok(self.dirs.get(&dir).ok_or(ErrorKind::NotFound)?.current.keys().cloned().collect())
    }

    pub(super) fn create_dir(&mut self, path: &str) -> io::Result<()> {
        let (dir, name) = self.split(path)?;
        if self.entry(path).is_ok() {
            self.read_only()?;
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.changing(|disk| {
            let id = disk.fresh();
            disk.dirs.insert(id, Dir::default());
            disk.change(dir, Change::Set(name, Entry::Dir(id)));
        })
    }

    pub(super) fn create(&mut self, path: &str) -> io::Result<Handle> {
        let (dir, name) = self.split(path)?;
        match self.entry(path) {
            Ok(Entry::Dir(_)) => return Err(ErrorKind::IsADirectory.into()),
            Ok(Entry::File(id)) => {
                self.changing(|disk| {
                    if let Some(file) = disk.files.get_mut(&id) {
                        file.inode.set_len(0);
                    }
                })?;
                return self.handle(id);
            }
            Err(_) => {}
        }
        let id = self.fresh();
        self.changing(|disk| {
            disk.files.insert(id, File::new(Inode::default()));
            disk.change(dir, Change::Set(name, Entry::File(id)));
        })?;
        self.handle(id)
    }

    pub(super) fn open(&mut self, path: &str) -> io::Result<Handle> {
        self.read_only()?;
        match self.entry(path)? {
            Entry::File(id) => self.handle(id),
            Entry::Dir(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let ((dir, from_name), (to_dir, to_name)) = (self.split(from)?, self.split(to)?);
        let entry = self.entry(from)?;
        if dir != to_dir {
            return Err(io::Error::new(ErrorKind::Unsupported, "this disk renames within a directory"));
        }
        self.changing(|disk| disk.change(dir, Change::Rename { from: from_name, to: to_name, entry }))
    }

    pub(super) fn remove(&mut self, path: &str) -> io::Result<()> {
        let (dir, name) = self.split(path)?;
        match self.entry(path)? {
            Entry::Dir(_) => Err(ErrorKind::IsADirectory.into()),
            Entry::File(_) => self.changing(|disk| disk.change(dir, Change::Unset(name))),
        }
    }

    pub(super) fn remove_dir(&mut self, path: &str) -> io::Result<()> {
        let (dir, name) = self.split(path)?;
        let id = self.dir(path)?;
        if self.dirs.get(&id).is_some_and(|dir| !dir.current.is_empty()) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.changing(|disk| disk.change(dir, Change::Unset(name)))
    }

    pub(super) fn sync_dir(&mut self, path: &str) -> io::Result<()> {
        let id = self.dir(path)?;
        let fate = self.fate();
        let mut random = self.luck.fork();
        let dir = self.dirs.get_mut(&id).ok_or(ErrorKind::NotFound)?;
        match fate {
            Fate::Done => {
                dir.durable.clone_from(&dir.current);
                dir.pending.clear();
                self.sweep();
                return Ok(());
            }
            Fate::Fails => {
                dir.durable = dir.survive(&mut random).durable;
                dir.pending.clear();
            }
            Fate::FailsDone => {}
        }
        Err(injected())
    }

    pub(super) fn random(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.read_only()?;
        bytes.fill_with(|| self.random.next().to_le_bytes()[0]);
        Ok(())
    }

    pub(super) fn len_of(&self, handle: &Handle) -> u64 {
        self.files.get(&handle.inode).map_or(0, |file| to_u64(file.inode.current().len()))
    }

    pub(super) fn file_len(&mut self, handle: &Handle) -> io::Result<u64> {
        self.read_only()?;
        Ok(self.len_of(handle))
    }

    pub(super) fn read_at(&mut self, handle: &Handle, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read_only()?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let current = self.files.get(&handle.inode).map(|file| file.inode.current()).unwrap_or_default();
        let found = start.checked_add(bytes.len()).and_then(|end| current.get(start..end));
        bytes.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    pub(super) fn write_at(&mut self, handle: &Handle, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let fate = self.fate();
        self.check_room(handle, offset + bytes.len())?;
        let part = match fate {
            Fate::Done => bytes.len(),
            Fate::Fails | Fate::FailsDone => self.luck.below(bytes.len() + 1),
        };
        let file = self.files.get_mut(&handle.inode).ok_or(ErrorKind::NotFound)?;
        file.inode.write(offset, bytes.get(..part).unwrap_or_default());
        if matches!(fate, Fate::Done) { Ok(()) } else { Err(injected()) }
    }

    pub(super) fn set_len(&mut self, handle: &Handle, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.check_room(handle, len)?;
        self.changing(|disk| {
            if let Some(file) = disk.files.get_mut(&handle.inode) {
                file.inode.set_len(len);
            }
        })
    }

    pub(super) fn sync_data(&mut self, handle: &Handle) -> io::Result<()> {
        let fate = self.fate();
        let mut random = self.luck.fork();
        let file = self.files.get_mut(&handle.inode).ok_or(ErrorKind::NotFound)?;
        match fate {
            Fate::Done => {
                file.inode.sync();
                return Ok(());
            }
            Fate::Fails => file.inode.fail_sync(&mut random),
            // The power went during the sync: all of it is still open, and `crash` decides.
            Fate::FailsDone => {}
        }
        Err(injected())
    }

    /// Counts an operation and decides what becomes of it.
    fn fate(&mut self) -> Fate {
        let now = self.operations;
        self.operations += 1;
        match self.fault {
            Some(Fault::Once { at }) if at == now => {
                self.fault = None;
                Fate::Fails
            }
            Some(Fault::PowerOff { at }) if at == now && self.luck.below(2) == 0 => Fate::FailsDone,
            Some(Fault::PowerOff { at }) if at <= now => Fate::Fails,
            _ => Fate::Done,
        }
    }

    /// An operation that changes nothing.
    fn read_only(&mut self) -> io::Result<()> {
        if matches!(self.fate(), Fate::Done) { Ok(()) } else { Err(injected()) }
    }

    /// An operation that is done or not.
    fn changing(&mut self, change: impl FnOnce(&mut Self)) -> io::Result<()> {
        match self.fate() {
            Fate::Fails => return Err(injected()),
            Fate::FailsDone => change(self),
            Fate::Done => {
                change(self);
                return Ok(());
            }
        }
        Err(injected())
    }

    fn check_room(&self, handle: &Handle, end: usize) -> io::Result<()> {
        if self.capacity == u64::MAX {
            return Ok(());
        }
        let used: u64 = self.files.values().map(|file| to_u64(file.inode.current().len())).sum();
        let grown = to_u64(end).saturating_sub(self.len_of(handle));
        if grown > 0 && used + grown > self.capacity { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn change(&mut self, dir: u64, change: Change) {
        if let Some(dir) = self.dirs.get_mut(&dir) {
            apply(&mut dir.current, &change);
            dir.pending.push(change);
        }
    }

    fn handle(&self, inode: u64) -> io::Result<Handle> {
        let file = self.files.get(&inode).ok_or(ErrorKind::NotFound)?;
        Ok(Handle { inode, _alive: Arc::clone(&file.alive) })
    }

    const fn fresh(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    /// Returns the directory that holds `path`, and the last name.
    fn split(&self, path: &str) -> io::Result<(u64, String)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return Err(ErrorKind::InvalidInput.into());
        }
        Ok((self.dir(parent)?, name.to_owned()))
    }

    fn dir(&self, path: &str) -> io::Result<u64> {
        match self.entry(path)? {
            Entry::Dir(id) => Ok(id),
            Entry::File(_) => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn entry(&self, path: &str) -> io::Result<Entry> {
        path.split('/').filter(|_| !path.is_empty()).try_fold(Entry::Dir(ROOT), |at, name| match at {
            Entry::File(_) => Err(ErrorKind::NotADirectory.into()),
            Entry::Dir(id) => {
                let dir = self.dirs.get(&id).ok_or(ErrorKind::NotFound)?;
                dir.current.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
            }
        })
    }

    /// Forgets files that no name leads to, now or after a crash, and nobody has open.
    fn sweep(&mut self) {
        let mut named = BTreeSet::new();
        for dir in self.dirs.values() {
            named.extend(dir.current.values().chain(dir.durable.values()).copied());
            named.extend(dir.pending.iter().filter_map(|change| match change {
                Change::Set(_, entry) | Change::Rename { entry, .. } => Some(*entry),
                Change::Unset(_) => None,
            }));
        }
        self.files.retain(|id, file| named.contains(&Entry::File(*id)) || Arc::strong_count(&file.alive) > 1);
        self.dirs.retain(|id, _| *id == ROOT || named.contains(&Entry::Dir(*id)));
    }
}

impl File {
    fn new(inode: Inode) -> Self {
        Self { inode, alive: Arc::new(()) }
    }
}

impl Dir {
    fn of(entries: BTreeMap<String, Entry>) -> Self {
        Self { durable: entries.clone(), current: entries, pending: Vec::new() }
    }

    fn survive(&self, random: &mut Random) -> Self {
        let luck = random.luck();
        let mut entries = self.durable.clone();
        for change in &self.pending {
            if random.happens(luck) {
                apply(&mut entries, change);
            }
        }
        Self::of(entries)
    }
}

fn apply(entries: &mut BTreeMap<String, Entry>, change: &Change) {
    match change {
        Change::Set(name, entry) => {
            entries.insert(name.clone(), *entry);
        }
        Change::Unset(name) => {
            entries.remove(name);
        }
        Change::Rename { from, to, entry } => {
            entries.remove(from);
            entries.insert(to.clone(), *entry);
        }
    }
}

fn injected() -> io::Error {
    io::Error::other("injected fault")
}

/// A small generator (splitmix64, Steele, Lea and Flood 2014): what matters is that a seed gives the same run again.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % to_u64(bound)).unwrap_or_default()
    }

    const fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// How likely things survive this time, of 16: nothing, some, most, all.
    pub(super) fn luck(&mut self) -> u64 {
        [0, 4, 8, 12, 15, 16].get(self.below(6)).copied().unwrap_or(8)
    }

    pub(super) const fn happens(&mut self, luck: u64) -> bool {
        self.next() % 16 < luck
    }
}
