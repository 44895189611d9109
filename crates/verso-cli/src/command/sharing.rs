//! What a person decides about peers and workspaces: `workspace share|unshare|join|rename`, `forget`, `rename`, `address`.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;
use verso_graph::{Graph, Intent};
use verso_replica::{DecisionError, Now, PendingOffer};
use verso_trust::{Access, PairingWay};
use verso_worker::HostReplica;

use super::restore::PeerName;
use super::workspace::access_code;
use crate::app::App;
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find::{self, Named};
use crate::output::{Paint, Report, shown};

/// Said wherever something is taken away.
const READABLE: &str = "What it received already stays readable there.";

/// What peers have to be told, as every decision has.
const NEXT: &str = "Other devices learn of it at the next contact: `verso up`.";

pub(crate) fn share(app: &App, workspace: &str, peer: &str, access: Access) -> Result<(), CliError> {
    const WHAT: &str = "can't share the workspace";
    let mut device = app.device()?;
    let workspace = find::workspace(&device, Some(workspace), &app.settings)?;
    let peer = find::peer(&device, peer)?;
    // What nobody has met yet is known to this device alone, and nothing can be written about it.
    if !device.replica().peers().any(|known| known.trusted.device == peer.device) {
        let why = format!("{} was paired and not met yet", shown(&peer.name));
        return Err(CliError::new(Exit::Failed, WHAT, why, "run `verso up` on both, then share it"));
    }
    decide(&mut device, WHAT, |replica, now| replica.share(&workspace.id, peer.device, access, now))?;
    device.close()?;
    let told = format!("shared {} with {}", shown(&workspace.name), shown(&peer.name));
    app.output.note(NEXT);
    app.output.print(&Shared {
        done: Done { workspace: Some(workspace.into()), peer: Some(peer), told },
        access: access_code(access),
    })
}

pub(crate) fn unshare(app: &App, workspace: &str, peer: &str) -> Result<(), CliError> {
    const WHAT: &str = "can't take the workspace away";
    let mut device = app.device()?;
    let workspace = find::workspace(&device, Some(workspace), &app.settings)?;
    let peer = find::peer(&device, peer)?;
    decide(&mut device, WHAT, |replica, now| replica.unshare(&workspace.id, peer.device, now))?;
    device.close()?;
    let told = format!("{} no longer has {}", shown(&peer.name), shown(&workspace.name));
    app.output.note(format_args!("{READABLE} {NEXT}"));
    app.output.print(&Done { workspace: Some(workspace.into()), peer: Some(peer), told })
}

pub(crate) fn join(app: &App, wanted: &str) -> Result<(), CliError> {
    const WHAT: &str = "can't join the workspace";
    let mut device = app.device()?;
    let offers: Vec<PendingOffer> = device.replica().pending_offers().collect();
    if let Some(left) = find::left(&device, wanted) {
        return take_back(app, device, left);
    }
    let offer = find::offer(&offers, wanted)?.clone();
    decide(&mut device, WHAT, |replica, now| replica.join_workspace(&offer.workspace, offer.from, now))?;
    device.close()?;
    app.output.note("Its contents come at the next contact: `verso up`.");
    let told = format!("joined {}", shown(&offer.name));
    let workspace = Place { id: offer.workspace.to_hex(), name: offer.name };
    app.output.print(&Shared {
        done: Done { workspace: Some(workspace), peer: None, told },
        access: access_code(offer.access),
    })
}

/// Takes back what this device left.
fn take_back(app: &App, mut device: Device, left: Named) -> Result<(), CliError> {
    decide(&mut device, "can't join the workspace", |replica, now| replica.return_to(&left.id, now))?;
    device.close()?;
    app.output.note(
        "It comes when another device of yours that has it is met, or a friend's once it was shared anew: `verso up`.",
    );
    let told = format!("joined {} again", shown(&left.name));
    app.output.print(&Done { workspace: Some(left.into()), peer: None, told })
}

