//! Messages as rkyv archives: plain records of fixed width, none of them recursive.

use rkyv::{Archive, Serialize};
use verso_identity::{DeviceId, Signature};
use verso_vv::{Author, EntryHash, Incarnation, Seq};

use crate::chain::ChainHead;
use crate::seal::Seal;

#[derive(Archive, Serialize)]
pub(super) struct PeerInfoRecord {
    pub(super) name: String,
    pub(super) version_min: u32,
    pub(super) version_max: u32,
    pub(super) wall_clock_ms: u64,
    pub(super) addresses: Vec<String>,
}

#[derive(Archive, Serialize)]
pub(super) struct OfferRecord {
    pub(super) add: Vec<OfferedRecord>,
    pub(super) remove: Vec<[u8; 16]>,
}

#[derive(Archive, Serialize)]
pub(super) struct OfferedRecord {
    pub(super) workspace: [u8; 16],
    pub(super) name: String,
    /// 0 read-only, 1 read-write.
    pub(super) access: u8,
}

#[derive(Archive, Serialize)]
pub(super) struct OpenRecord {
    pub(super) workspace: [u8; 16],
}

#[derive(Archive, Serialize)]
pub(super) struct HelloRecord {
    pub(super) digest: [u8; 32],
}

#[derive(Archive, Serialize)]
pub(super) struct VectorRecord {
    pub(super) entries: Vec<VectorEntryRecord>,
    /// At most one.
    pub(super) seal: Vec<SealRecord>,
}

#[derive(Archive, Serialize)]
pub(super) struct VectorEntryRecord {
    pub(super) author: AuthorRecord,
    pub(super) seq: u64,
    pub(super) tag: [u8; 8],
}

#[derive(Archive, Serialize)]
pub(super) struct SealRecord {
    pub(super) author: AuthorRecord,
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
    pub(super) signature: [u8; 64],
}

#[derive(Archive, Serialize)]
pub(super) struct AckRecord {
    pub(super) held: Vec<HeldRecord>,
    pub(super) credit: u64,
}

#[derive(Archive, Serialize)]
pub(super) struct HeldRecord {
    pub(super) author: AuthorRecord,
    pub(super) seq: u64,
}

#[derive(Archive, Serialize)]
pub(super) struct DeclineRecord {
    pub(super) author: AuthorRecord,
    pub(super) from: u64,
    pub(super) reason: u8,
}

#[derive(Archive, Serialize)]
pub(super) struct WithdrawRecord {
    pub(super) author: AuthorRecord,
}

#[derive(Archive, Serialize)]
pub(super) struct ProofRecord {
    pub(super) author: AuthorRecord,
    pub(super) at: u64,
    pub(super) prev_hash: [u8; 32],
    pub(super) smaller: ForkSideRecord,
    pub(super) greater: ForkSideRecord,
}

#[derive(Archive, Serialize)]
pub(super) struct ForkSideRecord {
    pub(super) digests: Vec<[u8; 32]>,
    pub(super) signature: [u8; 64],
}

#[derive(Archive, Serialize)]
pub(super) struct GoodbyeRecord {
    /// A reason's number, or 0.
    pub(super) reason: u8,
}

#[derive(Archive, Serialize)]
pub(super) struct DevicesRecord {
    pub(super) devices: Vec<FurtherDeviceRecord>,
}

#[derive(Archive, Serialize)]
pub(super) struct FurtherDeviceRecord {
    pub(super) device: [u8; 32],
    pub(super) noise_key: [u8; 32],
    pub(super) name: String,
    pub(super) addresses: Vec<String>,
}

#[derive(Archive, Serialize)]
pub(super) struct AuthorRecord {
    pub(super) device: [u8; 32],
    pub(super) incarnation: u64,
}

impl From<&Author> for AuthorRecord {
    fn from(author: &Author) -> Self {
        Self { device: *author.device.as_bytes(), incarnation: author.incarnation.0 }
    }
}

impl From<&ArchivedAuthorRecord> for Author {
    fn from(record: &ArchivedAuthorRecord) -> Self {
        Self { device: DeviceId::from_bytes(record.device), incarnation: Incarnation(record.incarnation.to_native()) }
    }
}

impl From<&Seal> for SealRecord {
    fn from(seal: &Seal) -> Self {
        Self {
            author: (&seal.author).into(),
            seq: seal.head.seq.0,
            hash: seal.head.hash.0,
            signature: *seal.signature.as_bytes(),
        }
    }
}

impl From<&ArchivedSealRecord> for Seal {
    fn from(record: &ArchivedSealRecord) -> Self {
        Self {
            author: (&record.author).into(),
            head: ChainHead { seq: Seq(record.seq.to_native()), hash: EntryHash(record.hash) },
            signature: Signature::from_bytes(record.signature),
        }
    }
}
