//! What a replica holds and a worker tells, as the panel shows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use verso_discovery::DiscoveryState;
use verso_graph::{Choice, ConflictId, Counts, Graph, Register, What};
use verso_identity::{DeviceId, WorkspaceId};
use verso_pairing::OfferStatus;
use verso_panel::PanelState;
use verso_panel::state::{
    Conflict, ConflictKind, Device, Doubt, Grant, Held, HeldBecause, HeldId, Indicator, Invitation, InvitationState,
    Lag, Member, Nearby, Offered, Opinion, Path, Presence, Seen, Stop, ThisDevice, Trust, Way, Workspace,
};
use verso_replica::{Now, WhyHeld};
use verso_transport::PathKind;
use verso_trust::{Access, PairingWay, PeerRole, Standing};
use verso_wire::Reason;
use verso_worker::{HostReplica, PeerStatus, Status};

use crate::counted::Counted;
use crate::find;
use crate::when;

/// What is known without any connection.
pub(super) fn of_replica(replica: &HostReplica<Graph>, now: Now, counted: &mut Counted) -> PanelState {
    let workspaces = find::workspaces_of(replica);
    let device = ThisDevice {
        id: replica.device(),
        name: replica.name().to_owned(),
        fingerprint: replica.device().fingerprint(),
        addresses: Vec::new(),
        discovery: Seen::Off,
        doubt: replica.unconfirmed().next().map(|_peer| Doubt::Earlier),
    };
    let mut state = PanelState {
        utc_offset_minutes: utc_offset_minutes(),
        stops: stops(replica),
        devices: devices(replica, now),
        ..PanelState::new(now.wall_ms, device)
    };
    for find::Named { id, name } in workspaces {
        if let Some(graph) = replica.application(&id) {
            state.conflicts.extend(graph.conflicts().iter().map(|conflict| conflict_of(graph, id, &name, conflict)));
        }
        hold(replica, id, &mut state);
        let counts = counted.of(replica, &id);
        state.workspaces.push(workspace(replica, find::Named { id, name }, counts, &state.devices));
    }
    let offered = replica.pending_offers();
    state.offered = offered
        .map(|offer| Offered { workspace: offer.workspace, name: offer.name, from: offer.from, access: offer.access })
        .collect();
    state
}

fn utc_offset_minutes() -> i16 {
    let seconds = TimeZone::system().to_offset(Timestamp::now()).seconds();
    i16::try_from(seconds / 60).unwrap_or_default()
}

fn devices(replica: &HostReplica<Graph>, now: Now) -> Vec<Device> {
    let mut written: BTreeMap<DeviceId, u64> = BTreeMap::new();
    for held in replica.workspaces().filter_map(|workspace| replica.held(&workspace)) {
        for (author, seq) in held.iter() {
            let entries = written.entry(author.device).or_default();
            *entries = entries.saturating_add(seq.0);
        }
    }
    let blank = |id: DeviceId, name: &str, role, trust| Device {
        id,
        name: name.to_owned(),
        role,
        fingerprint: id.fingerprint(),
        trust,
        presence: Presence::Away,
        last_seen_ms: None,
        added: None,
        grants: Vec::new(),
        bytes_sent: 0,
        bytes_received: 0,
        entries_stored: written.get(&id).copied().unwrap_or_default(),
    };
    let met = replica.peers().map(|peer| {
        let trusted = peer.trusted;
        let is_unconfirmed = replica.trust().is_unconfirmed(&trusted.device);
        let trust = if is_unconfirmed { Trust::Unconfirmed } else { Trust::Firm };
        let named = |device: &DeviceId| replica.trust().name(device).map_or_else(|| device.to_string(), str::to_owned);
        let how = match trusted.way {
            PairingWay::Link => "by link".to_owned(),
            PairingWay::Invite => "by invitation".to_owned(),
            PairingWay::Words => "by six words".to_owned(),
            PairingWay::Nearby => "nearby".to_owned(),
            PairingWay::Introduced { by } => format!("introduced by {}", named(&by)),
        };
        let grants = trusted.grants.iter().map(|grant| Grant { workspace: grant.workspace, access: grant.access });
        Device {
            last_seen_ms: peer.contact.last_seen_ms,
            added: Some(Way { at_ms: trusted.added_at.millis(), by: named(&trusted.added_by), how }),
            grants: grants.collect(),
            ..blank(trusted.device, &trusted.display_name, trusted.role, trust)
        }
    });
    let mut devices: Vec<Device> = met.collect();
    for new in replica.provisional_peers(now) {
        // A pairing that renews an older one changes nothing about who the peer is.
        if !devices.iter().any(|known| known.id == new.device) {
            let trust = Trust::Provisional { lapses_ms: new.expires_ms };
            devices.push(blank(new.device, &new.name, new.role, trust));
        }
    }
    devices
        .sort_by(|a, b| (a.role == PeerRole::Friend, &a.name, a.id).cmp(&(b.role == PeerRole::Friend, &b.name, b.id)));
    devices
}

