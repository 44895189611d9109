//! From the provisional peer that a pairing leaves to one that counts.

use verso_replica::{ConnectError, Greeting, Now, PairSecret};
use verso_session::Mode;
use verso_trust::PeerRole;
use verso_wire::Reason;

use crate::rig::{NOW, Rig, other, provisional};
use crate::writer::key;

fn greeting() -> Greeting {
    Greeting { addresses: Vec::new(), mode: Mode::StayOpen }
}

/// What was agreed with a peer at pairing, of all that may authenticate it.
fn agreed(rig: &Rig, peer: verso_identity::DeviceId, now: Now) -> Vec<[u8; 32]> {
    let secrets = rig.replica.secrets(&peer, now);
    let agreed = secrets.iter().filter(|secret| secret.generation == secret.secret.generation());
    agreed.map(|secret| *secret.secret.expose()).collect()
}

#[test]
fn a_provisional_peer_has_nothing_until_it_connects() {
    let (mut rig, _workspace) = Rig::with_workspace();
    let device = rig.pair(other(0), PeerRole::Own);
    assert!(rig.replica.admits(&device).is_ok() && rig.replica.secret(&device, NOW).is_some());
    assert_eq!(rig.replica.peers().count(), 0);
    rig.crash(1);
    assert!(rig.replica.secret(&device, NOW).is_some(), "it was stored durably");
    rig.replica.connect(device, greeting(), NOW).unwrap();
    assert_eq!(rig.replica.peers().count(), 1);
    rig.crash(2);
    assert_eq!(rig.replica.peers().count(), 1);
    assert!(rig.replica.secret(&device, NOW).is_some());
    assert_eq!(rig.replica.provisional_peers(NOW).count(), 0);
}

#[test]
fn a_provisional_peer_lapses() {
    let mut rig = Rig::new();
    let device = rig.pair(other(0), PeerRole::Own);
    let late = Now { wall_ms: NOW.wall_ms + 86_400_000, ..NOW };
    assert!(rig.replica.secret(&device, late).is_none());
    let outcome = rig.replica.connect(device, greeting(), late);
    assert!(matches!(outcome, Err(ConnectError::Refused(Reason::NotTrusted))), "{outcome:?}");
    assert!(rig.replica.secret(&device, NOW).is_none());
}

/// The power goes off at every operation of the first contact: the pairing is never half made. Either it is real with its secret, or
/// still provisional with its secret, also after the day that a provisional one lasts.
#[test]
fn a_first_contact_that_is_cut_short_loses_no_secret() {
    for after in 0.. {
        let mut rig = Rig::new();
        let device = rig.pair(other(0), PeerRole::Own);
        rig.disk.crash_after(after);
        let connected = rig.replica.connect(device, greeting(), NOW).is_ok();
        let clean = connected && rig.replica.flush(NOW).is_ok();
        rig.crash(after);
        assert!(rig.replica.secret(&device, NOW).is_some(), "after {after}");
        let later = Now { wall_ms: NOW.wall_ms + 2 * 86_400_000, ..NOW };
        if rig.replica.peers().count() == 1 {
            assert!(rig.replica.connect(device, greeting(), later).is_ok(), "after {after}");
            assert!(
                rig.replica.secret(&device, later).is_some(),
                "trusted, and nothing to prove it with: after {after}"
            );
        }
        if clean {
            assert!(after > 4);
            assert_eq!(rig.replica.peers().count(), 1);
            return;
        }
    }
}

