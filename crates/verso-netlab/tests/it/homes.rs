//! [`Internet`], with homes in it: networks of their own behind routers that translate addresses, in network namespaces.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use tokio::runtime::{Builder, Runtime};
use verso_netlab::{Access, Relay, Wire};
use verso_transport::{Certificates, OwnRelay, TransportConfig};

use crate::fixture::Device;
use crate::namespaces::{Host, Network, skip};
use crate::patience::with_relay;

/// Where the relay is. The networks are those that are reserved for documents (RFC 5737), so nobody's.
const RELAY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// A network in which every address is everybody's, with a relay.
pub(crate) struct Internet {
    network: Network,
    relay: Relay,
    // Dropped last: what runs in them ends before.
    server: Machine,
}

/// How a router treats the addresses of those behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Router {
    /// As at home: who is behind it looks the same to everybody outside, and only those are let in to whom something was sent before.
    Home,
    /// As in some companies and mobile networks: who is behind it looks different to each outside.
    Strict,
}

/// A home: its network, its router, and a machine.
pub(crate) struct Home {
    network: Network,
    router: Host,
    machine: Machine,
}

/// A machine, and threads that are on it.
pub(crate) struct Machine {
    host: Host,
    threads: Runtime,
}

impl Machine {
    fn on(host: Host) -> Self {
        let threads = host.spawn(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
        Self { host, threads: threads.join().unwrap() }
    }

    /// Runs something on the machine, and waits for it.
    pub(crate) fn run<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> T {
        let running = self.threads.spawn(what);
        Builder::new_current_thread().build().unwrap().block_on(running).unwrap()
    }

    /// Runs something on the machine meanwhile.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        what: impl Future<Output = T> + Send + 'static,
    ) -> impl FnOnce() -> T {
        let running = self.threads.spawn(what);
        || Builder::new_current_thread().build().unwrap().block_on(running).unwrap()
    }
}

impl Internet {
    /// Makes one; `None`, said aloud, where that is not possible.
    pub(crate) fn new() -> Option<Self> {
        let network = Network::new()?;
        if !has_nft() {
            skip("`nft`, which makes routers, is not there: install nftables");
            return None;
        }
        let server = Machine::on(network.host(&format!("{RELAY}/24")));
        let relay = server.run(Relay::start(IpAddr::V4(RELAY), Wire::Tls, Access::Everyone));
        Some(Self { network, relay, server })
    }

    /// Makes a home: number 7 has its router at 203.0.113.7, and its machine at 192.168.1.7.
    pub(crate) fn home(&self, number: u8, kind: Router) -> Home {
        let (network, router) = (Network::another(), Host::new());
        self.network.plug(&router, "eth0", &format!("203.0.113.{number}/24"));
        network.plug(&router, "eth1", "192.168.1.1/24");
        router.exec(&["sh", "-c", "cat >/proc/sys/net/ipv4/ip_forward"], "1");
        let ports = if kind == Router::Strict { "fully-random" } else { "" };
        router.exec(
            &["nft", "-f", "-"],
            &format!(
                "table ip home {{
                    chain out {{ type nat hook postrouting priority srcnat; oifname eth0 masquerade {ports}; }}
                    chain in {{ type filter hook input priority filter; iifname eth0 ct state new drop; }}
                    chain through {{ type filter hook forward priority filter;
                        iifname eth0 ct state new drop; }}
                    chain weather {{ type filter hook forward priority -5; }}
                }}"
            ),
        );
        let machine = Machine::on(network.host(&format!("192.168.1.{number}/24")));
        machine.host.ip("route add default via 192.168.1.1");
        Home { network, router, machine }
    }

    /// The network as a device behind any of the routers is told of it.
    pub(crate) fn config(&self) -> TransportConfig {
        let mut own = OwnRelay::at(self.relay.url().parse().unwrap());
        own.discovery_port = self.relay.discovery_port();
        own.certificates = Certificates::from_pem(self.relay.certificate().unwrap().as_bytes()).unwrap();
        TransportConfig { listen: None, ..with_relay(own) }
    }

    /// The machine that the relay is on.
    pub(crate) const fn server(&self) -> &Machine {
        &self.server
    }

    pub(crate) const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Ends the relay.
    pub(crate) fn close(self) {
        let Self { network, relay, server } = self;
        // Not stopped: it would wait up to half a minute for clients whose goodbye was lost with their lines.
        server.run(async move { drop(relay) });
        drop((server, network));
    }
}

impl Home {
    /// Brings a device up on the machine.
    pub(crate) fn device(&self, name: u8, peers: &'static [u8], config: TransportConfig) -> Device {
        self.machine.run(Device::with_config(name, peers, config))
    }

    pub(crate) const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Lets the router lose so many of a hundred packets, in both directions.
    pub(crate) fn lose(&self, percent: u8) {
        let rule = format!("add rule ip home weather numgen random mod 100 < {percent} drop");
        self.router.exec(&["nft", "-f", "-"], &rule);
    }

    /// Pulls the machine's cable, or plugs it in again.
    pub(crate) fn cable(&self, state: &str) {
        self.network.cable(1, state);
    }

    /// Gives the machine another address instead.
    pub(crate) fn move_to(&self, old: &str, new: &str) {
        self.machine.host.ip(&format!("addr del {old}/24 dev eth0"));
        self.machine.host.ip(&format!("addr add {new}/24 dev eth0"));
        self.machine.host.ip("route replace default via 192.168.1.1");
    }
}

fn has_nft() -> bool {
    Command::new("nft").arg("--version").output().is_ok_and(|output| output.status.success())
}