fn workspace(replica: &HostReplica<Graph>, named: find::Named, counts: Counts, devices: &[Device]) -> Workspace {
    let find::Named { id, name } = named;
    let has = |device: &Device| match device.role {
        PeerRole::Own => (!replica.trust().is_excluded(&id, &device.id)).then_some(Access::ReadWrite),
        PeerRole::Friend => device.grants.iter().find(|grant| grant.workspace == id).map(|grant| grant.access),
    };
    let member = |device: &Device| {
        let has_left = replica.has_left(&id, &device.id);
        has(device).map(|access| Member { device: device.id, access, has_left })
    };
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Workspace {
        id,
        name,
        access: replica.access(&id).unwrap_or(Access::ReadOnly),
        standing: if replica.owns(&id) { Standing::CoOwner } else { Standing::Member },
        nodes: count(counts.nodes),
        edges: count(counts.edges),
        entries: replica.entries(&id).map_or(0, |(held, _applied)| held),
        bytes: replica.log_stats(&id).map_or(0, |stats| stats.bytes),
        members: devices.iter().filter_map(member).collect(),
    }
}

fn conflict_of(graph: &Graph, workspace: WorkspaceId, name: &str, conflict: &verso_graph::Conflict<'_>) -> Conflict {
    let kind = match conflict.id {
        ConflictId::WorkspaceName => ConflictKind::WorkspaceName,
        ConflictId::Deletion(_) => ConflictKind::Deletion,
        ConflictId::Register(_, Register::Title) => ConflictKind::Title,
        ConflictId::Register(_, Register::Url) => ConflictKind::Url,
    };
    let node = conflict.id.node().and_then(|node| graph.node(&node));
    let opinions = conflict.sides.iter().map(|side| {
        let value = match side.what {
            What::Value(value) => value.to_owned(),
            What::Deleted => "deleted".to_owned(),
            What::Activity(kind) => kind.replace('-', " "),
            What::Decided(Choice::Keep) => "decided to keep it".to_owned(),
            What::Decided(Choice::Ghost) => "decided to leave it a ghost".to_owned(),
            What::Decided(Choice::Delete) => "decided to delete it".to_owned(),
        };
        Opinion { value, device: side.stamp.dot.author.device, at_ms: side.stamp.hlc.millis() }
    });
    Conflict {
        id: conflict.id,
        workspace,
        kind,
        title: node.map_or_else(|| name.to_owned(), |node| node.title().to_owned()),
        opinions: opinions.collect(),
        rule: conflict.rule.what().to_owned(),
    }
}

