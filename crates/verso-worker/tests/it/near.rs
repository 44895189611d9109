//! Workers that find each other on local networks of the tests' own, without being told an address.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use verso_discovery::{DiscoveryOptions, Interfaces, Mode, PairingScreen, Profile, discover};
use verso_graph::Graph;
use verso_identity::{DeviceKey, Name};
use verso_log::FileStorage;
use verso_pairing::Words;
use verso_replica::Replica;
use verso_trust::PeerRole;
use verso_worker::{Answer, LocalDiscovery, OfferOptions, PairingEvent, Ways, now_since};
use zeroize::Zeroizing;

use crate::listener::{Listener, Repeater, is_announcement};
use crate::machines::{Machine, PORT, Up, found_workspace, nodes};
use crate::namespaces::Network;

/// Pairs two machines by six words, with no address given. Returns how long the joiner took.
fn pair(shows: &Machine, joins: &Machine) -> Duration {
    let ((showing, shower), (joining, guest)) =
        (shows.open(LocalDiscovery::default()), joins.open(LocalDiscovery::default()));
    let (sender, words) = std::sync::mpsc::channel::<Words>();
    let offering = shows.runtime.spawn(async move {
        let options = OfferOptions {
            role: PeerRole::Own,
            workspaces: Vec::new(),
            ttl: Duration::from_mins(1),
            ways: Ways::Words,
        };
        let mut offer = shower.offer(options).await.unwrap();
        let words = offer.with_words(|words, _at| words.to_string().parse().unwrap()).unwrap();
        sender.send(words).unwrap();
        loop {
            match offer.next().await.unwrap() {
                PairingEvent::Confirm { answer, .. } => answer.send(Answer::Yes).unwrap(),
                PairingEvent::Paired(paired) => return paired,
                other => panic!("{other:?}"),
            }
        }
    });
    let words = words.recv().unwrap();
    let begun = Instant::now();
    let paired = joins.run(async move {
        let (sender, mut events) = mpsc::unbounded_channel();
        let answers = async {
            while let Some(event) = events.recv().await {
                let PairingEvent::Confirm { answer, .. } = event else { panic!("{event:?}") };
                answer.send(Answer::Yes).unwrap();
            }
        };
        tokio::select! {
            joined = guest.join_by_words(words, &[], &sender) => joined.unwrap(),
            () = answers => unreachable!("the sender is alive"),
        }
    });
    let took = begun.elapsed();
    assert_eq!(shows.runtime.block_on(offering).unwrap().device, joins.id());
    assert_eq!(paired.device, shows.id());
    shows.run(async move { showing.close().await.unwrap() });
    joins.run(async move { joining.close().await.unwrap() });
    took
}

/// What each knows of the other leads nowhere; they find each other, and a dial that waits for nobody begins anew at once.
#[test]
fn peers_whose_addresses_have_changed_find_each_other_and_sync() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    pair(&desk, &lap);
    desk.move_to("192.168.7.11");
    lap.move_to("192.168.7.12");
    let on_desk = desk.up();
    let garden = found_workspace(&desk, &on_desk, "one");
    // It is under way to where the other was, for ten seconds.
    std::thread::sleep(Duration::from_millis(1_500));
    let begun = Instant::now();
    let on_lap = lap.up();
    on_desk.wait_found(lap.id(), "192.168.7.12");
    on_lap.wait_found(desk.id(), "192.168.7.11");
    on_desk.wait_in_step(lap.id());
    on_lap.wait_in_step(desk.id());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(nodes(&lap, &on_lap, garden), 1);
    // A goodbye is seen at once, and so is the return, though the next dial would be due in half a minute.
    lap.down(on_lap);
    on_desk.wait_gone(lap.id());
    let on_lap = lap.up();
    on_desk.wait_found(lap.id(), "192.168.7.12");
    on_desk.wait_in_step(lap.id());
    lap.down(on_lap);
    desk.down(on_desk);
}

/// Only this side dials: what is found leads to a dial at once, though it was without a network for long and no dial is due.
#[test]
fn who_is_found_is_dialled_at_once() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    pair(&desk, &lap);
    desk.move_to("192.168.7.11");
    lap.move_to("192.168.7.12");
    desk.host.ip("link set eth0 down");
    let on_desk =
        desk.up_with(LocalDiscovery::On { mode: Mode::Listen, interfaces: Interfaces::Only(vec!["eth0".into()]) });
    // Its waits grow to seconds.
    std::thread::sleep(Duration::from_secs(14));
    let on_lap = lap.up();
    desk.host.ip("link set eth0 up");
    on_desk.wait_found(lap.id(), "192.168.7.12");
    let found = Instant::now();
    on_desk.wait_in_step(lap.id());
    assert!(found.elapsed() < Duration::from_secs(2), "{:?}", found.elapsed());
    on_lap.wait_in_step(desk.id());
    let found = on_lap.handle.status().borrow().discovery.neighbours.peers.len();
    assert_eq!(found, 0, "who only listens is found by nobody");
    lap.down(on_lap);
    desk.down(on_desk);
}