pub(crate) fn rename_workspace(app: &App, workspace: &str, name: &str) -> Result<(), CliError> {
    super::workspace::check_name(name, "can't rename the workspace")?;
    let mut device = app.device()?;
    let workspace = find::workspace(&device, Some(workspace), &app.settings)?;
    let intent: Intent = <Graph as verso_wire::Application>::rename(name);
    device.commit(&workspace.id, &[intent], "can't rename the workspace")?;
    device.close()?;
    let told = format!("{} is called {} now", shown(&workspace.name), shown(name));
    let workspace = Place { id: workspace.id.to_hex(), name: name.to_owned() };
    app.output.print(&Done { workspace: Some(workspace), peer: None, told })
}

pub(crate) fn forget(app: &App, peer: &str) -> Result<(), CliError> {
    let mut device = app.device()?;
    let peer = find::peer(&device, peer)?;
    let introduced =
        device.replica().trust().peers().filter(|other| other.way == PairingWay::Introduced { by: peer.device });
    let with: Vec<PeerName> =
        introduced.map(|other| PeerName { device: other.device, name: other.display_name }).collect();
    decide(&mut device, "can't forget the peer", |replica, now| replica.forget(peer.device, now))?;
    device.close()?;
    app.output.note(format_args!("{READABLE} {NEXT}"));
    let names = [&peer.name].into_iter().chain(with.iter().map(|other| &other.name));
    let names = names.map(|name| shown(name)).collect::<Vec<_>>().join(" and ");
    let verb = if with.is_empty() { "is" } else { "are" };
    let told = format!("{names} {verb} trusted no longer, on none of your devices");
    app.output.print(&Forgotten { done: Done { workspace: None, peer: Some(peer), told }, with })
}

pub(crate) fn rename(app: &App, peer: &str, name: &str) -> Result<(), CliError> {
    let name = super::identity::checked(name.to_owned())?;
    let mut device = app.device()?;
    let mut peer = find::peer(&device, peer)?;
    decide(&mut device, "can't rename the peer", |replica, now| replica.rename_peer(peer.device, &name, now))?;
    device.close()?;
    let told = format!("{} is called {} now", shown(&peer.name), shown(&name));
    peer.name = name;
    app.output.print(&Done { workspace: None, peer: Some(peer), told })
}

pub(crate) fn address(app: &App, peer: &str, addresses: &[SocketAddr]) -> Result<(), CliError> {
    let mut device = app.device()?;
    let peer = find::peer(&device, peer)?;
    let addresses = addresses.iter().map(ToString::to_string).collect();
    decide(&mut device, "can't note the address", |replica, now| replica.relocate_peer(peer.device, addresses, now))?;
    device.close()?;
    let told = format!("noted where {} can be reached", shown(&peer.name));
    app.output.print(&Done { workspace: None, peer: Some(peer), told })
}

fn decide(
    device: &mut Device,
    what: &str,
    decision: impl FnOnce(&mut HostReplica<Graph>, Now) -> Result<(), DecisionError>,
) -> Result<(), CliError> {
    let now = device.now();
    decision(device.replica_mut(), now).map_err(|error| failure::decision(&error, what))
}

#[derive(Debug, Serialize)]
struct Place {
    id: String,
    name: String,
}

impl From<Named> for Place {
    fn from(named: Named) -> Self {
        Self { id: named.id.to_hex(), name: named.name }
    }
}

/// What was decided.
#[derive(Debug, Serialize)]
struct Done {
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerName>,
    #[serde(skip)]
    told: String,
}

impl Report for Done {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        writeln!(out, "{}", self.told)
    }
}

/// Who is trusted no longer.
#[derive(Debug, Serialize)]
struct Forgotten {
    #[serde(flatten)]
    done: Done,
    /// The friend's other devices, which it had introduced.
    with: Vec<PeerName>,
}

impl Report for Forgotten {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        self.done.write_text(out, paint)
    }
}

/// What was decided about access.
#[derive(Debug, Serialize)]
struct Shared {
    #[serde(flatten)]
    done: Done,
    access: &'static str,
}

impl Report for Shared {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        self.done.write_text(out, paint)
    }
}
