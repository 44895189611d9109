//! The driver: it lets [`Discovery`] speak multicast DNS (RFC 6762), by the crate `mdns-sd`.
//!
//! Each interface has a daemon of its own, so that what is heard in one network is told in no other, not even as the known answers of a
//! question; and each announcement has, so that with it all goes that was remembered. The daemons never look for interfaces themselves:
//! an address that comes up is announced under a new name, never under the one of the network before.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use if_addrs::{IfAddr, Interface};
use mdns_sd::{
    DaemonEvent, DaemonStatus, IfKind, Receiver, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo, TxtProperty,
};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::announcement::{Announcement, DECOY_PORT, SERVICE_TYPE};
use crate::discovery::{Discovery, Input, Output, Profile, Received};
use crate::probe::{Depth, Interfaces, probe, usable};
use crate::screen::PairingScreen;
use crate::state::{DiscoveryState, Obstacle, View};
use crate::subnet::Subnet;
use crate::tag::Relationship;
use crate::txt;

/// How often it is looked which interfaces there are. So long a device that changes networks may answer in the new one under the name that
/// it had in the old.
const LOOK: Duration = Duration::from_secs(2);

/// Most interfaces that are used, the first by name. Each costs a thread; a machine with more has containers, not networks.
const MAX_INTERFACES: usize = 8;

/// How many events may wait. A flood then waits in the daemon, which drops the subscription at a thousand, and the interface is joined anew.
const EVENTS: usize = 64;

/// How long the goodbye may take at the end: it is one packet on each interface.
const GOODBYE: Duration = Duration::from_millis(300);

/// Where a device looks and lets itself be seen.
#[derive(Debug, Clone)]
pub struct DiscoveryOptions {
    /// What it is there.
    pub profile: Profile,
    /// On which interfaces.
    pub interfaces: Interfaces,
    /// The one address at which it can be dialled, if it is bound to one: then only that is announced, on its interface.
    pub listen: Option<IpAddr>,
}

/// The way to a discovery that runs. When the last is dropped, it ends.
#[derive(Debug, Clone)]
pub struct DiscoveryHandle {
    commands: mpsc::UnboundedSender<Input>,
    view: watch::Receiver<View>,
}

impl DiscoveryHandle {
    /// Says who the peers are from now on, those first for whom there should be room.
    pub fn set_relationships(&self, relationships: Vec<Relationship>) {
        // Nobody is there any more if it has ended.
        drop(self.commands.send(Input::Relationships(relationships)));
    }

    /// Opens or closes the pairing screen.
    pub fn set_screen(&self, screen: PairingScreen) {
        drop(self.commands.send(Input::Screen(screen)));
    }

    /// Watches who is near, and whether it works.
    pub fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }
}

/// Makes a discovery: the way to it, and the future that is it. It ends when `shutdown` is cancelled, with a goodbye, in less than half a
/// second. `seed` is 32 fresh random bytes.
///
/// It never fails: what keeps it from working is in the [`View`], and is tried again.
pub fn discover(
    options: DiscoveryOptions,
    seed: Zeroizing<[u8; 32]>,
    shutdown: CancellationToken,
) -> (DiscoveryHandle, impl Future<Output = ()> + Send) {
    let (commands, inbox) = mpsc::unbounded_channel();
    let starting = View { state: DiscoveryState::Starting, ..View::default() };
    let (sender, view) = watch::channel(starting);
    let (events, heard) = mpsc::channel(EVENTS);
    let driver = Driver {
        machine: Discovery::new(options.profile, seed),
        options,
        started: Instant::now(),
        joined: BTreeMap::new(),
        obstacles: BTreeMap::new(),
        leaving: Vec::new(),
        joins: 0,
        has_looked: false,
        events,
        view: sender,
    };
    (DiscoveryHandle { commands, view }, driver.run(inbox, heard, shutdown))
}

struct Driver {
    machine: Discovery,
    options: DiscoveryOptions,
    started: Instant,
    joined: BTreeMap<String, Joined>,
    /// By interface what keeps it from being joined.
    obstacles: BTreeMap<String, Obstacle>,
    /// Those that have yet to say goodbye.
    leaving: Vec<Receiver<DaemonStatus>>,
    joins: u64,
    /// Which interfaces there are is known.
    has_looked: bool,
    events: mpsc::Sender<Event>,
    view: watch::Sender<View>,
}