/// What is held of a workspace. Reading the journal is worth it only where something is.
fn hold(replica: &HostReplica<Graph>, workspace: WorkspaceId, state: &mut PanelState) {
    let is_any = replica.entries(&workspace).is_some_and(|(held, applied)| held > applied);
    let Some(quarantine) = is_any.then(|| replica.quarantine(&workspace).ok()).flatten() else { return };
    state.more_held = state.more_held.saturating_add(quarantine.more);
    state.held.extend(quarantine.entries.into_iter().map(|entry| Held {
        id: HeldId(entry.hash.0),
        workspace,
        device: entry.dot.author.device,
        at_ms: entry.hlc.millis(),
        does: entry.text,
        because: match entry.reason {
            WhyHeld::Cut { by, .. } => HeldBecause::Cut { by: Some(by) },
            WhyHeld::Unvouched => HeldBecause::Unvouched,
            _ => HeldBecause::ReadOnly,
        },
    }));
}

/// What stopped data from moving at the last contacts.
fn stops(replica: &HostReplica<Graph>) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    let unconfirmed: Vec<DeviceId> = replica.unconfirmed().collect();
    for device in &unconfirmed {
        stops.push(Stop::new(Reason::Unconfirmed, Some(*device)));
    }
    for peer in replica.peers().filter(|peer| !unconfirmed.contains(&peer.trusted.device)) {
        let of_all = peer.contact.reason.map(|noted| (None, noted));
        let of_each = peer.contact.workspaces.into_iter().filter_map(|(id, kept)| Some((Some(id), kept.reason?)));
        for (workspace, (code, since)) in of_all.into_iter().chain(of_each) {
            if let Ok(reason) = code.parse() {
                let device = Some(peer.trusted.device);
                stops.push(Stop { workspace, since_ms: Some(since), ..Stop::new(reason, device) });
            }
        }
    }
    stops
}

/// Adds what the worker tells of this moment.
pub(super) fn add_status(state: &mut PanelState, status: &Status) {
    for (id, peer) in &status.peers {
        let Some(device) = state.devices.iter_mut().find(|device| device.id == *id) else { continue };
        if peer.connected {
            device.presence = Presence::Here { path: path(peer), is_in_step: peer.in_step };
            device.last_seen_ms = Some(when::now_ms());
        }
        let (sent, received) = peer.link.as_ref().map_or((0, 0), |link| (link.bytes_sent, link.bytes_received));
        device.bytes_sent = peer.bytes_sent.saturating_add(sent);
        device.bytes_received = peer.bytes_received.saturating_add(received);
        add_stop(&mut state.stops, *id, peer);
    }
    if let Some(workspace) = status.rolled_back {
        state.stops.push(Stop { workspace: Some(workspace), ..Stop::new(Reason::RolledBack, None) });
    }
    state.lags = lags(state, status);
    state.device.discovery = match &status.discovery.state {
        DiscoveryState::On { interfaces } => Seen::On { interfaces: interfaces.clone() },
        DiscoveryState::Blocked(what) => Seen::Blocked { what: what.what(), action: what.action().to_owned() },
        _ => Seen::Off,
    };
    let known = |id: &DeviceId| *id == state.device.id || state.devices.iter().any(|device| device.id == *id);
    let screens = status.discovery.neighbours.screens.iter().filter(|screen| !known(&screen.device));
    state.nearby = screens
        .map(|screen| Nearby {
            id: screen.device,
            name: screen.name.as_str().to_owned(),
            fingerprint: screen.device.fingerprint(),
        })
        .collect();
    state.indicator = indicator(state, status);
}

/// Adds what keeps data from moving between this device and a peer at this moment.
fn add_stop(stops: &mut Vec<Stop>, id: DeviceId, peer: &PeerStatus) {
    let device = Some(id);
    if let Some(reason) = peer.reason.or(peer.held_back) {
        let is_of_workspace = |stop: &Stop| stop.workspace.is_some() && stop.reason == reason;
        let is_told = stops.iter().any(|stop| stop.device == device && is_of_workspace(stop));
        match stops.iter_mut().find(|stop| stop.device == device && stop.workspace.is_none()) {
            Some(stop) if stop.reason == Reason::Unconfirmed => {}
            // What it says now counts, since when it began.
            Some(stop) => stop.reason = reason,
            None if is_told => {}
            None => stops.push(Stop::new(reason, device)),
        }
    } else if peer.in_step {
        stops.retain(|stop| stop.device != device);
    }
    if let Some(ahead) = peer.clock_skew_ms {
        stops.push(Stop { clock_ahead_ms: Some(ahead), ..Stop::new(Reason::ClockSkew, device) });
    }
}

