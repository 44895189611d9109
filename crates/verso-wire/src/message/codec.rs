//! From messages to bytes and back: a tag, then an archive, in exactly one encoding a message.

use bytes::{BufMut as _, Bytes, BytesMut};
use rkyv::Portable;
use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Failure;
use rkyv::ser::allocator::ArenaHandle;
use verso_identity::{DeviceId, Signature, WorkspaceId};
use verso_vv::{EntryHash, Seq};

use super::{FurtherDevice, Message, MessageTag, Offered, VectorEntry, VersionRange, WireAccess, archive as wire};
use crate::entry::EntryDigest;
use crate::fork::{ForkProof, ForkSide};
use crate::held::HeldDigest;
use crate::limits::{
    MAX_ADDRESS, MAX_ADDRESSES, MAX_AUTHORS, MAX_DEVICES, MAX_FRAME, MAX_FURTHER_ADDRESS, MAX_FURTHER_ADDRESSES,
    MAX_FURTHER_DEVICES, MAX_NAME, MAX_OFFERED, MAX_PEER_INFO, MAX_PROOF_DIGESTS, MAX_UNIT_BYTES,
};
use crate::reason::Reason;

/// Bytes are not a message, or a message is beyond what may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// There is not even a tag.
    #[error("an empty message")]
    Empty,
    /// No message has this tag.
    #[error("a message with the unknown tag {tag}")]
    UnknownTag {
        /// The first byte.
        tag: u8,
    },
    /// The bytes are no archive of the message, or a value in it is none that it may have.
    #[error("a malformed {tag} message")]
    Malformed {
        /// Which message.
        tag: MessageTag,
    },
    /// The bytes say the message in another way than the one encoding that it has, such as with bytes left over.
    #[error("a {tag} message that is not in its canonical encoding")]
    NotCanonical {
        /// Which message.
        tag: MessageTag,
    },
    /// Something in it exceeds its bound.
    #[error("a {tag} message with {found} {what}: at most {max} are allowed")]
    Limit {
        /// Which message.
        tag: MessageTag,
        /// What is too much.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        max: usize,
    },
}

impl Message {
    /// Encodes the message: the body of a frame.
    ///
    /// # Errors
    /// [`MessageError::Limit`] if a receiver would refuse it; [`MessageError::Malformed`] for an empty unit or entries out of order.
    pub fn encode(&self) -> Result<Bytes, MessageError> {
        self.check()?;
        let tag = self.tag();
        let bytes = match self {
            Self::PeerInfo { name, versions, wall_clock_ms, addresses } => archive(
                tag,
                &wire::PeerInfoRecord {
                    name: name.clone(),
                    version_min: versions.min,
                    version_max: versions.max,
                    wall_clock_ms: *wall_clock_ms,
                    addresses: addresses.clone(),
                },
            ),
            Self::Offer { add, remove } => archive(
                tag,
                &wire::OfferRecord {
                    add: add.iter().map(wire::OfferedRecord::from).collect(),
                    remove: remove.iter().map(|workspace| *workspace.as_bytes()).collect(),
                },
            ),
            Self::Open { workspace } => archive(tag, &wire::OpenRecord { workspace: *workspace.as_bytes() }),
            Self::Hello { digest } => archive(tag, &wire::HelloRecord { digest: digest.0 }),
            Self::Vector { entries, seal } => archive(
                tag,
                &wire::VectorRecord {
                    entries: entries.iter().map(wire::VectorEntryRecord::from).collect(),
                    seal: seal.iter().map(wire::SealRecord::from).collect(),
                },
            ),
            Self::Unit { bytes } => {
                let mut body = BytesMut::with_capacity(1 + bytes.len());
                body.put_u8(tag.byte());
                body.put_slice(bytes);
                body.freeze()
            }
            Self::Ack { held, credit } => archive(
                tag,
                &wire::AckRecord {
                    held: held
                        .iter()
                        .map(|(author, seq)| wire::HeldRecord { author: author.into(), seq: seq.0 })
                        .collect(),
                    credit: *credit,
                },
            ),
            Self::Decline { author, from, reason } => {
                archive(tag, &wire::DeclineRecord { author: author.into(), from: from.0, reason: reason.number() })
            }
            Self::Withdraw { author } => archive(tag, &wire::WithdrawRecord { author: author.into() }),
            Self::Proof(proof) => {
                let [smaller, greater] = &proof.sides;
                archive(
                    tag,
                    &wire::ProofRecord {
                        author: (&proof.author).into(),
                        at: proof.at.0,
                        prev_hash: proof.prev_hash.0,
                        smaller: smaller.into(),
                        greater: greater.into(),
                    },
                )
            }
            Self::Goodbye { reason } => archive(tag, &wire::GoodbyeRecord { reason: reason.map_or(0, Reason::number) }),
            Self::Devices { devices } => {
                archive(tag, &wire::DevicesRecord { devices: devices.iter().map(Into::into).collect() })
            }
        };
        within(tag, "bytes", bytes.len(), MAX_FRAME)?;
        Ok(bytes)
    }

