//! The log of one device as the tests have it: real units, sealed by real keys, in memory.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_session::EncodedRun;
use verso_vv::{Author, Hlc, Incarnation, Seq};
use verso_wire::{
    ChainHead, ChainedUnit, CompressionLevel, EntryKind, Seal, Seam, SyncUnit, UnitBuilder, VerifiedUnit,
};
use zeroize::Zeroizing;

/// The units of one author, consecutive.
#[derive(Clone, Default)]
struct Chain {
    runs: Vec<(VerifiedUnit, Bytes)>,
    /// What a crash leaves.
    durable: usize,
}

impl Chain {
    fn head(&self) -> Option<ChainHead> {
        self.runs.last().map(|(unit, _)| unit.head())
    }

    fn durable_head(&self) -> Option<ChainHead> {
        self.durable.checked_sub(1).map(|last| self.runs[last].0.head())
    }
}

#[derive(Clone, Default)]
struct Log {
    order: Vec<Author>,
    chains: BTreeMap<Author, Chain>,
}

/// A device's key and logs.
#[derive(Clone)]
pub(crate) struct Store {
    secret: u8,
    incarnation: u64,
    logs: BTreeMap<WorkspaceId, Log>,
    /// Authors that aren't admitted.
    pub(crate) unwelcome: BTreeSet<Author>,
}

/// What became of a unit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// It is held, in whole or already before, up to here.
    Held(Author, Seq),
    /// It doesn't follow what is held.
    Gap { author: Author, expected: Seq },
    /// Its author isn't admitted.
    Unwelcome { author: Author, expected: Seq },
    /// It continues another branch than the one held.
    Fork { author: Author, expected: Seq },
    /// It is no unit, or not sealed by its author.
    Malformed,
}

impl Store {
    pub(crate) fn new(secret: u8) -> Self {
        Self { secret, incarnation: 1, logs: BTreeMap::new(), unwelcome: BTreeSet::new() }
    }

    pub(crate) fn key(&self) -> DeviceKey {
        DeviceKey::from_secret(&Zeroizing::new([self.secret; 32]))
    }

    pub(crate) fn id(&self) -> DeviceId {
        self.key().id()
    }

    pub(crate) fn author(&self) -> Author {
        Author { device: self.id(), incarnation: Incarnation(self.incarnation) }
    }

    /// Starts another writing life.
    pub(crate) fn new_incarnation(&mut self) {
        self.incarnation += 1;
    }

    /// Goes on writing as it did before.
    pub(crate) fn resume_incarnation(&mut self, author: Author) {
        self.incarnation = author.incarnation.0;
    }

    /// Writes `entries` payloads of `size` bytes, durably.
    pub(crate) fn commit(&mut self, workspace: WorkspaceId, entries: usize, size: usize) -> (ChainHead, EncodedRun) {
        self.commit_as(workspace, (self.author(), self.key()), entries, size)
    }

    /// Writes as another device would, whose key was copied.
    pub(crate) fn commit_as_clone(&mut self, workspace: WorkspaceId, original: &Self, entries: usize, size: usize) {
        self.commit_as(workspace, (original.author(), original.key()), entries, size);
    }

    /// Takes over the first `units` units of what another device wrote.
    pub(crate) fn clone_author_of(&mut self, original: &Self, workspace: WorkspaceId, units: usize) {
        let author = original.author();
        let log = self.logs.entry(workspace).or_default();
        for (unit, bytes) in original.logs[&workspace].chains[&author].runs.iter().take(units) {
            log.append(author, unit.clone(), bytes.clone());
        }
        self.sync(workspace);
    }

    fn commit_as(
        &mut self,
        workspace: WorkspaceId,
        (author, key): (Author, DeviceKey),
        entries: usize,
        size: usize,
    ) -> (ChainHead, EncodedRun) {
        let log = self.logs.entry(workspace).or_default();
        let after = log.chains.get(&author).and_then(Chain::head);
        let after = after.unwrap_or_else(|| ChainHead::start(&workspace, &author));
        let mut builder = UnitBuilder::new(workspace, author, None, after);
        for at in 0..entries {
            let payload: Vec<u8> = (0..size).map(|byte| noise(after.seq.0 + at as u64, byte as u64)).collect();
            builder.push(EntryKind(1), Hlc(after.seq.0 + at as u64), &payload).unwrap();
        }
        let unit = builder.seal(&key).unwrap();
        let head = unit.head();
        let bytes = Bytes::from(unit.encode(CompressionLevel::new(1)));
        let run = EncodedRun { first: unit.first_seq(), last: unit.last_seq(), bytes: bytes.clone() };
        log.append(author, unit, bytes);
        self.sync(workspace);
        (head, run)
    }

    pub(crate) fn create(&mut self, workspace: WorkspaceId) {
        self.logs.entry(workspace).or_default();
    }

    /// What is held durably, in the order of first appearance.
    pub(crate) fn heads(&self, workspace: WorkspaceId) -> Vec<(Author, ChainHead)> {
        let Some(log) = self.logs.get(&workspace) else { return Vec::new() };
        log.order.iter().filter_map(|author| Some((*author, log.chains[author].durable_head()?))).collect()
    }

    /// The same, to compare.
    pub(crate) fn holdings(&self) -> BTreeMap<WorkspaceId, BTreeMap<Author, ChainHead>> {
        let held = |id: &WorkspaceId| (*id, self.heads(*id).into_iter().collect::<BTreeMap<_, _>>());
        self.logs.keys().map(held).filter(|(_, heads)| !heads.is_empty()).collect()
    }

