//! Interfaces that go and come, addresses that are new, and lines that fall silent, under workers that run.

use std::time::{Duration, Instant};

use verso_graph::Intent;
use verso_identity::WorkspaceId;
use verso_replica::{Event, PairSecret, ProvisionalPeer};
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::Reason;
use verso_worker::LocalDiscovery;

use crate::machines::{Machine, PORT, Up, found_workspace, nodes};
use crate::namespaces::Network;

/// Leaves a machine as a completed pairing leaves it. Where the other is it is told by an address at most, and nobody looks for anybody.
fn believe((machine, up): (&Machine, &Up), (peer, on_peer): (&Machine, &Up), side: PairingSide, at: Option<&str>) {
    let keys = on_peer.handle.clone();
    let keys = peer.run(async move { keys.read(|replica| (replica.noise_key(), replica.sealing_key())).await });
    let (noise_key, sealing_key) = keys.unwrap();
    let provisional = ProvisionalPeer {
        device: peer.id(),
        noise_key,
        sealing_key,
        secret: PairSecret::from_bytes([7; 32]),
        name: peer.name.into(),
        role: PeerRole::Own,
        side,
        way: PairingWay::Link,
        addresses: at.map(|at| format!("{at}:{PORT}")).into_iter().collect(),
        workspaces: Vec::new(),
        expires_ms: u64::MAX,
    };
    let handle = up.handle.clone();
    machine.run(async move { handle.store_provisional(provisional).await.unwrap() });
}

/// Two machines that know each other's addresses and are in step.
fn in_step(network: &Network) -> [(Machine, Up); 2] {
    let desk = Machine::new(network, "192.168.7.1", "desk");
    let lap = Machine::new(network, "192.168.7.2", "lap");
    let (on_desk, on_lap) = (desk.up_with(LocalDiscovery::Off), lap.up_with(LocalDiscovery::Off));
    believe((&desk, &on_desk), (&lap, &on_lap), PairingSide::Showing, Some("192.168.7.2"));
    believe((&lap, &on_lap), (&desk, &on_desk), PairingSide::Joining, Some("192.168.7.1"));
    on_desk.wait_in_step(lap.id());
    on_lap.wait_in_step(desk.id());
    [(desk, on_desk), (lap, on_lap)]
}

fn add(machine: &Machine, up: &Up, workspace: WorkspaceId, title: &str) {
    let (handle, url) = (up.handle.clone(), format!("https://example.org/{title}"));
    let intent = Intent::AddNode { url, title: title.into() };
    machine.run(async move { handle.commit(workspace, vec![intent]).await.map(|_committed| ()).unwrap() });
}

