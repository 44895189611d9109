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

impl From<LocalState> for super::LocalState {
    fn from(state: LocalState) -> Self {
        let LocalState { incarnation, left, provisional, pairings, contacts, unconfirmed } = state;
        let contacts = contacts.into_iter().map(|(peer, contact)| (peer, contact.into())).collect();
        Self { incarnation, left, provisional, pairings, contacts, unconfirmed }
    }
}

impl From<Contact> for super::Contact {
    fn from(contact: Contact) -> Self {
        let Contact { last_seen_ms, addresses, version_floor, told, told_devices, shared, offered, reason } = contact;
        let workspaces = BTreeMap::new();
        Self { last_seen_ms, addresses, version_floor, told, told_devices, shared, offered, reason, workspaces }
    }
}
