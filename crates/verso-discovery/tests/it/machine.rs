//! Interfaces come and go, periods end, announcements are taken back or run out, and a flood changes nothing.

use std::net::IpAddr;

use verso_discovery::{ANEW_MS, Input, Mode, Output, PAUSE_MS, PERIOD_MS, PERIOD_SPREAD_MS, STALE_MS};

use crate::rig::{WLAN, announcing, at, connect, device, found, gone, hear, id, joined, received, shared_with, subnet};

const SECRET: u8 = 77;

#[test]
fn an_interface_is_joined_once_and_left_when_it_is_gone() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    assert_eq!(connect(&mut laptop, 1, &[(WLAN, "192.168.1.1/24")]), [], "nothing changed");
    let both = [(WLAN, "192.168.1.1/24"), ("eth0", "10.0.0.5/8")];
    let more: Vec<_> = connect(&mut laptop, 2, &both).into_iter().map(|(interface, _)| interface).collect();
    assert_eq!(more, ["eth0"]);
    laptop.handle(3, Input::Interfaces([("eth0".to_owned(), vec![subnet("10.0.0.5/8")])].into())).unwrap();
    assert_eq!(laptop.poll(), Some(Output::Leave { interface: WLAN.to_owned() }));
    assert_eq!(laptop.poll(), None);
}

#[test]
fn an_interface_without_an_address_to_dial_is_not_joined() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    assert_eq!(connect(&mut laptop, 1, &[(WLAN, "fe80::1/64")]), []);
    let addresses = [(WLAN, "fe80::1/64"), (WLAN, "2001:db8::5/64"), (WLAN, "169.254.3.4/16")];
    let announced = connect(&mut laptop, 2, &addresses)[0].1.clone().unwrap().addresses;
    assert_eq!(announced, ["169.254.3.4", "2001:db8::5"].map(|text| text.parse::<IpAddr>().unwrap()));
}

#[test]
fn each_period_ends_at_another_time_within_its_bounds() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let mut now = 0;
    let mut periods = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let next = laptop.next_ms().unwrap();
        laptop.handle(next - 1, Input::Tick).unwrap();
        assert_eq!(joined(&mut laptop), [], "too early");
        laptop.handle(next, Input::Tick).unwrap();
        assert_eq!(joined(&mut laptop).len(), 1);
        assert!((PERIOD_MS..=PERIOD_MS + PERIOD_SPREAD_MS).contains(&(next - now)));
        periods.insert(next - now);
        now = next;
    }
    assert!(periods.len() > 10, "{periods:?}");
}

#[test]
fn a_goodbye_counts_at_once() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let (_, of_phone) = announcing(2, vec![shared_with(id(1), SECRET)]);
    hear(&mut laptop, 10, &of_phone);
    gone(&mut laptop, 20, "somebody-else");
    assert!(!found(&laptop, id(2)).is_empty());
    gone(&mut laptop, 30, &of_phone.instance.to_ascii_uppercase());
    assert!(found(&laptop, id(2)).is_empty(), "names are the same in capitals");
}

/// The address of the newest announcement comes first, and one that was never taken back runs out.
#[test]
fn what_is_stale_stands_behind_what_is_new_and_runs_out() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let of_phone = |address: &str| {
        let mut phone = device(2, Mode::Announce);
        phone.handle(0, Input::Relationships(vec![shared_with(id(1), SECRET)])).unwrap();
        phone.handle(0, Input::Screen(verso_discovery::PairingScreen::Closed)).unwrap();
        // Another name each time.
        for _ in 0..address.len() + usize::from(address.as_bytes()[address.len() - 4]) {
            connect(&mut phone, 0, &[("eth9", "10.0.0.1/8")]);
            connect(&mut phone, 0, &[]);
        }
        connect(&mut phone, 0, &[(WLAN, address)])[0].1.clone().unwrap()
    };
    let (before, after) = (of_phone("192.168.1.22/24"), of_phone("192.168.1.33/24"));
    assert_ne!(before.instance, after.instance);
    hear(&mut laptop, 1_000, &before);
    hear(&mut laptop, 9_000, &after);
    assert_eq!(found(&laptop, id(2)), [at("192.168.1.33:4242"), at("192.168.1.22:4242")]);
    laptop.handle(1_000 + STALE_MS, Input::Tick).unwrap();
    assert_eq!(found(&laptop, id(2)).len(), 2);
    laptop.handle(1_001 + STALE_MS, Input::Tick).unwrap();
    assert_eq!(found(&laptop, id(2)), [at("192.168.1.33:4242")]);
    laptop.handle(9_001 + STALE_MS, Input::Tick).unwrap();
    assert!(found(&laptop, id(2)).is_empty());
}

#[test]
fn what_was_heard_in_a_network_is_forgotten_with_it() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let (_, of_phone) = announcing(2, vec![shared_with(id(1), SECRET)]);
    hear(&mut laptop, 10, &of_phone);
    connect(&mut laptop, 20, &[(WLAN, "192.168.1.77/24")]);
    assert!(found(&laptop, id(2)).is_empty(), "another address is another network");
    hear(&mut laptop, 30, &of_phone);
    assert!(!found(&laptop, id(2)).is_empty());
    connect(&mut laptop, 40, &[]);
    assert!(found(&laptop, id(2)).is_empty());
    hear(&mut laptop, 50, &of_phone);
    assert!(found(&laptop, id(2)).is_empty(), "an interface that was left tells nothing");
}