    pub(crate) fn durable(&self, workspace: WorkspaceId, author: &Author) -> Seq {
        self.heads(workspace).iter().find(|(other, _)| other == author).map_or(Seq::ZERO, |(_, head)| head.seq)
    }

    pub(crate) fn peer_seal(&self, workspace: WorkspaceId, device: DeviceId) -> Option<Seal> {
        let log = self.logs.get(&workspace)?;
        let (_, chain) = log.chains.iter().rfind(|(author, _)| author.device == device)?;
        chain.durable.checked_sub(1).map(|last| chain.runs[last].0.head_seal())
    }

    /// Consecutive durable runs from the one that covers `from`.
    pub(crate) fn read(&self, workspace: WorkspaceId, author: Author, from: Seq, max_bytes: usize) -> Vec<EncodedRun> {
        let Some(chain) = self.logs.get(&workspace).and_then(|log| log.chains.get(&author)) else { return Vec::new() };
        let mut total = 0;
        let mut runs = Vec::new();
        for (unit, bytes) in chain.runs.iter().take(chain.durable).skip_while(|(unit, _)| unit.last_seq() < from) {
            total += bytes.len();
            if total > max_bytes && !runs.is_empty() {
                break;
            }
            runs.push(EncodedRun { first: unit.first_seq(), last: unit.last_seq(), bytes: bytes.clone() });
        }
        runs
    }

    /// Takes a unit, not yet durably.
    pub(crate) fn receive(&mut self, workspace: WorkspaceId, bytes: &Bytes) -> Received {
        let Ok(unit) = SyncUnit::decode(&workspace, bytes) else { return Received::Malformed };
        let unit: ChainedUnit = unit.chain();
        let author = unit.author();
        let unwelcome = self.unwelcome.contains(&author);
        let log = self.logs.entry(workspace).or_default();
        let head = log.chains.get(&author).and_then(Chain::head);
        let head = head.unwrap_or_else(|| ChainHead::start(&workspace, &author));
        let expected = head.seq.next();
        if unwelcome {
            return Received::Unwelcome { author, expected };
        }
        if unit.first_seq() > expected {
            return Received::Gap { author, expected };
        }
        let last = unit.last_seq();
        if last < expected {
            let mut ours = log.chains[&author].runs.iter().filter_map(|(unit, _)| unit.hash_at(last));
            let agrees = ours.next() == unit.hash_at(last);
            return if agrees { Received::Held(author, last) } else { Received::Fork { author, expected: last } };
        }
        if unit.hash_at(head.seq) != Some(head.hash) {
            return Received::Fork { author, expected };
        }
        let Ok(unit) = unit.cut_front(expected).unwrap().verify() else { return Received::Malformed };
        let bytes = if unit.first_seq() == expected { bytes.clone() } else { encode(&unit) };
        log.append(author, unit, bytes);
        Received::Held(author, last)
    }

    /// Makes what was taken durable. Returns which chains that advanced, and the new runs.
    pub(crate) fn sync(&mut self, workspace: WorkspaceId) -> Vec<(Author, ChainHead, EncodedRun)> {
        let mut advanced = Vec::new();
        for (author, chain) in &mut self.logs.entry(workspace).or_default().chains {
            for (unit, bytes) in &chain.runs[chain.durable..] {
                let run = EncodedRun { first: unit.first_seq(), last: unit.last_seq(), bytes: bytes.clone() };
                advanced.push((*author, unit.head(), run));
            }
            chain.durable = chain.runs.len();
        }
        advanced
    }

    /// Loses what was not durable.
    pub(crate) fn crash(&mut self) {
        for log in self.logs.values_mut() {
            for chain in log.chains.values_mut() {
                chain.runs.truncate(chain.durable);
            }
            log.chains.retain(|_, chain| !chain.runs.is_empty());
            log.order.retain(|author| log.chains.contains_key(author));
        }
    }

    /// Joins runs into larger ones, as compaction does.
    pub(crate) fn compact(&mut self) {
        for log in self.logs.values_mut() {
            for chain in log.chains.values_mut() {
                chain.join();
            }
        }
    }
}

impl Log {
    fn append(&mut self, author: Author, unit: VerifiedUnit, bytes: Bytes) {
        if !self.order.contains(&author) {
            self.order.push(author);
        }
        self.chains.entry(author).or_default().runs.push((unit, bytes));
    }
}

impl Chain {
    fn join(&mut self) {
        assert_eq!(self.durable, self.runs.len(), "only a quiet log is compacted");
        let mut joined: Vec<SyncUnit> = Vec::new();
        for (unit, _) in self.runs.drain(..) {
            let unit = SyncUnit::clone(&unit);
            match joined.last_mut() {
                Some(last) if last.fits(&unit, Seam::Drop) => last.join(&unit, Seam::Drop).unwrap(),
                _ => joined.push(unit),
            }
        }
        self.runs.extend(joined.into_iter().map(|unit| {
            let unit = unit.chain().verify().unwrap();
            let bytes = encode(&unit);
            (unit, bytes)
        }));
        self.durable = self.runs.len();
    }
}

fn encode(unit: &SyncUnit) -> Bytes {
    Bytes::from(unit.encode(CompressionLevel::new(1)))
}

/// A byte that doesn't compress.
fn noise(seq: u64, byte: u64) -> u8 {
    let mut mixed = (seq << 20 | byte).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    u8::try_from((mixed ^ (mixed >> 32)) & 0xff).unwrap()
}
