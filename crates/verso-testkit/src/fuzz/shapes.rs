//! Values of the protocol, made of choices: few and near to each other, so that they meet.

use bytes::Bytes as Buffer;
use verso_identity::{DeviceId, DeviceKey, Signature, WorkspaceId};
use verso_vv::{Author, EntryHash, Hlc, Incarnation, Seq};
use verso_wire::{
    ChainHead, EntryDigest, EntryKind, ForkProof, ForkSide, FurtherDevice, HeldDigest, Message, Offered, Reason, Seal,
    SyncUnit, UnitBuilder, VectorEntry, VerifiedUnit, VersionRange, WireAccess,
};
use zeroize::Zeroizing;

use crate::fuzz::Bytes;

/// The time at which devices write: 2025.
const NOW_MS: u64 = 1_760_000_000_000;

/// Copies bytes with changes that `input` says, at most `changes`: flipped, overwritten, cut, left out, said twice.
pub(super) fn edited(bytes: &[u8], input: &mut Bytes<'_>, changes: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..changes {
        if input.is_empty() {
            break;
        }
        let kind = input.below(8);
        let at = input.below(bytes.len());
        match kind {
            0..=2 => {
                let bits = input.byte();
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            }
            3 => {
                let len = input.below(32);
                bytes.iter_mut().skip(at).zip(input.take(len)).for_each(|(byte, new)| *byte = *new);
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..(at + input.below(64)).min(bytes.len()))),
            6 => {
                let again: Vec<u8> = bytes.iter().skip(at).take(input.below(64)).copied().collect();
                bytes.splice(at..at, again);
            }
            _ => {
                let len = input.below(32);
                bytes.splice(at..at, input.take(len).iter().copied());
            }
        }
    }
    bytes
}

/// A number: small, as often as not, or any.
pub(super) fn number(input: &mut Bytes<'_>) -> u64 {
    match input.below(8) {
        0..5 => u64::from(input.byte() % 8),
        5 => u64::from(input.word()),
        6 => input.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        _ => u64::MAX - u64::from(input.byte() % 4),
    }
}

/// The control log, one of a few workspaces, or what never was one.
pub(super) fn workspace(input: &mut Bytes<'_>) -> WorkspaceId {
    match input.byte() % 8 {
        0 => WorkspaceId::CONTROL,
        number => WorkspaceId::from_bytes([number; 16]),
    }
}

/// One of the authors: `which` of 64 devices, in one of two lives.
pub(super) fn author(which: u64) -> Author {
    let [device, ..] = (which % 64).to_le_bytes();
    Author { device: DeviceId::from_bytes([device; 32]), incarnation: Incarnation(which / 64 % 2) }
}

fn text(input: &mut Bytes<'_>, max: usize) -> String {
    let len = input.below(max);
    if input.byte() == 0 { "x".repeat(len) } else { String::from_utf8_lossy(input.take(len)).into_owned() }
}

fn list<T>(input: &mut Bytes<'_>, mut one: impl FnMut(&mut Bytes<'_>) -> T) -> Vec<T> {
    (0..input.byte() % 6).map(|_| one(input)).collect()
}

fn offered(input: &mut Bytes<'_>) -> Offered {
    let access = if input.byte().is_multiple_of(2) { WireAccess::ReadWrite } else { WireAccess::ReadOnly };
    Offered { workspace: workspace(input), name: text(input, 300), access }
}

pub(super) fn reason(input: &mut Bytes<'_>) -> Reason {
    Reason::ALL[input.below(Reason::ALL.len())]
}

pub(super) fn seal(input: &mut Bytes<'_>, author: Author) -> Seal {
    let head = ChainHead { seq: Seq(number(input)), hash: EntryHash([input.byte(); 32]) };
    Seal { author, head, signature: Signature::from_bytes([input.byte(); 64]) }
}

pub(super) fn proof(input: &mut Bytes<'_>, author: Author) -> ForkProof {
    let mut side = || ForkSide {
        digests: list(input, |input| EntryDigest([input.byte(); 32])),
        signature: Signature::from_bytes([7; 64]),
    };
    let sides = [side(), side()];
    ForkProof { author, at: Seq(number(input)), prev_hash: EntryHash([input.byte(); 32]), sides }
}

fn further(input: &mut Bytes<'_>) -> FurtherDevice {
    let (device, noise_key) = (author(u64::from(input.byte())).device, [input.byte(); 32]);
    FurtherDevice { device, noise_key, name: text(input, 300), addresses: list(input, |input| text(input, 300)) }
}

