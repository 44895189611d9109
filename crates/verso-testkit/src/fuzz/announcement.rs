//! Announcements on the local network: records that anybody there may have made.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use verso_discovery::{
    Discovery, Heard, Input, MAX_ADDRESSES, Mode, Output, PairingScreen, Profile, Received, Relationship, Subnet,
};
use verso_identity::{DeviceId, Name};
use zeroize::Zeroizing;

use crate::fuzz::Bytes;

const OWN: DeviceId = DeviceId::from_bytes([1; 32]);
const PEER: DeviceId = DeviceId::from_bytes([2; 32]);
const INTERFACES: [&str; 2] = ["eth0", "wlan0"];
const SUBNET: Subnet = Subnet { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), prefix: 24 };

/// Reads `input` as a TXT record; then lets a device live through what it chooses: networks, goodbyes, time, screens, and a peer's announcements, whole,
/// changed, and with any addresses.
///
/// # Panics
/// If more is kept than a few announcements, an address beyond local networks would be dialled, or a stranger is taken for the peer.
pub fn announcement(input: &[u8]) {
    if let Ok(heard) = Heard::decode(input) {
        assert!(heard.recognise(&[shared_with(PEER)]).is_empty(), "by chance nobody is recognised");
    }
    let mut choices = Bytes::new(input);
    let mut device = device(OWN, PEER);
    let mut announced = announcements(&mut device);
    let mut peer = self::device(PEER, OWN);
    announced.extend(announcements(&mut peer));
    let mut now_ms = 0;
    while !choices.is_empty() {
        let interface = INTERFACES[choices.below(2)].to_owned();
        let input = match choices.below(8) {
            0 => {
                now_ms += u64::from(choices.word()) * 100;
                Input::Tick
            }
            1 => Input::Interfaces(networks(choices.below(3))),
            2 => Input::Failed { interface },
            3 => Input::Screen(PairingScreen::Open(Name::lossy(&String::from_utf8_lossy(choices.take(9))))),
            4 => Input::Gone { interface, instance: choices.below(4).to_string() },
            _ => Input::Heard(received(&mut choices, interface, &announced)),
        };
        // What is no announcement is an error and changes nothing.
        device.handle(now_ms, input).unwrap_or_default();
        while device.poll().is_some() {}
        let neighbours = device.neighbours();
        assert!(neighbours.peers.keys().all(|found| *found == PEER), "a stranger is taken for a peer");
        let screens: usize = neighbours.screens.iter().map(|screen| screen.addresses.len()).sum();
        assert!(screens <= 32 * MAX_ADDRESSES);
        let addresses: Vec<_> = neighbours.peers.into_values().flatten().collect();
        assert!(addresses.len() <= 4 * MAX_ADDRESSES);
        assert!(addresses.iter().all(|address| is_local(address.ip()) && address.port() != 0));
    }
}

fn shared_with(peer: DeviceId) -> Relationship {
    Relationship::new(peer, Zeroizing::new([7; 32]))
}

fn device(own: DeviceId, peer: DeviceId) -> Discovery {
    let profile = Profile { device: own, port: 4_242, mode: Mode::Announce };
    let mut device = Discovery::new(profile, Zeroizing::new(*own.as_bytes()));
    device.handle(0, Input::Relationships(vec![shared_with(peer)])).unwrap_or_default();
    device.handle(0, Input::Interfaces(networks(2))).unwrap_or_default();
    device
}

fn networks(count: usize) -> BTreeMap<String, Vec<Subnet>> {
    INTERFACES.iter().take(count).map(|name| ((*name).to_owned(), vec![SUBNET])).collect()
}

/// The records that a device announces.
fn announcements(device: &mut Discovery) -> Vec<Vec<u8>> {
    let outputs = std::iter::from_fn(|| device.poll());
    let records = outputs.filter_map(|output| match output {
        Output::Join { announcement, .. } => announcement.map(|announcement| announcement.txt()),
        _ => None,
    });
    records.collect()
}

/// An announcement of one of the two devices, perhaps with a changed byte, from addresses that are chosen.
fn received(choices: &mut Bytes<'_>, interface: String, announced: &[Vec<u8>]) -> Received {
    let mut txt = announced.get(choices.below(announced.len())).cloned().unwrap_or_default();
    let at = choices.below(2 * txt.len());
    if let Some(byte) = txt.get_mut(at) {
        *byte = choices.byte();
    }
    let count = choices.below(4);
    let addresses = (0..count).map(|_| IpAddr::from([choices.byte(), choices.byte(), choices.byte(), 9])).collect();
    Received { interface, instance: choices.below(4).to_string(), addresses, txt }
}

fn is_local(address: IpAddr) -> bool {
    let IpAddr::V4(v4) = address else { return false };
    let is_shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
    SUBNET.contains(address) || v4.is_private() || v4.is_link_local() || is_shared
}