fn wait_nodes((machine, up): &(Machine, Up), workspace: WorkspaceId, count: usize) {
    let start = Instant::now();
    while nodes(machine, up, workspace) != count {
        assert!(start.elapsed() < Duration::from_mins(2), "{:?}", up.handle.status().borrow());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The only interface goes down under a connection, and comes up: why nothing moves is told, of the device and of the peer, both go on meanwhile, and are in step
/// again.
#[test]
fn an_interface_that_goes_down_is_told_and_when_it_is_up_again_all_goes_on() {
    let Some(network) = Network::new() else { return };
    let [desk, lap] = in_step(&network);
    let garden = found_workspace(&desk.0, &desk.1, "one");
    wait_nodes(&lap, garden, 1);
    let mut events = desk.1.handle.events();
    desk.0.host.ip("link set eth0 down");
    let told = desk.0.run(async move {
        let told = async {
            loop {
                if let Event::PeerOffline { peer: None, reason } = events.recv().await.unwrap() {
                    return reason;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), told).await.unwrap()
    });
    assert_eq!(told, Some(Reason::Offline));
    add(&desk.0, &desk.1, garden, "two");
    add(&lap.0, &lap.1, garden, "three");
    let reason = |up: &Up, peer| {
        up.wait("the end of the connection", |status| {
            status.peers.get(&peer).filter(|peer| !peer.connected && peer.dials > 0)?.reason
        })
    };
    let reasons = [reason(&desk.1, lap.0.id()), reason(&lap.1, desk.0.id())];
    assert_eq!(reasons, [Reason::Offline, Reason::Unreachable], "each by what it can know");
    desk.0.host.ip("link set eth0 up");
    wait_nodes(&desk, garden, 3);
    wait_nodes(&lap, garden, 3);
    for ((_, up), (peer, _)) in [(&desk, &lap), (&lap, &desk)] {
        up.wait_in_step(peer.id());
        assert_eq!(up.handle.status().borrow().peers[&peer.id()].reason, None);
    }
    desk.0.down(desk.1);
    lap.0.down(lap.1);
}

/// A machine gets another address under a connection, in the same network: what is recorded on both meanwhile arrives.
#[test]
fn an_address_that_is_replaced_under_a_connection_stops_nothing_for_good() {
    let Some(network) = Network::new() else { return };
    let [desk, lap] = in_step(&network);
    let garden = found_workspace(&desk.0, &desk.1, "one");
    wait_nodes(&lap, garden, 1);
    desk.0.move_to("192.168.7.9");
    add(&desk.0, &desk.1, garden, "two");
    add(&lap.0, &lap.1, garden, "three");
    wait_nodes(&desk, garden, 3);
    wait_nodes(&lap, garden, 3);
    for ((_, up), (peer, _)) in [(&desk, &lap), (&lap, &desk)] {
        up.wait_in_step(peer.id());
    }
    desk.0.down(desk.1);
    lap.0.down(lap.1);
}

/// Whoever was refused asks again in an hour, or once something changes, and nothing does by itself: what leads to the dial is the change and nothing else.
#[test]
fn a_change_of_the_network_has_peers_dialled_though_no_dial_is_due() {
    for change in ["addr add 192.168.7.11/24 dev eth0", "link set eth1 up"] {
        let Some(network) = Network::new() else { return };
        let elsewhere = Network::another();
        let desk = Machine::new(&network, "192.168.7.1", "desk");
        elsewhere.plug(&desk.host, "eth1", "10.9.8.7/24");
        desk.host.ip("link set eth1 down");
        let lap = Machine::new(&network, "192.168.7.2", "lap");
        let (on_desk, on_lap) = (desk.up_with(LocalDiscovery::Off), lap.up_with(LocalDiscovery::Off));
        believe((&desk, &on_desk), (&lap, &on_lap), PairingSide::Joining, Some("192.168.7.2"));
        on_desk.wait("a refusal", |status| {
            status.peers.get(&lap.id()).filter(|peer| peer.reason == Some(Reason::NotTrusted)).map(|_| ())
        });
        // It would be let in now, and knows nothing of it. The other has no address to dial.
        believe((&lap, &on_lap), (&desk, &on_desk), PairingSide::Showing, None);
        let dials = on_desk.handle.status().borrow().peers[&lap.id()].dials;
        assert!(!on_desk.handle.status().borrow().peers[&lap.id()].connected);
        desk.host.ip(change);
        on_desk.wait_in_step(lap.id());
        on_lap.wait_in_step(desk.id());
        let after = on_desk.handle.status().borrow().peers[&lap.id()].dials;
        assert!(after > dials, "{change}: {after} dials");
        desk.down(on_desk);
        lap.down(on_lap);
    }
}

/// The peer's cable is pulled: it is silent, and for half a minute nobody can know more. Whoever ends meanwhile waits for no answer.
#[test]
fn a_stop_does_not_wait_for_a_peer_that_is_silent() {
    let Some(network) = Network::new() else { return };
    let [desk, lap] = in_step(&network);
    network.cable(1, "down");
    let garden = found_workspace(&desk.0, &desk.1, "one");
    add(&desk.0, &desk.1, garden, "two");
    assert!(desk.1.handle.status().borrow().peers[&lap.0.id()].connected, "it is silent, and not gone");
    let start = Instant::now();
    desk.0.down(desk.1);
    // Half a minute is when it would be given up.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    network.cable(1, "up");
    let desk = (desk.0.up_with(LocalDiscovery::Off), desk.0);
    wait_nodes(&lap, garden, 2);
    desk.1.down(desk.0);
    lap.0.down(lap.1);
}
