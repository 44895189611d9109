//! Devices that write, and strategies for what they write.

use proptest::prelude::*;
use verso_identity::{DeviceKey, WorkspaceId};
use verso_vv::{Author, Hlc, Incarnation};
use verso_wire::{Branch, ChainHead, Content, EntryDigest, EntryKind, SyncUnit, UnitBuilder, VerifiedUnit};
use zeroize::Zeroizing;

/// A wall clock of 2025, as most tests use.
pub(crate) const NOW: Hlc = Hlc::from_millis(1_760_000_000_000);

/// An author that writes into one workspace.
pub(crate) struct Writer {
    pub(crate) key: DeviceKey,
    pub(crate) workspace: WorkspaceId,
    pub(crate) author: Author,
    pub(crate) head: ChainHead,
}

impl Writer {
    /// The device that `number` stands for, in a workspace of its own founding.
    pub(crate) fn new(number: u8) -> Self {
        let key = DeviceKey::from_secret(&Zeroizing::new([number; 32]));
        let workspace = WorkspaceId::found(&key.id(), &[number; 16]);
        let author = Author { device: key.id(), incarnation: Incarnation(u64::from(number)) };
        let head = ChainHead::start(&workspace, &author);
        Self { key, workspace, author, head }
    }

    pub(crate) fn builder(&self) -> UnitBuilder {
        UnitBuilder::new(self.workspace, self.author, None, self.head)
    }

    /// Writes entries and seals them.
    pub(crate) fn unit(&mut self, entries: &[Draft]) -> VerifiedUnit {
        let mut builder = self.builder();
        for entry in entries {
            match entry {
                Draft::Full(kind, hlc, payload) => builder.push(*kind, *hlc, payload).unwrap(),
                Draft::Digest(digest) => builder.push_digest(*digest).unwrap(),
            };
        }
        let unit = builder.seal(&self.key).unwrap();
        self.head = unit.head();
        unit
    }

    /// Writes one entry with this payload and seals it.
    pub(crate) fn one(&mut self, payload: &[u8]) -> VerifiedUnit {
        self.unit(&[Draft::Full(EntryKind(1), NOW, payload.to_vec())])
    }

    /// Writes a unit of every form: entries of several kinds, digests, a kept seal inside, on a branch.
    pub(crate) fn rich(&mut self) -> VerifiedUnit {
        let before = self.unit(&[Draft::Full(EntryKind(3), NOW, b"before the branch".to_vec())]);
        let front = self.unit(&[
            Draft::Full(EntryKind(3), Hlc(NOW.0 + 1), b"first on the branch".to_vec()),
            Draft::Digest(EntryDigest([0x5d; 32])),
            Draft::Full(EntryKind(1), Hlc(NOW.0 + 2), b"second".to_vec()),
        ]);
        let back = self.unit(&[
            Draft::Full(EntryKind(200), Hlc(NOW.0 + 70_000), b"a membership entry".to_vec()),
            Draft::Digest(EntryDigest([0xd5; 32])),
        ]);
        let branch = Branch { at: front.first_seq(), hash: front.hashes()[0] };
        assert_eq!(before.last_seq().next(), front.first_seq());
        let mut joined = front.into_chained().into_unit();
        joined.join(&back, verso_wire::Seam::Keep).unwrap();
        joined.chain().verify().unwrap().onto_branch(branch).unwrap()
    }
}

/// An entry about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Draft {
    Full(EntryKind, Hlc, Vec<u8>),
    Digest(EntryDigest),
}

impl Draft {
    pub(crate) fn of(content: Content<'_>) -> Self {
        match content {
            Content::Full { kind, hlc, payload } => Self::Full(kind, hlc, payload.to_vec()),
            Content::Digest(digest) => Self::Digest(digest),
        }
    }
}

/// What a unit holds, to compare with what was written.
pub(crate) fn drafts_of(unit: &SyncUnit) -> Vec<Draft> {
    unit.entries().map(|entry| Draft::of(entry.content)).collect()
}

/// Entries as they come: a few kinds, clocks mostly close together, short payloads, some digests.
pub(crate) fn drafts(max: usize) -> impl Strategy<Value = Vec<Draft>> {
    prop::collection::vec(draft(), 1..=max)
}

fn draft() -> impl Strategy<Value = Draft> {
    let kind = prop_oneof![4 => 0_u8..4, 1 => any::<u8>()].prop_map(EntryKind);
    let hlc = prop_oneof![8 => (0_u64..100).prop_map(|step| Hlc(NOW.0 + step)), 1 => any::<u64>().prop_map(Hlc)];
    let payload = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..24),
        1 => prop::collection::vec(0_u8..4, 0..600),
    ];
    prop_oneof![
        8 => (kind, hlc, payload).prop_map(|(kind, hlc, payload)| Draft::Full(kind, hlc, payload)),
        1 => any::<[u8; 32]>().prop_map(|digest| Draft::Digest(EntryDigest(digest))),
    ]
}
