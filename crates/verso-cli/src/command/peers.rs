//! `peers`: the devices that are paired with this one.

use std::io::{self, Write};

use serde::Serialize;
use verso_identity::DeviceId;
use verso_trust::PairingWay;

use super::agreement::role_code;
use super::workspace::access_code;
use crate::app::App;
use crate::device::Device;
use crate::error::CliError;
use crate::output::{Paint, Report, shown};
use crate::table::Table;
use crate::when;

pub(crate) fn run(app: &App) -> Result<(), CliError> {
    let device = app.device()?;
    let peers = rows(&device);
    device.close()?;
    app.output.print(&List { peers })
}

/// Returns the peers by name: those that were met, then those that were only paired.
pub(super) fn rows(device: &Device) -> Vec<Peer> {
    let replica = device.replica();
    let met = replica.peers().map(|peer| {
        let grant = |grant: &verso_trust::Grant| Granted {
            workspace: grant.workspace.to_hex(),
            access: access_code(grant.access),
            left: replica.has_left(&grant.workspace, &peer.trusted.device),
        };
        Peer {
            device: peer.trusted.device.to_hex(),
            name: peer.trusted.display_name.clone(),
            role: role_code(peer.trusted.role),
            last_seen: peer.contact.last_seen_ms.map(when::json),
            grants: peer.trusted.grants.iter().map(grant).collect(),
            fingerprint: peer.trusted.device.fingerprint(),
            added: Some(Added {
                at: when::json(peer.trusted.added_at.millis()),
                by: replica.trust().name(&peer.trusted.added_by).unwrap_or_default().to_owned(),
                way: way_code(peer.trusted.way),
                introduced_by: introducer(peer.trusted.way)
                    .map(|by| replica.trust().name(&by).unwrap_or_default().to_owned()),
            }),
            lapses_at: None,
            confirmed: !replica.trust().is_unconfirmed(&peer.trusted.device),
        }
    });
    let mut rows: Vec<Peer> = met.collect();
    for new in replica.provisional_peers(device.now()) {
        let id = new.device.to_hex();
        // A pairing that renews an older one changes nothing about who the peer is.
        if !rows.iter().any(|row| row.device == id) {
            rows.push(Peer {
                device: id,
                name: new.name.clone(),
                role: role_code(new.role),
                last_seen: None,
                grants: Vec::new(),
                fingerprint: new.device.fingerprint(),
                added: None,
                lapses_at: Some(when::json(new.expires_ms)),
                confirmed: true,
            });
        }
    }
    rows.sort_by(|a, b| (a.lapses_at.is_some(), &a.name, &a.device).cmp(&(b.lapses_at.is_some(), &b.name, &b.device)));
    rows
}

/// A peer.
#[derive(Debug, Serialize)]
pub(super) struct Peer {
    pub(super) device: String,
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) last_seen: Option<String>,
    grants: Vec<Granted>,
    /// What the two people compare if they want to be sure; the same on every own device.
    fingerprint: String,
    /// Which device added it, how and when; `None` before the first contact.
    added: Option<Added>,
    /// When a pairing lapses that no contact has confirmed yet.
    pub(super) lapses_at: Option<String>,
    /// Whether it is known to be still trusted: not on a device that was restored and has yet to learn it.
    pub(super) confirmed: bool,
}

impl Peer {
    /// When it was last met, for a person.
    pub(super) fn seen(&self) -> String {
        match (&self.last_seen, &self.lapses_at) {
            (Some(at), _) => when::person_reads(at),
            (None, Some(at)) => format!("not yet; the pairing lapses {}", when::person_reads(at)),
            (None, None) => "not by this device".to_owned(),
        }
    }
}

#[cfg(test)]
impl Peer {
    pub(super) fn example(name: &str) -> Self {
        Self {
            device: crate::output::hex(&blake3::hash(name.as_bytes()).as_bytes()[..]),
            name: name.to_owned(),
            role: "own",
            last_seen: None,
            grants: Vec::new(),
            fingerprint: String::new(),
            added: None,
            lapses_at: None,
            confirmed: true,
        }
    }
}

/// How a peer came to be trusted.
#[derive(Debug, Serialize)]
struct Added {
    at: String,
    by: String,
    way: &'static str,
    /// What the friend's device is called that introduced it.
    introduced_by: Option<String>,
}

const fn introducer(way: PairingWay) -> Option<DeviceId> {
    match way {
        PairingWay::Introduced { by } => Some(by),
        _ => None,
    }
}

/// The word for JSON.
const fn way_code(way: PairingWay) -> &'static str {
    match way {
        PairingWay::Link => "link",
        PairingWay::Invite => "invite",
        PairingWay::Words => "words",
        PairingWay::Nearby => "nearby",
        PairingWay::Introduced { .. } => "introduced",
    }
}

#[derive(Debug, Serialize)]
struct Granted {
    workspace: String,
    access: &'static str,
    /// Whether the friend gave it up itself since.
    left: bool,
}

#[derive(Debug, Serialize)]
struct List {
    peers: Vec<Peer>,
}

impl Report for List {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        if self.peers.is_empty() {
            return writeln!(
                out,
                "No device is paired with this one: run `verso pair` here, and `verso join LINK` there."
            );
        }
        let mut table = Table::new(["name", "role", "last seen", "added", "device"]);
        for peer in &self.peers {
            let device = peer.device.get(..10).unwrap_or_default().to_owned();
            let role = if peer.confirmed { peer.role.to_owned() } else { format!("{}, to be confirmed", peer.role) };
            let added = peer.added.as_ref().map_or_else(String::new, |added| {
                let introducer = added.introduced_by.as_ref().map(|name| format!(" by {}", shown(name)));
                let way = [added.way, &introducer.unwrap_or_default()].concat();
                format!("by {}, {way}, {}", shown(&added.by), when::person_reads(&added.at))
            });
            table.row([shown(&peer.name), role, peer.seen(), added, device]);
        }
        table.write(out, paint)
    }
}
