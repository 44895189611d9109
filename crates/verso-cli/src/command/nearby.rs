//! `nearby`: lists the devices nearby whose pairing screen is open. And how one of them is found by its name.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use getrandom::fill;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use verso_discovery::{DiscoveryOptions, DiscoveryState, Mode, NearbyScreen, Profile, View, discover};
use verso_graph::Graph;
use verso_identity::DeviceId;
use verso_worker::{JOIN_PATIENCE, LocalDiscovery, WorkerHandle};
use zeroize::Zeroizing;

use super::restore::PeerName;
use crate::app::App;
use crate::discovery::Discovery;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find;
use crate::net::{self, Signals};
use crate::output::{Paint, Report, shown};
use crate::when;

/// How long others may take to answer after the first of the name was seen: two may have it.
const SETTLING: Duration = Duration::from_millis(700);

/// Looks for `wait`, and lists whom it saw last. It needs no device, and says nothing but the question who is there.
pub(crate) fn run(app: &App, wait: Duration) -> Result<(), CliError> {
    let LocalDiscovery::On { interfaces, .. } = app.settings.discovery.clone() else { return Err(switched_off()) };
    let mut seed = Zeroizing::new([0; 32]);
    fill(seed.as_mut()).map_err(failure::random)?;
    // Of a listener nothing is announced, so these stand nowhere.
    let profile = Profile { device: DeviceId::from_bytes([0; 32]), port: 0, mode: Mode::Listen };
    let options = DiscoveryOptions { profile, interfaces, listen: None };
    net::block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        let shutdown = CancellationToken::new();
        let (handle, running) = discover(options, seed, shutdown.clone());
        let looking = async {
            let told = tokio::select! {
                told = watch(handle.view(), wait) => told,
                () = signals.recv() => {
                    let hint = "run it again, and let it look for a few seconds";
                    Err(CliError::new(Exit::Failed, "nobody was looked for", "it was stopped", hint))
                }
            };
            shutdown.cancel();
            told
        };
        let (told, ()) = tokio::join!(looking, running);
        app.output.print(&told?)
    })
}

/// Notes whom it sees first when, and returns who is there in the end.
async fn watch(mut view: watch::Receiver<View>, wait: Duration) -> Result<Told, CliError> {
    let deadline = Instant::now() + wait;
    let mut since: BTreeMap<(DeviceId, String), u64> = BTreeMap::new();
    loop {
        for screen in &view.borrow_and_update().neighbours.screens {
            since.entry((screen.device, screen.name.to_string())).or_insert_with(when::now_ms);
        }
        match timeout_at(deadline, view.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    let view = view.borrow().clone();
    if let DiscoveryState::Blocked(obstacle) = &view.state {
        let (why, hint) = (obstacle.what(), obstacle.action());
        let what = "can't look for devices nearby";
        return Err(CliError::new(Exit::NoPeer, what, why.trim_end_matches('.'), hint.trim_end_matches('.')));
    }
    let first = |screen: &NearbyScreen| since.get(&(screen.device, screen.name.to_string())).copied();
    let nearby = view.neighbours.screens.iter().map(|screen| Row::new(screen, first(screen))).collect();
    Ok(Told { nearby, discovery: Discovery::from(&view.state) })
}

fn switched_off() -> CliError {
    let why = "looking for devices on the local network is switched off";
    CliError::new(Exit::Usage, "can't look for devices nearby", why, "say --discovery listen, or --network lan")
}

/// A device whose pairing screen is open.
#[derive(Debug, Clone)]
pub(super) struct Nearby {
    pub(super) device: DeviceId,
    pub(super) name: String,
    pub(super) addresses: Vec<SocketAddr>,
}

/// Finds the device of this name among those whose pairing screen is open, waiting for it as long as joining may take.
pub(super) async fn find_by_name(app: &App, handle: &WorkerHandle<Graph>, wanted: &str) -> Result<Nearby, CliError> {
    if app.settings.discovery == LocalDiscovery::Off {
        return Err(switched_off());
    }
    let mut view = handle.look_around();
    let is_seen = |view: &View| find::is_meant(&seen(view), wanted);
    let is_there = matches!(timeout(JOIN_PATIENCE, view.wait_for(is_seen)).await, Ok(Ok(_)));
    if !is_there {
        return Err(nobody(&view.borrow(), wanted));
    }
    sleep(SETTLING).await;
    let view = view.borrow();
    let PeerName { device, .. } = find::nearby(&seen(&view), wanted, || nobody(&view, wanted))?;
    let mut screens = view.neighbours.screens.iter().filter(|screen| screen.device == device);
    let Some(screen) = screens.next() else { return Err(nobody(&view, wanted)) };
    Ok(Nearby { device, name: screen.name.to_string(), addresses: screen.addresses.clone() })
}

fn seen(view: &View) -> Vec<PeerName> {
    let screens = view.neighbours.screens.iter();
    screens.map(|screen| PeerName { device: screen.device, name: screen.name.to_string() }).collect()
}

fn nobody(view: &View, wanted: &str) -> CliError {
    const WHAT: &str = "can't join";
    if let DiscoveryState::Blocked(obstacle) = &view.state {
        let (why, hint) = (obstacle.what(), obstacle.action());
        return CliError::new(Exit::NoPeer, WHAT, why.trim_end_matches('.'), hint.trim_end_matches('.'));
    }
    let others: Vec<String> = seen(view).iter().map(|other| shown(&other.name)).collect();
    let others = if others.is_empty() { String::new() } else { format!("; there are: {}", others.join(", ")) };
    let why = format!("no device nearby shows a pairing screen under the name `{}`{others}", shown(wanted));
    let hint = "run `verso pair` there, on the same network, and see `verso nearby` here; or join by its words or link";
    CliError::new(Exit::NoPeer, WHAT, why, hint)
}

/// Who is nearby.
#[derive(Debug, Serialize)]
struct Told {
    nearby: Vec<Row>,
    discovery: Discovery,
}

#[derive(Debug, Serialize)]
struct Row {
    device: String,
    name: String,
    fingerprint: String,
    /// When it was first seen while this command looked.
    since: Option<String>,
    addresses: Vec<SocketAddr>,
}

impl Row {
    fn new(screen: &NearbyScreen, since: Option<u64>) -> Self {
        Self {
            device: screen.device.to_hex(),
            name: screen.name.to_string(),
            fingerprint: screen.device.fingerprint(),
            since: since.map(when::json),
            addresses: screen.addresses.clone(),
        }
    }
}

impl Report for Told {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        for Row { name, fingerprint, since, .. } in &self.nearby {
            let since = since.as_deref().map(when::person_reads).unwrap_or_default();
            writeln!(out, "{}  {fingerprint}  {}", paint.strong(shown(name)), paint.faint(format!("since {since}")))?;
        }
        match self.nearby.as_slice() {
            [] => writeln!(out, "No device nearby shows a pairing screen: run `verso pair` on the other one."),
            // The name is a stranger's, and what stands in a command people copy into a shell.
            [_, ..] => writeln!(out, "{} verso join --nearby NAME", paint.faint("next:")),
        }
    }
}
