//! Addresses that somebody announces: only those of local networks are dialled.

use proptest::prelude::*;
use verso_discovery::{Announcement, Subnet};

use crate::rig::{announcing, at, connect, found, hear, id, ip, shared_with, subnet};

fn of_phone(addresses: &[&str]) -> Announcement {
    let (_, mut announcement) = announcing(2, vec![shared_with(id(1), 7)]);
    announcement.addresses = addresses.iter().map(|address| ip(address)).collect();
    announcement
}

#[test]
fn addresses_beyond_local_networks_are_not_dialled() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), 7)]);
    let nowhere = of_phone(&[
        "1.1.1.1",
        "8.8.8.8",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.251",
        "127.0.0.1",
        "::",
        "::1",
        "ff02::fb",
        "fe80::1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "100.128.0.1",
        "172.32.0.1",
    ]);
    hear(&mut laptop, 10, &nowhere);
    assert!(found(&laptop, id(2)).is_empty());
    let private = of_phone(&["10.9.8.7", "172.31.0.1", "192.168.77.1", "169.254.9.9", "100.64.0.1", "fd00::7"]);
    hear(&mut laptop, 20, &private);
    assert_eq!(found(&laptop, id(2)).len(), 6, "a private network behind this one, as reflectors tell of");
    hear(&mut laptop, 30, &of_phone(&["::ffff:192.168.1.2", "192.168.1.2"]));
    assert_eq!(found(&laptop, id(2)), [at("192.168.1.2:4242")], "one address in two forms");
}

#[test]
fn public_addresses_count_in_their_own_network() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), 7)]);
    connect(&mut laptop, 1, &[("wlan0", "198.51.100.5/24"), ("wlan0", "2001:db8::5/64")]);
    hear(&mut laptop, 10, &of_phone(&["198.51.100.9", "198.51.101.9", "2001:db8::9", "2001:db8:0:1::9"]));
    assert_eq!(found(&laptop, id(2)), [at("198.51.100.9:4242"), at("[2001:db8::9]:4242")]);
}

#[test]
fn an_announcement_whose_addresses_are_gone_counts_no_more() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), 7)]);
    hear(&mut laptop, 10, &of_phone(&["192.168.1.2"]));
    hear(&mut laptop, 20, &of_phone(&["8.8.8.8"]));
    assert!(found(&laptop, id(2)).is_empty());
}

#[test]
fn prefixes() {
    for (network, address, contained) in [
        ("10.0.0.1/8", "10.255.0.1", true),
        ("10.0.0.1/8", "11.0.0.1", false),
        ("10.0.0.1/0", "11.0.0.1", true),
        ("10.0.0.1/32", "10.0.0.1", true),
        ("10.0.0.1/32", "10.0.0.2", false),
        ("10.0.0.1/255", "10.0.0.1", true),
        ("2001:db8::1/64", "2001:db8::ffff", true),
        ("2001:db8::1/64", "2001:db8:0:1::1", false),
        ("2001:db8::1/0", "10.0.0.1", false),
    ] {
        let subnet = match network.split_once('/').unwrap() {
            (address, "255") => Subnet { address: ip(address), prefix: 255 },
            _ => subnet(network),
        };
        assert_eq!(subnet.contains(ip(address)), contained, "{address} in {network}");
    }
}

proptest! {
    #[test]
    fn a_network_contains_what_shares_its_first_bits(address in any::<u32>(), other in any::<u32>(), prefix in 0_u8..=32) {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let subnet = Subnet { address: std::net::Ipv4Addr::from(address).into(), prefix };
        let contains = subnet.contains(std::net::Ipv4Addr::from(other).into());
        prop_assert_eq!(contains, address & mask == other & mask);
    }
}
