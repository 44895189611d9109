#![doc = include_str!("../README.md")]

mod admission;
mod backup;
mod checkpoint;
mod compact;
mod confirmation;
mod conflicts;
mod contacts;
mod cursor;
mod duties;
mod effect;
mod erase;
mod error;
mod flush;
mod foretold;
mod forks;
mod further;
mod guard;
mod healing;
mod high_water;
mod incarnation;
mod joining;
mod journal;
mod judge;
mod leaving;
mod lineage;
mod local;
mod logs;
mod mend;
mod peers;
mod quarantine;
mod reason;
mod receive;
mod replica;
mod rest;
mod sealing;
mod secrets;
mod sharing;
mod state;
mod sync;
mod view;
mod workspaces;
mod writing;

pub use admission::AdmitError;
pub use backup::{
    BackedUp, Backup, BackupDamage, BackupError, BackupProgress, BackupSource, HeaderError, RestoreError, Restored,
    back_up,
};
pub use checkpoint::{Checkpoint, CheckpointError, Moment};
pub use compact::{Compacted, Compaction};
pub use cursor::{Batch, BatchEntry, Cursor, CursorError, Following, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, More, Origin};
pub use effect::{ConnectionId, Effect, Event, Stream};
pub use error::{CommitError, ConnectError, FlushError, JournalError, OpenError};
pub use healing::Fork;
pub use high_water::{HighWater, HighWaterError};
pub use local::{
    Contact, LocalStateError, OfferedWorkspace, PairSecret, ProvisionalPeer, SharedAtPairing, WorkspaceContact,
};
pub use mend::{MendError, MendScope, Mended, mend};
pub use peers::Peer;
pub use quarantine::{Dependent, MAX_QUARANTINED, Quarantine, Quarantined, WhyHeld};
pub use replica::{Now, OpenNotices, Replica};
pub use rest::RestError;
pub use secrets::PeerSecret;
pub use sharing::{DecisionError, PendingOffer};
pub use sync::{Greeting, Parting};
pub use writing::Committed;
