//! Who shares a secret recognises the announcer, and nobody else does.

use proptest::prelude::*;
use verso_discovery::{Heard, Input, Mode, Relationship, SLOTS};
use zeroize::Zeroizing;

use crate::rig::{announcing, at, connect, device, found, hear, id, shared_with};

const SECRET: u8 = 77;

#[test]
fn two_that_share_a_secret_find_each_other() {
    let (mut laptop, of_laptop) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let (mut phone, of_phone) = announcing(2, vec![shared_with(id(1), SECRET)]);
    hear(&mut laptop, 10, &of_phone);
    hear(&mut phone, 10, &of_laptop);
    assert_eq!(found(&laptop, id(2)), [at("192.168.1.2:4242")]);
    assert_eq!(found(&phone, id(1)), [at("192.168.1.1:4242")]);
}

#[test]
fn a_stranger_recognises_nobody() {
    let (_laptop, of_laptop) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let (mut stranger, _) = announcing(3, vec![shared_with(id(1), SECRET + 1), shared_with(id(2), SECRET + 2)]);
    hear(&mut stranger, 10, &of_laptop);
    assert!(stranger.neighbours().peers.is_empty());
}

#[test]
fn a_former_friend_recognises_nobody() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET), shared_with(id(3), SECRET + 1)]);
    let (mut former, of_former) = announcing(3, vec![shared_with(id(1), SECRET + 1)]);
    hear(&mut laptop, 10, &of_former);
    assert_eq!(found(&laptop, id(3)), [at("192.168.1.3:4242")]);

    laptop.handle(20, Input::Relationships(vec![shared_with(id(2), SECRET)])).unwrap();
    assert!(found(&laptop, id(3)).is_empty(), "what was heard of it is forgotten");
    let renewed = crate::rig::joined(&mut laptop)[0].1.clone().unwrap();
    hear(&mut former, 30, &renewed);
    assert!(former.neighbours().peers.is_empty());
}

/// A device's own announcement, thrown back at it from another host, is not its peer's: it would dial there, and tell whom it looks for.
#[test]
fn a_device_is_not_deceived_by_its_own_announcement() {
    let (mut laptop, of_laptop) = announcing(1, vec![shared_with(id(2), SECRET)]);
    hear(&mut laptop, 10, &of_laptop);
    assert!(laptop.neighbours().peers.is_empty());
}

#[test]
fn members_of_a_group_tell_each_other_apart() {
    let others =
        |own: u8| (1..=4).filter(|number| *number != own).map(|number| shared_with(id(number), SECRET)).collect();
    let announcements: Vec<_> = (1..=4).map(|number| announcing(number, others(number)).1).collect();
    let (mut third, _) = announcing(3, others(3));
    for announcement in &announcements {
        hear(&mut third, 10, announcement);
    }
    let neighbours = third.neighbours();
    assert_eq!(neighbours.peers.keys().copied().collect::<Vec<_>>(), [id(1), id(2), id(4)]);
    assert_eq!(found(&third, id(4)), [at("192.168.1.4:4242")]);
}

#[test]
fn either_of_two_secrets_with_one_peer_does() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET), shared_with(id(2), SECRET + 1)]);
    for secret in [SECRET, SECRET + 1] {
        let (_, of_phone) = announcing(2, vec![shared_with(id(1), secret)]);
        hear(&mut laptop, 10, &of_phone);
        assert_eq!(found(&laptop, id(2)), [at("192.168.1.2:4242")]);
        crate::rig::gone(&mut laptop, 20, &of_phone.instance);
        assert!(found(&laptop, id(2)).is_empty());
    }
}

/// A secret that a removed device has too is good to recognise those who haven't heard of the removal, and is announced by no more.
#[test]
fn by_a_silent_secret_a_peer_is_found_and_finds_nobody() {
    let silent = || shared_with(id(2), SECRET).silent();
    let (mut laptop, of_laptop) = announcing(1, vec![silent(), shared_with(id(3), SECRET + 1)]);
    let (mut phone, of_phone) = announcing(2, vec![shared_with(id(1), SECRET)]);
    hear(&mut laptop, 10, &of_phone);
    assert_eq!(found(&laptop, id(2)), [at("192.168.1.2:4242")]);
    hear(&mut phone, 10, &of_laptop);
    assert!(phone.neighbours().peers.is_empty());
    // With nothing else there is nothing to announce.
    let mut quiet = device(1, Mode::Announce);
    quiet.handle(0, Input::Relationships(vec![silent()])).unwrap();
    assert_eq!(connect(&mut quiet, 0, &[("wlan0", "192.168.1.1/24")]), [("wlan0".to_owned(), None)]);
    // What was silent is not any more: that is another announcement.
    quiet.handle(1, Input::Relationships(vec![shared_with(id(2), SECRET)])).unwrap();
    let told = crate::rig::joined(&mut quiet)[0].1.clone().unwrap();
    hear(&mut phone, 20, &told);
    assert_eq!(found(&phone, id(1)), [at("192.168.1.1:4242")]);
}