    /// Decodes the body of a frame.
    ///
    /// # Errors
    /// [`MessageError`] if the bytes aren't exactly the encoding of one message within its bounds. Counts and lengths that are claimed make nobody
    /// allocate: everything is checked to lie within `body` first.
    pub fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (&byte, archive) = body.split_first().ok_or(MessageError::Empty)?;
        let tag = MessageTag::from_byte(byte).ok_or(MessageError::UnknownTag { tag: byte })?;
        let max = match tag {
            MessageTag::PeerInfo => MAX_PEER_INFO,
            MessageTag::Devices => MAX_DEVICES,
            _ => MAX_FRAME,
        };
        within(tag, "bytes", body.len(), max)?;
        let message = decode_archive(tag, archive)?;
        message.check()?;
        // An archive can say one thing in several ways and carry bytes that nothing points to. Only one way is a message. A unit has no
        // archive around it.
        if tag != MessageTag::Unit && message.encode()? != body {
            return Err(MessageError::NotCanonical { tag });
        }
        Ok(message)
    }

    /// Checks the bounds, the same for what is sent and for what is received.
    fn check(&self) -> Result<(), MessageError> {
        let tag = self.tag();
        let malformed = Err(MessageError::Malformed { tag });
        match self {
            Self::PeerInfo { name, addresses, versions, .. } => {
                within(tag, "bytes of name", name.len(), MAX_NAME)?;
                within(tag, "addresses", addresses.len(), MAX_ADDRESSES)?;
                for address in addresses {
                    within(tag, "bytes of address", address.len(), MAX_ADDRESS)?;
                }
                if versions.min > versions.max {
                    return malformed;
                }
            }
            Self::Offer { add, remove } => {
                within(tag, "workspaces added", add.len(), MAX_OFFERED)?;
                within(tag, "workspaces removed", remove.len(), MAX_OFFERED)?;
                for offered in add {
                    within(tag, "bytes of name", offered.name.len(), MAX_NAME)?;
                }
            }
            Self::Vector { entries, .. } => {
                within(tag, "authors", entries.len(), MAX_AUTHORS)?;
                if !entries.is_sorted_by(|a, b| a.author < b.author)
                    || entries.iter().any(|entry| entry.seq == Seq::ZERO)
                {
                    return malformed;
                }
            }
            Self::Unit { bytes } => {
                within(tag, "bytes of unit", bytes.len(), MAX_UNIT_BYTES)?;
                if bytes.is_empty() {
                    return malformed;
                }
            }
            Self::Ack { held, .. } => {
                within(tag, "authors", held.len(), MAX_AUTHORS)?;
                if !held.is_sorted_by(|(a, _), (b, _)| a < b) {
                    return malformed;
                }
            }
            Self::Proof(proof) => {
                for side in &proof.sides {
                    within(tag, "digests", side.digests.len(), MAX_PROOF_DIGESTS)?;
                }
            }
            Self::Devices { devices } => {
                within(tag, "devices", devices.len(), MAX_FURTHER_DEVICES)?;
                for further in devices {
                    within(tag, "bytes of name", further.name.len(), MAX_NAME)?;
                    within(tag, "addresses", further.addresses.len(), MAX_FURTHER_ADDRESSES)?;
                    for address in &further.addresses {
                        within(tag, "bytes of address", address.len(), MAX_FURTHER_ADDRESS)?;
                    }
                }
                if !devices.is_sorted_by(|a, b| a.device < b.device) {
                    return malformed;
                }
            }
            Self::Open { .. }
            | Self::Hello { .. }
            | Self::Decline { .. }
            | Self::Withdraw { .. }
            | Self::Goodbye { .. } => {}
        }
        Ok(())
    }
}

