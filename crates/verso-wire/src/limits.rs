//! Every bound of the formats and of the protocol, each with its unit and its reason.
//!
//! The bounds of a format are part of it: a receiver refuses what exceeds them, so raising one needs a release in which
//! it is read before one in which it is written.

use std::time::Duration;

/// Most entries of a unit: 4,096. Larger units compress better, but by a tenth at most from here on (16,384 saves 0.3 B of 4.9 an
/// intent), while a unit is what is lost to damage, held in memory and sent again as a whole.
pub const MAX_UNIT_ENTRIES: usize = 4096;

/// Most bytes of payload of a unit, over all its entries: 256 KiB, so that a unit is a fraction of what is in flight.
pub const MAX_UNIT_PAYLOAD: usize = 256 * 1024;

/// Most bytes of one payload: 64 KiB, so that four of the largest fit into a unit.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// Most seals that a unit keeps inside, beside the one it ends in: 64. Each costs whoever verifies the unit a signature check
/// (about 36 µs), so a hostile unit costs at most 2.3 ms.
pub const MAX_KEPT_SEALS: usize = 64;

/// Most bytes that the columns of a unit inflate to: all payloads of a full unit, for each entry a kind (1 byte), a clock (at most 10) and
/// a length (at most 3), and the count (at most 2). Far below the 8 MiB that any compressed part of the protocol may ever inflate to.
pub const MAX_INFLATED: usize = MAX_UNIT_PAYLOAD + MAX_UNIT_ENTRIES * (1 + 10 + 3) + 2;

/// Most bytes of a frame's body: 1 MiB. The largest unit (about 400 KiB) and the largest vector (230 KiB) fit with room for later formats.
pub const MAX_FRAME: usize = 1024 * 1024;

/// Most bytes of an encoded unit: what fits a frame beside the message's tag.
pub const MAX_UNIT_BYTES: usize = MAX_FRAME - 1;

/// Most bytes that a declared length makes anyone allocate before the data itself is there: 64 KiB. It bounds what a peer gets for
/// a few bytes of header.
pub const MAX_ALLOC_AHEAD: usize = 64 * 1024;

/// Most authors of a vector: 4,096. At 56 bytes each a vector stays below a quarter of a frame.
pub const MAX_AUTHORS: usize = 4096;

/// Most workspaces that an offer adds, and most that it removes: 256.
pub const MAX_OFFERED: usize = 256;

/// Most bytes of a name, of a device or of a workspace, as the protocol shows it: 256. Longer ones are shortened by whoever sends.
pub const MAX_NAME: usize = 256;

/// Most addresses that a device tells of itself: 64, several for each network interface of a large machine.
pub const MAX_ADDRESSES: usize = 64;

/// Most bytes of one address: 512, which a relay's URL may need.
pub const MAX_ADDRESS: usize = 512;

/// Most bytes of an encoded `PeerInfo`: 48 KiB. It is the first thing an authenticated peer makes us read.
pub const MAX_PEER_INFO: usize = 48 * 1024;

/// Most further devices that a device tells a friend of: 16, more than a person carries, wears and keeps at home. Those beyond are not told of, and can't
/// be met by that friend without a pairing of their own.
pub const MAX_FURTHER_DEVICES: usize = 16;

/// Most addresses that are told of a further device: 8. The first are those that it named last; of one with more, the rest is found by discovery or at
/// the first contact.
pub const MAX_FURTHER_ADDRESSES: usize = 8;

/// Most bytes of an address of a further device: 256, as many as the control log has room for, where the friend keeps it.
pub const MAX_FURTHER_ADDRESS: usize = 256;

/// Most bytes of encoded `Devices`: 48 KiB, as of a `PeerInfo`: a friend may send it at any time, and what it says is kept.
pub const MAX_DEVICES: usize = 48 * 1024;

/// Most digests of one side of a fork's proof: the entries of a unit, since each unit ends at a seal.
pub const MAX_PROOF_DIGESTS: usize = MAX_UNIT_ENTRIES;

/// Most chains of one device in a workspace: 64. A device starts a new one when it is restored or cloned, which is rare; a hostile one
/// could do it at will.
pub const MAX_CHAINS_PER_DEVICE: usize = 64;

/// Most bytes of units that are on their way and not acknowledged: 8 MiB, which keeps 100 MB/s flowing over a round trip of 80 ms.
pub const IN_FLIGHT: u64 = 8 * 1024 * 1024;

/// Most bytes of units that a session has on their way on all its streams together: 16 MiB, two full streams. A stream with nothing on its way may
/// send one unit beyond it, so that those that a peer leaves waiting never keep another from moving.
pub const IN_FLIGHT_IN_ALL: u64 = 2 * IN_FLIGHT;

/// Most incoming sessions at a time unless configured otherwise: 5.
pub const MAX_INCOMING_SESSIONS: usize = 5;

/// How long a handshake may take: 10 s, a slow relay's round trips several times over.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// After how long without a sign of life a connection counts as lost: 30 s.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a quiet connection shows a sign of life: every 10 s, so that two may be lost within [`IDLE_TIMEOUT`].
pub const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The version of the protocol that this code speaks best.
pub const PROTOCOL_VERSION: u32 = 1;

// A unit of any content within its limits fits a frame: head, extras, digest-only entries, kept seals and the inflated columns.
const _: () = assert!(1024 + MAX_INFLATED + MAX_UNIT_ENTRIES * 34 + MAX_KEPT_SEALS * 66 <= MAX_UNIT_BYTES);
const _: () = assert!(MAX_NAME + MAX_ADDRESSES * (MAX_ADDRESS + 8) + 64 <= MAX_PEER_INFO);
const _: () = assert!(
    MAX_FURTHER_DEVICES * (64 + 16 + MAX_NAME + MAX_FURTHER_ADDRESSES * (MAX_FURTHER_ADDRESS + 8)) + 64 <= MAX_DEVICES
);
const _: () = assert!(MAX_AUTHORS * 56 + 1024 <= MAX_FRAME);
const _: () = assert!(2 * MAX_PROOF_DIGESTS * 32 + 1024 <= MAX_FRAME);
const _: () = assert!(MAX_OFFERED * (MAX_NAME + 32 + 16) + 1024 <= MAX_FRAME);