/// An interface that was joined.
struct Joined {
    daemon: ServiceDaemon,
    listener: AbortHandle,
    number: u64,
}

/// What the daemon of an interface has told.
struct Event {
    interface: String,
    /// Which of the interface's daemons.
    number: u64,
    what: What,
}

enum What {
    Service(ServiceEvent),
    /// It tells nothing more, or the interface takes nothing.
    Ended,
}

impl Driver {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Input>,
        mut heard: mpsc::Receiver<Event>,
        shutdown: CancellationToken,
    ) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = self.machine.next_ms().map(|at| self.started + Duration::from_millis(at));
            let input = tokio::select! {
                () = shutdown.cancelled() => break,
                command = inbox.recv() => match command {
                    Some(input) => Some(input),
                    None => break,
                },
                Some(event) = heard.recv() => self.take(event),
                _ = look.tick() => {
                    self.has_looked = true;
                    Some(Input::Interfaces(self.interfaces()))
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => Some(Input::Tick),
            };
            if let Some(input) = input {
                self.handle(input);
            }
            while let Some(output) = self.machine.poll() {
                self.carry_out(output);
            }
            self.publish();
        }
        for interface in self.joined.keys().cloned().collect::<Vec<_>>() {
            self.leave(&interface);
        }
        let goodbyes = std::mem::take(&mut self.leaving);
        let all = async {
            for goodbye in goodbyes {
                // A daemon that has ended has said goodbye, or never can.
                drop(goodbye.recv_async().await);
            }
        };
        drop(timeout(GOODBYE, all).await);
        self.view.send_replace(View::default());
    }

    fn handle(&mut self, input: Input) {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = self.machine.handle(now_ms, input) {
            tracing::debug!(target: "verso.sync", %error, "an announcement was not understood");
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Join { interface, announcement } => match self.join(&interface, announcement) {
                Ok(joined) => {
                    self.obstacles.remove(&interface);
                    // The new one speaks before the old one says goodbye, so nobody misses the device meanwhile.
                    let before = self.joined.insert(interface, joined);
                    self.part(before);
                }
                Err(obstacle) => {
                    tracing::debug!(target: "verso.sync", %interface, ?obstacle, "no discovery on an interface");
                    self.leave(&interface);
                    self.obstacles.insert(interface.clone(), obstacle);
                    self.handle(Input::Failed { interface });
                }
            },
            Output::Leave { interface } => {
                self.leave(&interface);
                self.obstacles.remove(&interface);
            }
        }
    }

    fn leave(&mut self, interface: &str) {
        let joined = self.joined.remove(interface);
        self.part(joined);
    }

    /// Has a daemon say goodbye. It is waited for at the end alone, lest the process ends before it.
    fn part(&mut self, joined: Option<Joined>) {
        self.leaving.retain(|goodbye| goodbye.is_empty() && !goodbye.is_disconnected());
        self.leaving.extend(joined.and_then(Joined::leave));
    }

    fn join(&mut self, interface: &str, announcement: Option<Announcement>) -> Result<Joined, Obstacle> {
        let here: Vec<Interface> = usable(&self.options.interfaces, self.options.listen)
            .into_iter()
            .filter(|found| found.name == interface)
            .collect();
        probe(&here, Depth::Sending)?;
        self.joins += 1;
        let number = self.joins;
        let failed = |error: mdns_sd::Error| Obstacle::Failed(error.to_string());
        let daemon = ServiceDaemon::new().map_err(failed)?;
        let Channels { services, trouble } = set_up(&daemon, interface, announcement).map_err(|error| {
            drop(daemon.shutdown());
            failed(error)
        })?;
        let (events, interface) = (self.events.clone(), interface.to_owned());
        let listener = tokio::spawn(async move {
            loop {
                let what = tokio::select! {
                    service = services.recv_async() => service.map_or(What::Ended, What::Service),
                    ended = ended(&trouble) => ended,
                };
                let is_end = matches!(what, What::Ended);
                if events.send(Event { interface: interface.clone(), number, what }).await.is_err() || is_end {
                    return;
                }
            }
        });
        Ok(Joined { daemon, listener: listener.abort_handle(), number })
    }

    /// Takes what a daemon tells, unless another has its place.
    fn take(&mut self, event: Event) -> Option<Input> {
        let Event { interface, number, what } = event;
        if self.joined.get(&interface).is_none_or(|joined| joined.number != number) {
            return None;
        }
        match what {
            What::Service(ServiceEvent::ServiceResolved(service)) => Some(Input::Heard(received(interface, &service))),
            What::Service(ServiceEvent::ServiceRemoved(_, instance)) => Some(Input::Gone { interface, instance }),
            What::Service(_) => None,
            What::Ended => {
                self.leave(&interface);
                Some(Input::Failed { interface })
            }
        }
    }

    fn interfaces(&self) -> BTreeMap<String, Vec<Subnet>> {
        let mut interfaces: BTreeMap<String, Vec<Subnet>> = BTreeMap::new();
        for found in usable(&self.options.interfaces, self.options.listen) {
            let is_known = interfaces.contains_key(&found.name);
            if is_known || interfaces.len() < MAX_INTERFACES {
                interfaces.entry(found.name.clone()).or_default().push(subnet(&found.addr));
            }
        }
        interfaces
    }

    fn publish(&self) {
        let state = match (self.joined.is_empty(), self.obstacles.values().next()) {
            (false, _) => DiscoveryState::On { interfaces: self.joined.keys().cloned().collect() },
            (true, Some(obstacle)) => DiscoveryState::Blocked(obstacle.clone()),
            (true, None) if !self.has_looked => DiscoveryState::Starting,
            (true, None) => DiscoveryState::Blocked(Obstacle::NoInterface),
        };
        let now = View { neighbours: self.machine.neighbours(), state };
        self.view.send_if_modified(|view| {
            let is_new = *view != now;
            *view = now;
            is_new
        });
    }
}

