//! States to show: a small world in which everything has a fixed time and name.

use verso_graph::ConflictId;
use verso_identity::{DeviceId, WorkspaceId};
use verso_panel::PanelState;
use verso_panel::state::{
    Agreement, Conflict, ConflictKind, Device, Discarding, Grant, Happening, HappeningKind, Held, HeldBecause, HeldId,
    Indicator, Invitation, InvitationState, Lag, Member, Nearby, Offered, Opinion, Pairing, Path, Presence, Screen,
    Secret, Seen, Side, Stop, Term, ThisDevice, Trust, Way, Workspace,
};
use verso_trust::{Access, PeerRole, Standing};
use verso_wire::Reason;

/// 2026-11-22 09:30 in UTC.
pub(crate) const NOW: u64 = 1_795_339_800_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

pub(crate) const DESK: DeviceId = DeviceId::from_bytes([0xd5; 32]);
pub(crate) const LAP: DeviceId = DeviceId::from_bytes([0x1a; 32]);
pub(crate) const PHONE: DeviceId = DeviceId::from_bytes([0x9e; 32]);
pub(crate) const ADA: DeviceId = DeviceId::from_bytes([0xad; 32]);
pub(crate) const GARDEN: WorkspaceId = WorkspaceId::from_bytes([0x6a; 16]);
pub(crate) const READING: WorkspaceId = WorkspaceId::from_bytes([0x3e; 16]);
pub(crate) const ORCHARD: WorkspaceId = WorkspaceId::from_bytes([0x0c; 16]);

pub(crate) const LINK: &str = "verso://pair/2vZxG5QeJc8pTqYw1nLk3mRd7sHb9uFa4oEi6tVgXyA/q0Jm4d7s9Kx2bWn5tYv8Zg\
                        ?v=1&at=192.168.1.24:41641&name=desk&role=own&until=1795340100";

/// The first start: nothing is there yet.
pub(crate) fn first() -> PanelState {
    let device = ThisDevice {
        id: DESK,
        name: "desk".to_owned(),
        fingerprint: DESK.fingerprint(),
        addresses: vec!["192.168.1.24:41641".to_owned()],
        discovery: Seen::On { interfaces: vec!["wlan0".to_owned()] },
        doubt: None,
    };
    PanelState { utc_offset_minutes: 60, ..PanelState::new(NOW, device) }
}

/// Two devices are here and in step, one of which is a friend's.
pub(crate) fn synced() -> PanelState {
    let mut state = first();
    state.indicator = Indicator::Synced { peers: 2 };
    state.devices = vec![lap(), phone(), ada()];
    state.workspaces = vec![garden(), reading()];
    state.lags = vec![
        lag(LAP, GARDEN, 0, 0),
        lag(LAP, READING, 0, 0),
        Lag { is_live: false, ..lag(PHONE, GARDEN, 14, 0) },
        Lag { is_live: false, ..lag(PHONE, READING, 0, 0) },
        lag(ADA, GARDEN, 0, 0),
    ];
    state.activity = vec![
        happening(2 * MINUTE, HappeningKind::InStep, Some(LAP), None),
        happening(2 * MINUTE, HappeningKind::Received { entries: 3 }, Some(LAP), Some(GARDEN)),
        happening(25 * MINUTE, HappeningKind::Online, Some(ADA), None),
        happening(26 * MINUTE, HappeningKind::ConflictResolved, None, Some(GARDEN)),
        happening(15 * HOUR, HappeningKind::Offline, Some(PHONE), None),
        happening(16 * HOUR, HappeningKind::Received { entries: 1284 }, Some(PHONE), Some(READING)),
        happening(3 * DAY, HappeningKind::Paired, Some(ADA), None),
    ];
    state
}

/// Entries are moving.
pub(crate) fn syncing() -> PanelState {
    let mut state = synced();
    state.indicator = Indicator::Syncing { peers: 2, done: 1204, of: 9310 };
    state.devices[0].presence = Presence::Here { path: Some(direct(412)), is_in_step: false };
    state.lags[0] = lag(LAP, GARDEN, 0, 8106);
    state.lags[1] = lag(LAP, READING, 27, 3);
    state
}