/// The one-time endpoint of six words stands in the same announcement: who has the words finds it, at its own port, and nobody learns whose it is.
#[test]
fn a_door_is_found_by_who_has_its_secret_and_leads_to_nobody() {
    let (door, words) = (id(50), SECRET + 2);
    let to_door = Relationship::door(door, 777, Zeroizing::new([words; 32]));
    let (mut laptop, of_laptop) = announcing(1, vec![to_door, shared_with(id(2), SECRET)]);
    let mut joiner = device(9, Mode::Listen);
    joiner.handle(0, Input::Relationships(vec![shared_with(door, words).silent()])).unwrap();
    connect(&mut joiner, 0, &[("wlan0", "192.168.1.9/24")]);
    hear(&mut joiner, 10, &of_laptop);
    assert_eq!(joiner.neighbours().peers, [(door, vec![at("192.168.1.1:777")])].into());
    let (mut phone, _) = announcing(2, vec![shared_with(id(1), SECRET)]);
    hear(&mut phone, 10, &of_laptop);
    assert_eq!(phone.neighbours().peers, [(id(1), vec![at("192.168.1.1:4242")])].into());
    // A peer that is paired anew is found under both names at once.
    phone
        .handle(20, Input::Relationships(vec![shared_with(id(1), SECRET), shared_with(door, words).silent()]))
        .unwrap();
    hear(&mut phone, 20, &of_laptop);
    assert_eq!(phone.neighbours().peers.keys().copied().collect::<Vec<_>>(), [id(1), door]);
    // Its own announcement leads a device nowhere.
    hear(&mut laptop, 10, &of_laptop);
    assert!(laptop.neighbours().peers.is_empty());
}

/// With more peers than slots the first have one; the others are found by this device, and so both meet.
#[test]
fn of_too_many_peers_the_first_are_told_and_all_are_found() {
    let many = u8::try_from(SLOTS).unwrap() + 8;
    let peers = (0..many).map(|number| shared_with(id(100 + number), number)).collect();
    let (mut laptop, of_laptop) = announcing(1, peers);
    for number in 0..many {
        let mut peer = device(100 + number, Mode::Announce);
        peer.handle(0, Input::Relationships(vec![shared_with(id(1), number)])).unwrap();
        let of_peer = connect(&mut peer, 0, &[("wlan0", "192.168.1.9/24")])[0].1.clone().unwrap();
        hear(&mut peer, 10, &of_laptop);
        assert_eq!(!found(&peer, id(1)).is_empty(), usize::from(number) < SLOTS, "peer {number}");
        hear(&mut laptop, 10, &of_peer);
        assert!(!found(&laptop, id(100 + number)).is_empty(), "peer {number}");
    }
}

proptest! {
    /// Whatever the secrets are: who has one finds its announcer and no other, with the right port.
    #[test]
    fn who_has_the_secret_finds_and_nobody_else(
        secrets in prop::collection::btree_set(any::<[u8; 32]>(), 2..6),
        port in 1_u16..,
        seed in any::<[u8; 32]>(),
    ) {
        let secrets: Vec<[u8; 32]> = secrets.into_iter().collect();
        let relationship = |peer, secret: &[u8; 32]| Relationship::new(id(peer), Zeroizing::new(*secret));
        let profile = verso_discovery::Profile { device: id(1), port, mode: Mode::Announce };
        let mut announcer = verso_discovery::Discovery::new(profile, Zeroizing::new(seed));
        let (last, known) = secrets.split_last().unwrap();
        announcer.handle(0, Input::Relationships(known.iter().map(|secret| relationship(2, secret)).collect())).unwrap();
        let announcement = connect(&mut announcer, 0, &[("wlan0", "192.168.1.1/24")])[0].1.clone().unwrap();
        let heard = Heard::decode(&announcement.txt()).unwrap();
        for secret in known {
            prop_assert_eq!(heard.recognise(&[relationship(9, last), relationship(1, secret)]), [(id(1), port)].into());
            prop_assert_eq!(heard.recognise(&[relationship(9, secret)]), [].into(), "another device of the same secret");
        }
        prop_assert_eq!(heard.recognise(&[relationship(1, last)]), [].into());
    }
}
