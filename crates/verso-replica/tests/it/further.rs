//! Further devices: what a friend is told of, when, and what it can't bring about by what it tells.

use verso_identity::DeviceId;
use verso_replica::{Effect, Event, Greeting, Now};
use verso_session::Mode;
use verso_trust::{Access, PairingWay, PeerRole};
use verso_wire::{FurtherDevice, Message, Reason};

use crate::peer::{Closed, Peer};
use crate::rig::{NOW, Rig, other};
use crate::writer::key;

/// What a friend may tell of a device.
fn further(device: DeviceId, number: u8) -> FurtherDevice {
    FurtherDevice { device, noise_key: [number; 32], name: format!("device {number}"), addresses: Vec::new() }
}

fn tell(rig: &mut Rig, peer: &mut Peer, mut devices: Vec<FurtherDevice>) {
    devices.sort_by_key(|further| further.device);
    peer.say(rig, Message::Devices { devices });
    rig.replica.flush(rig.now).unwrap();
    peer.listen(rig);
}

fn introduced(rig: &Rig) -> Vec<DeviceId> {
    let peers = rig.replica.peers().map(|peer| peer.trusted);
    peers.filter(|peer| matches!(peer.way, PairingWay::Introduced { .. })).map(|peer| peer.device).collect()
}

#[test]
fn a_friend_s_further_device_is_a_peer_at_once_and_after_a_power_cut() {
    let mut rig = Rig::new();
    let mut friend = rig.meet(other(0), PeerRole::Friend, &[]);
    let tablet = key(other(1)).id();
    tell(&mut rig, &mut friend, vec![further(tablet, 1)]);
    rig.sort_effects();
    assert!(rig.events.iter().any(|event| matches!(event, Event::FurtherDevices { .. })));
    rig.crash(1);
    let peer = rig.replica.trust().peer(&tablet).unwrap();
    assert_eq!((peer.role, peer.noise_key), (PeerRole::Friend, [1; 32]));
    let secrets = [rig.replica.secrets(&tablet, NOW), rig.replica.secrets(&friend.device, NOW)];
    assert_eq!(secrets[0].len(), 1);
    assert!(
        secrets[1].iter().all(|of_friend| of_friend.generation != secrets[0][0].generation),
        "one of the two alone"
    );
    assert!(rig.replica.connect(tablet, Greeting { addresses: Vec::new(), mode: Mode::StayOpen }, NOW).is_ok());
}