/// Anybody may open a pairing screen under a peer's id. Whoever dialled there because of it would tell whose peer it is.
#[test]
fn an_id_that_is_claimed_in_the_clear_is_not_dialled() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    let liar = network.host("192.168.7.9/24");
    pair(&desk, &lap);
    let on_desk = desk.up();
    let (claimed, shutdown) = (lap.id(), CancellationToken::new());
    let token = shutdown.clone();
    let (sender, waiting) = std::sync::mpsc::channel();
    let lying = liar.spawn(move || {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let profile = Profile { device: claimed, port: socket.local_addr().unwrap().port(), mode: Mode::Announce };
        let options = DiscoveryOptions { profile, interfaces: Interfaces::All, listen: None };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (handle, running) = discover(options, Zeroizing::new([9; 32]), token);
            handle.set_screen(PairingScreen::Open(Name::lossy("lap")));
            sender.send(socket).unwrap();
            running.await;
        });
    });
    let socket = waiting.recv().unwrap();
    on_desk.wait("seeing the screen", |status| {
        status.discovery.neighbours.screens.iter().any(|screen| screen.device == claimed).then_some(())
    });
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let came = socket.recv_from(&mut [0; 2_000]);
    assert!(came.is_err(), "{came:?}");
    shutdown.cancel();
    lying.join().unwrap();
    desk.down(on_desk);
}

#[test]
fn six_words_find_their_endpoint() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    let listener = Listener::on(&lap.host, "192.168.7.2");
    let took = pair(&desk, &lap);
    assert!(took < Duration::from_secs(5), "{took:?}");
    // Nothing else was announced: what was, leads to nobody who has no words.
    let announced = listener.packets_from("192.168.7.1");
    assert!(announced.iter().any(|packet| is_announcement(packet)));
    let id = desk.id();
    let tells = |bytes: &[u8]| announced.iter().any(|packet| packet.windows(bytes.len()).any(|window| window == bytes));
    assert!(!tells(b"desk") && !tells(id.as_bytes()));
}

/// An announcement from yesterday, repeated by whatever on the network, leads nowhere and keeps nobody.
#[test]
fn a_stale_announcement_does_not_delay_dialling() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    let somebody = network.host("192.168.7.9/24");
    pair(&desk, &lap);
    let listener = Listener::on(&somebody, "192.168.7.9");
    let (on_desk, on_lap) = (desk.up(), lap.up());
    on_desk.wait_found(lap.id(), "192.168.7.2");
    on_desk.wait_in_step(lap.id());
    lap.down(on_lap);
    on_desk.wait_gone(lap.id());
    desk.down(on_desk);
    let announced = listener.packets_from("192.168.7.2");
    let stale = announced.into_iter().find(|packet| is_announcement(packet)).unwrap();

    // Where it was nobody answers now. It is elsewhere, announces nothing, and knows no way to the other by itself.
    lap.move_to("192.168.7.12");
    desk.move_to("192.168.7.11");
    let on_lap = lap.up_with(LocalDiscovery::Off);
    let elsewhere = SocketAddr::from((Ipv4Addr::new(192, 168, 7, 12), PORT));
    let repeater = Repeater::on(&somebody, "192.168.7.9", stale);
    let (worker, handle) = desk.open(LocalDiscovery::default());
    let (known, peer) = (handle.clone(), lap.id());
    desk.run(async move { known.add_addresses(peer, vec![elsewhere]).await });
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let begun = Instant::now();
    let ended = desk.runtime.spawn(async move { worker.run(token).await.unwrap() });
    let on_desk = Up { handle, shutdown, ended };
    on_desk.wait("a connection", |status| status.peers.get(&peer).filter(|peer| peer.connected).map(|_| ()));
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
    on_desk.wait_found(lap.id(), "192.168.7.2");
    on_desk.wait_in_step(lap.id());
    repeater.stop();
    desk.down(on_desk);
    lap.down(on_lap);
}

/// Removed from the person's devices, one neither finds the others nor is found, and those that are left find each other.
#[test]
fn a_removed_device_finds_nobody_any_more() {
    let Some(network) = Network::new() else { return };
    let desk = Machine::new(&network, "192.168.7.1", "desk");
    let (lap, phone) = (Machine::new(&network, "192.168.7.2", "lap"), Machine::new(&network, "192.168.7.3", "phone"));
    pair(&desk, &lap);
    pair(&desk, &phone);
    let (on_desk, on_lap, on_phone) = (desk.up(), lap.up(), phone.up());
    // All three, also the two that were never paired with each other.
    for (up, peers) in [(&on_desk, [&lap, &phone]), (&on_lap, [&desk, &phone]), (&on_phone, [&desk, &lap])] {
        for peer in peers {
            up.wait("finding a peer", |status| {
                status.discovery.neighbours.peers.contains_key(&peer.id()).then_some(())
            });
            up.wait_in_step(peer.id());
        }
    }
    desk.down(on_desk);
    on_phone.wait_gone(desk.id());
    // Nothing is told to the phone itself: it finds out by what it can't recognise.
    let (key, started) = (DeviceKey::from_secret(&desk.key.to_secret()), Instant::now());
    let storage = FileStorage::open(&desk.path()).unwrap();
    let (mut replica, _) = Replica::<_, Graph>::open(storage, key, "desk", now_since(started)).unwrap();
    replica.forget(phone.id(), now_since(started)).unwrap();
    replica.flush(now_since(started)).unwrap();
    replica.close().unwrap();

    let on_desk = desk.up();
    on_desk.wait("finding a peer", |status| status.discovery.neighbours.peers.contains_key(&lap.id()).then_some(()));
    on_lap.wait("finding a peer", |status| status.discovery.neighbours.peers.contains_key(&desk.id()).then_some(()));
    // The lap hears of the removal from the desk, and then goes by another name for all but the desk.
    on_lap.wait_in_step(desk.id());
    on_lap.wait_gone(phone.id());
    on_phone.wait_gone(lap.id());
    let found = on_phone.handle.status().borrow().discovery.neighbours.peers.clone();
    assert!(found.is_empty(), "{found:?}");
    assert!(!on_desk.handle.status().borrow().discovery.neighbours.peers.contains_key(&phone.id()));
    desk.down(on_desk);
    lap.down(on_lap);
    phone.down(on_phone);
}