/// Any message, of any stream. Authors are those from `salt` on.
pub(super) fn message(input: &mut Bytes<'_>, salt: u64) -> Message {
    let an_author = |input: &mut Bytes<'_>| author(u64::from(input.byte()).wrapping_add(salt));
    match input.below(13) {
        0 => {
            let mut version = || u32::from(input.byte() % 4);
            let versions = VersionRange { min: version(), max: version() };
            let addresses = list(input, |input| text(input, 600));
            Message::PeerInfo { name: text(input, 300), versions, wall_clock_ms: number(input), addresses }
        }
        1 => Message::Offer { add: list(input, offered), remove: list(input, workspace) },
        2 => Message::Open { workspace: workspace(input) },
        3 => Message::Hello { digest: HeldDigest([input.byte() % 4; 32]) },
        4 => {
            let entry = |input: &mut Bytes<'_>| VectorEntry {
                author: an_author(input),
                seq: Seq(number(input)),
                tag: [input.byte() % 4; 8],
            };
            let mut entries = list(input, entry);
            if !input.byte().is_multiple_of(8) {
                entries.sort_by_key(|entry| entry.author);
                entries.dedup_by_key(|entry| entry.author);
            }
            let sealed = input.byte().is_multiple_of(2).then(|| an_author(input));
            Message::Vector { entries, seal: sealed.map(|author| seal(input, author)) }
        }
        5 | 6 => Message::Unit { bytes: Buffer::copy_from_slice(input.take(usize::from(input.clone().byte()))) },
        7 => {
            let mut held = list(input, |input| (an_author(input), Seq(number(input))));
            held.sort_unstable();
            held.dedup_by_key(|(author, _)| *author);
            // The credit of one who was sent some bytes.
            let near = verso_wire::limits::IN_FLIGHT.saturating_add(number(input));
            Message::Ack { held, credit: if input.byte().is_multiple_of(4) { number(input) } else { near } }
        }
        8 => Message::Decline { author: an_author(input), from: Seq(number(input)), reason: reason(input) },
        9 => Message::Withdraw { author: an_author(input) },
        10 => {
            let author = an_author(input);
            Message::Proof(proof(input, author))
        }
        11 => {
            let mut devices = list(input, further);
            if !input.byte().is_multiple_of(8) {
                devices.sort_by_key(|further| further.device);
                devices.dedup_by_key(|further| further.device);
            }
            Message::Devices { devices }
        }
        _ => {
            let is_complaint = input.byte().is_multiple_of(2);
            Message::Goodbye { reason: is_complaint.then(|| reason(input)) }
        }
    }
}

/// A device that writes into a workspace of its own.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) key: DeviceKey,
    pub(super) workspace: WorkspaceId,
    pub(super) author: Author,
    pub(super) head: ChainHead,
}

impl Writer {
    pub(super) fn new(number: u8) -> Self {
        let key = DeviceKey::from_secret(&Zeroizing::new([number; 32]));
        let workspace = WorkspaceId::found(&key.id(), &[number; 16]);
        let author = Author { device: key.id(), incarnation: Incarnation(u64::from(number)) };
        Self { head: ChainHead::start(&workspace, &author), key, workspace, author }
    }

    /// Writes up to `max` entries, as `input` says and at least one, and seals them.
    pub(super) fn unit(&mut self, input: &mut Bytes<'_>, max: usize) -> VerifiedUnit {
        let mut builder = UnitBuilder::new(self.workspace, self.author, None, self.head);
        for _ in 0..=input.below(max) {
            let pushed = match input.below(8) {
                0 => builder.push_digest(EntryDigest([input.byte(); 32])),
                1 => builder.push(EntryKind(input.byte()), Hlc(number(input)), input.take(8)),
                // Much of the same.
                2 => builder.push(EntryKind(1), Hlc::from_millis(NOW_MS), &vec![input.byte(); input.below(3000)]),
                _ => {
                    let len = input.below(40);
                    let at = Hlc::from_millis(NOW_MS + u64::from(input.byte()));
                    builder.push(EntryKind(input.byte() % 3), at, input.take(len))
                }
            };
            if pushed.is_err() {
                break;
            }
        }
        let unit = builder.seal(&self.key).expect("it has an entry, and the key is the writer's");
        self.head = unit.head();
        unit
    }

    /// Forgets what it wrote behind a head, as a device does that was put back.
    pub(super) const fn put_back(&mut self, head: ChainHead) {
        self.head = head;
    }
}

/// Asserts that a unit says the same as another: the same entries of the same chain, under the same seals.
pub(super) fn assert_same(one: &SyncUnit, other: &SyncUnit) {
    assert_eq!(one, other);
    assert!(one.entries().eq(other.entries()), "equal units have equal entries");
}
