//! The local state as version 1 has it, which is read and not written any more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::Incarnation;

use super::{OfferedWorkspace, Pairing, ProvisionalPeer, Unconfirmed};

pub(super) const VERSION: u8 = 1;

#[derive(Deserialize)]
pub(super) struct LocalState {
    incarnation: Incarnation,
    left: Vec<Incarnation>,
    provisional: BTreeMap<DeviceId, ProvisionalPeer>,
    pairings: BTreeMap<DeviceId, Pairing>,
    contacts: BTreeMap<DeviceId, Contact>,
    unconfirmed: Option<Unconfirmed>,
}

/// One that knows nothing of single workspaces.
#[derive(Deserialize)]
struct Contact {
    last_seen_ms: Option<u64>,
    addresses: Vec<String>,
    version_floor: u32,
    told: Option<(u64, u64)>,
    told_devices: Option<(u64, u64)>,
    shared: BTreeSet<WorkspaceId>,
    offered: BTreeMap<WorkspaceId, OfferedWorkspace>,
    reason: Option<(String, u64)>,
}

impl LocalState {
    /// Returns the same as this version has it.
    pub(super) fn upgrade(self) -> super::LocalState {
        let Self { incarnation, left, provisional, pairings, contacts, unconfirmed } = self;
        let contacts = contacts.into_iter().map(|(peer, contact)| (peer, contact.upgrade())).collect();
        super::LocalState { incarnation, left, provisional, pairings, contacts, unconfirmed }
    }
}

impl Contact {
    fn upgrade(self) -> super::Contact {
        let Self { last_seen_ms, addresses, version_floor, told, told_devices, shared, offered, reason } = self;
        let workspaces = BTreeMap::new();
        super::Contact {
            last_seen_ms,
            addresses,
            version_floor,
            told,
            told_devices,
            shared,
            offered,
            reason,
            workspaces,
        }
    }
}