fn decode_archive(tag: MessageTag, archive: &[u8]) -> Result<Message, MessageError> {
    let malformed = || MessageError::Malformed { tag };
    Ok(match tag {
        MessageTag::PeerInfo => {
            let record = access::<wire::ArchivedPeerInfoRecord>(tag, archive)?;
            within(tag, "addresses", record.addresses.len(), MAX_ADDRESSES)?;
            Message::PeerInfo {
                name: record.name.as_str().to_owned(),
                versions: VersionRange { min: record.version_min.to_native(), max: record.version_max.to_native() },
                wall_clock_ms: record.wall_clock_ms.to_native(),
                addresses: record.addresses.iter().map(|address| address.as_str().to_owned()).collect(),
            }
        }
        MessageTag::Offer => {
            let record = access::<wire::ArchivedOfferRecord>(tag, archive)?;
            within(tag, "workspaces added", record.add.len(), MAX_OFFERED)?;
            within(tag, "workspaces removed", record.remove.len(), MAX_OFFERED)?;
            let add = record.add.iter().map(|offered| offered_from(offered).ok_or_else(malformed));
            Message::Offer {
                add: add.collect::<Result<_, _>>()?,
                remove: record.remove.iter().copied().map(WorkspaceId::from_bytes).collect(),
            }
        }
        MessageTag::Open => {
            let record = access::<wire::ArchivedOpenRecord>(tag, archive)?;
            Message::Open { workspace: WorkspaceId::from_bytes(record.workspace) }
        }
        MessageTag::Hello => {
            let record = access::<wire::ArchivedHelloRecord>(tag, archive)?;
            Message::Hello { digest: HeldDigest(record.digest) }
        }
        MessageTag::Vector => {
            let record = access::<wire::ArchivedVectorRecord>(tag, archive)?;
            within(tag, "authors", record.entries.len(), MAX_AUTHORS)?;
            let seal = match record.seal.as_slice() {
                [] => None,
                [seal] => Some(seal.into()),
                _ => return Err(malformed()),
            };
            Message::Vector { entries: record.entries.iter().map(VectorEntry::from).collect(), seal }
        }
        MessageTag::Unit => Message::Unit { bytes: Bytes::copy_from_slice(archive) },
        MessageTag::Ack => {
            let record = access::<wire::ArchivedAckRecord>(tag, archive)?;
            within(tag, "authors", record.held.len(), MAX_AUTHORS)?;
            let held = record.held.iter().map(|held| ((&held.author).into(), Seq(held.seq.to_native())));
            Message::Ack { held: held.collect(), credit: record.credit.to_native() }
        }
        MessageTag::Decline => {
            let record = access::<wire::ArchivedDeclineRecord>(tag, archive)?;
            Message::Decline {
                author: (&record.author).into(),
                from: Seq(record.from.to_native()),
                reason: Reason::from_number(record.reason).ok_or_else(malformed)?,
            }
        }
        MessageTag::Withdraw => {
            let record = access::<wire::ArchivedWithdrawRecord>(tag, archive)?;
            Message::Withdraw { author: (&record.author).into() }
        }
        MessageTag::Proof => {
            let record = access::<wire::ArchivedProofRecord>(tag, archive)?;
            Message::Proof(ForkProof {
                author: (&record.author).into(),
                at: Seq(record.at.to_native()),
                prev_hash: EntryHash(record.prev_hash),
                sides: [fork_side(&record.smaller)?, fork_side(&record.greater)?],
            })
        }
        MessageTag::Goodbye => {
            let record = access::<wire::ArchivedGoodbyeRecord>(tag, archive)?;
            let reason = match record.reason {
                0 => None,
                number => Some(Reason::from_number(number).ok_or_else(malformed)?),
            };
            Message::Goodbye { reason }
        }
        MessageTag::Devices => {
            let record = access::<wire::ArchivedDevicesRecord>(tag, archive)?;
            within(tag, "devices", record.devices.len(), MAX_FURTHER_DEVICES)?;
            let devices = record.devices.iter().map(further_device);
            Message::Devices { devices: devices.collect::<Result<_, _>>()? }
        }
    })
}