fn path(peer: &PeerStatus) -> Option<Path> {
    let path = peer.link.as_ref()?.path.as_ref()?;
    let round_trip_us = u64::try_from(path.round_trip.as_micros()).unwrap_or(u64::MAX);
    match path.kind {
        PathKind::Direct { .. } => Some(Path::Direct { round_trip_us }),
        PathKind::Relayed { .. } => Some(Path::Relayed { round_trip_us }),
        _ => None,
    }
}

/// How far each member of each workspace is, as the present or the last connection showed.
fn lags(state: &PanelState, status: &Status) -> Vec<Lag> {
    let mut lags = Vec::new();
    for workspace in &state.workspaces {
        for member in workspace.members.iter().filter(|member| !member.has_left) {
            let Some(peer) = status.peers.get(&member.device) else { continue };
            let Some(progress) = peer.progress.get(&workspace.id) else { continue };
            lags.push(Lag {
                device: member.device,
                workspace: workspace.id,
                to_send: progress.to_send.saturating_sub(progress.sent),
                to_receive: progress.to_receive.saturating_sub(progress.received),
                is_live: peer.connected,
            });
        }
    }
    lags
}

/// The one line for it all: what needs somebody first.
fn indicator(state: &PanelState, status: &Status) -> Indicator {
    let connected: Vec<&PeerStatus> = status.peers.values().filter(|peer| peer.connected).collect();
    let peers = u64::try_from(connected.len()).unwrap_or(u64::MAX);
    let conflicts = u64::try_from(state.conflicts.len()).unwrap_or(u64::MAX);
    if state.stops.iter().any(|stop| !crate::command::status::passes_by_itself(stop.reason)) {
        Indicator::Attention
    } else if conflicts > 0 {
        Indicator::Conflict { count: conflicts }
    } else if peers == 0 {
        Indicator::Offline
    } else if connected.iter().all(|peer| peer.in_step) {
        Indicator::Synced { peers }
    } else {
        let (mut done, mut of) = (0_u64, 0_u64);
        for total in connected.iter().map(|peer| peer.total()) {
            done = done.saturating_add(total.sent).saturating_add(total.received);
            of = of.saturating_add(total.to_send).saturating_add(total.to_receive);
        }
        Indicator::Syncing { peers, done: done.min(of), of }
    }
}

/// The invitations that have not expired.
pub(super) fn invitations(replica_names: &PanelState, all: Vec<verso_worker::Invitation>) -> Vec<Invitation> {
    let name = |terms: &verso_pairing::WorkspaceTerms| match replica_names.workspace(&terms.id) {
        Some(workspace) => workspace.name.clone(),
        None => terms.name.as_str().to_owned(),
    };
    let one = |invitation: verso_worker::Invitation| Invitation {
        id: invitation.id.to_string(),
        role: invitation.role,
        workspaces: invitation.workspaces.iter().map(name).collect(),
        expires_ms: invitation.expires_at.saturating_mul(1000),
        state: match invitation.status {
            OfferStatus::Open | OfferStatus::Busy => InvitationState::Open,
            OfferStatus::Used { .. } => InvitationState::Used,
            _ => InvitationState::Over,
        },
    };
    all.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_apart_is_told_with_how_far() {
        let id = DeviceId::from_bytes([7; 32]);
        let peer = PeerStatus { connected: true, in_step: true, clock_skew_ms: Some(-61_000), ..PeerStatus::default() };
        let mut stops = vec![Stop::new(Reason::Unreachable, Some(id))];
        add_stop(&mut stops, id, &peer);
        let clock = Stop { clock_ahead_ms: Some(-61_000), ..Stop::new(Reason::ClockSkew, Some(id)) };
        assert_eq!(stops, [clock], "what stood in the way does so no longer");
    }
}
