#![doc = include_str!("../README.md")]

mod device;
mod hex;
mod purpose;
mod store;
mod workspace;

pub use device::{DeviceId, DeviceKey, ParseDeviceIdError, Signature, SignatureDomain, SignatureError};
pub use purpose::{Key, Purpose, purposes};
pub use store::{
    ChangePassphraseError, CreateError, EmptyPassphrase, FileKeyStore, KeyStore, KeyStoreKind, LoadError,
    MemoryKeyStore, Passphrase, ProveError, StoreError,
};
pub use workspace::{ParseWorkspaceIdError, WorkspaceId};