/// Something of everything that waits for a person.
pub(crate) fn busy() -> PanelState {
    let mut state = synced();
    state.indicator = Indicator::Attention;
    state.conflicts = vec![titles(), deletion()];
    state.offered = vec![Offered { workspace: ORCHARD, name: "Orchard".into(), from: ADA, access: Access::ReadOnly }];
    state.held = held();
    state.more_held = 12;
    state.stops = vec![
        stop(Reason::Revoked, Some(ADA), Some(GARDEN)),
        Stop { clock_ahead_ms: Some(-2 * HOUR.cast_signed()), ..Stop::new(Reason::ClockSkew, Some(LAP)) },
        stop(Reason::Unreachable, Some(PHONE), None),
    ];
    state.nearby = vec![Nearby {
        id: DeviceId::from_bytes([4; 32]),
        name: "Grace's tablet".into(),
        fingerprint: DeviceId::from_bytes([4; 32]).fingerprint(),
    }];
    state.invitations = vec![
        Invitation {
            id: "5f1c22aa".into(),
            role: PeerRole::Friend,
            workspaces: vec!["Garden".into()],
            expires_ms: NOW + 20 * HOUR,
            state: InvitationState::Open,
        },
        Invitation {
            id: "77b0e1d4".into(),
            role: PeerRole::Own,
            workspaces: Vec::new(),
            expires_ms: NOW + 3 * HOUR,
            state: InvitationState::Used,
        },
    ];
    state
}

/// Only conflicts are open.
pub(crate) fn conflicted() -> PanelState {
    let mut state = synced();
    state.indicator = Indicator::Conflict { count: 2 };
    state.conflicts = vec![titles(), deletion()];
    state
}

/// What waits would be given up, and something depends on it.
pub(crate) fn discarding() -> PanelState {
    let mut state = busy();
    state.discarding = Some(Discarding {
        workspace: GARDEN,
        entries: state.held.iter().map(|held| held.id).collect(),
        dependents: vec![
            "desk tagged “Apple varieties” with fruit".into(),
            "desk linked “Apple varieties” to “Pruning”".into(),
        ],
    });
    state
}

pub(crate) fn showing() -> PanelState {
    let mut state = synced();
    state.pairing = Pairing::Showing(Box::new(Screen {
        link: Secret::new(LINK.to_owned()),
        words: Some(Secret::new("orbit velvet canyon lunar bamboo thrive".to_owned())),
        nearby: Some("desk".into()),
        role: PeerRole::Own,
        workspaces: Vec::new(),
        expires_ms: NOW + 4 * MINUTE + 12_000,
        last_attempt: None,
    }));
    state
}

pub(crate) fn confirming() -> PanelState {
    let mut state = synced();
    state.pairing = Pairing::Confirming(Box::new(Agreement {
        side: Side::Showing,
        device: DeviceId::from_bytes([0x77; 32]),
        name: "Grace's tablet".into(),
        fingerprint: DeviceId::from_bytes([0x77; 32]).fingerprint(),
        role: PeerRole::Friend,
        workspaces: vec![
            Term { name: "Garden".into(), access: Access::ReadWrite },
            Term { name: "Reading".into(), access: Access::ReadOnly },
        ],
    }));
    state
}

pub(crate) fn comparing() -> PanelState {
    let mut state = synced();
    state.pairing = Pairing::Comparing { code: Secret::new("204917".into()), left: Some(2) };
    state
}

pub(crate) fn paired() -> PanelState {
    let mut state = synced();
    state.pairing = Pairing::Paired { device: LAP, name: "lap".into(), role: PeerRole::Own };
    state
}

fn lap() -> Device {
    Device {
        id: LAP,
        name: "lap".into(),
        role: PeerRole::Own,
        fingerprint: LAP.fingerprint(),
        trust: Trust::Firm,
        presence: Presence::Here { path: Some(direct(412)), is_in_step: true },
        last_seen_ms: Some(NOW - 2 * MINUTE),
        added: Some(Way { at_ms: NOW - 40 * DAY, by: "desk".into(), how: "by six words".into() }),
        grants: Vec::new(),
        bytes_sent: 1_482_204,
        bytes_received: 38_201,
        entries_stored: 18_402,
    }
}

fn phone() -> Device {
    Device {
        id: PHONE,
        name: "phone".into(),
        fingerprint: PHONE.fingerprint(),
        presence: Presence::Away,
        last_seen_ms: Some(NOW - 15 * HOUR),
        bytes_sent: 0,
        bytes_received: 0,
        entries_stored: 2_114,
        added: Some(Way { at_ms: NOW - 12 * DAY, by: "lap".into(), how: "by link".into() }),
        ..lap()
    }
}

