#![doc = include_str!("../README.md")]

mod device;
mod hex;
mod purpose;
mod workspace;

pub use device::{DeviceId, DeviceKey, ParseDeviceIdError, Signature, SignatureDomain, SignatureError};
pub use purpose::{Key, Purpose, purposes};
pub use workspace::{ParseWorkspaceIdError, WorkspaceId};
