//! Devices that hear each other's announcements without any network.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use verso_discovery::{
    Announcement, Discovery, Input, Mode, Output, PairingScreen, Profile, Received, Relationship, Subnet,
};
use verso_identity::{DeviceId, Name};
use zeroize::Zeroizing;

pub(crate) const WLAN: &str = "wlan0";
pub(crate) const PORT: u16 = 4_242;

pub(crate) fn id(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 32])
}

/// The secret of a pair, the same for both.
pub(crate) fn shared_with(peer: DeviceId, secret: u8) -> Relationship {
    Relationship::new(peer, Zeroizing::new([secret; 32]))
}

pub(crate) fn subnet(text: &str) -> Subnet {
    let (address, prefix) = text.split_once('/').unwrap();
    Subnet { address: address.parse().unwrap(), prefix: prefix.parse().unwrap() }
}

pub(crate) fn device(number: u8, mode: Mode) -> Discovery {
    Discovery::new(Profile { device: id(number), port: PORT, mode }, Zeroizing::new([number; 32]))
}

/// A device on `wlan0` at 192.168.1.`number`, with these peers; what it announces there.
pub(crate) fn announcing(number: u8, relationships: Vec<Relationship>) -> (Discovery, Announcement) {
    let mut device = device(number, Mode::Announce);
    device.handle(0, Input::Relationships(relationships)).unwrap();
    let announcement = connect(&mut device, 0, &[(WLAN, &format!("192.168.1.{number}/24"))]);
    (device, announcement[0].1.clone().unwrap())
}

/// Puts a device into networks; what it announces because of that, by interface.
pub(crate) fn connect(
    device: &mut Discovery,
    now_ms: u64,
    interfaces: &[(&str, &str)],
) -> Vec<(String, Option<Announcement>)> {
    let mut wanted: BTreeMap<String, Vec<Subnet>> = BTreeMap::new();
    for (name, address) in interfaces {
        wanted.entry((*name).to_owned()).or_default().push(subnet(address));
    }
    device.handle(now_ms, Input::Interfaces(wanted)).unwrap();
    joined(device)
}

/// What the device announces from now on, by interface.
pub(crate) fn joined(device: &mut Discovery) -> Vec<(String, Option<Announcement>)> {
    let outputs = std::iter::from_fn(|| device.poll());
    let joins = outputs.filter_map(|output| match output {
        Output::Join { interface, announcement } => Some((interface, announcement)),
        _ => None,
    });
    joins.collect()
}

pub(crate) fn received(interface: &str, announcement: &Announcement) -> Received {
    Received {
        interface: interface.to_owned(),
        instance: announcement.instance.clone(),
        addresses: announcement.addresses.clone(),
        txt: announcement.txt(),
    }
}

/// Lets a device hear an announcement on `wlan0`.
pub(crate) fn hear(device: &mut Discovery, now_ms: u64, announcement: &Announcement) {
    device.handle(now_ms, Input::Heard(received(WLAN, announcement))).unwrap();
}

pub(crate) fn gone(device: &mut Discovery, now_ms: u64, instance: &str) {
    device.handle(now_ms, Input::Gone { interface: WLAN.to_owned(), instance: instance.to_owned() }).unwrap();
}

/// Where a device would dial a peer.
pub(crate) fn found(device: &Discovery, peer: DeviceId) -> Vec<SocketAddr> {
    device.neighbours().peers.remove(&peer).unwrap_or_default()
}

pub(crate) fn open_screen(name: &str) -> Input {
    Input::Screen(PairingScreen::Open(Name::lossy(name)))
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
