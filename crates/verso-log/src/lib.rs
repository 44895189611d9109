#![doc = include_str!("../README.md")]

mod chains;
mod closing;
mod codec;
mod compact;
mod crypto;
mod damage;
mod file;
mod header;
mod log;
mod memory;
mod open;
mod record;
mod recovery;
mod replay;
mod run;
mod scan;
mod sealed;
mod segment;
mod storage;
mod stream;
mod verify;
mod writer;

pub use compact::{CompactError, CompactReport, Compacted, Compaction, Joined, Joiner};
pub use damage::{Corrupt, Damage, OpenReport, TornTail};
pub use file::{DataDirLock, DiskFile, FileStorage, LockError};
pub use log::{AppendError, LogMode, LogOptions, MAX_RECORD_LEN, SyncLog};
pub use memory::{MemoryFile, MemoryStorage};
pub use open::{CreateError, OpenError, REMOVED_SUFFIX};
pub use replay::{ReadError, Replay};
pub use run::{BranchPoint, Run, RunId, RunMeta};
pub use sealed::{SealError, SealedFile, UnsealError};
pub use storage::{NEW_SUFFIX, Storage, StorageFile, read_all, write_atomic};
pub use stream::{StreamError, StreamKey, StreamReader, StreamWriter};
pub use verify::{LogStats, VerifyReport};