#[test]
fn a_friend_claims_nobody_that_is_known_already_and_changes_nothing_about_them() {
    let mut rig = Rig::new();
    let own = rig.meet(other(0), PeerRole::Own, &[]).device;
    let second = rig.meet(other(1), PeerRole::Friend, &[]).device;
    let lost = rig.meet(other(2), PeerRole::Friend, &[]).device;
    rig.replica.forget(lost, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    let mut friend = rig.meet(other(3), PeerRole::Friend, &[]);
    let (before, me) = (rig.replica.trust().peers().collect::<Vec<_>>(), rig.replica.device());
    let secrets = |rig: &Rig| {
        let of =
            |peer: &DeviceId| rig.replica.secrets(peer, NOW).iter().map(|secret| secret.generation).collect::<Vec<_>>();
        [of(&own), of(&second), of(&me), of(&lost)]
    };
    let secrets_before = secrets(&rig);
    let claimed = [me, own, second, lost, friend.device];
    tell(&mut rig, &mut friend, claimed.iter().map(|device| further(*device, 0xee)).collect());
    assert_eq!(friend.closed, Closed::Not);
    assert_eq!(rig.replica.trust().peers().collect::<Vec<_>>(), before);
    assert_eq!(secrets(&rig), secrets_before);
    assert_eq!(rig.replica.trust().role(&own), Some(PeerRole::Own));
    assert_eq!(rig.replica.admits(&lost), Err(Reason::Revoked), "a friend that was forgotten does not come back");
    tell(&mut rig, &mut friend, Vec::new());
    assert_eq!(rig.replica.trust().peers().collect::<Vec<_>>(), before, "nor are they gone with its word");
}

#[test]
fn a_device_that_was_introduced_introduces_nobody() {
    let mut rig = Rig::new();
    let mut friend = rig.meet(other(0), PeerRole::Friend, &[]);
    let (tablet, third) = (key(other(1)).id(), key(other(2)).id());
    tell(&mut rig, &mut friend, vec![further(tablet, 1)]);
    let mut tablet = Peer::connect(&mut rig, tablet, &[]);
    tell(&mut rig, &mut tablet, vec![further(third, 3)]);
    assert_eq!(tablet.closed, Closed::Not);
    assert_eq!(introduced(&rig), [tablet.device]);
    // Nor does it send anybody away.
    tell(&mut rig, &mut tablet, Vec::new());
    assert_eq!(introduced(&rig), [tablet.device]);
    assert!(rig.replica.trust().role(&friend.device).is_some());
}

#[test]
fn what_a_friend_tells_again_and_again_fills_no_log_and_what_is_gone_is_gone_all_the_same() {
    let mut rig = Rig::new();
    let mut friend = rig.meet(other(0), PeerRole::Friend, &[]);
    let held = |rig: &Rig| {
        rig.replica.held(&verso_identity::WorkspaceId::CONTROL).unwrap().iter().map(|(_, seq)| seq.0).sum::<u64>()
    };
    let before = held(&rig);
    let tablet = |number: u64| further(key(other(1)).id(), u8::try_from(number % 251).unwrap());
    for number in 0..100 {
        // As slowly as a session lets it, so as not to be shown out.
        rig.now = Now { wall_ms: rig.now.wall_ms + 16_000, monotonic_ms: rig.now.monotonic_ms + 16_000 };
        tell(&mut rig, &mut friend, vec![tablet(number)]);
    }
    assert_eq!(friend.closed, Closed::Not);
    assert_eq!(held(&rig) - before, 24, "a day's worth");
    assert_eq!(rig.replica.trust().peer(&tablet(0).device).unwrap().noise_key, [23; 32]);
    rig.now.monotonic_ms += 16_000;
    tell(&mut rig, &mut friend, Vec::new());
    assert_eq!(introduced(&rig), []);
    assert_eq!(rig.replica.admits(&tablet(0).device), Err(Reason::Revoked));
    let later = Now { wall_ms: rig.now.wall_ms + 86_400_000, monotonic_ms: rig.now.monotonic_ms + 16_000 };
    rig.now = later;
    tell(&mut rig, &mut friend, vec![tablet(7)]);
    assert_eq!(introduced(&rig), [tablet(7).device], "the next day it is heard again");
}

#[test]
fn a_list_that_says_the_same_is_not_written_again() {
    let mut rig = Rig::new();
    let mut friend = rig.meet(other(0), PeerRole::Friend, &[]);
    let head = |rig: &Rig| rig.replica.head(&verso_identity::WorkspaceId::CONTROL, &rig.replica.author()).unwrap().seq;
    let before = head(&rig);
    tell(&mut rig, &mut friend, Vec::new());
    assert_eq!(head(&rig), before, "of none there is nothing to say");
    for _ in 0..3 {
        tell(&mut rig, &mut friend, vec![further(key(other(1)).id(), 1)]);
    }
    assert_eq!(head(&rig), before.next());
}

/// As addresses: a friend is told at the first contact at which there is something to tell, then when it changes, and once a day.
#[test]
fn further_devices_are_told_when_they_are_news() {
    let (mut rig, workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[]);
    rig.replica.disconnected(own.connection);
    let friend = rig.pair(other(1), PeerRole::Friend);
    let tells = |rig: &mut Rig, now: Now| {
        rig.now = now;
        let greeting = Greeting { addresses: Vec::new(), mode: Mode::StayOpen };
        let connection = rig.replica.connect(friend, greeting, now).unwrap();
        let mut peer = Peer::on(connection, friend);
        peer.introduce(rig, &[]);
        rig.sort_effects();
        let told = devices(&rig.effects);
        peer.listen(rig);
        rig.replica.flush(now).unwrap();
        peer.listen(rig);
        rig.replica.disconnected(connection);
        told
    };
    let later = Now { wall_ms: NOW.wall_ms + 86_400_000, ..NOW };
    assert_eq!(tells(&mut rig, NOW), None, "nothing is shared with it: it is told of nobody");
    rig.replica.share(&workspace, friend, Access::ReadOnly, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(tells(&mut rig, NOW), Some(vec![own.device]));
    assert_eq!(tells(&mut rig, NOW), None);
    rig.replica.unshare(&workspace, own.device, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(tells(&mut rig, NOW), Some(Vec::new()), "it serves the friend no longer");
    assert_eq!(tells(&mut rig, NOW), None);
    assert_eq!(tells(&mut rig, later), Some(Vec::new()));
}

/// The devices that a friend is told of, if it is told of any.
fn devices(effects: &[Effect]) -> Option<Vec<DeviceId>> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send { message: Message::Devices { devices }, .. } => {
            Some(devices.iter().map(|further| further.device).collect())
        }
        _ => None,
    })
}

#[test]
fn while_connected_a_friend_is_told_at_once_and_once_more_at_the_next_contact() {
    let (mut rig, workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[]);
    let friend = rig.meet(other(1), PeerRole::Friend, &[]);
    rig.sort_effects();
    rig.effects.clear();
    rig.replica.share(&workspace, friend.device, Access::ReadOnly, NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.sort_effects();
    assert_eq!(devices(&rig.effects), Some(vec![own.device]));
    rig.replica.disconnected(friend.connection);
    rig.effects.clear();
    rig.replica.connect(friend.device, Greeting { addresses: Vec::new(), mode: Mode::StayOpen }, NOW).unwrap();
    rig.sort_effects();
    assert_eq!(devices(&rig.effects), Some(vec![own.device]), "whether it was read nobody has said");
}
