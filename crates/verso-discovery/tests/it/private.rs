//! A listener who shares no secret with a device learns nothing that would tell it from others.

use std::collections::BTreeSet;

use verso_discovery::{Announcement, DECOY_PORT, Discovery, Input, Mode, PERIOD_MS, PERIOD_SPREAD_MS, SLOTS};

use crate::rig::{PORT, connect, device, id, joined, open_screen, shared_with};

const LONGEST_PERIOD_MS: u64 = PERIOD_MS + PERIOD_SPREAD_MS;

/// Every run of 4 bytes that an announcement has anywhere, but for its format: the version and the keys.
fn fragments(announcement: &Announcement) -> BTreeSet<Vec<u8>> {
    let texts = [announcement.instance.as_bytes(), announcement.host.as_bytes()];
    let values = announcement.strings.iter().skip(1).map(|(_, value)| value.as_slice());
    texts.into_iter().chain(values).flat_map(|bytes| bytes.windows(4).map(<[u8]>::to_vec)).collect()
}

fn laptop() -> Discovery {
    let mut laptop = device(1, Mode::Announce);
    laptop.handle(0, Input::Relationships(vec![shared_with(id(2), 7), shared_with(id(3), 8)])).unwrap();
    laptop
}

/// On two interfaces at once, after a period, after a change of the address, of the network, of the peers, of the screen.
fn announcements() -> Vec<Announcement> {
    let mut laptop = laptop();
    let mut all = connect(&mut laptop, 0, &[("eth0", "10.0.0.5/8"), ("wlan0", "192.168.1.1/24")]);
    laptop.handle(LONGEST_PERIOD_MS, Input::Tick).unwrap();
    all.extend(joined(&mut laptop));
    all.extend(connect(&mut laptop, LONGEST_PERIOD_MS, &[("eth0", "10.0.0.5/8"), ("wlan0", "192.168.1.2/24")]));
    all.extend(connect(&mut laptop, LONGEST_PERIOD_MS, &[("eth0", "10.0.0.5/8"), ("wlan0", "172.16.3.9/12")]));
    laptop.handle(LONGEST_PERIOD_MS, Input::Relationships(vec![shared_with(id(2), 7)])).unwrap();
    all.extend(joined(&mut laptop));
    laptop.handle(LONGEST_PERIOD_MS, open_screen("laptop")).unwrap();
    let _shown_in_the_clear = joined(&mut laptop);
    laptop.handle(LONGEST_PERIOD_MS, Input::Screen(verso_discovery::PairingScreen::Closed)).unwrap();
    all.extend(joined(&mut laptop));
    all.into_iter().map(|(_, announcement)| announcement.unwrap()).collect()
}

#[test]
fn two_announcements_of_a_device_have_nothing_in_common() {
    let all = announcements();
    assert_eq!(all.len(), 10);
    for (index, one) in all.iter().enumerate() {
        for other in all.iter().skip(index + 1) {
            let (one, other) = (fragments(one), fragments(other));
            let common: Vec<_> = one.intersection(&other).collect();
            assert_eq!(common, [&[0_u8; 0]; 0], "an announcement repeats what another said");
        }
    }
}

#[test]
fn announcements_tell_neither_name_nor_id_nor_port() {
    let fingerprint = id(1).fingerprint();
    let secrets: [&[u8]; 5] = [&[1; 4], b"laptop", &PORT.to_be_bytes(), &PORT.to_le_bytes(), fingerprint.as_bytes()];
    let seen = |bytes: &[u8], secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    for announcement in announcements() {
        let txt = announcement.txt();
        for secret in secrets {
            // Two bytes stand somewhere by chance, in one of ten records.
            let is_short = secret.len() == 2;
            assert!(is_short || !seen(&txt, secret), "{secret:?}");
        }
        assert!(!seen(announcement.host.as_bytes(), b"laptop") && !seen(announcement.instance.as_bytes(), b"laptop"));
    }
    // The port stands nowhere by more than chance, at no fixed place.
    let records: Vec<Vec<u8>> = announcements().iter().map(Announcement::txt).collect();
    for at in 0..records[0].len() - 1 {
        assert!(!records.iter().all(|record| record[at..at + 2] == PORT.to_be_bytes()), "the port stands at {at}");
    }
    assert_ne!(DECOY_PORT, PORT);
}

#[test]
fn the_number_of_peers_does_not_show() {
    let form = |count: u8| {
        let mut device = device(1, Mode::Announce);
        let peers = (0..count).map(|number| shared_with(id(100 + number), number)).collect();
        device.handle(0, Input::Relationships(peers)).unwrap();
        let announcement = connect(&mut device, 0, &[("wlan0", "192.168.1.1/24")])[0].1.clone().unwrap();
        let lengths: Vec<_> = announcement.strings.iter().map(|(key, value)| (*key, value.len())).collect();
        (announcement.instance.len(), announcement.host.len(), lengths)
    };
    let alone = form(1);
    assert_eq!(alone, (16, 16, vec![("v", 1), ("s", 16), ("a", SLOTS * 5), ("b", SLOTS * 5)]));
    for count in [2, 31, 32, 33, 60] {
        assert_eq!(form(count), alone, "{count} peers");
    }
}

#[test]
fn who_has_no_peers_says_nothing() {
    let mut lonely = device(1, Mode::Announce);
    assert_eq!(connect(&mut lonely, 0, &[("wlan0", "192.168.1.1/24")]), [("wlan0".to_owned(), None)]);
    lonely.handle(1, Input::Relationships(vec![shared_with(id(2), 7)])).unwrap();
    assert!(joined(&mut lonely)[0].1.is_some());
}

#[test]
fn who_only_listens_says_nothing_and_finds() {
    let mut listener = device(2, Mode::Listen);
    listener.handle(0, Input::Relationships(vec![shared_with(id(1), 7)])).unwrap();
    assert_eq!(connect(&mut listener, 0, &[("wlan0", "192.168.1.2/24")]), [("wlan0".to_owned(), None)]);
    let mut laptop = laptop();
    let of_laptop = connect(&mut laptop, 0, &[("wlan0", "192.168.1.1/24")])[0].1.clone().unwrap();
    crate::rig::hear(&mut listener, 10, &of_laptop);
    assert_eq!(crate::rig::found(&listener, id(1)), [crate::rig::at("192.168.1.1:4242")]);
    listener.handle(20, open_screen("listener")).unwrap();
    assert_eq!(joined(&mut listener), [("wlan0".to_owned(), None)], "not even then");
}