/// Writes the tag and the archive of `record`.
#[expect(
    clippy::expect_used,
    reason = "an archive is written to memory, and lengths were checked to be far below 4 GiB"
)]
fn archive(
    tag: MessageTag,
    record: &impl for<'a> rkyv::Serialize<HighSerializer<Vec<u8>, ArenaHandle<'a>, Failure>>,
) -> Bytes {
    let archive =
        rkyv::api::high::to_bytes_in::<_, Failure>(record, Vec::new()).expect("a record is written to memory");
    let mut body = Vec::with_capacity(1 + archive.len());
    body.push(tag.byte());
    body.extend_from_slice(&archive);
    body.into()
}

/// Checks that `archive` is one of a `T`: every pointer within it, every string UTF-8, no part used twice.
fn access<T>(tag: MessageTag, archive: &[u8]) -> Result<&T, MessageError>
where
    T: Portable + for<'a> CheckBytes<HighValidator<'a, Failure>>,
{
    rkyv::access::<T, Failure>(archive).map_err(|_failure| MessageError::Malformed { tag })
}

fn within(tag: MessageTag, what: &'static str, found: usize, max: usize) -> Result<(), MessageError> {
    if found > max { Err(MessageError::Limit { tag, what, found, max }) } else { Ok(()) }
}

fn offered_from(record: &wire::ArchivedOfferedRecord) -> Option<Offered> {
    let access = match record.access {
        0 => WireAccess::ReadOnly,
        1 => WireAccess::ReadWrite,
        _ => return None,
    };
    Some(Offered {
        workspace: WorkspaceId::from_bytes(record.workspace),
        name: record.name.as_str().to_owned(),
        access,
    })
}

fn further_device(record: &wire::ArchivedFurtherDeviceRecord) -> Result<FurtherDevice, MessageError> {
    within(MessageTag::Devices, "addresses", record.addresses.len(), MAX_FURTHER_ADDRESSES)?;
    Ok(FurtherDevice {
        device: DeviceId::from_bytes(record.device),
        noise_key: record.noise_key,
        name: record.name.as_str().to_owned(),
        addresses: record.addresses.iter().map(|address| address.as_str().to_owned()).collect(),
    })
}

fn fork_side(record: &wire::ArchivedForkSideRecord) -> Result<ForkSide, MessageError> {
    within(MessageTag::Proof, "digests", record.digests.len(), MAX_PROOF_DIGESTS)?;
    Ok(ForkSide {
        digests: record.digests.iter().copied().map(EntryDigest).collect(),
        signature: Signature::from_bytes(record.signature),
    })
}

impl From<&Offered> for wire::OfferedRecord {
    fn from(offered: &Offered) -> Self {
        Self {
            workspace: *offered.workspace.as_bytes(),
            name: offered.name.clone(),
            access: match offered.access {
                WireAccess::ReadOnly => 0,
                WireAccess::ReadWrite => 1,
            },
        }
    }
}

impl From<&FurtherDevice> for wire::FurtherDeviceRecord {
    fn from(further: &FurtherDevice) -> Self {
        Self {
            device: *further.device.as_bytes(),
            noise_key: further.noise_key,
            name: further.name.clone(),
            addresses: further.addresses.clone(),
        }
    }
}

impl From<&VectorEntry> for wire::VectorEntryRecord {
    fn from(entry: &VectorEntry) -> Self {
        Self { author: (&entry.author).into(), seq: entry.seq.0, tag: entry.tag }
    }
}

impl From<&wire::ArchivedVectorEntryRecord> for VectorEntry {
    fn from(record: &wire::ArchivedVectorEntryRecord) -> Self {
        Self { author: (&record.author).into(), seq: Seq(record.seq.to_native()), tag: record.tag }
    }
}

impl From<&ForkSide> for wire::ForkSideRecord {
    fn from(side: &ForkSide) -> Self {
        Self { digests: side.digests.iter().map(|digest| digest.0).collect(), signature: *side.signature.as_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_shows_one_seal() {
        let author = || wire::AuthorRecord { device: [1; 32], incarnation: 1 };
        let seal = |_| wire::SealRecord { author: author(), seq: 1, hash: [2; 32], signature: [3; 64] };
        let shows = |count: usize| {
            let record = wire::VectorRecord { entries: Vec::new(), seal: (0..count).map(seal).collect() };
            Message::decode(&archive(MessageTag::Vector, &record))
        };
        assert!(matches!(shows(0), Ok(Message::Vector { seal: None, .. })));
        assert!(matches!(shows(1), Ok(Message::Vector { seal: Some(_), .. })));
        assert_eq!(shows(2), Err(MessageError::Malformed { tag: MessageTag::Vector }));
    }
}