#[test]
fn a_peer_on_two_interfaces_has_both_addresses() {
    let mut phone = device(2, Mode::Announce);
    phone.handle(0, Input::Relationships(vec![shared_with(id(1), SECRET)])).unwrap();
    let announced = connect(&mut phone, 0, &[("eth0", "10.0.0.9/8"), (WLAN, "192.168.1.2/24")]);
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    connect(&mut laptop, 1, &[("eth0", "10.0.0.5/8"), (WLAN, "192.168.1.1/24")]);
    for (interface, announcement) in &announced {
        laptop.handle(10, Input::Heard(received(interface, announcement.as_ref().unwrap()))).unwrap();
    }
    assert_eq!(found(&laptop, id(2)), [at("192.168.1.2:4242"), at("10.0.0.9:4242")]);
    connect(&mut laptop, 20, &[("eth0", "10.0.0.5/8")]);
    assert_eq!(found(&laptop, id(2)), [at("10.0.0.9:4242")]);
}

#[test]
fn an_interface_that_failed_is_joined_again_after_a_pause() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    laptop.handle(1_000, Input::Failed { interface: WLAN.to_owned() }).unwrap();
    laptop.handle(1_000, Input::Failed { interface: "eth7".to_owned() }).unwrap();
    assert_eq!(laptop.next_ms(), Some(1_000 + PAUSE_MS));
    assert_eq!(joined(&mut laptop), []);
    laptop.handle(1_000 + PAUSE_MS, Input::Tick).unwrap();
    assert_eq!(joined(&mut laptop).len(), 1);
}

/// New peers have been announcing themselves before they were peers: all is asked for anew.
#[test]
fn new_peers_are_told_and_asked_for_at_once() {
    let (mut laptop, before) = announcing(1, vec![shared_with(id(2), SECRET)]);
    laptop.handle(1, Input::Relationships(vec![shared_with(id(2), SECRET)])).unwrap();
    assert_eq!(joined(&mut laptop), [], "they are the same");
    laptop.handle(2, Input::Relationships(vec![shared_with(id(2), SECRET), shared_with(id(3), SECRET + 1)])).unwrap();
    let after = joined(&mut laptop)[0].1.clone().unwrap();
    assert_ne!(before.instance, after.instance);
    let (mut third, _) = announcing(3, vec![shared_with(id(1), SECRET + 1)]);
    hear(&mut third, 10, &after);
    assert!(!found(&third, id(1)).is_empty());
}

/// Whoever records a peer's announcements and shows them all again makes the machine keep four of them.
#[test]
fn a_flood_costs_no_memory() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), SECRET)]);
    let (mut stranger, _) = announcing(9, vec![shared_with(id(8), 1)]);
    let (mut phone, _) = announcing(2, vec![shared_with(id(1), SECRET)]);
    for round in 0..500_u64 {
        for device in [&mut stranger, &mut phone] {
            connect(device, round, &[]);
            let mut announcement = connect(device, round, &[(WLAN, "192.168.1.2/24")])[0].1.clone().unwrap();
            announcement.addresses =
                (0..200).map(|last| IpAddr::from([10, 1, u8::try_from(round % 250).unwrap(), last])).collect();
            hear(&mut laptop, round, &announcement);
        }
    }
    let addresses = found(&laptop, id(2));
    assert_eq!(addresses.len(), 4 * verso_discovery::MAX_ADDRESSES);
    assert_eq!(laptop.neighbours().peers.len(), 1);
    assert!(format!("{laptop:?}").len() < 20_000, "nothing else is kept");
}

/// A goodbye that is said between one listener and the next is heard by neither.
#[test]
fn what_is_not_heard_again_after_joining_anew_counts_no_more() {
    let mut laptop = device(1, Mode::Announce);
    let peers = |secret| vec![shared_with(id(2), 7), shared_with(id(3), 8), shared_with(id(4), secret)];
    laptop.handle(0, Input::Relationships(peers(9))).unwrap();
    connect(&mut laptop, 0, &[(WLAN, "192.168.1.1/24")]);
    let of_phone = announcing(2, vec![shared_with(id(1), 7)]).1;
    let of_tablet = announcing(3, vec![shared_with(id(1), 8)]).1;
    hear(&mut laptop, 10, &of_phone);
    hear(&mut laptop, 10, &of_tablet);
    laptop.handle(1_000, Input::Relationships(peers(10))).unwrap();
    hear(&mut laptop, 1_500, &of_phone);
    assert_eq!(laptop.next_ms(), Some(1_000 + ANEW_MS));
    laptop.handle(999 + ANEW_MS, Input::Tick).unwrap();
    assert!(!found(&laptop, id(3)).is_empty(), "it has yet to answer");
    laptop.handle(1_000 + ANEW_MS, Input::Tick).unwrap();
    assert!(found(&laptop, id(3)).is_empty());
    assert!(!found(&laptop, id(2)).is_empty(), "it has answered");
}