impl Joined {
    /// Says goodbye, and nothing more. What it returns tells when that is done.
    fn leave(self) -> Option<Receiver<DaemonStatus>> {
        self.listener.abort();
        self.daemon.shutdown().ok()
    }
}

struct Channels {
    services: Receiver<ServiceEvent>,
    trouble: Receiver<DaemonEvent>,
}

/// Has a daemon listen and announce on one interface, and never anywhere else.
fn set_up(
    daemon: &ServiceDaemon,
    interface: &str,
    announcement: Option<Announcement>,
) -> Result<Channels, mdns_sd::Error> {
    daemon.set_ip_check_interval(0)?;
    daemon.disable_interface(IfKind::All)?;
    daemon.enable_interface(IfKind::Name(interface.to_owned()))?;
    let trouble = daemon.monitor()?;
    if let Some(announcement) = announcement {
        let Announcement { instance, host, addresses, strings } = announcement;
        let strings: Vec<TxtProperty> = strings.into_iter().map(TxtProperty::from).collect();
        let host = format!("{host}.local.");
        let mut service = ServiceInfo::new(SERVICE_TYPE, &instance, &host, addresses.as_slice(), DECOY_PORT, strings)?;
        // The names are random: asking for a second whether somebody has them already would only cost that second.
        service.set_requires_probe(false);
        daemon.register(service)?;
    }
    Ok(Channels { services: daemon.browse(SERVICE_TYPE)?, trouble })
}

/// Waits until the interface takes nothing any more.
async fn ended(trouble: &Receiver<DaemonEvent>) -> What {
    loop {
        match trouble.recv_async().await {
            Ok(DaemonEvent::IpDel(_) | DaemonEvent::Error(_)) | Err(_) => return What::Ended,
            Ok(_) => {}
        }
    }
}

fn received(interface: String, service: &ResolvedService) -> Received {
    let strings = service.txt_properties.iter();
    let txt = txt::join(strings.map(|string| (string.key(), string.val().unwrap_or_default())));
    Received {
        interface,
        instance: service.fullname.clone(),
        addresses: service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr).collect(),
        txt,
    }
}

const fn subnet(address: &IfAddr) -> Subnet {
    match address {
        IfAddr::V4(v4) => Subnet { address: IpAddr::V4(v4.ip), prefix: v4.prefixlen },
        IfAddr::V6(v6) => Subnet { address: IpAddr::V6(v6.ip), prefix: v6.prefixlen },
    }
}