fn ada() -> Device {
    Device {
        id: ADA,
        name: "Ada's notebook".into(),
        role: PeerRole::Friend,
        fingerprint: ADA.fingerprint(),
        presence: Presence::Here { path: Some(Path::Relayed { round_trip_us: 38_400 }), is_in_step: true },
        last_seen_ms: Some(NOW - 25 * MINUTE),
        added: Some(Way { at_ms: NOW - 3 * DAY, by: "desk".into(), how: "by invitation".into() }),
        grants: vec![Grant { workspace: GARDEN, access: Access::ReadWrite }],
        entries_stored: 310,
        ..lap()
    }
}

fn direct(round_trip_us: u64) -> Path {
    Path::Direct { round_trip_us }
}

fn garden() -> Workspace {
    Workspace {
        id: GARDEN,
        name: "Garden".into(),
        access: Access::ReadWrite,
        standing: Standing::CoOwner,
        nodes: 1_204,
        edges: 2_871,
        entries: 18_930,
        bytes: 118_400,
        members: vec![member(LAP, Access::ReadWrite), member(PHONE, Access::ReadWrite), member(ADA, Access::ReadWrite)],
    }
}

fn reading() -> Workspace {
    Workspace {
        id: READING,
        name: "Reading".into(),
        nodes: 513_425,
        edges: 40_112,
        entries: 1_204_511,
        bytes: 6_204_511,
        members: vec![member(LAP, Access::ReadWrite), member(PHONE, Access::ReadWrite)],
        ..garden()
    }
}

pub(crate) fn member(device: DeviceId, access: Access) -> Member {
    Member { device, access, has_left: false }
}

fn lag(device: DeviceId, workspace: WorkspaceId, to_send: u64, to_receive: u64) -> Lag {
    Lag { device, workspace, to_send, to_receive, is_live: true }
}

pub(crate) fn stop(reason: Reason, device: Option<DeviceId>, workspace: Option<WorkspaceId>) -> Stop {
    Stop { workspace, since_ms: Some(NOW - 50 * MINUTE), ..Stop::new(reason, device) }
}

fn happening(ago: u64, kind: HappeningKind, device: Option<DeviceId>, workspace: Option<WorkspaceId>) -> Happening {
    Happening { at_ms: NOW - ago, kind, device, workspace }
}

pub(crate) const TITLES: &str = "title:6ba7b810-9dad-81d1-80b4-00c04fd430c8";
pub(crate) const DELETION: &str = "deletion:6ba7b811-9dad-81d1-80b4-00c04fd430c8";

pub(crate) fn titles() -> Conflict {
    Conflict {
        id: TITLES.parse::<ConflictId>().unwrap(),
        workspace: GARDEN,
        kind: ConflictKind::Title,
        title: "HyperCard, 1987".into(),
        opinions: vec![
            Opinion { value: "HyperCard, 1987".into(), device: LAP, at_ms: NOW - 2 * MINUTE },
            Opinion { value: "HyperCard (Bill Atkinson)".into(), device: DESK, at_ms: NOW - 3 * MINUTE },
        ],
        rule: "the one written last is shown".into(),
    }
}

fn deletion() -> Conflict {
    Conflict {
        id: DELETION.parse::<ConflictId>().unwrap(),
        workspace: GARDEN,
        kind: ConflictKind::Deletion,
        title: "Apple varieties".into(),
        opinions: vec![
            Opinion { value: "deleted".into(), device: DESK, at_ms: NOW - 30 * MINUTE },
            Opinion { value: "tagged".into(), device: ADA, at_ms: NOW - 28 * MINUTE },
        ],
        rule: "it stays as a ghost, with its edges".into(),
    }
}

pub(crate) fn held_id(byte: u8) -> HeldId {
    HeldId([byte; 32])
}

fn held() -> Vec<Held> {
    let entry = |byte, does: &str| Held {
        id: held_id(byte),
        workspace: GARDEN,
        device: ADA,
        at_ms: NOW - 26 * MINUTE,
        does: does.into(),
        because: HeldBecause::Cut { by: Some(LAP) },
    };
    vec![
        entry(1, "sets the title of “Pruning” to “Pruning in March”"),
        entry(2, "adds a node, https://example.org/espalier"),
    ]
}