/// The control log can't be written at the first contact: the peer stays provisional, and the next contact makes it real.
#[test]
fn a_first_contact_that_fails_can_be_tried_again() {
    for after in 0..6 {
        let mut rig = Rig::new();
        let device = rig.pair(other(0), PeerRole::Own);
        rig.disk.fail_after(after);
        let outcome = rig.replica.connect(device, greeting(), NOW);
        rig.disk.clear_faults();
        if outcome.is_ok() {
            continue;
        }
        rig.replica.recover(NOW).unwrap();
        assert!(rig.replica.secret(&device, NOW).is_some(), "after {after}");
        rig.replica.connect(device, greeting(), NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        rig.reopen();
        assert_eq!(rig.replica.peers().count(), 1, "after {after}");
        assert!(rig.replica.secret(&device, NOW).is_some(), "after {after}");
    }
}

/// A pairing that is renewed counts from the first contact on; until then the one before is kept.
#[test]
fn a_renewed_pairing_takes_the_place_of_the_one_before() {
    let mut rig = Rig::new();
    let peer = rig.meet(other(0), PeerRole::Own, &[]);
    let renewed = || verso_replica::ProvisionalPeer {
        secret: PairSecret::from_bytes([6; 32]),
        ..provisional(peer.device, PeerRole::Own)
    };
    rig.replica.store_provisional(renewed()).unwrap();
    assert_eq!(agreed(&rig, peer.device, NOW), [[6; 32], [5; 32]]);
    let late = Now { wall_ms: NOW.wall_ms + 86_400_000, ..NOW };
    assert_eq!(agreed(&rig, peer.device, late), [[5; 32]], "what nobody completed lapses");
    rig.replica.connect(peer.device, greeting(), NOW).unwrap();
    assert_eq!(agreed(&rig, peer.device, late), [[6; 32]]);
}

#[test]
fn names_and_addresses_that_fit_no_event_are_cut() {
    let mut rig = Rig::new();
    let device = key(other(0)).id();
    let peer = verso_replica::ProvisionalPeer {
        name: format!("{}\u{7}", "ä".repeat(200)),
        addresses: (0..70).map(|port| format!("[::1]:{port}")).chain([String::new(), "x".repeat(400)]).collect(),
        ..provisional(device, PeerRole::Own)
    };
    rig.replica.store_provisional(peer).unwrap();
    rig.replica.connect(device, greeting(), NOW).unwrap();
    let peer = rig.replica.peers().next().unwrap();
    assert_eq!(peer.trusted.display_name, "ä".repeat(128));
    assert_eq!(peer.trusted.addresses.len(), 32);
    let long = "ä".repeat(300);
    let disk = verso_log::MemoryStorage::new(2);
    let (replica, _) = crate::rig::TestReplica::open(disk, key(other(1)), &long, NOW).unwrap();
    assert_eq!(replica.name(), "ä".repeat(128));
}

/// A peer that claims once to speak a version that nobody has is not shut out for good when it no longer does.
#[test]
fn a_version_that_was_only_claimed_binds_nobody() {
    let mut rig = Rig::new();
    let device = rig.pair(other(0), PeerRole::Own);
    let connection = rig.replica.connect(device, greeting(), NOW).unwrap();
    let claim = |max| verso_wire::Message::PeerInfo {
        name: "phone".to_owned(),
        versions: verso_wire::VersionRange { min: 1, max },
        wall_clock_ms: 0,
        addresses: Vec::new(),
    };
    rig.replica.receive(connection, verso_replica::Stream::Control, claim(9), NOW);
    rig.replica.disconnected(connection);
    let connection = rig.replica.connect(device, greeting(), NOW).unwrap();
    rig.replica.receive(connection, verso_replica::Stream::Control, claim(1), NOW);
    rig.sort_effects();
    assert!(crate::peer::stops(&rig.events).is_empty());
}

#[test]
fn nothing_is_kept_of_strangers() {
    let mut rig = Rig::new();
    rig.replica.flush(NOW).unwrap();
    rig.replica.note_reason(key(other(5)).id(), Some(Reason::NotTrusted), NOW);
    assert!(rig.replica.known_devices().is_empty());
    assert!(!rig.replica.needs_flush());
}

/// A renewal that broke off on the other side: the peer proves the older secret, is served, and the renewal waits until it is used or lapses.
#[test]
fn a_peer_that_did_not_complete_a_renewal_is_served_by_the_older_pairing() {
    let mut rig = Rig::new();
    let peer = rig.meet(other(0), PeerRole::Own, &[]);
    let (older, newer) = (PairSecret::from_bytes([5; 32]), PairSecret::from_bytes([6; 32]));
    let renewed = verso_replica::ProvisionalPeer { secret: newer.clone(), ..provisional(peer.device, PeerRole::Own) };
    rig.replica.store_provisional(renewed).unwrap();
    let secrets = |rig: &Rig| agreed(rig, peer.device, NOW);
    assert_eq!(secrets(&rig), [[6; 32], [5; 32]]);
    rig.replica.connect_proven(peer.device, older.generation(), greeting(), NOW).unwrap();
    assert_eq!(secrets(&rig), [[6; 32], [5; 32]], "both still count");
    assert_eq!(rig.replica.provisional_peers(NOW).count(), 1);
    rig.crash(1);
    assert_eq!(secrets(&rig), [[6; 32], [5; 32]]);
    rig.replica.connect_proven(peer.device, newer.generation(), greeting(), NOW).unwrap();
    assert_eq!(secrets(&rig), [[6; 32]], "it was used, so the older is gone");
}

/// Addresses that a peer has are not told again at every contact: only when they changed, and once a day.
#[test]
fn addresses_are_told_when_they_are_news() {
    let mut rig = Rig::new();
    let device = rig.pair(other(0), PeerRole::Own);
    let tells = |rig: &mut Rig, addresses: &[&str], now: Now| {
        rig.now = now;
        let addresses = addresses.iter().map(ToString::to_string).collect();
        let connection = rig.replica.connect(device, Greeting { addresses, mode: Mode::StayOpen }, now).unwrap();
        rig.sort_effects();
        let told = rig.effects.iter().find_map(|effect| match effect {
            verso_replica::Effect::Send { message: verso_wire::Message::PeerInfo { addresses, .. }, .. } => {
                Some(addresses.is_empty())
            }
            _ => None,
        });
        let mut peer = crate::peer::Peer::on(connection, device);
        peer.introduce(rig, &[]);
        peer.listen(rig);
        rig.replica.flush(now).unwrap();
        rig.replica.disconnected(connection);
        !told.unwrap()
    };
    let later = Now { wall_ms: NOW.wall_ms + 86_400_000, ..NOW };
    assert!(tells(&mut rig, &["a", "b"], NOW));
    assert!(!tells(&mut rig, &["a", "b"], NOW));
    assert!(tells(&mut rig, &["a"], NOW));
    assert!(!tells(&mut rig, &["a"], NOW));
    assert!(tells(&mut rig, &["a"], later));
}
