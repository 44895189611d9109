#![doc = include_str!("../README.md")]

mod device;
mod hex;
mod name;
mod purpose;
mod store;
mod workspace;

pub use device::{DeviceId, DeviceKey, ParseDeviceIdError, Signature, SignatureDomain, SignatureError};
pub use name::{Name, NameError};
pub use purpose::{Key, Purpose, purposes};
pub use store::{
    ChangePassphraseError, Cost, CreateError, EmptyPassphrase, FileKeyStore, FileMarkStore, KeyStore, KeyStoreKind,
    KeychainError, KeychainSlot, LoadError, MAX_MARK_LEN, MarkError, MarkStore, MemoryKeyStore, ParseKeychainSlotError,
    Passphrase, ProveError, SessionError, StoreError,
};
#[cfg(feature = "keychain")]
pub use store::{KeychainStore, Patience};
pub use workspace::{ParseWorkspaceIdError, WorkspaceId};
